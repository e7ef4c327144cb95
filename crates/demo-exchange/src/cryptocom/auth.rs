//! Who asks: the envelope names its key and nonce, and is signed by what it says, not by how it is written.

use serde_json::Value;

use super::error::Error;
use super::{Cryptocom, ROOT};
use crate::check::{self, HMAC_SHA256};
use crate::house::{Auth, Desk};
use crate::key::Entry;
use crate::params::Params;
use crate::request::Received;

/// How far a nonce may be from the clock, both in milliseconds.
const WINDOW_MS: u64 = 60_000;

/// How deep lists of objects are read.
const DEPTH: usize = 3;

impl Auth for Cryptocom {
    type Error = Error;

    fn named(request: &Received) -> Option<String> {
        Params::of(&envelope(request)?).text("api_key")
    }

    fn is_signed_by(entry: &Entry, request: &Received) -> Option<bool> {
        let envelope = envelope(request)?;
        let told = Params::of(&envelope);
        let params = match envelope.get("params") {
            Some(params) => flat(params, 0)?,
            None => String::new(),
        };
        let [method, id, nonce] = ["method", "id", "nonce"].map(|name| told.text(name));
        let message = [method?, id?, entry.key.api_key.clone(), params, nonce?].concat();
        Some(told.text("sig")? == check::hex(&entry.mac(HMAC_SHA256, message.as_bytes())?))
    }

    fn admit(desk: &mut Desk, request: &Received, signer: Option<&Entry>) -> Result<Entry, Error> {
        let envelope = envelope(request).ok_or(Error::BODY)?;
        let told = Params::of(&envelope);
        let [method, api_key, nonce] =
            ["method", "api_key", "nonce"].map(|name| told.text(name).ok_or(Error::MISSING));
        // the path is not signed, so it has to agree with what is
        if request.path.strip_prefix(ROOT) != Some(method?.as_str()) {
            return Err(Error::REQUEST);
        }
        let entry = desk.keys.get(&api_key?).ok_or(Error::UNAUTHORIZED)?;
        if !entry.admits(request.peer) {
            return Err(Error::ADDRESS);
        }
        let nonce: i64 = nonce?.parse().map_err(|_| Error::NONCE)?;
        if nonce.abs_diff(request.at_ms) > WINDOW_MS {
            return Err(Error::NONCE);
        }
        signer.map(|_| entry.clone()).ok_or(Error::UNAUTHORIZED)
    }
}

fn envelope(request: &Received) -> Option<Value> {
    serde_json::from_slice(&request.body).ok()
}

/// Names and values in a row, by the order of the names; `None` for a form that nobody signs.
fn flat(value: &Value, depth: usize) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null => Some("null".to_owned()),
        Value::Array(list) => list.iter().map(|item| flat(item, depth + 1)).collect(),
        Value::Object(_) if depth >= DEPTH => None,
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            fields.into_iter().map(|(name, value)| Some(format!("{name}{}", flat(value, depth)?))).collect()
        }
    }
}
