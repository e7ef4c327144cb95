//! Milliseconds since 1970 as the dates that exchanges print and clients send.

use time::format_description::BorrowedFormatItem;
use time::macros::{format_description, offset};
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

pub(crate) type Form = &'static [BorrowedFormatItem<'static>];

/// `2023-11-14T22:13:20`
pub(crate) const SECONDS: Form = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
/// `2023-11-14T22:13:20.123Z`
pub(crate) const MILLIS: Form =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
/// `2023-11-14 22:13:20.123000`
pub(crate) const MICROS: Form =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:6]");

/// `2023-11-14T22:13:20.123Z`
pub(crate) fn utc(ms: i64) -> String {
    write(ms, UtcOffset::UTC, MILLIS)
}

/// `2023-11-14T22:13:20`, in UTC.
pub(crate) fn seconds(ms: i64) -> String {
    write(ms, UtcOffset::UTC, SECONDS)
}

/// `2023-11-14 22:13:20.123000`, in UTC.
pub(crate) fn micros(ms: i64) -> String {
    write(ms, UtcOffset::UTC, MICROS)
}

/// `2023-11-15T07:13:20`, in Korea.
pub(crate) fn korean(ms: i64) -> String {
    write(ms, offset!(+9), SECONDS)
}

/// `2023-11-15T07:13:20+09:00`, in Korea.
pub(crate) fn kst(ms: i64) -> String {
    korean(ms) + "+09:00"
}

/// Times that no calendar has are told as nothing.
fn write(ms: i64, offset: UtcOffset, form: Form) -> String {
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).ok();
    time.and_then(|time| time.to_offset(offset).format(form).ok()).unwrap_or_default()
}

/// Milliseconds since 1970 of a time in UTC; `None` if it has another form.
pub(crate) fn read(text: &str, form: Form) -> Option<i64> {
    let time = PrimitiveDateTime::parse(text, form).ok()?.assume_utc();
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_700_000_000_123, "2023-11-14T22:13:20.123Z"),
            (1_709_164_800_000, "2024-02-29T00:00:00.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!((utc(ms).as_str(), read(text, MILLIS)), (text, Some(ms)));
        }
        assert_eq!(micros(1_700_000_000_123), "2023-11-14 22:13:20.123000");
        assert_eq!(kst(1_735_657_200_000), "2025-01-01T00:00:00+09:00");
        assert_eq!(utc(i64::MAX), "");
    }

    #[test]
    fn times_are_read_in_one_form_only() {
        assert_eq!(read("2020-12-08T09:08:57.715Z", MILLIS), Some(1_607_418_537_715));
        for odd in
            ["1700000000.000", "2020-12-08T09:08:57Z", "2020-13-08T09:08:57.715Z", "2020-12-08 09:08:57.715Z"]
        {
            assert_eq!(read(odd, MILLIS), None, "{odd}");
        }
    }
}
