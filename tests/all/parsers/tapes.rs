//! Quotes that are kept or recorded: the tape beside a plan's log, and days for the backtest.

use std::{fs, io::Write};

use alchemiser_backtest::{read, read::Sizes, tape::Print};
use alchemiser_wire::tape;
use flate2::{Compression, write::GzEncoder};

use super::{
    change::{Change, Document},
    directory,
    engine::{Seeded, Tally, fuzz, is_quick},
};

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// The quotes beside a plan's log: lines that are none, files that are not packed, and packed ones that are cut.
#[test]
fn quote_tapes() {
    let line = |second: u32, bid: &str| {
        Document::json(format!(
            r#"{{"at":"2026-11-20T15:00:{second:02}.25Z","symbol":"SPY","bid":{bid},"bid_size":"100","ask":"600.02","ask_size":"0.5"}}"#
        ))
    };
    let documents = vec![line(1, r#""600.01""#), line(2, "null"), line(59, r#""0.0001""#)];
    let whole = documents[0].bytes().to_vec();
    fuzz!(documents, |change: &Change, bytes: &[u8]| {
        assert!(bytes.is_empty() || tape::from_bytes(bytes).is_err(), "it is not packed");
        let file = packed(&[whole.as_slice(), b"\n", bytes, b"\n"].concat());
        let cut = &file[..change.place(file.len())];
        assert!(tape::from_bytes(cut).is_err() || cut.len() + 8 >= file.len(), "it is cut");
        let Ok(lines) = tape::from_bytes(&file) else { return false };
        let printed = tape::to_bytes(&lines).unwrap();
        assert_eq!(tape::from_bytes(&printed).unwrap(), lines);
        true
    });
}

const QUOTES: &str = "\
ts_ns,bid,bid_size,ask,ask_size
1577975400000000000,157.02,300,157.05,200
1577975400250000000,157.02,500,157.05,200
1577975401000000000,157.03,100,157.06,400
1577975402000000000,157.04,1200,157.05,100
1577979000000000000,157.0001,700,157.0100,900
1577998700000000000,156.99,300,157.00,300
";

const TRADES: &str = "\
ts_ns,price,size,ex,lit
1577975400100000000,157.03,100,Q,1
1577975401500000000,157.06,17,D,0
1577979000000000001,157.005,1000,N,1
";

/// Recorded days, packed or not, in shares or in lots: what is read is in order and in the session, can be quoted, and is
/// the same when it is read again.
#[test]
fn recorded_days() {
    let documents = vec![Document::cells(QUOTES), Document::cells(TRADES)];
    let dir = directory();
    fuzz!(1_000, documents, |change: &Change, bytes: &[u8]| {
        let (quotes, trades) = match change.place(2) {
            0 => (bytes, TRADES.as_bytes()),
            _ => (QUOTES.as_bytes(), bytes),
        };
        let is_packed = change.place(3) == 0;
        let ending = if is_packed { "csv.gz" } else { "csv" };
        let path = dir.path().join(format!("2020-01-02_quotes.{ending}"));
        let kept = |bytes: &[u8]| if is_packed { packed(bytes) } else { bytes.to_vec() };
        fs::write(&path, kept(quotes)).unwrap();
        let beside = dir.path().join(format!("2020-01-02_trades.{ending}"));
        fs::write(beside, kept(trades)).unwrap();
        let mut read_once = false;
        for sizes in [Sizes::Shares, Sizes::SurelyShares, Sizes::Lots] {
            let Ok(day) = read::day(&path, sizes) else { continue };
            assert!(day.shown.is_sorted_by_key(|shown| shown.at));
            assert!(day.prints.is_sorted_by_key(|print| print.at));
            assert!(day.prints.iter().all(Print::is_usable), "{:?}", day.prints);
            for shown in &day.shown {
                assert!(shown.quote(shown.at).is_some(), "{shown:?}");
                assert!(shown.spread() >= 0 && shown.mid_twice() > 0, "{shown:?}");
            }
            assert_eq!(read::day(&path, sizes).unwrap(), day);
            read_once = true;
        }
        read_once
    });
}
