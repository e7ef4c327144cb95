//! How often a key was used so far, in its day and its month (UTC): the numbers that stand in its records. Counted where the
//! chain is locked, so they are exact however many replicas write.

use std::collections::BTreeMap;

use time::{Date, OffsetDateTime, UtcOffset};
use uuid::Uuid;

/// Uses of a key in its day and in its month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub day: i32,
    pub month: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Period {
    Day,
    Month,
}

/// The count of one key in one period.
pub type Counter = (Uuid, Period, Date);

/// The counters that the rows of a batch need.
#[derive(Default)]
pub struct Counts(BTreeMap<Counter, Tally>);

#[derive(Clone, Copy, Default)]
struct Tally {
    before: i32,
    now: i32,
}

impl Counts {
    /// Those of rows about these keys at these times.
    pub fn of(rows: impl IntoIterator<Item = (Uuid, OffsetDateTime)>) -> Counts {
        let counters = rows.into_iter().flat_map(|(key, at)| counters(key, at));
        Counts(counters.map(|counter| (counter, Tally::default())).collect())
    }

    pub fn counters(&self) -> impl Iterator<Item = &Counter> {
        self.0.keys()
    }

    /// What each of [`Counts::counters`] stands at, in the same order.
    pub fn begin(&mut self, calls: impl IntoIterator<Item = i32>) {
        for (tally, calls) in self.0.values_mut().zip(calls) {
            *tally = Tally { before: calls, now: calls };
        }
    }

    /// The counters that have changed, and what they have come to.
    pub fn changed(&self) -> impl Iterator<Item = (&Counter, i32)> {
        self.0.iter().filter(|(_, own)| own.now != own.before).map(|(counter, own)| (counter, own.now))
    }

    /// What stands in the row of a call, which may be a use of its own.
    pub fn step(&mut self, key: Uuid, at: OffsetDateTime, uses: i32) -> Count {
        let [day, month] = counters(key, at).map(|counter| {
            let own = self.0.entry(counter).or_default();
            own.now += uses;
            own.now
        });
        Count { day, month }
    }
}

fn counters(key: Uuid, at: OffsetDateTime) -> [Counter; 2] {
    let day = at.to_offset(UtcOffset::UTC).date();
    let month = day.replace_day(1).unwrap_or(day);
    [(key, Period::Day, day), (key, Period::Month, month)]
}

impl Period {
    pub fn name(self) -> &'static str {
        match self {
            Period::Day => "day",
            Period::Month => "month",
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn each_row_has_the_number_of_its_use() {
        let (key, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let (before, after) = (datetime!(2026-05-31 23:59:59 UTC), datetime!(2026-06-01 00:00 UTC));
        let calls =
            [(key, before, 1), (key, before, 0), (other, before, 1), (key, after, 1), (key, after, 1)];
        let mut counts = Counts::of(calls.iter().map(|(key, at, _)| (*key, *at)));
        assert_eq!(counts.counters().count(), 6);
        counts.begin([10; 6]);
        let steps = calls.map(|(key, at, uses)| counts.step(key, at, uses));
        let both = |number| Count { day: number, month: number };
        assert_eq!(steps, [both(11), both(11), both(11), both(11), both(12)]);
        let changed: Vec<_> = counts.changed().map(|(_, calls)| calls).collect();
        assert_eq!(changed, [11, 12, 11, 12, 11, 11], "day, day, month, month of a key, and of the other");
    }

    #[test]
    fn counter_that_was_only_read_is_not_written() {
        let mut counts = Counts::of([(Uuid::nil(), datetime!(2026-06-01 00:00 UTC))]);
        counts.begin([3, 3]);
        assert_eq!(counts.step(Uuid::nil(), datetime!(2026-06-01 00:00 UTC), 0), Count { day: 3, month: 3 });
        assert_eq!(counts.changed().count(), 0);
    }

    #[test]
    fn days_are_of_utc() {
        let late = datetime!(2026-06-01 01:00 +02:00);
        assert_eq!(counters(Uuid::nil(), late)[1].2, time::macros::date!(2026 - 05 - 01));
    }
}
