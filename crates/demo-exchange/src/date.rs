//! Milliseconds since 1970 as the calendar dates that exchanges print.

/// `2023-11-14T22:13:20.123Z`
pub(crate) fn utc(ms: i64) -> String {
    format!("{}.{:03}Z", seconds(ms), ms.rem_euclid(1000))
}

/// `2023-11-14T22:13:20`, in UTC.
pub(crate) fn seconds(ms: i64) -> String {
    let time = ms.div_euclid(1000).rem_euclid(86_400);
    let (year, month, day) = civil(ms.div_euclid(86_400_000));
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", time / 3600, time / 60 % 60, time % 60)
}

/// `2023-11-15T07:13:20+09:00`, in Korea.
pub(crate) fn kst(ms: i64) -> String {
    format!("{}+09:00", seconds(ms + 9 * 3_600_000))
}

/// Year, month and day of a day counted from 1970-01-01, in a year that begins in March so that its leap day is its
/// last.
fn civil(day: i64) -> (i64, i64, i64) {
    let day = day + 719_468;
    let (era, of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, of_year - (153 * from_march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(utc(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(utc(1_700_000_000_123), "2023-11-14T22:13:20.123Z");
        assert_eq!(utc(1_709_164_800_000), "2024-02-29T00:00:00.000Z");
        assert_eq!(kst(1_735_657_200_000), "2025-01-01T00:00:00+09:00");
    }
}
