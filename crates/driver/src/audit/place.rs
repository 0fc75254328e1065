//! What lies in the places of a store, by name.

use alchemiser_wire::ledger::decode;

use super::Violation;

/// Names every key under `executions/`, `accounts/` and `ledger/` that no part of the Alchemiser gave.
pub(super) fn strays<'a>(keys: impl IntoIterator<Item = &'a String>) -> Vec<Violation> {
    let strange = |key: &&String| {
        let (place, rest) = key.split_once('/').unwrap_or((key, ""));
        let parts: Vec<&str> = rest.split('/').collect();
        match (place, parts.as_slice()) {
            ("executions", [account, plan, entry]) => {
                decode(account).is_none() || decode(plan).is_none() || number(entry, 6).is_none()
            }
            ("accounts", [account, entry]) => {
                decode(account).is_none() || number(entry, 20).is_none()
            }
            ("ledger", [account, date, file]) => {
                let dated = date.strip_prefix("date=").is_some_and(|date| {
                    date.parse::<jiff::civil::Date>().is_ok_and(|parsed| parsed.to_string() == date)
                });
                decode(account).is_none() || !dated || !is_ledger(file)
            }
            ("executions" | "accounts" | "ledger", _) => true,
            (_, _) => false,
        }
    };
    let strange = keys.into_iter().filter(strange);
    strange.map(|key| violation(key, "it is none of ours: move it away")).collect()
}

fn violation(key: &str, found: &str) -> Violation {
    Violation { invariant: "I7", log: key.to_owned(), found: found.to_owned() }
}

/// The number that a name of an entry stands for, when it is written as we write it.
pub fn number(name: &str, digits: usize) -> Option<u64> {
    let number = name.strip_suffix(".json")?.parse::<u64>().ok()?;
    (format!("{number:0digits$}.json") == name).then_some(number)
}

/// `{plan}.jsonl`, or `{plan}.supplement-NN.jsonl`.
fn is_ledger(file: &str) -> bool {
    let Some(name) = file.strip_suffix(".jsonl") else { return false };
    let (plan, supplement) = name.split_once('.').unwrap_or((name, "supplement-01"));
    let number = supplement.strip_prefix("supplement-");
    decode(plan).is_some() && number.is_some_and(|number| number.parse::<u32>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: &str, is_stray: bool) {
        assert_eq!(!strays([&key.to_owned()]).is_empty(), is_stray, "{key}");
    }

    /// I7: every name that we give is known, and no other.
    #[test]
    fn names_that_we_did_not_give_are_named() {
        check("executions/SIM/plan%2E1/000001.json", false);
        check("executions/SIM/plan/1234567.json", false);
        check("accounts/SIM/18446744073709551614.json", false);
        check("ledger/SIM/date=2026-11-20/plan.jsonl", false);
        check("ledger/SIM/date=2026-11-20/plan.supplement-01.jsonl", false);
        check("open/SIM/plan", false);
        check("state.json", false);
        for stray in [
            "executions/SIM/plan/1.json",
            "executions/SIM/plan/000001.json.bak",
            "executions/SIM/plan/notes/000001.json",
            "executions/SIM/plan/000001 (copy).json",
            "executions/SIM/a plan/000001.json",
            "executions/SIM/000001.json",
            "accounts/SIM/1.json",
            "ledger/SIM/plan.jsonl",
            "ledger/SIM/date=2026-11-31/plan.jsonl",
            "ledger/SIM/date=2026-11-20/plan.csv",
            "ledger/SIM/date=2026-11-20/plan.old.jsonl",
        ] {
            check(stray, true);
        }
    }
}
