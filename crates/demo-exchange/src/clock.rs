//! Where the exchange reads the time: milliseconds since 1970, handed in at the start.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A source of milliseconds since 1970. Cloning shares the source.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// Any function as a clock.
    pub fn new(now_ms: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now_ms))
    }

    /// The machine's own time.
    pub fn system() -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is handed")]
        Self::new(|| match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(elapsed) => i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX),
            Err(_) => 0,
        })
    }

    /// A clock that stands still until its hand is moved: `hand.store(..)`.
    pub fn by_hand(hand: Arc<AtomicI64>) -> Self {
        Self::new(move || hand.load(Ordering::Relaxed))
    }

    pub fn now_ms(&self) -> i64 {
        (self.0)()
    }
}

/// `2023-11-14T22:13:20.000Z`
pub(crate) fn iso8601(ms: i64) -> String {
    const DAY: i64 = 86_400_000;
    let (day, time) = (ms.div_euclid(DAY), ms.rem_euclid(DAY));
    let (year, month, day) = date(day);
    let (hour, minute, second) = (time / 3_600_000, time / 60_000 % 60, time / 1000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", time % 1000)
}

/// Year, month and day of a day since 1970. Years are counted from March here, so that the leap day is the last.
fn date(day: i64) -> (i64, i64, i64) {
    let since_march = day + 719_468;
    let (era, day) = (since_march.div_euclid(146_097), since_march.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let january = i64::from(month >= 10);
    (era * 400 + year + january, month + 3 - 12 * january, day - (153 * month + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::iso8601;

    #[test]
    fn times_are_told_in_iso_form() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_700_000_000_000, "2023-11-14T22:13:20.000Z"),
            (4_107_542_399_000, "2100-02-28T23:59:59.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(iso8601(ms), text);
        }
    }
}
