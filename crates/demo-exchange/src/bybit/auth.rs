//! Who sends a signed request: headers, and a signature over time, key, window and query or body. Neither the
//! method nor the path is signed.

use super::Bybit;
use super::error::Error;
use crate::check::{self, HMAC_SHA256};
use crate::config::Credential;
use crate::house::{Auth, Desk};
use crate::key::Entry;
use crate::request::{Received, form_decode};

/// How old a request may be if it does not say.
const WINDOW_MS: i64 = 5000;
/// How far its time may be ahead.
const AHEAD_MS: i64 = 1000;

impl Auth for Bybit {
    type Error = Error;

    fn named(request: &Received) -> Option<String> {
        request.header("x-bapi-api-key").map(str::to_owned)
    }

    fn is_signed_by(entry: &Entry, request: &Received) -> Option<bool> {
        let (api_key, signature) = (&entry.key.api_key, request.header("x-bapi-sign")?);
        let window = request.header("x-bapi-recv-window").unwrap_or_default();
        let start = format!("{}{api_key}{window}", request.header("x-bapi-timestamp")?);
        let holds = |rest: &[u8]| is_signature(entry, &[start.as_bytes(), rest].concat(), signature);
        Some(match request.method.as_str() {
            "GET" => [Some(request.query.clone()), decoded(request)]
                .into_iter()
                .flatten()
                .any(|query| holds(query.as_bytes())),
            _ => holds(&request.body),
        })
    }

    fn admit(desk: &mut Desk, request: &Received, signer: Option<&Entry>) -> Result<Entry, Error> {
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
}

pub(super) fn is_signature(entry: &Entry, message: &[u8], signature: &str) -> bool {
    match &entry.key.credential {
        Credential::Hmac(secret) => {
            check::hex(&check::mac(HMAC_SHA256, secret.as_bytes(), message)) == signature
        }
        Credential::Rsa(public) => {
            check::from_base64(signature).is_some_and(|signature| check::rsa(public, message, &signature))
        }
        _ => false,
    }
}

/// The query without its escapes; a plus sign stays one.
fn decoded(request: &Received) -> Option<String> {
    form_decode(&request.query.replace('+', "%2B"))
}
