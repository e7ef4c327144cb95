//! Who calls: key, time, passphrase, signature, address, in KuCoin's order.
//!
//! The signature is an HMAC over time, method, path with the decoded query, and body. The passphrase of a key of
//! version 2 or 3 is itself signed; that of version 1 comes as it is.

use super::Kucoin;
use super::error::Error;
use crate::check::{self, HMAC_SHA256};
use crate::house::{Auth, Desk};
use crate::key::Entry;
use crate::request::Received;

/// How far the caller's clock may be off.
const WINDOW_MS: u64 = 5000;

impl Auth for Kucoin {
    type Error = Error;

    fn named(request: &Received) -> Option<String> {
        request.header("kc-api-key").map(str::to_owned)
    }

    fn is_signed_by(entry: &Entry, request: &Received) -> Option<bool> {
        let signed = request.row(request.header("kc-api-timestamp")?, &request.decoded_target()?);
        Some(entry.mac(HMAC_SHA256, &signed)? == check::from_base64(request.header("kc-api-sign")?)?)
    }

    fn admit(desk: &mut Desk, request: &Received, signer: Option<&Entry>) -> Result<Entry, Error> {
        let header = |name| request.header(name).filter(|value| !value.is_empty()).ok_or(Error::HEADERS);
        let (key, time) = (header("kc-api-key")?, header("kc-api-timestamp")?);
        let passphrase = header("kc-api-passphrase")?;
        header("kc-api-sign")?;
        let time: i64 = time.parse().map_err(|_| Error::TIME)?;
        if time.abs_diff(request.at_ms) > WINDOW_MS {
            return Err(Error::TIME);
        }
        let entry = desk.keys.get(key).ok_or(Error::KEY)?;
        if expected_passphrase(entry, request).as_deref() != Some(passphrase) {
            return Err(Error::PASSPHRASE);
        }
        let entry = signer.ok_or(Error::SIGNATURE)?;
        if entry.admits(request.peer) { Ok(entry.clone()) } else { Err(Error::ADDRESS) }
    }
}

/// The passphrase as this request must carry it; `None` if it names an unknown version of keys.
fn expected_passphrase(entry: &Entry, request: &Received) -> Option<String> {
    let passphrase = entry.key.passphrase.as_deref().unwrap_or_default();
    match request.header("kc-api-key-version") {
        None | Some("1") => Some(passphrase.to_owned()),
        Some("2" | "3") => {
            let mac = entry.mac(HMAC_SHA256, passphrase.as_bytes())?;
            Some(check::base64(&mac))
        }
        Some(_) => None,
    }
}
