//! Who signed: a token with the hash of the parameters and a time, or for API 1.0 three headers.

use crate::check::{HMAC_SHA512, base64, hex};
use crate::key::{Entry, Keys};
use crate::params::Params;
use crate::request::Received;
use crate::upbit::auth::{bearer, covers, demand, known};
use crate::upbit::error::Error;

/// How far a call's time may be from the exchange's; documented for API 1.0.
const WINDOW_MS: i64 = 20_000;

pub(super) fn has_token_of(entry: &Entry, request: &Received) -> Option<bool> {
    let token = bearer(request)?;
    let signed = token.header["alg"] == "HS256" && token.is_signed_with(entry.secret()?);
    Some(signed && covers(&token, request, escaped))
}

/// One parameter as `encodeURIComponent` writes it, but the brackets of a list's name stay.
fn escaped(name: &str, value: &str) -> String {
    match name.strip_suffix("[]") {
        Some(name) => format!("{}[]={}", component(name), component(value)),
        None => format!("{}={}", component(name), component(value)),
    }
}

fn component(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => char::from(byte).to_string(),
        b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(escape).collect()
}

pub(super) fn admit_by_token(
    keys: &Keys,
    request: &Received,
    signer: Option<&Entry>,
) -> Result<Entry, Error> {
    let (token, entry) = known(keys, request)?;
    let entry = demand(&token, entry, request, signer)?;
    let nonce = token.claims["nonce"].as_str().filter(|nonce| !nonce.is_empty());
    let at = token.claims["timestamp"].as_i64().filter(|_| nonce.is_some()).ok_or(Error::Signature)?;
    if is_near(at, request) { Ok(entry) } else { Err(Error::ExpiredToken) }
}

fn is_near(at_ms: i64, request: &Received) -> bool {
    at_ms.abs_diff(request.at_ms) <= WINDOW_MS.unsigned_abs()
}

pub(super) fn has_headers_of(entry: &Entry, request: &Received) -> Option<bool> {
    let (path, nonce) = (request.path.as_bytes(), request.header("api-nonce")?.as_bytes());
    let mac = entry.mac(HMAC_SHA512, &[path, &request.body, nonce].join(&0))?;
    Some(request.header("api-sign")? == base64(hex(&mac).as_bytes()))
}

/// API 1.0 says the same of a wrong signature as of an unknown key.
pub(super) fn admit_by_headers(
    keys: &Keys,
    request: &Received,
    signer: Option<&Entry>,
) -> Result<Entry, Error> {
    let entry = request.header("api-key").and_then(|key| keys.get(key)).ok_or(Error::Key)?;
    if !entry.admits(request.peer) {
        return Err(Error::Address);
    }
    let nonce = request.header("api-nonce").and_then(|nonce| nonce.parse().ok());
    if !is_near(nonce.ok_or(Error::Payload)?, request) {
        return Err(Error::ExpiredToken);
    }
    let signer = signer.ok_or(Error::Signature)?;
    let endpoint = Params::parse(request).and_then(|params| params.text("endpoint"));
    if endpoint.as_deref() == Some(request.path.as_str()) { Ok(signer.clone()) } else { Err(Error::Payload) }
}
