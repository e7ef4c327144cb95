//! Who asks: `bfx-signature` is the HMAC-SHA384, in hex, of `/api`, path, nonce and body.

use super::{Bitfinex, Error};
use crate::check::{HMAC_SHA384, hex};
use crate::house::{Auth, Desk};
use crate::key::Entry;
use crate::request::Received;

/// The largest nonce: what a JavaScript number holds exactly.
const MAX_NONCE: u64 = 9_007_199_254_740_991;

impl Auth for Bitfinex {
    type Error = Error;

    fn named(request: &Received) -> Option<String> {
        request.header("bfx-apikey").map(str::to_owned)
    }

    fn is_signed_by(entry: &Entry, request: &Received) -> Option<bool> {
        let start = format!("/api{}{}", request.path, request.header("bfx-nonce")?);
        let mac = entry.mac(HMAC_SHA384, &[start.as_bytes(), &request.body].concat())?;
        // a query would not be signed
        Some(request.query.is_empty() && request.header("bfx-signature")?.eq_ignore_ascii_case(&hex(&mac)))
    }

    /// The nonce counts only once the signature holds, so nobody else can use it up.
    fn admit(desk: &mut Desk, request: &Received, signer: Option<&Entry>) -> Result<Entry, Error> {
        let known = request.header("bfx-apikey").and_then(|key| desk.keys.get(key));
        let entry = known.ok_or(Error::KEY)?.clone();
        signer.ok_or(Error::DIGEST)?;
        if !entry.admits(request.peer) {
            return Err(Error::ADDRESS);
        }
        let nonce = request.header("bfx-nonce").and_then(|nonce| nonce.parse::<u64>().ok());
        let nonce = nonce.filter(|nonce| *nonce <= MAX_NONCE).ok_or(Error::NONCE)?;
        match desk.nonces.rises(&entry.key.api_key, nonce.into()) {
            true => Ok(entry),
            false => Err(Error::NONCE),
        }
    }
}
