//! The token in `Authorization`: who signed it, and what it covers.

use serde_json::Value;

use super::error::Error;
use crate::check::{Token, hex, sha512};
use crate::key::{Entry, Keys};
use crate::request::{Received, form_decode};

pub(crate) fn bearer(request: &Received) -> Option<Token> {
    Token::parse(request.header("authorization")?.strip_prefix("Bearer ")?)
}

/// The name of the key that a token names.
pub(crate) fn named(token: &Token) -> Option<String> {
    token.claims["access_key"].as_str().map(str::to_owned)
}

/// The token and the key it names.
pub(crate) fn known<'k>(keys: &'k Keys, request: &Received) -> Result<(Token, &'k Entry), Error> {
    let token = bearer(request).ok_or(Error::Signature)?;
    let entry = named(&token).and_then(|name| keys.get(&name)).ok_or(Error::Key)?;
    Ok((token, entry))
}

/// Demands an allowed address and a token that holds, and tells a wrong signature from wrong parameters.
pub(crate) fn demand(
    token: &Token,
    entry: &Entry,
    request: &Received,
    signer: Option<&Entry>,
) -> Result<Entry, Error> {
    if !entry.admits(request.peer) {
        return Err(Error::Address);
    }
    match signer {
        Some(entry) => Ok(entry.clone()),
        None if entry.secret().is_some_and(|secret| token.is_signed_with(secret)) => Err(Error::Payload),
        None => Err(Error::Signature),
    }
}

/// Whether the token names the hash of the request's parameters; `write` puts one of them down.
pub(crate) fn covers(token: &Token, request: &Received, write: fn(&str, &str) -> String) -> bool {
    let Some(parameters) = parameters(request) else { return false };
    let written: Vec<String> = parameters.iter().map(|(name, value)| write(name, value)).collect();
    match (written.is_empty(), &token.claims["query_hash"]) {
        (empty, Value::Null) => empty,
        (_, named) => {
            let hash = hex(&sha512(written.join("&").as_bytes()));
            *named == Value::String(hash) && token.claims["query_hash_alg"] == "SHA512"
        }
    }
}

/// One parameter as it reads without escapes.
pub(crate) fn decoded(name: &str, value: &str) -> String {
    format!("{name}={value}")
}

/// Names and values of query and body, in their order. `None` if the body is anything but a JSON object.
fn parameters(request: &Received) -> Option<Vec<(String, String)>> {
    let mut parameters = Vec::new();
    for pair in request.query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        parameters.push((form_decode(name)?, form_decode(value)?));
    }
    if request.body.is_empty() {
        return Some(parameters);
    }
    let body: Value = serde_json::from_slice(&request.body).ok()?;
    for (name, value) in body.as_object()? {
        match value {
            Value::Array(items) => {
                parameters.extend(items.iter().map(|item| (format!("{name}[]"), text(item))));
            }
            value => parameters.push((name.clone(), text(value))),
        }
    }
    Some(parameters)
}

/// A JSON value as it stands in a query.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
