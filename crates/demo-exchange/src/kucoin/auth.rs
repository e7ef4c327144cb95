//! Who calls: key, time, passphrase, signature, address, in KuCoin's order.
//!
//! The signature is an HMAC over time, method, path with the decoded query, and body. The passphrase of a key of
//! version 2 or 3 is itself signed; that of version 1 comes as it is.

use super::error::Error;
use crate::check::{self, HMAC_SHA256};
use crate::key::{Entry, Keys};
use crate::request::{Received, form_decode};

/// How far the caller's clock may be off.
const WINDOW_MS: u64 = 5000;

/// The key whose signature the request carries, if it holds.
pub(super) fn signer<'k>(keys: &'k Keys, request: &Received) -> Option<&'k Entry> {
    let entry = keys.get(request.header("kc-api-key")?)?;
    let given = check::from_base64(request.header("kc-api-sign")?)?;
    let mac = check::mac(HMAC_SHA256, entry.secret()?.as_bytes(), &signed(request)?);
    (mac == given).then_some(entry)
}

fn signed(request: &Received) -> Option<Vec<u8>> {
    let time = request.header("kc-api-timestamp")?;
    let mut text = format!("{time}{}{}", request.method, request.path);
    if !request.query.is_empty() {
        text.push('?');
        text.push_str(&form_decode(&request.query)?);
    }
    Some([text.as_bytes(), &request.body].concat())
}

pub(super) fn admit(keys: &Keys, request: &Received, signer: Option<&Entry>) -> Result<Entry, Error> {
    let header = |name| request.header(name).filter(|value| !value.is_empty()).ok_or(Error::HEADERS);
    let (key, time) = (header("kc-api-key")?, header("kc-api-timestamp")?);
    let passphrase = header("kc-api-passphrase")?;
    header("kc-api-sign")?;
    let time: i64 = time.parse().map_err(|_| Error::TIME)?;
    if time.abs_diff(request.at_ms) > WINDOW_MS {
        return Err(Error::TIME);
    }
    let entry = keys.get(key).ok_or(Error::KEY)?;
    if expected_passphrase(entry, request).as_deref() != Some(passphrase) {
        return Err(Error::PASSPHRASE);
    }
    let entry = signer.ok_or(Error::SIGNATURE)?;
    if entry.admits(request.peer) { Ok(entry.clone()) } else { Err(Error::ADDRESS) }
}

/// The passphrase as this request must carry it; `None` if it names an unknown version of keys.
fn expected_passphrase(entry: &Entry, request: &Received) -> Option<String> {
    let passphrase = entry.key.passphrase.as_deref().unwrap_or_default();
    match request.header("kc-api-key-version") {
        None | Some("1") => Some(passphrase.to_owned()),
        Some("2" | "3") => {
            let mac = check::mac(HMAC_SHA256, entry.secret()?.as_bytes(), passphrase.as_bytes());
            Some(check::base64(&mac))
        }
        Some(_) => None,
    }
}
