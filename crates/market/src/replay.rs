//! Reopening: the same inputs over the same background market lead to the same state.

use std::{collections::VecDeque, path::Path};

use jiff::Timestamp;

use crate::{
    exchange::{Exchange, Halted, Sink},
    journal::{Journal, JournalError, Record, SCHEMA},
    sample::Setup,
    session::Opening,
};

impl Exchange {
    /// Opens the exchange whose journal is in a directory, or begins it there. An existing journal's own setup holds,
    /// whatever `setup` says, except that the account must be the same. Session time goes on where the newest record
    /// left it: a gap between two processes is skipped. Wall time never goes back behind that record, so a virtual
    /// clock should go on from [`Exchange::last_time`].
    ///
    /// # Errors
    /// [`JournalError`] when the journal cannot be read or written, belongs to another account or to a running
    /// process, or does not replay to itself.
    pub fn open_or_create(dir: &Path, setup: &Setup, now: Timestamp) -> Result<Self, JournalError> {
        let (mut journal, mut records) = Journal::open(dir)?;
        if records.is_empty() {
            let first = Record::Setup { schema: SCHEMA, setup: setup.clone() };
            journal.append(&first)?;
            records.push(first);
        }
        let mut exchange = replayed(records, setup)?;
        let Sink::Replay(left) = std::mem::replace(&mut exchange.sink, Sink::File(journal)) else {
            return Err(JournalError::Halted);
        };
        let at = now.max(exchange.last_time());
        let opening = Opening { at, session: exchange.session };
        let opened = Record::Opened { at, session_ms: opening.session };
        // First what the killed process had worked out but not yet written.
        let kept = left.into_iter().chain([opened]).try_for_each(|record| exchange.put(record));
        if let Err(Halted) = kept {
            return Err(match exchange.sink {
                Sink::Halted(error) => error,
                Sink::Memory | Sink::Replay(_) | Sink::File(_) => JournalError::Halted,
            });
        }
        (exchange.opening, exchange.now) = (opening, at);
        Ok(exchange)
    }

    fn replay(&mut self, line: usize, record: Record) -> Result<(), JournalError> {
        let malformed = |problem: String| JournalError::Malformed { line, problem };
        if record.session() < self.session {
            return Err(malformed(format!(
                "expected a session time of {} ms or more, found {}",
                self.session.millis(),
                record.session().millis()
            )));
        }
        self.newest = self.newest.max(record.at());
        self.reach(record.at(), record.session()).map_err(|Halted| JournalError::Halted)?;
        match record {
            Record::Fill { .. } | Record::Canceled { .. } => {
                return self.compare(line, Some(record));
            }
            Record::Setup { .. } => return Err(malformed("expected one setup only".to_owned())),
            Record::Opened { .. }
            | Record::Listed { .. }
            | Record::Order { .. }
            | Record::Cancel { .. } => self.compare(line, None)?,
        }
        match record {
            Record::Opened { at, session_ms } => {
                self.opening = Opening { at, session: session_ms };
            }
            Record::Listed { listing, position, .. } => self.add(listing, position),
            Record::Order { order, .. } => {
                if !self.pits.contains_key(&order.symbol) {
                    return Err(malformed(format!("{} is not listed", order.symbol)));
                }
                self.accept(order);
            }
            Record::Cancel { client_order_id, .. } => {
                let unknown =
                    || malformed(format!("no order {client_order_id:?} before its cancel"));
                let number = *self.by_client_id.get(&client_order_id).ok_or_else(unknown)?;
                self.call_back(number);
            }
            Record::Setup { .. } | Record::Fill { .. } | Record::Canceled { .. } => {}
        }
        Ok(())
    }

    /// The next record that the replay led to must be the one found; none may be left before an input.
    fn compare(&mut self, line: usize, found: Option<Record>) -> Result<(), JournalError> {
        let Sink::Replay(records) = &mut self.sink else {
            return Err(JournalError::Halted);
        };
        let expected = records.pop_front();
        if expected == found {
            return Ok(());
        }
        let say = |record: Option<Record>| {
            record.map_or("an input".to_owned(), |record| format!("{record:?}"))
        };
        Err(JournalError::Diverged { line, expected: say(expected), found: say(found) })
    }
}

