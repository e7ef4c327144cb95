//! What the exchange says about a key.

use serde::Deserialize;
use serde_json::Value;

use super::{First, Permissions, Probe, ProbeError, json};
use crate::{Definition, answer::text_at, moment::Clock};

/// How a definition asks, and where the answer says it: JSON pointers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PermissionsProbe {
    pub(super) request: String,
    pub(super) first: Option<First>,
    /// In a list of keys, where each says which it is.
    own: Option<String>,
    /// Texts, comma lists or arrays of texts; then the four below are words. `*` is any member.
    #[serde(default)]
    words: Vec<String>,
    /// An array of `[scope, read, write]`; then the words are `scope:read` and `scope:write`.
    scopes: Option<String>,
    #[serde(default)]
    read: Vec<String>,
    #[serde(default)]
    trade: Vec<String>,
    #[serde(default)]
    withdraw: Vec<String>,
    #[serde(default)]
    transfer: Vec<String>,
    /// What says that the key may only read, whatever else stands there.
    read_only: Option<Says>,
    #[serde(default)]
    ip_restricted: Vec<String>,
    /// A text or array that is empty for a key without a list.
    ips: Option<String>,
    /// A number of any unit, or an ISO time.
    expires: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Says {
    at: String,
    text: String,
}

impl Definition {
    /// What the exchange says the key may do.
    pub fn read_permissions(&self, body: &[u8], api_key: &str) -> Result<Permissions, ProbeError> {
        let error = ProbeError(Probe::Permissions);
        let probe = self.probes.permissions.as_ref().ok_or(error)?;
        let json = json(body).ok_or(error)?;
        let json = probe.own_entry(&json, api_key).ok_or(error)?;
        let words = probe.words(json);
        let may = |names: &[String]| match &words {
            Some(words) => (!names.is_empty()).then(|| words.iter().any(|word| names.contains(word))),
            None => any(json, names),
        };
        let reads_only =
            probe.read_only.as_ref().is_some_and(|says| text_at(json, &says.at).as_ref() == Some(&says.text));
        let writes = |names: &[String]| may(names).map(|may| may && !reads_only);
        let expires = probe.expires.as_ref().and_then(|pointer| text_at(json, pointer));
        Ok(Permissions {
            read: may(&probe.read),
            trade: writes(&probe.trade),
            withdraw: writes(&probe.withdraw),
            transfer: writes(&probe.transfer),
            ip_restricted: probe.ip_restricted(json),
            expires_ms: expires.as_deref().and_then(Clock::read_any).filter(|ms| *ms > 0),
        })
    }
}

impl PermissionsProbe {
    /// The part of the answer about this key. A document that is no object or array says nothing.
    fn own_entry<'v>(&self, json: &'v Value, api_key: &str) -> Option<&'v Value> {
        match (&self.own, json) {
            (Some(pointer), Value::Array(keys)) => {
                keys.iter().find(|key| text_at(key, pointer).as_deref() == Some(api_key))
            }
            (None, Value::Array(_) | Value::Object(_)) | (Some(_), Value::Object(_)) => Some(json),
            _ => None,
        }
    }

    /// `None` where permissions are flags.
    fn words(&self, json: &Value) -> Option<Vec<String>> {
        if let Some(pointer) = &self.scopes {
            let scopes = json.pointer(pointer).and_then(Value::as_array);
            let words = scopes.into_iter().flatten().flat_map(|scope| {
                let name = text_at(scope, "/0").unwrap_or_default();
                let granted = |at: &str| text_at(scope, at).as_deref() == Some("1");
                let read = granted("/1").then(|| format!("{name}:read"));
                read.into_iter().chain(granted("/2").then(|| format!("{name}:write")))
            });
            return Some(words.collect());
        }
        let words = self.words.iter().flat_map(|pointer| all_at(json, pointer)).flat_map(texts);
        (!self.words.is_empty()).then(|| words.collect())
    }

    fn ip_restricted(&self, json: &Value) -> Option<bool> {
        let listed = |value: &Value| match value {
            Value::Array(items) => !items.iter().all(|ip| ip.as_str() == Some("*")),
            Value::String(text) => !["", "*"].contains(&text.as_str()),
            _ => false,
        };
        match &self.ips {
            Some(pointer) => Some(json.pointer(pointer).is_some_and(listed)),
            None => any(json, &self.ip_restricted),
        }
    }
}

/// Everything a pointer with `*` leads to.
fn all_at<'v>(json: &'v Value, pointer: &str) -> Vec<&'v Value> {
    match pointer.strip_suffix("/*") {
        None => json.pointer(pointer).into_iter().collect(),
        Some(around) => match json.pointer(around) {
            Some(Value::Object(members)) => members.values().collect(),
            Some(Value::Array(items)) => items.iter().collect(),
            _ => Vec::new(),
        },
    }
}

fn texts(value: &Value) -> Vec<String> {
    let split = |text: &str| text.split(',').map(|word| word.trim().to_owned()).collect();
    match value {
        Value::String(text) => split(text),
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// True if any of the flags is, `None` if none of them is there.
fn any(json: &Value, pointers: &[String]) -> Option<bool> {
    let mut flags = pointers.iter().filter_map(|pointer| json.pointer(pointer)?.as_bool()).peekable();
    flags.peek()?;
    Some(flags.any(|flag| flag))
}
