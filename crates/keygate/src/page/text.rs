//! How pages write times and words.

use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

/// A moment for people, with its zone: `2026-01-31 12:00 UTC`.
pub fn when(at: &OffsetDateTime) -> String {
    at.to_offset(time::UtcOffset::UTC).format(SHORT).unwrap_or_default()
}

/// The same with seconds, for lists of events.
pub fn exactly(at: &OffsetDateTime) -> String {
    at.to_offset(time::UtcOffset::UTC).format(LONG).unwrap_or_default()
}

/// A moment for machines, as `<time datetime>` wants it.
pub fn machine(at: &OffsetDateTime) -> String {
    at.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}

/// `3 bots`, `1 bot`, `no bots`.
pub fn count(number: i64, noun: &str) -> String {
    match number {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

const SHORT: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
const LONG: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn times_name_their_zone() {
        let at = datetime!(2026-01-31 14:05:09 +2);
        assert_eq!(when(&at), "2026-01-31 12:05 UTC");
        assert_eq!(exactly(&at), "2026-01-31 12:05:09 UTC");
        assert_eq!(machine(&at), "2026-01-31T14:05:09+02:00");
    }

    #[test]
    fn counts_read_like_sentences() {
        assert_eq!([count(0, "bot"), count(1, "bot"), count(2, "bot")], ["no bots", "1 bot", "2 bots"]);
    }
}
