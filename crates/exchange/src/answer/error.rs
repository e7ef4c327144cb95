//! Errors of exchanges, read from their answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{text, text_at};
use crate::{Definition, reading::like};

/// An error the exchange answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeError {
    /// What it means.
    pub kind: ErrorKind,
    /// The exchange's code, as text; empty if it gave none.
    pub code: String,
    /// The exchange's words, at most 300 characters; empty if it gave none.
    pub text: String,
}

/// What an exchange's error means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The exchange does not know the key.
    BadKey,
    /// The secret is wrong.
    BadSignature,
    /// The clock or nonce is off.
    BadTimestamp,
    /// The key may not do this.
    Permission,
    /// The key is not valid from this address.
    IpNotAllowed,
    /// One of key, address and permission: the exchange does not say which (Binance -2015).
    KeyIpOrPermission,
    /// Too many calls.
    RateLimited,
    /// The exchange itself does not know what became of the request.
    OutcomeUnknown,
    /// Anything else.
    Other,
}

/// How a definition reads errors.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Errors {
    /// JSON pointers to the code and to the text; the first that is there counts. A pointer that ends with `*` leads to
    /// all members of a list.
    code: Vec<String>,
    text: Vec<String>,
    /// Whether errors also come with status 200.
    #[serde(default)]
    also_in_success: bool,
    /// Codes that mean success, with `*` for anything.
    #[serde(default)]
    ok: Vec<String>,
    #[serde(default)]
    http_rate_limited: Vec<u16>,
    /// What a status means that comes without a code.
    #[serde(default)]
    http_kinds: BTreeMap<ErrorKind, Vec<u16>>,
    /// Those of `rate_limited` that are about the orders of one account alone, where everything else is counted by address.
    #[serde(default)]
    rate_limited_key: Vec<String>,
    /// Where an answer that is a success says of one order of a batch that it was not taken.
    #[serde(default)]
    parts: Vec<Part>,
    /// Codes of each kind, with `*` for anything.
    pub(crate) kinds: BTreeMap<ErrorKind, Vec<String>>,
}

/// A list with one member for each order, or for each that was refused.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    /// JSON pointer to the list; empty if the answer is the list.
    list: String,
    /// JSON pointer, in a member, to what says so: a text, a number or a truth value. Empty if only refused orders are listed.
    code: String,
    /// What says that it was taken, with `*` for anything. A member that says nothing was taken.
    #[serde(default)]
    ok: Vec<String>,
}

impl Definition {
    /// Reads an exchange's answer; `None` if it is a success.
    ///
    /// Exchanges report errors by status, by a code in a 200, or both. A body that is not JSON counts by its
    /// status alone.
    pub fn read_error(&self, status: u16, body: &[u8]) -> Option<ExchangeError> {
        let errors = &self.errors;
        if status < 400 && !errors.also_in_success {
            return None; // nothing in the body could make it an error, however long it is
        }
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        let codes = errors.code.iter().flat_map(|pointer| texts_at(&json, pointer));
        let codes: Vec<String> = codes.filter(|code| !errors.is_ok(code)).collect();
        let known = errors.worst(&codes);
        let failed = status >= 400 || (errors.also_in_success && !codes.is_empty());
        let kind = match known {
            _ if !failed => return None,
            Some((_, kind)) => kind,
            None if errors.http_rate_limited.contains(&status) => ErrorKind::RateLimited,
            None => errors.http_kind(status).unwrap_or(ErrorKind::Other),
        };
        let code = known.map(|(code, _)| code).or(codes.first()).cloned();
        let texts = errors.text.iter().map(|pointer| texts_at(&json, pointer));
        let text = { texts }.find(|texts| !texts.is_empty()).unwrap_or_default().join(", ");
        Some(ExchangeError { kind, code: code.unwrap_or_default(), text: text.chars().take(300).collect() })
    }
}

impl Definition {
    /// Whether an answer says that one account has placed too many orders: nobody else has to wait.
    pub fn limits_orders_of_key(&self, status: u16, body: &[u8]) -> bool {
        let own = &self.errors.rate_limited_key;
        !own.is_empty() && self.read_error(status, body).is_some_and(|error| own.contains(&error.code))
    }
}

impl Definition {
    /// Whether an answer to a batch of orders that is a success says of any of them that it was not taken.
    pub fn refuses_some(&self, body: &[u8]) -> bool {
        let parts = &self.errors.parts;
        !parts.is_empty()
            && serde_json::from_slice(body)
                .is_ok_and(|json| parts.iter().any(|part| part.refuses_some(&json)))
    }
}

impl Part {
    fn refuses_some(&self, json: &Value) -> bool {
        let members = json.pointer(&self.list).and_then(Value::as_array);
        members.into_iter().flatten().any(|member| self.refuses(member))
    }

    fn refuses(&self, member: &Value) -> bool {
        match member.pointer(&self.code) {
            None | Some(Value::Null) => false,
            Some(_) if self.code.is_empty() => true,
            Some(Value::Bool(said)) => !self.is_ok(if *said { "true" } else { "false" }),
            Some(said) => text(said).is_none_or(|said| !self.is_ok(&said)),
        }
    }

    fn is_ok(&self, said: &str) -> bool {
        self.ok.iter().any(|own| like(own, said))
    }
}

impl Errors {
    fn is_ok(&self, code: &str) -> bool {
        self.ok.iter().any(|own| like(own, code))
    }

    /// The code that decides: one by which nobody knows what became of the request outweighs any refusal beside it.
    fn worst<'c>(&self, codes: &'c [String]) -> Option<(&'c String, ErrorKind)> {
        let mut known = codes.iter().filter_map(|code| Some((code, self.kind(code)?)));
        let first = known.next()?;
        let unknown = |known: &(&String, ErrorKind)| known.1 == ErrorKind::OutcomeUnknown;
        Some(std::iter::once(first).chain(known).find(unknown).unwrap_or(first))
    }

    fn kind(&self, code: &str) -> Option<ErrorKind> {
        self.kinds.iter().find(|(_, codes)| codes.iter().any(|own| like(own, code))).map(|(kind, _)| *kind)
    }

    fn http_kind(&self, status: u16) -> Option<ErrorKind> {
        self.http_kinds.iter().find(|(_, own)| own.contains(&status)).map(|(kind, _)| *kind)
    }

    /// Every code may have one meaning only.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let limited = |code: &String| self.kind(code) == Some(ErrorKind::RateLimited);
        if !self.rate_limited_key.iter().all(limited) {
            return Err("rate_limited_key names codes of rate_limited");
        }
        let mut codes: Vec<_> = self.kinds.values().flatten().collect();
        codes.sort();
        match codes.windows(2).any(|pair| pair[0] == pair[1]) {
            true => Err("an error code has two meanings"),
            false => Ok(()),
        }
    }
}

/// All of them: those of a list, if the pointer ends with `*`.
fn texts_at(json: &Value, pointer: &str) -> Vec<String> {
    match pointer.strip_suffix("/*") {
        Some(list) => {
            let items = json.pointer(list).and_then(Value::as_array);
            items.into_iter().flatten().filter_map(text).collect()
        }
        None => text_at(json, pointer).into_iter().collect(),
    }
}
