//! Who calls: key, time, passphrase, signature, address, in Bitget's order. The signature is an HMAC over time,
//! method, path with the decoded query, and body; the passphrase comes as it is.

use super::error::Error;
use crate::check::{self, HMAC_SHA256};
use crate::key::{Entry, Keys};
use crate::request::{Received, form_decode};

/// How far the caller's clock may be off.
const WINDOW_MS: u64 = 30_000;

/// The key whose signature the request carries, if it holds.
pub(super) fn signer<'k>(keys: &'k Keys, request: &Received) -> Option<&'k Entry> {
    let entry = keys.get(request.header("access-key")?)?;
    let given = check::from_base64(request.header("access-sign")?)?;
    let mac = check::mac(HMAC_SHA256, entry.secret()?.as_bytes(), &signed(request)?);
    (mac == given).then_some(entry)
}

fn signed(request: &Received) -> Option<Vec<u8>> {
    let time = request.header("access-timestamp")?;
    let mut text = format!("{time}{}{}", request.method, request.path);
    if !request.query.is_empty() {
        text.push('?');
        text.push_str(&form_decode(&request.query)?);
    }
    Some([text.as_bytes(), &request.body].concat())
}

pub(super) fn admit(keys: &Keys, request: &Received, signer: Option<&Entry>) -> Result<Entry, Error> {
    let header = |name| request.header(name).filter(|value| !value.is_empty());
    let key = header("access-key").ok_or(Error::NO_KEY)?;
    header("access-sign").ok_or(Error::NO_SIGNATURE)?;
    let passphrase = header("access-passphrase").ok_or(Error::NO_PASSPHRASE)?;
    let time: i64 = header("access-timestamp").and_then(|time| time.parse().ok()).ok_or(Error::TIME)?;
    if time.abs_diff(request.at_ms) > WINDOW_MS {
        return Err(Error::EXPIRED);
    }
    let entry = keys.get(key).ok_or(Error::KEY)?;
    if entry.key.passphrase.as_deref() != Some(passphrase) {
        return Err(Error::PASSPHRASE);
    }
    let entry = signer.ok_or(Error::SIGNATURE)?;
    if entry.admits(request.peer) { Ok(entry.clone()) } else { Err(Error::ADDRESS) }
}
