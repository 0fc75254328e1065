//! Files of recorded days, good and bad.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::{fs, io::Write, path::Path};

use alchemiser_backtest::{
    read::{self, Sizes},
    tape::Tape,
};
use flate2::{Compression, write::GzEncoder};

const QUOTES: &str = "ts_ns,bid,bid_size,ask,ask_size";
const TRADES: &str = "ts_ns,price,size,ex,lit";

/// 2 January 2018, 09:30 in New York.
const OPENS_S: i64 = 1_514_903_400;

fn row(second: i64, rest: &str) -> String {
    format!("{}000000000,{rest}", OPENS_S + second)
}

fn write(root: &Path, name: &str, lines: &[String]) {
    let path = root.join("ABC").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let text = lines.join("\n") + "\n";
    if path.extension().is_some_and(|ending| ending == "gz") {
        let mut zipped = GzEncoder::new(fs::File::create(path).unwrap(), Compression::fast());
        zipped.write_all(text.as_bytes()).unwrap();
        zipped.finish().unwrap();
    } else {
        fs::write(path, text).unwrap();
    }
}

fn read(
    quotes: &[String],
    trades: Option<&[String]>,
    ending: &str,
    sizes: Sizes,
) -> Result<Vec<Tape>, String> {
    let root = tempfile::tempdir().unwrap();
    let with = |header: &str, rows: &[String]| [&[header.to_owned()], rows].concat();
    write(root.path(), &format!("20180102_quotes.{ending}"), &with(QUOTES, quotes));
    if let Some(trades) = trades {
        write(root.path(), &format!("20180102_trades.{ending}"), &with(TRADES, trades));
    }
    read::days(root.path(), sizes)
        .map_err(|error| error.to_string().replace(&root.path().display().to_string(), ""))
}

fn check(quotes: &[String], expected: &str) {
    let refused = read(quotes, None, "csv", Sizes::Shares).unwrap_err();
    assert!(refused.starts_with(expected), "{refused}");
}

/// Plain and zipped files give the same day; a day without trades is one.
#[test]
fn days_are_read() {
    let quotes = [row(0, "10.00,500,10.02,300"), row(1, "10.01,200,10.02,300")];
    let trades = [row(1, "10.02,100,N,1"), row(2, "10.015,7,N,0")];
    let plain = read(&quotes, Some(&trades), "csv", Sizes::Shares).unwrap();
    assert_eq!(read(&quotes, Some(&trades), "csv.gz", Sizes::Shares).unwrap(), plain);
    let [day] = plain.as_slice() else { panic!("{plain:?}") };
    assert_eq!((day.symbol.as_str(), day.day.as_str()), ("ABC", "20180102"));
    assert_eq!((day.shown.len(), day.prints.len()), (2, 2));
    assert_eq!((day.shown[1].bid, day.shown[1].bid_size), (100_100, 200));
    assert_eq!((day.prints[1].price, day.prints[1].lit), (100_150, false));
    assert_eq!(day.opens_at, OPENS_S * 1_000_000_000);
    // A day whose file begins late opens when the others do.
    let late = read(&[row(5_400, "10.00,500,10.02,300")], None, "csv", Sizes::Shares).unwrap();
    assert_eq!(late[0].opens_at, day.opens_at);
    let bare = read(&quotes, None, "csv", Sizes::Shares).unwrap();
    assert_eq!(bare[0].prints, []);
}

/// What is odd is left out and counted: crossed and one-sided quotes, repetitions, times outside of the session.
#[test]
fn oddities_are_counted() {
    let quotes = [
        row(-60, "10.00,500,10.02,300"),
        row(0, "10.00,500,10.02,300"),
        row(0, "10.00,500,10.02,300"),
        row(1, "10.05,500,10.02,300"),
        row(2, "0,0,10.02,300"),
        row(3, "10.01,500,10.02,300"),
    ];
    let day = read(&quotes, None, "csv", Sizes::Shares).unwrap().remove(0);
    assert_eq!((day.odd.unusable, day.odd.repeated, day.odd.outside), (2, 1, 1));
    assert_eq!(day.shown.len(), 2);
}

/// What cannot be a day says where it is, what was expected and what was found.
#[test]
fn bad_files_are_refused() {
    check(&[], "NO_QUOTES: /ABC/20180102_quotes.csv : expected quotes with both sides");
    check(
        &[row(1, "10.00,500,10.02,300"), row(0, "10.00,500,10.03,300")],
        "UNSORTED: /ABC/20180102_quotes.csv line 3: expected a time of at least 1514903401000000000",
    );
    check(
        &[row(0, "10.00,500,10.02")],
        "MALFORMED_ROW: /ABC/20180102_quotes.csv line 2: expected the columns",
    );
    check(
        &[row(0, "10.00001,500,10.02,300")],
        "MALFORMED_PRICE: /ABC/20180102_quotes.csv line 2: expected a price",
    );
    check(&[row(0, "10.00,x,10.02,300")], "MALFORMED_ROW: ");
    let night: Vec<String> = (0..9).map(|s| row(s + 30_000, "10.00,500,10.02,300")).collect();
    check(
        &night,
        "TIME_SHIFTED: /ABC/20180102_quotes.csv : expected UTC times between 09:30 and 16:00 New York",
    );
    let empty = tempfile::tempdir().unwrap();
    let refused = read::days(empty.path(), Sizes::Shares).unwrap_err();
    assert_eq!(refused.code, "NO_DAYS");
    assert_eq!(read::days(Path::new("/no/such"), Sizes::Shares).unwrap_err().code, "UNREADABLE");
}

