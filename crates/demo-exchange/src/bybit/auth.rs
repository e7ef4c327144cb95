//! Who sends a signed request: headers, and a signature over time, key, window and query or body. Neither the
//! method nor the path is signed.

use super::error::Error;
use crate::check::{self, HMAC_SHA256};
use crate::config::Credential;
use crate::house::Desk;
use crate::key::{Entry, Keys};
use crate::request::{Received, form_decode};

/// How old a request may be if it does not say.
const WINDOW_MS: i64 = 5000;
/// How far its time may be ahead.
const AHEAD_MS: i64 = 1000;

pub(super) fn signer<'k>(keys: &'k Keys, request: &Received) -> Option<&'k Entry> {
    let api_key = request.header("x-bapi-api-key")?;
    let entry = keys.get(api_key)?;
    let signature = request.header("x-bapi-sign")?;
    let window = request.header("x-bapi-recv-window").unwrap_or_default();
    let start = format!("{}{api_key}{window}", request.header("x-bapi-timestamp")?);
    let holds = |rest: &[u8]| {
        let message = [start.as_bytes(), rest].concat();
        match &entry.key.credential {
            Credential::Hmac(secret) => {
                check::hex(&check::mac(HMAC_SHA256, secret.as_bytes(), &message)) == signature
            }
            Credential::Rsa(public) => check::from_base64(signature)
                .is_some_and(|signature| check::rsa(public, &message, &signature)),
            _ => false,
        }
    };
    let holds = match request.method.as_str() {
        "GET" => {
            holds(request.query.as_bytes()) || decoded(request).is_some_and(|query| holds(query.as_bytes()))
        }
        _ => holds(&request.body),
    };
    holds.then_some(entry)
}

/// The query without its escapes; a plus sign stays one.
fn decoded(request: &Received) -> Option<String> {
    form_decode(&request.query.replace('+', "%2B"))
}

pub(super) fn admit(desk: &Desk, request: &Received, signer: Option<&Entry>) -> Result<Entry, Error> {
    let header = |name| request.header(name).unwrap_or_default();
    let (time, key, signature) =
        (header("x-bapi-timestamp"), header("x-bapi-api-key"), header("x-bapi-sign"));
    if time.is_empty() || key.is_empty() || signature.is_empty() {
        return Err(Error::unsigned(time, key, signature));
    }
    let entry = desk.keys.get(key).ok_or(Error::KEY)?;
    if !entry.admits(request.peer) {
        return Err(Error::ADDRESS);
    }
    let window = match header("x-bapi-recv-window") {
        "" => WINDOW_MS,
        text => text.parse().map_err(|_| Error::invalid("recv_window"))?,
    };
    let time: i64 = time.parse().map_err(|_| Error::invalid("timestamp"))?;
    let fresh = request.at_ms.saturating_sub(window)..request.at_ms.saturating_add(AHEAD_MS);
    if !fresh.contains(&time) {
        return Err(Error::expired(time, request.at_ms, window));
    }
    signer.cloned().ok_or(Error::SIGNATURE)
}
