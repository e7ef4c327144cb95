//! Errors in the exchange's own words: written for clients, read from the exchange.
//!
//! A client library decides by status and code whether to try again, so a denial must look final and a
//! passing trouble retryable, in exactly the exchange's shape.

mod error;
mod frame;

pub(crate) use self::error::Errors;
pub use self::{
    error::{ErrorKind, ExchangeError},
    frame::{Asked, FrameAnswer, Session},
};

use serde::Deserialize;
use serde_json::Value;

use crate::{Definition, request::quote};

/// What there is to say to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Not allowed until a person changes something. Final.
    Denied,
    /// No such access key. Final.
    UnknownKey,
    /// The client's signature does not hold. Final.
    BadSignature,
    /// The client's time or nonce is outside the window.
    BadTimestamp,
    /// The request cannot be read. Final.
    BadRequest,
    /// Too many calls. Retryable.
    RateLimited {
        /// When to try again, in seconds.
        retry_after: Option<u64>,
    },
    /// The gateway or the exchange cannot be reached now, nothing was sent. Retryable.
    Down,
    /// It was sent, and what came of it is not known.
    OutcomeUnknown,
}

impl Answer {
    /// Its key in definitions.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Answer::Denied => "denied",
            Answer::UnknownKey => "unknown_key",
            Answer::BadSignature => "bad_signature",
            Answer::BadTimestamp => "bad_timestamp",
            Answer::BadRequest => "bad_request",
            Answer::RateLimited { .. } => "rate_limited",
            Answer::Down => "down",
            Answer::OutcomeUnknown => "outcome_unknown",
        }
    }
}

/// A complete answer to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialectResponse {
    /// The HTTP status.
    pub status: u16,
    /// `content-type` and where it applies `retry-after`, in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

/// The answers of a definition.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answers {
    /// The JSON body with `{code}` and `{text}` inside its strings or, for a number, bare.
    body: String,
    denied: Shape,
    unknown_key: Shape,
    bad_signature: Shape,
    bad_timestamp: Shape,
    bad_request: Shape,
    rate_limited: Shape,
    down: Shape,
    outcome_unknown: Shape,
}

/// Status and code of one answer; without a code it is plain text.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    status: u16,
    code: Option<String>,
}

impl Definition {
    /// The answer a client of this exchange understands. The body's text is `Keygate: {text} ({request_id})`.
    ///
    /// Keep the exchange's own phrases out of `text`: client libraries match some of them.
    pub fn answer(&self, answer: Answer, text: &str, request_id: &str) -> DialectResponse {
        let shape = self.answers.shape(answer);
        let (code, text) = self.answers.words(answer, text, request_id);
        let (content_type, body) = match code {
            Some(code) => ("application/json", self.answers.fill(code, &text)),
            None => ("text/plain; charset=utf-8", text.replace(char::is_control, " ")),
        };
        let mut headers = vec![("content-type", content_type.to_owned())];
        if let Answer::RateLimited { retry_after: Some(seconds) } = answer {
            headers.push(("retry-after", seconds.to_string()));
        }
        DialectResponse { status: shape.status, headers, body }
    }
}

impl Answers {
    fn shape(&self, answer: Answer) -> &Shape {
        match answer {
            Answer::Denied => &self.denied,
            Answer::UnknownKey => &self.unknown_key,
            Answer::BadSignature => &self.bad_signature,
            Answer::BadTimestamp => &self.bad_timestamp,
            Answer::BadRequest => &self.bad_request,
            Answer::RateLimited { .. } => &self.rate_limited,
            Answer::Down => &self.down,
            Answer::OutcomeUnknown => &self.outcome_unknown,
        }
    }

    /// The code and the text of an answer.
    fn words(&self, answer: Answer, text: &str, request_id: &str) -> (Option<&str>, String) {
        (self.shape(answer).code.as_deref(), format!("Keygate: {text} ({request_id})"))
    }

    fn fill(&self, code: &str, text: &str) -> String {
        let quoted = quote(text);
        let (before, after) = self.body.split_once("{text}").unwrap_or((&self.body, ""));
        let inner = quoted.get(1..quoted.len() - 1).unwrap_or_default();
        format!("{}{inner}{}", before.replace("{code}", code), after.replace("{code}", code))
    }

    /// Every answer must be an error status or JSON that holds its code and text.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let all = [
            &self.denied,
            &self.unknown_key,
            &self.bad_signature,
            &self.bad_timestamp,
            &self.bad_request,
            &self.rate_limited,
            &self.down,
            &self.outcome_unknown,
        ];
        let coded: Vec<_> = all.iter().filter_map(|shape| shape.code.as_ref()).collect();
        let whole = self.body.contains("{code}") && self.body.contains("{text}");
        if !coded.is_empty() && !whole {
            return Err("the body of the answers needs {code} and {text}");
        }
        for code in coded {
            let json = serde_json::from_str::<Value>(&self.fill(code, "a \"text\""));
            let json = json.ok().filter(|json| json.is_object() || json.is_array());
            json.ok_or("the body of the answers is not JSON")?;
        }
        match all.iter().all(|shape| (200..=599).contains(&shape.status)) {
            true => Ok(()),
            false => Err("an answer's status is 200 to 599"),
        }
    }
}

/// The string or number (as written) a JSON pointer leads to.
pub(crate) fn text_at(json: &Value, pointer: &str) -> Option<String> {
    text(json.pointer(pointer)?)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
