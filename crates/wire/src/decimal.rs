//! Decimals from JSON, in one place: exact where they fit, rounded half-even beyond what 96 bits hold.

use rust_decimal::Decimal;
use thiserror::Error;

/// The longest number that is looked at.
pub const LENGTH_MAX: usize = 64;

/// Beyond this an exponent says no more: whatever digits there is room for are too large, or nothing.
const EXPONENT_MAX: i64 = 1_000;

/// A text that is no decimal.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotADecimal {
    /// Longer than [`LENGTH_MAX`].
    #[error("expected a decimal of at most {LENGTH_MAX} characters, found {found} characters")]
    TooLong {
        /// How long it is.
        found: usize,
    },
    /// Not digits with an optional sign, point and exponent (NaN and infinities among them).
    #[error("expected a finite decimal, found {found:?}")]
    NotANumber {
        /// The text.
        found: String,
    },
    /// Too large for the type.
    #[error("expected a decimal below 7.9e28, found {found:?}")]
    TooLarge {
        /// The text.
        found: String,
    },
}

/// Reads a decimal: `-12.50`, `1e-3`, `0E+20`.
///
/// ```
/// use alchemiser_wire::decimal::read;
/// assert_eq!(read("0E+20").unwrap().to_string(), "0");
/// assert_eq!(read("1.50").unwrap().to_string(), "1.50");
/// assert!(read("NaN").is_err() && read("1e400").is_err());
/// ```
///
/// # Errors
/// [`NotADecimal`] for anything that is not a finite number of at most 64 characters within the type's range.
pub fn read(text: &str) -> Result<Decimal, NotADecimal> {
    if text.len() > LENGTH_MAX {
        return Err(NotADecimal::TooLong { found: text.chars().count() });
    }
    if let Some(decimal) = plain(text) {
        return Ok(decimal);
    }
    let parts =
        Parts::split(text).ok_or_else(|| NotADecimal::NotANumber { found: text.to_owned() })?;
    parts.decimal().ok_or_else(|| NotADecimal::TooLarge { found: text.to_owned() })
}

/// Half of the digits that are read the short way.
const HALF: u32 = 14;

/// Nearly every number: digits that fit, perhaps a minus and a point. `None` says nothing of what else it may be.
fn plain(text: &str) -> Option<Decimal> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    // 28 digits always fit into 96 bits; the point is one character more.
    if digits.len() > 29 {
        return None;
    }
    // In halves of 64 bits: sums of 128 bits for each digit are what takes the time.
    let (mut first, mut last, mut count, mut point) = (0_u64, 0_u64, 0_u32, None);
    for byte in digits.bytes() {
        match byte {
            b'0'..=b'9' if count < HALF => first = first * 10 + u64::from(byte - b'0'),
            b'0'..=b'9' if count < 2 * HALF => last = last * 10 + u64::from(byte - b'0'),
            b'.' if point.is_none() => {
                point = Some(count);
                continue;
            }
            _ => return None,
        }
        count += 1;
    }
    let scale = point.map_or(0, |before| count - before);
    let shift = 10_u64.pow(count.saturating_sub(HALF));
    let mantissa = i128::from(first) * i128::from(shift) + i128::from(last);
    if mantissa == 0 {
        return (count > 0).then_some(Decimal::ZERO);
    }
    let signed = if negative { -mantissa } else { mantissa };
    Decimal::try_from_i128_with_scale(signed, scale).ok()
}

/// A number taken apart: its digits without the point, and how many of them stand behind it.
struct Parts {
    negative: bool,
    digits: String,
    scale: i64,
}

