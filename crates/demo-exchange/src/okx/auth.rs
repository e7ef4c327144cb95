//! Who sends a signed request: four headers, and a MAC over time, method, target and body.

use super::error::Error;
use crate::check::{self, HMAC_SHA256};
use crate::date;
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
    let time = date::read(time, date::MILLIS).ok_or(Error::TIME)?;
    if (time - request.at_ms).abs() > WINDOW_MS {
        return Err(Error::EXPIRED);
    }
    let entry = signer.ok_or(Error::SIGNATURE)?;
    let known = entry.key.passphrase.as_deref() == Some(passphrase);
    if known { Ok(entry.clone()) } else { Err(Error::PASSPHRASE) }
}
