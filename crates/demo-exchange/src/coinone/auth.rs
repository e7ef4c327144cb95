//! Who sends a private call: access token, address, signature over the payload text, nonce.
//!
//! `/v2.1` wants a UUID never used before with this token; `/v2` wants an integer larger than the last one.

use std::collections::{HashMap, HashSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::error::Error;
use crate::check;
use crate::key::{Entry, Keys};
use crate::request::Received;

/// The fields of a payload: JSON numbers keep their text.
pub(crate) struct Payload(Map<String, Value>);

/// The nonces of each access token.
#[derive(Default)]
pub(super) struct Nonces {
    used: HashMap<String, HashSet<String>>,
    last: HashMap<String, u64>,
}

impl Payload {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let json = STANDARD.decode(text).ok()?;
        serde_json::from_slice(&json).ok().map(Self)
    }

    /// A string, or a number as it was written.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    pub(super) fn list(&self, name: &str) -> Option<Vec<&str>> {
        self.0.get(name)?.as_array()?.iter().map(Value::as_str).collect()
    }
}

/// The key whose signature the request carries, if it holds.
pub(super) fn signer<'a>(keys: &'a Keys, request: &Received, old: bool) -> Option<&'a Entry> {
    let text = request.header("x-coinone-payload")?;
    let entry = keys.get(&Payload::parse(text)?.get("access_token")?)?;
    let signature = request.header("x-coinone-signature")?;
    check::coinone(&entry.key.credential, old, text.as_bytes(), signature).then_some(entry)
}

/// Demands a known token in a request whose signature was found to hold.
pub(super) fn demand(keys: &Keys, request: &Received, verified: bool) -> Result<(Entry, Payload), Error> {
    let text = request.header("x-coinone-payload").ok_or(Error::PayloadMissing)?;
    request.header("x-coinone-signature").ok_or(Error::SignatureMissing)?;
    let payload = Payload::parse(text).ok_or(Error::Parameter)?;
    let token = payload.get("access_token").ok_or(Error::AccessTokenMissing)?;
    let entry = keys.get(&token).ok_or(Error::AccessTokenInvalid)?;
    if !entry.admits(request.peer) {
        return Err(Error::Ip);
    }
    if verified { Ok((entry.clone(), payload)) } else { Err(Error::Signature) }
}

impl Nonces {
    /// Uses the nonce of a payload up.
    pub(super) fn spend(&mut self, payload: &Payload, old: bool) -> Result<(), Error> {
        let token = payload.get("access_token").ok_or(Error::AccessTokenMissing)?;
        let nonce = payload.get("nonce").ok_or(Error::NonceMissing)?;
        if old { self.advance(token, &nonce) } else { self.take(token, &nonce) }
    }

    fn take(&mut self, token: String, nonce: &str) -> Result<(), Error> {
        if !is_uuid(nonce) {
            return Err(Error::NonceNotUuid);
        }
        let fresh = self.used.entry(token).or_default().insert(nonce.to_ascii_lowercase());
        if fresh { Ok(()) } else { Err(Error::NonceUsed) }
    }

    fn advance(&mut self, token: String, nonce: &str) -> Result<(), Error> {
        let nonce: u64 = nonce.parse().map_err(|_| Error::NonceNotInteger)?;
        let last = self.last.entry(token).or_default();
        if nonce <= *last {
            return Err(Error::NonceNotBigger);
        }
        *last = nonce;
        Ok(())
    }
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}
