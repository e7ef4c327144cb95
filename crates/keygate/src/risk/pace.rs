//! How busy a key usually is, and when: from counts of its minutes and hours.

use time::OffsetDateTime;

/// Of one key, as far as this instance knows it: what is stored of the past four weeks, and what it counts itself.
#[derive(Default)]
pub struct Pace {
    /// The minute being counted, since 1970, and its calls.
    minute: (i64, u32),
    /// What one busy minute in twenty exceeds, of the last seven days.
    usual: Option<u32>,
    /// Hours of the week at which the key rests; nothing while its past is too short to say.
    rests: Option<[bool; WEEK]>,
    unsaved: Vec<Hour>,
}

/// What an hour counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hour {
    /// Since 1970.
    pub number: i64,
    pub calls: u32,
    /// How many of its minutes are of each class.
    pub minutes: [u32; CLASSES],
}

impl Pace {
    /// Counts a call, and says how many there were in its minute. One that comes late counts in the minute that runs.
    pub fn count(&mut self, at: OffsetDateTime) -> u32 {
        let minute = at.unix_timestamp().div_euclid(60);
        let is_late = minute + 1 == self.minute.0;
        if minute != self.minute.0 && !is_late {
            self.close_minute();
            self.minute = (minute, 0);
        }
        self.minute.1 += 1;
        self.minute.1
    }

    /// More than five times what is usual.
    pub fn is_burst(&self, calls: u32) -> bool {
        self.usual.is_some_and(|usual| calls > usual.saturating_mul(5))
    }

    pub fn is_off_hours(&self, at: OffsetDateTime) -> bool {
        let hour = hour_of_week(at.unix_timestamp().div_euclid(3600));
        self.rests.is_some_and(|rests| rests[hour])
    }

    /// What nobody has stored yet, without the minute that still runs.
    pub fn take_unsaved(&mut self, now: OffsetDateTime) -> Vec<Hour> {
        if self.minute.0 < now.unix_timestamp().div_euclid(60) {
            self.close_minute();
        }
        std::mem::take(&mut self.unsaved)
    }

    /// The past, as it is stored now: of all instances.
    pub fn learn(&mut self, hours: &[Hour], now: OffsetDateTime) {
        let now = now.unix_timestamp().div_euclid(3600);
        self.usual = usual(hours.iter().filter(|hour| hour.number > now - 7 * 24));
        self.rests = rests(hours, now);
    }

    fn close_minute(&mut self) {
        let (minute, calls) = std::mem::take(&mut self.minute);
        if calls == 0 {
            return;
        }
        let number = minute.div_euclid(60);
        if self.unsaved.last().is_none_or(|hour| hour.number != number) {
            self.unsaved.push(Hour { number, calls: 0, minutes: [0; CLASSES] });
        }
        if let Some(hour) = self.unsaved.last_mut() {
            hour.calls += calls;
            hour.minutes[class(calls)] += 1;
        }
    }
}

/// The size that 95 of 100 busy minutes do not exceed; nothing if there were too few of them.
fn usual<'h>(hours: impl Iterator<Item = &'h Hour>) -> Option<u32> {
    let mut minutes = [0u32; CLASSES];
    for hour in hours {
        minutes.iter_mut().zip(hour.minutes).for_each(|(sum, own)| *sum += own);
    }
    let all: u32 = minutes.iter().sum();
    let mut below = 0;
    let class = minutes.iter().position(|count| {
        below += count;
        below * 100 >= all * 95
    });
    class.filter(|_| all >= LEAST_MINUTES).map(most)
}

/// An hour of the week counts as rest if it has less than a hundredth of the calls of an average one.
fn rests(hours: &[Hour], now: i64) -> Option<[bool; WEEK]> {
    let recent = || hours.iter().filter(|hour| hour.number > now - 28 * 24);
    let all: u64 = recent().map(|hour| u64::from(hour.calls)).sum();
    let first = recent().map(|hour| hour.number).min()?;
    if all < LEAST_CALLS || now - first < LEAST_HOURS {
        return None;
    }
    let mut calls = [0u64; WEEK];
    recent().for_each(|hour| calls[hour_of_week(hour.number)] += u64::from(hour.calls));
    Some(calls.map(|calls| calls * 100 * (WEEK as u64) < all))
}

/// The class of a minute with so many calls: exact up to eight, then two classes for each doubling.
fn class(calls: u32) -> usize {
    (0..CLASSES - 1).find(|class| calls <= most(*class)).unwrap_or(CLASSES - 1)
}

