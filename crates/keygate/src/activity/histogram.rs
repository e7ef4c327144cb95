//! How much happened when: what the filters let through, counted by spans of time that fit on a picture.

use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Filter, store};
use crate::{app::App, error::Result, page::text};

/// The picture's spans, oldest first, those without entries included.
pub struct Histogram {
    pub bars: Vec<Bar>,
    pub since: OffsetDateTime,
    pub until: OffsetDateTime,
}

/// One span of time; heights in the units of the picture, whose y axis points down.
pub struct Bar {
    pub since: OffsetDateTime,
    pub until: OffsetDateTime,
    pub counts: Counts,
    pub x: i64,
    heights: [i64; 3],
}

/// Entries of a span. A call that moved money is one, though it left two records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub allowed: i64,
    pub denied: i64,
    pub changes: i64,
}

/// Over the time that is filtered by, or the last 24 hours.
pub async fn histogram(app: &App, user: Uuid, filter: &Filter) -> Result<Histogram> {
    let (since, until, bin) = span(filter, app.clock.now());
    // the span is rounded for the picture; what is counted is what the filter lets through
    let counted = Filter {
        since: filter.since.or(Some(since)),
        until: filter.until.or(Some(until)),
        before: None,
        together: true,
        ..filter.clone()
    };
    let counted = store::count(app, user, &counted, bin).await?;
    let mut histogram = Histogram { bars: bars(&counted, since, until, bin), since, until };
    histogram.clip(filter);
    Ok(histogram)
}

/// Whole bins of the clock (UTC), fifty at most.
fn span(filter: &Filter, now: OffsetDateTime) -> (OffsetDateTime, OffsetDateTime, Duration) {
    let until = filter.until.unwrap_or(now);
    let since = filter.since.unwrap_or(until.saturating_sub(Duration::DAY)).min(until);
    let bin = BINS.into_iter().find(|bin| (until - since) / *bin <= MOST).unwrap_or(BINS[BINS.len() - 1]);
    let seconds = bin.whole_seconds();
    let floor = |at: OffsetDateTime| at.unix_timestamp().div_euclid(seconds) * seconds;
    let since = OffsetDateTime::from_unix_timestamp(floor(since)).unwrap_or(since);
    let last = OffsetDateTime::from_unix_timestamp(floor(until)).unwrap_or(until);
    (since, if last == until && until > since { until } else { last.saturating_add(bin) }, bin)
}

fn bars(
    counted: &[(OffsetDateTime, Counts)],
    since: OffsetDateTime,
    until: OffsetDateTime,
    bin: Duration,
) -> Vec<Bar> {
    let most = counted.iter().map(|(_, counts)| counts.all()).max().unwrap_or(0).max(1);
    let height = |count: i64| if count == 0 { 0 } else { (count * HEIGHT / most).max(2) };
    let starts = std::iter::successors(Some(since), |at| at.checked_add(bin)).take_while(|at| *at < until);
    let of = |start| counted.iter().find(|(at, _)| *at == start).map_or_else(Counts::default, |own| own.1);
    starts
        .zip(0..)
        .map(|(start, index)| {
            let counts = of(start);
            let heights = [counts.allowed, counts.changes, counts.denied].map(height);
            Bar { since: start, until: start.saturating_add(bin), counts, x: index * WIDTH, heights }
        })
        .collect()
}

impl Histogram {
    /// A bar leads to what it counts: the first and the last one may be of a part of their span.
    fn clip(&mut self, filter: &Filter) {
        let within = |at: OffsetDateTime| {
            let at = filter.since.map_or(at, |since| at.max(since));
            filter.until.map_or(at, |until| at.min(until))
        };
        for bar in &mut self.bars {
            (bar.since, bar.until) = (within(bar.since), within(bar.until));
        }
        (self.since, self.until) = (within(self.since), within(self.until));
    }

    pub fn width(&self) -> i64 {
        i64::try_from(self.bars.len()).unwrap_or(0) * WIDTH
    }

