//! How pages write times and words.

use serde_json::Value;
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

/// A moment for people, with its zone: `2026-01-31 12:00 UTC`.
pub fn when(at: &OffsetDateTime) -> String {
    at.to_offset(time::UtcOffset::UTC).format(SHORT).unwrap_or_default()
}

/// The same with seconds, for lists of events.
pub fn exactly(at: &OffsetDateTime) -> String {
    at.to_offset(time::UtcOffset::UTC).format(LONG).unwrap_or_default()
}

/// A moment as a `datetime-local` field has it, which holds no zone: ours are UTC. Seconds stand there if there are any.
pub fn field(at: &OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    let minute = at.format(FIELD).unwrap_or_default();
    if at.second() == 0 { minute } else { format!("{minute}:{:02}", at.second()) }
}

/// How long ago something was, in the largest unit that fits: `40 s`, `3 min`, `2 h`, `5 d`.
pub fn ago(seconds: i64) -> String {
    match seconds.max(0) {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

/// How long something lasts, in the largest unit that divides it: `24 hours`, `90 minutes`.
pub fn lasting(seconds: i32) -> String {
    let units = [(3600, "hour"), (60, "minute")];
    let fitting = units.into_iter().find(|(unit, _)| seconds >= *unit && seconds % unit == 0);
    match fitting.map_or((seconds, "second"), |(unit, noun)| (seconds / unit, noun)) {
        (1, noun) => format!("1 {noun}"),
        (many, noun) => format!("{many} {noun}s"),
    }
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

/// A member of limits as people read it; `absent` is what stands for null.
pub fn value(value: &Value, absent: &str) -> String {
    match value {
        Value::Null => absent.to_owned(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(list) if list.is_empty() => "none".to_owned(),
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

const SHORT: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
const FIELD: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]");
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
        assert_eq!(field(&at), "2026-01-31T12:05:09");
        assert_eq!(field(&datetime!(2026-01-31 14:05 +2)), "2026-01-31T12:05");
    }

    #[test]
    fn spans_have_the_unit_that_fits() {
        assert_eq!([40, 119, 120, 7_199].map(ago), ["40 s", "119 s", "2 min", "119 min"]);
        assert_eq!([7_200, 172_800, -5].map(ago), ["2 h", "2 d", "0 s"]);
    }

    #[test]
    fn spans_are_said_in_whole_units() {
        let said = [86_400, 3600, 5400, 61, 0].map(lasting);
        assert_eq!(said, ["24 hours", "1 hour", "90 minutes", "61 seconds", "0 seconds"]);
    }

    #[test]
    fn counts_read_like_sentences() {
        assert_eq!([count(0, "bot"), count(1, "bot"), count(2, "bot")], ["no bots", "1 bot", "2 bots"]);
    }
}