/// The largest of a class: 1, 2, … 8, 12, 16, 24, 32, …
fn most(class: usize) -> u32 {
    let class = u32::try_from(class).unwrap_or(0);
    match class {
        0..8 => class + 1,
        _ if class % 2 == 0 => 12 << ((class - 8) / 2),
        _ => 16 << ((class - 9) / 2),
    }
}

fn hour_of_week(hour: i64) -> usize {
    usize::try_from(hour.rem_euclid(WEEK as i64)).unwrap_or(0)
}

pub const CLASSES: usize = 32;
const WEEK: usize = 168;
const LEAST_MINUTES: u32 = 60;
const LEAST_CALLS: u64 = 200;
/// Two weeks: in one alone each hour of the week is the first of its kind.
const LEAST_HOURS: i64 = 14 * 24;

#[cfg(test)]
mod tests {
    use time::{Duration, macros::datetime};

    use super::*;

    const MONDAY: OffsetDateTime = datetime!(2026-06-01 00:00 UTC);

    fn count(pace: &mut Pace, calls: u32, at: OffsetDateTime) {
        for _ in 0..calls {
            pace.count(at);
        }
    }

    /// A key that makes so many calls in each minute of the given hours, for these days before Monday.
    fn worked(days: i64, hours: std::ops::Range<i64>, calls: u32) -> Pace {
        let mut pace = Pace::default();
        for day in (1..=days).rev() {
            for minute in hours.start * 60..hours.end * 60 {
                let at = MONDAY - Duration::days(day) + Duration::minutes(minute);
                count(&mut pace, calls, at);
            }
        }
        let hours = pace.take_unsaved(MONDAY);
        pace.learn(&hours, MONDAY);
        pace
    }

    #[test]
    fn classes_grow_and_hold_what_they_say() {
        for calls in 1..40_000 {
            let class = class(calls);
            assert!(calls <= most(class) || class == CLASSES - 1);
            assert!(class == 0 || calls > most(class - 1));
            assert!(class < 8 || class == CLASSES - 1 || most(class) <= calls + calls / 2);
        }
    }

    #[test]
    fn burst_is_more_than_five_times_the_usual() {
        let pace = worked(3, 8..10, 4);
        assert!(!pace.is_burst(20));
        assert!(pace.is_burst(21));
    }

    #[test]
    fn one_busy_minute_an_hour_makes_no_burst_usual() {
        let mut pace = Pace::default();
        for minute in 0..180 {
            let at = MONDAY - Duration::DAY + Duration::minutes(minute);
            count(&mut pace, if minute % 60 == 0 { 400 } else { 4 }, at);
        }
        let hours = pace.take_unsaved(MONDAY);
        pace.learn(&hours, MONDAY);
        assert!(pace.is_burst(21));
    }

    #[test]
    fn nothing_is_unusual_for_a_key_without_a_past() {
        let new = worked(1, 8..9, 2);
        assert!(new.usual.is_some(), "sixty minutes are enough to know its pace");
        let newer = Pace::default();
        assert!(!newer.is_burst(u32::MAX));
        for hour in 0..168 {
            assert!(!newer.is_off_hours(MONDAY + Duration::hours(hour)));
            assert!(!worked(13, 9..17, 2).is_off_hours(MONDAY + Duration::hours(hour)), "too short a past");
        }
    }

    #[test]
    fn nights_of_who_works_by_day_are_off_hours() {
        let pace = worked(27, 9..17, 2);
        assert!(pace.is_off_hours(MONDAY + Duration::hours(3)));
        assert!(!pace.is_off_hours(MONDAY + Duration::hours(9)));
    }

    /// Each hour has less than one per cent of a week's calls then.
    #[test]
    fn who_works_around_the_clock_has_no_off_hours() {
        let pace = worked(27, 0..24, 2);
        assert!((0..168).all(|hour| !pace.is_off_hours(MONDAY + Duration::hours(hour))));
    }

    #[test]
    fn what_is_stored_is_what_was_counted() {
        let mut pace = Pace::default();
        for (seconds, calls) in [(0, 3), (61, 5), (3600, 1)] {
            count(&mut pace, calls, MONDAY + Duration::seconds(seconds));
        }
        let stored = pace.take_unsaved(MONDAY + Duration::seconds(3601));
        let hour = |calls, classes: &[usize]| {
            let mut minutes = [0; CLASSES];
            classes.iter().for_each(|class| minutes[*class] += 1);
            Hour { number: MONDAY.unix_timestamp() / 3600, calls, minutes }
        };
        assert_eq!(stored, [hour(8, &[2, 4])], "the minute that runs is not over");
        let later = pace.take_unsaved(MONDAY + Duration::hours(2));
        assert_eq!(later.iter().map(|hour| hour.calls).sum::<u32>(), 1);
    }
}
