//! Who asks: `bfx-signature` is the HMAC-SHA384, in hex, of `/api`, path, nonce and body.

use super::Error;
use crate::check::{HMAC_SHA384, hex, mac};
use crate::house::Desk;
use crate::key::{Entry, Keys};
use crate::request::Received;

/// The largest nonce: what a JavaScript number holds exactly.
const MAX_NONCE: u64 = 9_007_199_254_740_991;

pub(super) fn signer<'k>(keys: &'k Keys, request: &Received) -> Option<&'k Entry> {
    let entry = keys.get(request.header("bfx-apikey")?)?;
    let start = format!("/api{}{}", request.path, request.header("bfx-nonce")?);
    let tag = mac(HMAC_SHA384, entry.secret()?.as_bytes(), &[start.as_bytes(), &request.body].concat());
    // a query would not be signed
    let holds = request.query.is_empty() && request.header("bfx-signature")?.eq_ignore_ascii_case(&hex(&tag));
    holds.then_some(entry)
}

/// The nonce counts only once the signature holds, so nobody else can use it up.
pub(super) fn admit(desk: &mut Desk, request: &Received, signer: Option<&Entry>) -> Result<Entry, Error> {
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
