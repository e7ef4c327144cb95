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

/// What a batch adds to each counter, and later what each has come to. A counter that is only to be read is added nothing.
#[derive(Default)]
pub struct Counts(BTreeMap<Counter, i32>);

impl Counts {
    pub fn add(&mut self, key: Uuid, at: OffsetDateTime, uses: i32) {
        for counter in counters(key, at) {
            *self.0.entry(counter).or_default() += uses;
        }
    }

    /// In their order: whoever locks several of them does it in the same one.
    pub fn rows(&self) -> impl Iterator<Item = (Counter, i32)> {
        self.0.iter().map(|(counter, uses)| (*counter, *uses))
    }

    /// Back to what each counter was before this batch, to be counted up again row by row.
    pub fn rewind(&mut self, totals: impl IntoIterator<Item = (Counter, i32)>) {
        for (counter, total) in totals {
            if let Some(uses) = self.0.get_mut(&counter) {
                *uses = total - *uses;
            }
        }
    }

    /// What stands in the row of a call, which may be a use of its own.
    pub fn step(&mut self, key: Uuid, at: OffsetDateTime, uses: i32) -> Count {
        let [day, month] = counters(key, at).map(|counter| {
            let own = self.0.entry(counter).or_default();
            *own += uses;
            *own
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

    pub fn named(name: &str) -> Option<Period> {
        [Period::Day, Period::Month].into_iter().find(|period| period.name() == name)
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
        let mut counts = Counts::default();
        calls.iter().for_each(|(key, at, uses)| counts.add(*key, *at, *uses));
        // each counter stood at ten
        let totals: Vec<_> = counts.rows().map(|(counter, uses)| (counter, uses + 10)).collect();
        assert_eq!(totals.len(), 6);
        counts.rewind(totals);
        let steps = calls.map(|(key, at, uses)| counts.step(key, at, uses));
        let both = |number| Count { day: number, month: number };
        assert_eq!(steps, [both(11), both(11), both(11), both(11), both(12)]);
    }

    #[test]
    fn days_are_of_utc() {
        let late = datetime!(2026-06-01 01:00 +02:00);
        assert_eq!(counters(Uuid::nil(), late)[1].2, time::macros::date!(2026 - 05 - 01));
    }
}