impl Parts {
    fn split(text: &str) -> Option<Self> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => {
                (mantissa, exponent.parse::<i64>().ok()?.clamp(-EXPONENT_MAX, EXPONENT_MAX))
            }
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let scale = i64::try_from(fraction.len()).ok()? - exponent;
        let digits = digits.trim_start_matches('0').to_owned();
        Some(Self { negative, digits, scale })
    }

    fn decimal(&self) -> Option<Decimal> {
        if self.digits.is_empty() {
            return Some(Decimal::ZERO);
        }
        // The fewest places to drop so that the rest fits: at most 28 behind the point and 96 bits in all.
        let beyond = (self.scale - 28).max(0);
        (beyond..beyond + 4)
            .find_map(|dropped| self.rounded(dropped.max(self.excess() + dropped - beyond)))
    }

    /// Digits beyond the 29 that 96 bits can hold.
    fn excess(&self) -> i64 {
        i64::try_from(self.digits.len()).map_or(i64::MAX / 2, |length| (length - 29).max(0))
    }

    /// The number without its last `dropped` digits, rounded half-even; `None` when it does not fit.
    fn rounded(&self, dropped: i64) -> Option<Decimal> {
        let scale = self.scale - dropped;
        if scale < 0 && dropped > 0 {
            return None;
        }
        let length = i64::try_from(self.digits.len()).ok()?;
        let (kept, lost) = if dropped >= length {
            // Everything is behind the last place kept: a half at most if the first lost digit is the leading one.
            (
                "0",
                format!(
                    "{}{}",
                    "0".repeat(usize::try_from((dropped - length).min(64)).ok()?),
                    self.digits
                ),
            )
        } else {
            let (kept, lost) = self.digits.split_at(usize::try_from(length - dropped).ok()?);
            (kept, lost.to_owned())
        };
        let kept: u128 = kept.parse().ok()?;
        let half = lost.bytes().next().map_or(std::cmp::Ordering::Less, |first| {
            let rest = lost.bytes().skip(1).any(|digit| digit != b'0');
            first.cmp(&b'5').then(if rest {
                std::cmp::Ordering::Greater
            } else {
                std::cmp::Ordering::Equal
            })
        });
        let up = match half {
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Equal => kept % 2 == 1,
            std::cmp::Ordering::Less => false,
        };
        let mantissa = kept.checked_add(u128::from(up))?;
        let (mantissa, scale) = match u32::try_from(scale) {
            Ok(scale) => (mantissa, scale),
            Err(_) => (mantissa.checked_mul(10_u128.checked_pow(u32::try_from(-scale).ok()?)?)?, 0),
        };
        let signed = i128::try_from(mantissa).ok().map(|m| if self.negative { -m } else { m })?;
        Decimal::try_from_i128_with_scale(signed, scale).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(read(text).map(|d| d.to_string()), Ok(expected.to_owned()), "{text}");
    }

    /// S10: 30-digit decimals of real plans are accepted and rounded half-even, in one place.
    #[test]
    fn long_decimals_are_rounded_half_even() {
        check("0.05439631484655020394307911266", "0.0543963148465502039430791127");
        check("0.00000000000000000000000000005", "0.0000000000000000000000000000");
        check("0.00000000000000000000000000015", "0.0000000000000000000000000002");
        check("0.000000000000000000000000000151", "0.0000000000000000000000000002");
        check("1341.695666666666666666666666666", "1341.6956666666666666666666667");
        check("-411.549161958333333333333334", "-411.549161958333333333333334");
        check("79228162514264337593543950335", "79228162514264337593543950335");
        check("123456789012345678901234567.125", "123456789012345678901234567.12");
    }

    /// What is read the short way is what the long way makes of it.
    #[test]
    fn the_short_way_reads_what_the_long_way_reads() {
        let texts = [
            "0",
            "-0",
            "00",
            "0.00",
            "-0.000",
            "7",
            "007",
            "-12.50",
            ".5",
            "5.",
            "-.5",
            "1.10",
            "9999999999999999999999999999",
            "0.9999999999999999999999999999",
            "-99999999999999.99999999999999",
            "0.0000000000000000000000000001",
        ];
        for text in texts {
            let long = Parts::split(text).unwrap().decimal().unwrap();
            let short = plain(text).map(|decimal| (decimal, decimal.to_string()));
            let fits = text.bytes().filter(u8::is_ascii_digit).count() <= 28;
            assert_eq!(short, fits.then(|| (long, long.to_string())), "{text}");
        }
        for text in ["", "-", ".", "-.", "+1", "1e3", "1.2.3", "--1", " 1", "1 ", "1,5", "\u{661}"]
        {
            assert_eq!(plain(text), None, "{text:?}");
        }
    }

    #[test]
    fn exponents_are_read_and_never_written() {
        check("0E+20", "0");
        check("0E-14", "0");
        check("1e3", "1000");
        check("2.5E-3", "0.0025");
        check("+7", "7");
    }

    #[test]
    fn what_is_no_finite_decimal_is_refused() {
        for text in [
            "", "-", ".", "NaN", "Infinity", "1e", "1e400", "0x10", "1_000", "1,5", " 1", "--1",
            "1.2.3",
        ] {
            assert!(read(text).is_err(), "{text:?}");
        }
        assert_eq!(read(&"1".repeat(70)), Err(NotADecimal::TooLong { found: 70 }));
        assert_eq!(
            read("79228162514264337593543950336").map_err(|e| e.to_string().contains("7.9e28")),
            Err(true)
        );
        check("1e-400", "0.0000000000000000000000000000");
    }

    /// T3: an exponent at the end of its type is a number like any other: too large, or nothing.
    #[test]
    fn no_exponent_is_too_large_to_be_read() {
        let huge = ["1e9223372036854775807", "-1.5e9223372036854775807", "1e1000"];
        for text in huge {
            assert_eq!(read(text), Err(NotADecimal::TooLarge { found: text.to_owned() }));
        }
        check("0e9223372036854775807", "0");
        for text in ["1e-9223372036854775808", "-1.5e-9223372036854775807", "1e-1000"] {
            assert!(read(text).unwrap().is_zero(), "{text}");
        }
        // What does not fit the exponent's own type is no number here.
        assert!(matches!(read("1e9223372036854775808"), Err(NotADecimal::NotANumber { .. })));
    }
}
