//! Who asks: `API-Sign` is the HMAC-SHA512 of the path and the SHA-256 of nonce and body.

use super::{Error, Kraken};
use crate::check::{HMAC_SHA512, from_base64, mac, sha256};
use crate::house::{Auth, Desk};
use crate::key::Entry;
use crate::params::Params;
use crate::request::Received;

impl Auth for Kraken {
    type Error = Error;

    fn named(request: &Received) -> Option<String> {
        request.header("api-key").map(str::to_owned)
    }

    fn is_signed_by(entry: &Entry, request: &Received) -> Option<bool> {
        let digest = sha256(&[nonce(request)?.as_bytes(), &request.body].concat());
        let signed = [request.path.as_bytes(), &digest].concat();
        let mac = mac(HMAC_SHA512, &from_base64(entry.secret()?)?, &signed);
        // a query would not be signed
        Some(request.query.is_empty() && from_base64(request.header("api-sign")?)? == mac)
    }

    /// The nonce counts only once the signature holds, so nobody else can use it up.
    fn admit(desk: &mut Desk, request: &Received, signer: Option<&Entry>) -> Result<Entry, Error> {
        let known = request.header("api-key").and_then(|key| desk.keys.get(key));
        let entry = known.filter(|entry| entry.admits(request.peer)).ok_or(Error::KEY)?.clone();
        let nonce = nonce(request).and_then(|nonce| nonce.parse::<u64>().ok()).ok_or(Error::NONCE)?;
        signer.ok_or(Error::SIGNATURE)?;
        match desk.nonces.rises(&entry.key.api_key, nonce.into()) {
            true => Ok(entry),
            false => Err(Error::NONCE),
        }
    }
}

/// From the form or the JSON object that the body is.
fn nonce(request: &Received) -> Option<String> {
    Params::parse(request)?.text("nonce")
}
