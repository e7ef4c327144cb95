//! Who sends a signed request: four headers, and a MAC over time, method, target and body.

use std::ops::Range;

use super::error::Error;
use crate::check::{self, HMAC_SHA256};
use crate::house::Desk;
use crate::key::{Entry, Keys};
use crate::request::Received;

/// How far the time of a request may be from the exchange's.
const WINDOW_MS: i64 = 30_000;

pub(super) fn signer<'k>(keys: &'k Keys, request: &Received) -> Option<&'k Entry> {
    let entry = keys.get(request.header("ok-access-key")?)?;
    let time = request.header("ok-access-timestamp")?;
    let signature = check::from_base64(request.header("ok-access-sign")?)?;
    let signed = format!("{time}{}{}", request.method, request.target());
    let message = [signed.as_bytes(), &request.body].concat();
    (check::mac(HMAC_SHA256, entry.secret()?.as_bytes(), &message) == signature).then_some(entry)
}

pub(super) fn admit(desk: &Desk, request: &Received, signer: Option<&Entry>) -> Result<Entry, Error> {
    let header = |name, missing| request.header(name).filter(|text| !text.is_empty()).ok_or(missing);
    let key = header("ok-access-key", Error::NO_KEY)?;
    let passphrase = header("ok-access-passphrase", Error::NO_PASSPHRASE)?;
    header("ok-access-sign", Error::NO_SIGNATURE)?;
    let time = header("ok-access-timestamp", Error::NO_TIME)?;
    let entry = desk.keys.get(key).ok_or(Error::KEY)?;
    if !entry.admits(request.peer) {
        return Err(Error::address(request.peer));
    }
    let time = iso_ms(time).ok_or(Error::TIME)?;
    if (time - request.at_ms).abs() > WINDOW_MS {
        return Err(Error::EXPIRED);
    }
    let entry = signer.ok_or(Error::SIGNATURE)?;
    let known = entry.key.passphrase.as_deref() == Some(passphrase);
    if known { Ok(entry.clone()) } else { Err(Error::PASSPHRASE) }
}

/// Milliseconds since 1970 of a time in exactly the form `2020-12-08T09:08:57.715Z`.
fn iso_ms(text: &str) -> Option<i64> {
    let form = "0000-00-00T00:00:00.000Z";
    let fits = |(given, wanted): (u8, u8)| given == wanted || wanted == b'0' && given.is_ascii_digit();
    if text.len() != form.len() || !text.bytes().zip(form.bytes()).all(fits) {
        return None;
    }
    let part = |range: Range<usize>| text.get(range)?.parse::<i64>().ok();
    let (month, day) = (part(5..7)?, part(8..10)?);
    let (hour, minute, second) = (part(11..13)?, part(14..16)?, part(17..19)?);
    let real =
        (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 60;
    let seconds = days(part(0..4)?, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(seconds * 1000 + part(20..23)?).filter(|_| real)
}

/// Days since 1970, counted in years that begin in March, so that a leap day is the last of its year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::iso_ms;

    #[test]
    fn times_are_read_in_one_form_only() {
        assert_eq!(iso_ms("1970-01-01T00:00:00.000Z"), Some(0));
        assert_eq!(iso_ms("2020-12-08T09:08:57.715Z"), Some(1_607_418_537_715));
        assert_eq!(iso_ms("2024-02-29T23:59:59.999Z"), Some(1_709_251_199_999));
        for odd in
            ["1700000000.000", "2020-12-08T09:08:57Z", "2020-13-08T09:08:57.715Z", "2020-12-08 09:08:57.715Z"]
        {
            assert_eq!(iso_ms(odd), None, "{odd}");
        }
    }
}
