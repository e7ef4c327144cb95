//! The stretches of time in which limits count. All of them follow the clock in UTC, so that two replicas mean the same.

use time::{Duration, OffsetDateTime, Time, UtcOffset};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Window {
    TradeDay,
    WithdrawDay,
    WithdrawMonth,
    Minute,
    Hour,
    Day,
}

impl Window {
    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Window::TradeDay => "trade-day",
            Window::WithdrawDay => "withdraw-day",
            Window::WithdrawMonth => "withdraw-month",
            Window::Minute => "requests-minute",
            Window::Hour => "requests-hour",
            Window::Day => "requests-day",
        }
    }

    /// When the one that `at` is in began.
    pub fn start(self, at: OffsetDateTime) -> OffsetDateTime {
        let at = at.to_offset(UtcOffset::UTC);
        let midnight = at.replace_time(Time::MIDNIGHT);
        match self {
            Window::TradeDay | Window::WithdrawDay | Window::Day => midnight,
            Window::WithdrawMonth => midnight - Duration::days(i64::from(at.day()) - 1),
            Window::Hour => midnight + Duration::hours(at.hour().into()),
            Window::Minute => {
                midnight + Duration::minutes(i64::from(at.hour()) * 60 + i64::from(at.minute()))
            }
        }
    }

    /// Which windows an order or a withdrawal counts in.
    pub fn of(kind: &str) -> &'static [Window] {
        match kind {
            "withdraw" => &[Window::WithdrawDay, Window::WithdrawMonth],
            _ => &[Window::TradeDay],
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn windows_begin_with_the_clock_of_utc() {
        let at = datetime!(2026-03-31 23:59:59.999 +2);
        assert_eq!(Window::Minute.start(at), datetime!(2026-03-31 21:59 UTC));
        assert_eq!(Window::Hour.start(at), datetime!(2026-03-31 21:00 UTC));
        assert_eq!(Window::TradeDay.start(at), datetime!(2026-03-31 0:00 UTC));
        assert_eq!(Window::WithdrawMonth.start(at), datetime!(2026-03-01 0:00 UTC));
        let next = datetime!(2026-04-01 1:59:59.999 +2);
        assert_eq!(Window::WithdrawMonth.start(next), datetime!(2026-03-01 0:00 UTC));
    }
}