    pub fn all(&self) -> Counts {
        self.bars.iter().fold(Counts::default(), |sum, bar| Counts {
            allowed: sum.allowed + bar.counts.allowed,
            denied: sum.denied + bar.counts.denied,
            changes: sum.changes + bar.counts.changes,
        })
    }
}

impl Bar {
    /// Its parts from the bottom up: class, y and height of those that are there.
    pub fn parts(&self) -> Vec<(&'static str, i64, i64)> {
        let mut top = BASE;
        let named = ["allowed", "changed", "denied"].into_iter().zip(self.heights);
        named
            .filter(|(_, height)| *height > 0)
            .map(|(class, height)| {
                top -= height;
                (class, top, height)
            })
            .collect()
    }

    pub fn label(&self) -> String {
        text::when(&self.since)
    }

    /// The span as the fields of the filters have it.
    pub fn fields(&self) -> String {
        format!("since={}&until={}", text::field(&self.since), text::field(&self.until))
    }
}

impl Counts {
    pub fn all(self) -> i64 {
        self.allowed + self.denied + self.changes
    }
}

const BINS: [Duration; 11] = [
    Duration::minutes(1),
    Duration::minutes(5),
    Duration::minutes(15),
    Duration::hours(1),
    Duration::hours(3),
    Duration::hours(12),
    Duration::DAY,
    Duration::WEEK,
    Duration::weeks(4),
    Duration::weeks(26),
    Duration::weeks(520),
];
const MOST: f64 = 49.0;
const WIDTH: i64 = 10;
const HEIGHT: i64 = 60;
const BASE: i64 = 61;

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn of(
        since: Option<OffsetDateTime>,
        until: Option<OffsetDateTime>,
    ) -> (OffsetDateTime, OffsetDateTime, Duration) {
        span(&Filter { since, until, ..Filter::default() }, datetime!(2026-03-04 12:34:56 UTC))
    }

    #[test]
    fn spans_are_whole_and_hold_what_is_asked_for() {
        let (since, until, bin) = of(None, None);
        assert_eq!((since, until), (datetime!(2026-03-03 12:00 UTC), datetime!(2026-03-04 13:00 UTC)));
        assert_eq!(bin, Duration::HOUR);
        let hour = of(Some(datetime!(2026-03-04 11:00 UTC)), Some(datetime!(2026-03-04 12:00 UTC)));
        assert_eq!(
            hour,
            (datetime!(2026-03-04 11:00 UTC), datetime!(2026-03-04 12:00 UTC), Duration::minutes(5))
        );
        for since in [
            datetime!(1970-01-01 00:00 UTC),
            datetime!(2020-01-01 00:00 UTC),
            datetime!(2026-03-04 12:34 UTC),
        ] {
            let (from, to, bin) = of(Some(since), None);
            assert!(
                from <= since && to > datetime!(2026-03-04 12:34:56 UTC) && (to - from) / bin <= 51.0,
                "{since}"
            );
        }
        let (from, to, _) = of(Some(datetime!(2027-01-01 00:00 UTC)), None);
        assert!(from < to, "a time to come has one span");
        let (from, to, bin) =
            of(Some(datetime!(0001-01-01 00:00 UTC)), Some(datetime!(9999-12-31 23:59 UTC)));
        assert!(bars(&[], from, to, bin).len() > 1, "all of time");
    }

    #[test]
    fn bars_stand_on_the_line_and_the_tallest_fills_the_height() {
        let start = datetime!(2026-03-04 00:00 UTC);
        let counts = Counts { allowed: 30, denied: 30, changes: 0 };
        let few = Counts { allowed: 1, denied: 0, changes: 0 };
        let next = start + Duration::HOUR;
        let bars = bars(&[(start, counts), (next, few)], start, start + Duration::hours(3), Duration::HOUR);
        assert_eq!(bars.len(), 3);
        assert_eq!(bars[0].parts(), [("allowed", 31, 30), ("denied", 1, 30)]);
        assert_eq!(bars[1].parts(), [("allowed", 59, 2)], "one is to be seen");
        assert!(bars[2].parts().is_empty());
    }
}