/// The exchange that the records lead to, with the records not yet journaled in its sink.
fn replayed(records: Vec<Record>, asked: &Setup) -> Result<Exchange, JournalError> {
    let mut records = records.into_iter();
    let Some(Record::Setup { setup, .. }) = records.next() else {
        let problem = "expected the setup first".to_owned();
        return Err(JournalError::Malformed { line: 1, problem });
    };
    if setup.account != asked.account {
        let (expected, found) = (asked.account.clone(), setup.account);
        return Err(JournalError::OtherAccount { expected, found });
    }
    let mut exchange = Exchange::create(&setup);
    exchange.sink = Sink::Replay(VecDeque::new());
    for (k, record) in records.enumerate() {
        exchange.replay(k + 2, record)?;
    }
    Ok(exchange)
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write};

    use alchemiser_core::{
        ids::{AccountId, Symbol},
        money::Money,
        quantity::Quantity,
        report::OrderReport,
        side::Side,
    };
    use jiff::SignedDuration;
    use rust_decimal::Decimal;

    use super::*;
    use crate::{
        journal,
        order::{Fill, NewOrder},
        sample::{listed_for, setup_for},
    };

    const START: Timestamp = Timestamp::UNIX_EPOCH;
    const STEPS: i64 = 30;

    fn at(millis: i64) -> Timestamp {
        START + SignedDuration::from_millis(millis)
    }

    fn money(dollars: i64) -> Money {
        Money::new(Decimal::from(dollars))
    }

    fn symbol(k: i64) -> Symbol {
        Symbol::new(&format!("S{}", k % 4)).unwrap()
    }

    fn setup() -> Setup {
        let holdings: Vec<_> = (0..3).map(|k| (symbol(k), money(5_000), money(1_000))).collect();
        setup_for(11, AccountId::new("SIM-1").unwrap(), START, &holdings, money(50_000))
    }

    fn open(dir: &Path, now: Timestamp) -> Exchange {
        Exchange::open_or_create(dir, &setup(), now).unwrap()
    }

    /// One input: an order at the touch (sometimes through it), now and then a cancel; S3 is listed on the way.
    fn step(exchange: &mut Exchange, k: i64) {
        let now = at(k * 700);
        if k == 7 {
            let (listing, shares) = listed_for(exchange.seed(), &symbol(3), money(5_000), money(0));
            exchange.list(now, listing, Some(shares)).unwrap();
        }
        let Some(snapshot) = exchange.snapshot(now, &symbol(k)) else {
            return;
        };
        let quote = snapshot.quote.unwrap();
        let side = if k % 3 == 0 { Side::Sell } else { Side::Buy };
        let limit = if k % 2 == 0 { quote.bid } else { quote.ask };
        let quantity = Quantity::rounded_down(Decimal::from(10 + k), 0);
        let client_order_id = format!("o{k}");
        let limit = limit.unwrap().price;
        exchange
            .submit(now, NewOrder { client_order_id, symbol: symbol(k), side, quantity, limit })
            .ok();
        if let Some(earlier) = exchange.order(now, &format!("o{}", k - 2)).filter(|_| k % 4 == 0) {
            exchange.cancel(now, &earlier.broker_order_id).ok();
        }
    }

    /// Runs the script; before each step in `reopened` the process is killed and another one goes on at once.
    fn run(dir: &Path, reopened: &[i64]) -> (Vec<Fill>, Vec<OrderReport>, String) {
        let mut exchange = open(dir, START);
        for k in 0..STEPS {
            if reopened.contains(&k) {
                let resumed_at = exchange.last_time();
                drop(exchange);
                assert_eq!(journal::last_time(dir).unwrap(), Some(resumed_at));
                exchange = open(dir, resumed_at);
            }
            step(&mut exchange, k);
        }
        let end = at(STEPS * 700 + 30_000);
        let reports = exchange.orders(end, START);
        let account = format!("{:?} {:?}", exchange.account(end), exchange.positions(end));
        (exchange.fills().to_vec(), reports, account)
    }

    #[test]
    fn reopening_at_any_point_changes_nothing() {
        let whole = tempfile::tempdir().unwrap();
        let expected = run(whole.path(), &[]);
        assert!(expected.0.len() > 5 && expected.1.len() > 20, "{expected:?}");
        for k in 0..STEPS {
            let dir = tempfile::tempdir().unwrap();
            assert_eq!(run(dir.path(), &[k]), expected, "reopened before step {k}");
        }
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(run(dir.path(), &(0..STEPS).collect::<Vec<_>>()), expected, "at every step");
    }

    /// A process may be killed between any two bytes that it writes.
    #[test]
    fn a_journal_cut_anywhere_opens_again() {
        let dir = tempfile::tempdir().unwrap();
        run(dir.path(), &[]);
        let whole = fs::read(dir.path().join("journal.jsonl")).unwrap();
        let fills = journal::read(dir.path()).unwrap();
        for cut in (0..whole.len()).step_by(61) {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("journal.jsonl");
            fs::write(&path, &whole[..cut]).unwrap();
            let torn = journal::read(dir.path()).unwrap();
            assert_eq!(torn[..], fills[..torn.len()]);
            let exchange = open(dir.path(), START);
            let records = journal::read(dir.path()).unwrap();
            assert!(matches!(records.last(), Some(Record::Opened { .. })));
            let kept =
                records.iter().filter(|record| matches!(record, Record::Fill { .. })).count();
            assert_eq!(exchange.fills().len(), kept);
        }
    }

    #[test]
    fn the_same_inputs_write_the_same_bytes() {
        let bytes = || {
            let dir = tempfile::tempdir().unwrap();
            run(dir.path(), &[12]);
            fs::read(dir.path().join("journal.jsonl")).unwrap()
        };
        assert_eq!(bytes(), bytes());
    }

    #[test]
    fn a_gap_between_processes_is_skipped() {
        let dir = tempfile::tempdir().unwrap();
        let mut exchange = open(dir.path(), START);
        for k in 0..10 {
            step(&mut exchange, k);
        }
        let (session, bid) = (exchange.session, exchange.snapshot(at(6_300), &symbol(1)));
        drop(exchange);
        let later = at(86_400_000);
        let mut exchange = open(dir.path(), later);
        assert_eq!(exchange.session, session);
        let (again, before) = (exchange.snapshot(later, &symbol(1)).unwrap(), bid.unwrap());
        assert_eq!(again.quote.map(|quote| quote.bid), before.quote.map(|quote| quote.bid));
        assert!(again.quote.unwrap().changed_at <= later);
        exchange.advance(at(86_401_000));
        assert_eq!(exchange.session, session.plus_millis(1000));
    }

    /// Writes a journal, changes its text, and opens it again.
    fn check_refused(change: impl Fn(String) -> String, expected: &str) {
        let dir = tempfile::tempdir().unwrap();
        run(dir.path(), &[]);
        let path = dir.path().join("journal.jsonl");
        let text = change(fs::read_to_string(&path).unwrap());
        fs::write(&path, &text).unwrap();
        let error = Exchange::open_or_create(dir.path(), &setup(), START).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "a refused journal stays as it is");
    }

    #[test]
    fn journals_that_cannot_be_trusted_are_refused() {
        let newer = "expected a journal of schema 1 or older, found 2";
        check_refused(|text| text.replacen("\"schema\":1", "\"schema\":2", 1), newer);
        check_refused(
            |text| text.replacen("{\"record\":\"opened\"", "{", 1),
            "line 2 of the journal",
        );
        check_refused(
            |text| text.replacen("{\"record\":\"setup\"", "{", 1),
            "line 1 of the journal",
        );
        check_refused(|text| text + "\n", "of the journal");
        check_refused(|text| text.replacen("\"seed\":11", "\"seed\":12", 1), "replayed to");
        let dropped_fill = |text: String| {
            let mut lines: Vec<_> = text.lines().collect();
            let fill = lines.iter().position(|line| line.contains("\"fill\"")).unwrap();
            lines.remove(fill);
            lines.join("\n") + "\n"
        };
        check_refused(dropped_fill, "replayed to");
        check_refused(
            |text| text.replace("SIM-1", "SIM-2"),
            "expected the journal of account SIM-1",
        );
    }

    #[test]
    fn a_torn_last_line_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let expected = run(dir.path(), &[]);
        let path = dir.path().join("journal.jsonl");
        let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"record\":\"order\",\"at\":\"19").unwrap();
        let mut exchange = open(dir.path(), START);
        assert_eq!(exchange.orders(START, START).len(), expected.1.len());
        assert!(fs::read_to_string(&path).unwrap().ends_with("}\n"));
    }

    #[test]
    fn only_one_process_may_have_it_open() {
        let dir = tempfile::tempdir().unwrap();
        let _first = open(dir.path(), START);
        let second = Exchange::open_or_create(dir.path(), &setup(), START);
        assert!(matches!(second, Err(JournalError::Locked { .. })));
    }

    #[test]
    fn no_journal_has_no_records() {
        let dir = tempfile::tempdir().unwrap();
        assert!(journal::read(dir.path()).unwrap().is_empty());
        assert_eq!(journal::last_time(dir.path()).unwrap(), None);
    }
}
