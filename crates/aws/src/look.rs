//! What can be found out about a bucket, a bus and a clock before anything is deployed on them or traded with them.
//!
//! A look reads, and creates one object under `probe/`, as every function does on its first invocation.

use alchemiser_driver::accept;
use aws_sdk_eventbridge::Client as Events;
use jiff::SignedDuration;

use crate::{failure::Failure, place::Place, policy, store::S3Store};

/// The most by which this machine's clock may differ: what the controls allow between it and the broker's.
const SKEW_MAX: SignedDuration = SignedDuration::from_millis(500);

/// Readings of the other clock, which tells whole seconds.
const READINGS: usize = 8;

/// Between two of them: together they see where a second ends.
const BETWEEN: std::time::Duration = std::time::Duration::from_millis(130);

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// What.
    pub what: &'static str,
    /// `OK`, or the stable code of what is wrong.
    pub code: &'static str,
    /// What was found.
    pub said: String,
    /// What to do about it; empty when nothing is wrong.
    pub mend: String,
}

fn good(what: &'static str, said: impl Into<String>) -> Look {
    Look { what, code: "OK", said: said.into(), mend: String::new() }
}

fn wrong(what: &'static str, code: &'static str, said: String, mend: impl Into<String>) -> Look {
    Look { what, code, said, mend: mend.into() }
}

/// Whether a bucket can keep an execution log: it is there, it keeps versions, it creates a key once, and nobody can
/// remove or replace what is written.
pub async fn bucket(store: &S3Store) -> Vec<Look> {
    let place = store.place();
    let versioning = match store.versioning().await {
        Ok(versioning) => versioning,
        Err(error) => {
            return vec![wrong(
                "bucket",
                "BUCKET_UNREACHABLE",
                format!("expected to read {place}, found: {error}"),
                "check the name, AWS_REGION, the credentials, and the rights s3:ListBucket and s3:GetBucketVersioning",
            )];
        }
    };
    let mut looks = vec![good("bucket", format!("{place} answers"))];
    looks.push(match versioning {
        None => good("versions", "every version of an object is kept"),
        Some(found) => wrong(
            "versions",
            "BUCKET_UNVERSIONED",
            format!("expected versioning Enabled, found {found}"),
            format!(
                "aws s3api put-bucket-versioning --bucket {} --versioning-configuration Status=Enabled",
                place.bucket()
            ),
        ),
    });
    looks.push(match accept::probe(store).await {
        Ok(()) => good("creation", "a key is created once"),
        Err(error) => wrong(
            "creation",
            "BUCKET_REPLACES",
            format!("expected the second creation of a key to be refused, found: {error}"),
            "use a bucket of S3 itself (not a work-alike), with the right s3:PutObject on probe/*",
        ),
    });
    looks.push(protection(store, place).await);
    looks
}

async fn protection(store: &S3Store, place: &Place) -> Look {
    let mend =
        "deploy infra/template.yaml, whose policy denies it, or put that policy on the bucket";
    let found = match store.policy().await {
        Ok(Some(text)) => policy::gaps(&text, place),
        Ok(None) => vec!["no policy at all".to_owned()],
        Err(error) => {
            let said = format!("expected to read the bucket's policy, found: {error}");
            return wrong(
                "policy",
                "BUCKET_POLICY_UNREADABLE",
                said,
                "use credentials with the right s3:GetBucketPolicy",
            );
        }
    };
    if found.is_empty() {
        return good("policy", "what is written can be neither replaced nor removed");
    }
    let said =
        format!("expected a policy that protects logs and ledgers, found {}", found.join(", "));
    wrong("policy", "BUCKET_OPEN", said, mend)
}

/// Whether the bus is there, and is no one's to publish plans on but its listed publishers'.
pub async fn bus(client: &Events, name: &str) -> Look {
    let answer = match client.describe_event_bus().name(name).send().await {
        Ok(answer) => answer,
        Err(error) => {
            let said = format!("expected a bus {name}, found: {}", Failure::of(&error));
            let mend = "check the name (the stack's output BusName), AWS_REGION, and the right events:DescribeEventBus";
            return wrong("bus", "BUS_UNREACHABLE", said, mend);
        }
    };
    if answer.policy().is_some_and(policy::guards_plans) {
        return good("bus", format!("{name} takes plans from its listed publishers only"));
    }
    let said = format!(
        "expected {name} to deny RebalancePlanned to all but listed publishers, found no such statement: whoever can publish a plan can trade"
    );
    wrong("bus", "BUS_OPEN", said, "deploy infra/template.yaml with PlanPublishers")
}

/// How far this machine's clock is from S3's.
pub async fn clock(store: &S3Store) -> Look {
    let mut offset: Option<Offset> = None;
    for reading in 0..READINGS {
        if reading > 0 {
            tokio::time::sleep(BETWEEN).await;
        }
        let Some(next) = store.told().await else { continue };
        offset = Some(offset.map_or(next, |offset| offset.and(next)));
    }
    let Some(offset) = offset else {
        let said = "expected S3 to tell its time, found that it does not".to_owned();
        return wrong("clock", "CLOCK_UNKNOWN", said, "look again; see what `bucket` says");
    };
    let said = format!("{} to {} ms from S3's", offset.least.as_millis(), offset.most.as_millis());
    if offset.is_within(SKEW_MAX) {
        return good("clock", said);
    }
    let said = format!(
        "expected at most {} ms between this machine's clock and S3's, found {said}",
        SKEW_MAX.as_millis()
    );
    wrong(
        "clock",
        "CLOCK_SKEW",
        said,
        "set the clock, and let NTP keep it (chronyd, systemd-timesyncd)",
    )
}

/// What is known of how far this machine's clock is ahead of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Offset {
    pub(crate) least: SignedDuration,
    pub(crate) most: SignedDuration,
}

impl Offset {
    /// What both say. Clocks that were set meanwhile agree on nothing; then the newer one is taken.
    fn and(self, newer: Self) -> Self {
        let both = Self { least: self.least.max(newer.least), most: self.most.min(newer.most) };
        if both.least <= both.most { both } else { newer }
    }

    /// It may be within a bound.
    fn is_within(self, bound: SignedDuration) -> bool {
        self.least <= bound && self.most >= -bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(least: i64, most: i64) -> Offset {
        let millis = SignedDuration::from_millis;
        Offset { least: millis(least), most: millis(most) }
    }

    /// Each reading says a second; together they say more.
    #[test]
    fn readings_narrow_each_other() {
        let check = |first: Offset, second: Offset, both: Offset, within: bool| {
            assert_eq!(first.and(second), both);
            assert_eq!(both.is_within(SKEW_MAX), within, "{both:?}");
        };
        check(offset(-900, 120), offset(-300, 740), offset(-300, 120), true);
        check(offset(-1_700, -680), offset(-1_100, -60), offset(-1_100, -680), false);
        check(offset(400, 1_400), offset(700, 1_700), offset(700, 1_400), false);
        check(offset(-900, 120), offset(3_000, 4_000), offset(3_000, 4_000), false);
    }
}
