//! The rows of a Parquet file, as text, with its columns' names: what the CSV reader makes of a line. Prices may be
//! decimals, doubles or text, times whole nanoseconds or timestamps.

use std::{fs::File, path::Path};

use csv::StringRecord;
use parquet::{
    errors::ParquetError,
    file::reader::{FileReader, SerializedFileReader},
    record::Field,
};

use super::{Unreadable, refused, unopened};

/// Calls for every row, with its number, the columns' names and their values.
pub(super) fn rows(
    path: &Path,
    take: &mut impl FnMut(u64, &StringRecord, &StringRecord) -> Result<(), Unreadable>,
) -> Result<(), Unreadable> {
    let file = File::open(path).map_err(|error| unopened(path, &error))?;
    let unreadable = |error: &ParquetError| {
        let expected = "a Parquet file, compressed with snappy or not at all".to_owned();
        refused("UNREADABLE", path, (String::new(), expected, error.to_string()))
    };
    let reader = SerializedFileReader::new(file).map_err(|error| unreadable(&error))?;
    let mut names = StringRecord::new();
    for field in reader.metadata().file_metadata().schema().get_fields() {
        names.push_field(field.name());
    }
    let found = reader.get_row_iter(None).map_err(|error| unreadable(&error))?;
    for (number, row) in (1..).zip(found) {
        let row = row.map_err(|error| unreadable(&error))?;
        let values = row.get_column_iter().map(|(_, value)| text(value)).collect();
        take(number, &names, &values)?;
    }
    Ok(())
}

fn text(value: &Field) -> String {
    match value {
        Field::Null => String::new(),
        Field::Bool(flag) => u8::from(*flag).to_string(),
        Field::Str(text) => text.clone(),
        Field::Bytes(bytes) => bytes.as_utf8().unwrap_or_default().to_owned(),
        Field::TimestampMillis(millis) => millis.saturating_mul(1_000_000).to_string(),
        Field::TimestampMicros(micros) => micros.saturating_mul(1_000).to_string(),
        other => other.to_string(),
    }
}