/// Sizes that look like lots are refused until somebody says what they are.
#[test]
fn lots_are_noticed() {
    let quotes: Vec<String> =
        (0..100).map(|s| row(s, &format!("10.00,{},10.02,3", 1 + s % 7))).collect();
    check(&quotes, "SIZES_IN_LOTS: ");
    let sized = |sizes| read(&quotes, None, "csv", sizes).unwrap()[0].shown[0].ask_size;
    assert_eq!((sized(Sizes::Lots), sized(Sizes::SurelyShares)), (300, 3));
}

/// A Parquet file of the same rows is the same day; what is none is refused.
#[cfg(feature = "parquet")]
mod parquet_files {
    use std::sync::Arc;

    use parquet::{
        data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type},
        file::writer::SerializedFileWriter,
        schema::parser::parse_message_type,
    };

    use super::*;

    /// Columns in any order, prices as doubles or text, sizes of 32 bits.
    fn parquet(root: &Path, name: &str, schema: &str, columns: &[Column<'_>]) {
        let path = root.join("ABC").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let file = fs::File::create(path).unwrap();
        let mut writer = SerializedFileWriter::new(file, schema, Arc::default()).unwrap();
        let mut group = writer.next_row_group().unwrap();
        for column in columns {
            let mut next = group.next_column().unwrap().unwrap();
            match column {
                Column::Long(values) => {
                    next.typed::<Int64Type>().write_batch(values, None, None).unwrap();
                }
                Column::Int(values) => {
                    next.typed::<Int32Type>().write_batch(values, None, None).unwrap();
                }
                Column::Double(values) => {
                    next.typed::<DoubleType>().write_batch(values, None, None).unwrap();
                }
                Column::Text(values) => {
                    let bytes: Vec<ByteArray> = values.iter().map(|v| (*v).into()).collect();
                    next.typed::<ByteArrayType>().write_batch(&bytes, None, None).unwrap();
                }
            }
            next.close().unwrap();
        }
        group.close().unwrap();
        writer.close().unwrap();
    }

    enum Column<'a> {
        Long(&'a [i64]),
        Int(&'a [i32]),
        Double(&'a [f64]),
        Text(&'a [&'a str]),
    }

    fn times(seconds: &[i64]) -> Vec<i64> {
        seconds.iter().map(|second| (OPENS_S + second) * 1_000_000_000).collect()
    }

    #[test]
    fn a_parquet_day_is_the_csv_day() {
        let quotes = [row(0, "10.00,500,10.02,300"), row(1, "10.01,200,10.02,300")];
        let trades = [row(1, "10.02,100,N,1"), row(2, "10.015,7,N,0")];
        let csv = read(&quotes, Some(&trades), "csv", Sizes::Shares).unwrap();
        let root = tempfile::tempdir().unwrap();
        parquet(
            root.path(),
            "20180102_quotes.parquet",
            "message quotes { required double ask; required int32 ask_size; required int64 ts_ns; required double bid; required int64 bid_size; }",
            &[
                Column::Double(&[10.02, 10.02]),
                Column::Int(&[300, 300]),
                Column::Long(&times(&[0, 1])),
                Column::Double(&[10.00, 10.01]),
                Column::Long(&[500, 200]),
            ],
        );
        parquet(
            root.path(),
            "20180102_trades.parquet",
            "message trades { required int64 ts_ns; required binary price (STRING); required int64 size; required binary ex (STRING); required int32 lit; }",
            &[
                Column::Long(&times(&[1, 2])),
                Column::Text(&["10.02", "10.015"]),
                Column::Long(&[100, 7]),
                Column::Text(&["N", "N"]),
                Column::Int(&[1, 0]),
            ],
        );
        assert_eq!(read::days(root.path(), Sizes::Shares).unwrap(), csv);
    }

    #[test]
    fn other_columns_and_other_files_are_refused() {
        let root = tempfile::tempdir().unwrap();
        parquet(
            root.path(),
            "20180102_quotes.parquet",
            "message quotes { required int64 time; }",
            &[Column::Long(&[1])],
        );
        let refused = read::days(root.path(), Sizes::Shares).unwrap_err();
        assert_eq!(refused.code, "MALFORMED_ROW");
        fs::write(root.path().join("ABC/20180102_quotes.parquet"), "ts_ns").unwrap();
        let refused = read::days(root.path(), Sizes::Shares).unwrap_err();
        assert_eq!(refused.code, "UNREADABLE");
    }
}
