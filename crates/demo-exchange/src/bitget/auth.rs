//! Who calls: key, time, passphrase, signature, address, in Bitget's order. The signature is an HMAC over time,
//! method, path with the decoded query, and body; the passphrase comes as it is.

use super::Bitget;
use super::error::Error;
use crate::check::{self, HMAC_SHA256};
use crate::house::{Auth, Desk};
use crate::key::Entry;
use crate::request::Received;

/// How far the caller's clock may be off.
const WINDOW_MS: u64 = 30_000;

impl Auth for Bitget {
    type Error = Error;

    fn named(request: &Received) -> Option<String> {
        request.header("access-key").map(str::to_owned)
    }

    fn is_signed_by(entry: &Entry, request: &Received) -> Option<bool> {
        let signed = request.row(request.header("access-timestamp")?, &request.decoded_target()?);
        Some(entry.mac(HMAC_SHA256, &signed)? == check::from_base64(request.header("access-sign")?)?)
    }

    fn admit(desk: &mut Desk, request: &Received, signer: Option<&Entry>) -> Result<Entry, Error> {
        let header = |name| request.header(name).filter(|value| !value.is_empty());
        let key = header("access-key").ok_or(Error::NO_KEY)?;
        header("access-sign").ok_or(Error::NO_SIGNATURE)?;
        let passphrase = header("access-passphrase").ok_or(Error::NO_PASSPHRASE)?;
        let time: i64 = header("access-timestamp").and_then(|time| time.parse().ok()).ok_or(Error::TIME)?;
        if time.abs_diff(request.at_ms) > WINDOW_MS {
            return Err(Error::EXPIRED);
        }
        let entry = desk.keys.get(key).ok_or(Error::KEY)?;
        if entry.key.passphrase.as_deref() != Some(passphrase) {
            return Err(Error::PASSPHRASE);
        }
        let entry = signer.ok_or(Error::SIGNATURE)?;
        if entry.admits(request.peer) { Ok(entry.clone()) } else { Err(Error::ADDRESS) }
    }
}
