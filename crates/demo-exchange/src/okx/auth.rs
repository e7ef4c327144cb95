//! Who sends a signed request: four headers, and a MAC over time, method, target and body.

use super::Okx;
use super::error::Error;
use crate::check::{self, HMAC_SHA256};
use crate::date;
use crate::house::{Auth, Desk};
use crate::key::Entry;
use crate::request::Received;

/// How far the time of a request may be from the exchange's.
const WINDOW_MS: i64 = 30_000;

impl Auth for Okx {
    type Error = Error;

    fn named(request: &Received) -> Option<String> {
        request.header("ok-access-key").map(str::to_owned)
    }

    fn is_signed_by(entry: &Entry, request: &Received) -> Option<bool> {
        let signed = request.row(request.header("ok-access-timestamp")?, &request.target());
        Some(entry.mac(HMAC_SHA256, &signed)? == check::from_base64(request.header("ok-access-sign")?)?)
    }

    fn admit(desk: &mut Desk, request: &Received, signer: Option<&Entry>) -> Result<Entry, Error> {
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
}
