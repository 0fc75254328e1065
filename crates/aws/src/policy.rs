//! What resource policies deny.

use serde_json::Value;

use crate::place::Place;

/// What is written once and stays.
const KEPT: [&str; 3] = ["executions/", "accounts/", "ledger/"];

/// The statements of a policy that deny something to everybody.
fn denials(policy: &Value) -> impl Iterator<Item = &Value> {
    let everybody = |principal: &Value| principal == "*" || texts(&principal["AWS"]).contains(&"*");
    let statements = each(&policy["Statement"]).into_iter();
    statements.filter(move |s| s["Effect"] == "Deny" && everybody(&s["Principal"]))
}

fn each(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

fn texts(value: &Value) -> Vec<&str> {
    each(value).into_iter().filter_map(Value::as_str).collect()
}

/// Whether a condition holds for a value of a key.
fn says(condition: &Value, operator: &str, key: &str, value: &str) -> bool {
    let of = condition.get(operator).and_then(|keys| keys.get(key));
    of.is_some_and(|of| texts(of).contains(&value))
}

/// Whether a pattern of IAM, in which `*` stands for any text, covers a text.
fn covers(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut left) = text.strip_prefix(head) else { return false };
    let parts: Vec<&str> = rest.split('*').collect();
    let Some((last, middle)) = parts.split_last() else { return true };
    for part in middle {
        let Some((_, after)) = left.split_once(part) else { return false };
        left = after;
    }
    left.ends_with(last)
}

/// What a bucket's policy does not deny, though a log needs it to.
pub(crate) fn gaps(text: &str, place: &Place) -> Vec<String> {
    let Ok(policy) = serde_json::from_str::<Value>(text) else {
        return vec!["a policy that is no JSON".to_owned()];
    };
    let denied = |action: &str, prefix: &str, with: &dyn Fn(&Value) -> bool| {
        let key = place.key(prefix);
        let object = format!("arn:aws:s3:::{}/{key}PA/plan/000001.json", place.bucket());
        denials(&policy).any(|statement| {
            let on = texts(&statement["Resource"]);
            let is_there = on.iter().any(|pattern| {
                // Partitions differ in the second part only.
                let pattern = pattern.splitn(3, ':').nth(2).unwrap_or(pattern);
                covers(&format!("arn:aws:{pattern}"), &object)
            });
            let does = texts(&statement["Action"]).iter().any(|named| covers(named, action));
            is_there && does && with(&statement["Condition"])
        })
    };
    let unconditional = |condition: &Value| condition.is_null();
    let unless_absent = |condition: &Value| says(condition, "Null", "s3:if-none-match", "true");
    let without_tls = |condition: &Value| says(condition, "Bool", "aws:SecureTransport", "false");
    let mut found = Vec::new();
    for prefix in KEPT {
        if !denied("s3:PutObject", prefix, &unless_absent) {
            found.push(format!("writes on {prefix} without If-None-Match allowed"));
        }
        let removed = ["s3:DeleteObject", "s3:DeleteObjectVersion"];
        if !removed.iter().all(|action| denied(action, prefix, &unconditional)) {
            found.push(format!("removals on {prefix} allowed"));
        }
    }
    if !denied("s3:GetObject", "executions/", &without_tls) {
        found.push("requests without TLS allowed".to_owned());
    }
    found
}

/// Whether a bus denies plans to everybody but some.
pub(crate) fn guards_plans(text: &str) -> bool {
    let Ok(policy) = serde_json::from_str::<Value>(text) else { return false };
    denials(&policy).any(|statement| {
        let conditions = &statement["Condition"];
        let excepted = conditions.get("ArnNotLike").or(conditions.get("ArnNotEquals"));
        says(conditions, "StringEquals", "events:detail-type", "RebalancePlanned")
            && texts(&statement["Action"]).iter().any(|named| covers(named, "events:PutEvents"))
            && excepted.is_some_and(|some| !some["aws:PrincipalArn"].is_null())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        let check = |pattern: &str, text: &str, expected: bool| {
            assert_eq!(covers(pattern, text), expected, "{pattern} {text}");
        };
        check("s3:PutObject", "s3:PutObject", true);
        check("s3:PutObject", "s3:PutObjectAcl", false);
        check("s3:*", "s3:PutObject", true);
        check("*", "", true);
        check("a/*/c", "a/b/c", true);
        check("a/*/c", "a/b/d", false);
        check("a/*b*/c", "a/xbx/c", true);
        check("b/*", "a/b/c", false);
    }

    const WHOLE: &str = r#"{"Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::books", "arn:aws:s3:::books/*"],
         "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "s3:PutObject",
         "Resource": ["arn:aws:s3:::books/executions/*", "arn:aws:s3:::books/accounts/*", "arn:aws:s3:::books/ledger/*"],
         "Condition": {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}}},
        {"Effect": "Deny", "Principal": "*", "Action": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
         "Resource": ["arn:aws:s3:::books/executions/*", "arn:aws:s3:::books/accounts/*", "arn:aws:s3:::books/ledger/*"]}]}"#;

    fn check(there: &str, instead: &str, expected: &[&str]) {
        assert!(WHOLE.contains(there), "{there}");
        let place: Place = "s3://books".parse().unwrap();
        assert_eq!(gaps(&WHOLE.replace(there, instead), &place), expected, "{instead}");
    }

    #[test]
    fn what_a_bucket_does_not_deny_is_named() {
        check("books", "books", &[]);
        check("arn:aws:", "arn:aws-us-gov:", &[]);
        check(
            "\"arn:aws:s3:::books/ledger/*\"]}",
            "\"arn:aws:s3:::books/other/*\"]}",
            &["removals on ledger/ allowed"],
        );
        check(
            "s3:if-none-match",
            "s3:if-match",
            &[
                "writes on executions/ without If-None-Match allowed",
                "writes on accounts/ without If-None-Match allowed",
                "writes on ledger/ without If-None-Match allowed",
            ],
        );
        check(
            "SecureTransport\": \"false",
            "SecureTransport\": \"true",
            &["requests without TLS allowed"],
        );
        let place: Place = "s3://books/paper".parse().unwrap();
        assert_eq!(gaps(WHOLE, &place).len(), 6, "the policy is for other keys");
        assert_eq!(gaps("canary", &place), ["a policy that is no JSON"]);
    }

    #[test]
    fn a_bus_is_guarded_by_a_denial_with_exceptions() {
        let whole = r#"{"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "events:PutEvents", "Resource": "x",
            "Condition": {"StringEquals": {"events:detail-type": "RebalancePlanned"}, "ArnNotLike": {"aws:PrincipalArn": ["arn:x"]}}}]}"#;
        assert!(guards_plans(whole));
        for (there, instead) in [
            ("Deny", "Allow"),
            ("RebalancePlanned", "Other"),
            ("events:PutEvents", "events:PutRule"),
            ("ArnNotLike", "ArnLike"),
            ("{\"Statement", "\"Statement"),
        ] {
            assert!(!guards_plans(&whole.replace(there, instead)), "{instead}");
        }
    }
}
