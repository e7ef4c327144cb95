//! Points in time, as exchanges and clients write them.

use serde::Deserialize;
use time::{
    OffsetDateTime, PrimitiveDateTime,
    format_description::{
        BorrowedFormatItem,
        well_known::{Rfc2822, Rfc3339},
    },
    macros::format_description,
};

/// How an exchange writes a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Clock {
    /// Milliseconds since 1970.
    #[default]
    Ms,
    /// Seconds since 1970.
    S,
    /// `2020-12-08T09:08:57.715Z`
    Iso8601Ms,
    /// `2020-12-08T09:08:57`, in UTC.
    UtcS,
}

const ISO8601_MS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
const UTC_S: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");

impl Clock {
    /// A time in any form an answer may have it, also that of HTTP dates.
    pub(crate) fn read_any(text: &str) -> Option<u64> {
        let moment = || {
            let iso =
                OffsetDateTime::parse(text, &Rfc3339).or_else(|_| OffsetDateTime::parse(text, &Rfc2822));
            u64::try_from(iso.ok()?.unix_timestamp_nanos() / 1_000_000).ok()
        };
        Clock::S.read(text).or_else(moment)
    }

    /// A time in milliseconds since 1970 as the exchange writes it.
    pub(crate) fn text(self, ms: u64) -> String {
        let calendar = |format: &[BorrowedFormatItem<'_>]| {
            let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).ok();
            moment.and_then(|moment| moment.format(format).ok()).unwrap_or_default()
        };
        match self {
            Clock::Ms => ms.to_string(),
            Clock::S => (ms / 1000).to_string(),
            Clock::Iso8601Ms => calendar(ISO8601_MS),
            Clock::UtcS => calendar(UTC_S),
        }
    }

    /// The reverse. Numbers may be in any unit and, in seconds, have a fraction: official libraries do both.
    pub(crate) fn read(self, text: &str) -> Option<u64> {
        let calendar = |format: &[BorrowedFormatItem<'_>]| {
            let moment = PrimitiveDateTime::parse(text, format).ok()?.assume_utc();
            u64::try_from(moment.unix_timestamp_nanos() / 1_000_000).ok()
        };
        match self {
            Clock::Ms => read_ms(text),
            Clock::S => match text.split_once('.') {
                Some((seconds, fraction)) if fraction.bytes().all(|b| b.is_ascii_digit()) => read_ms(seconds),
                Some(_) => None,
                None => read_ms(text),
            },
            Clock::Iso8601Ms => calendar(ISO8601_MS),
            Clock::UtcS => calendar(UTC_S),
        }
    }
}

/// Reads seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their length (good for the
/// years 2001 to 2286), as milliseconds.
pub(crate) fn read_ms(text: &str) -> Option<u64> {
    let number: u64 = text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()?;
    match text.len() {
        10 => Some(number * 1000),
        13 => Some(number),
        16 => Some(number / 1000),
        19 => Some(number / 1_000_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_is_told_by_the_length() {
        for text in ["1700000000", "1700000000000", "1700000000000999", "1700000000000999999"] {
            assert_eq!(read_ms(text), Some(1_700_000_000_000), "{text}");
        }
        for text in [
            "",
            "170000000",
            "-1700000000",
            "+700000000",
            "17000000000",
            "1.70000000",
            "99999999999999999999",
        ] {
            assert_eq!(read_ms(text), None, "{text}");
        }
    }

    #[test]
    fn every_clock_reads_what_it_writes() {
        let written = [
            (Clock::Ms, "1700002135123", 1_700_002_135_123),
            (Clock::S, "1700002135", 1_700_002_135_000),
            (Clock::Iso8601Ms, "2023-11-14T22:48:55.123Z", 1_700_002_135_123),
            (Clock::UtcS, "2023-11-14T22:48:55", 1_700_002_135_000),
        ];
        for (clock, text, ms) in written {
            assert_eq!(clock.text(1_700_002_135_123), text);
            assert_eq!(clock.read(text), Some(ms), "{text}");
        }
        assert_eq!(Clock::S.read("1700002135.5"), Some(1_700_002_135_000));
        for text in ["1700002135123", "2023-11-14T22:48:55.123Z", "2023-11-15T07:48:55.123+09:00"] {
            assert_eq!(Clock::read_any(text), Some(1_700_002_135_123), "{text}");
        }
        assert_eq!(Clock::read_any("Tue, 14 Nov 2023 22:48:55 GMT"), Some(1_700_002_135_000));
        for text in ["2023-11-14T22:48:55Z", "2023-13-14T22:48:55", "yesterday", ""] {
            assert_eq!(Clock::UtcS.read(text), None, "{text}");
        }
    }
}
