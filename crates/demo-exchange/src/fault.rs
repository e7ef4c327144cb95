//! Faults on demand: the next requests meet with what real exchanges sometimes do.
//!
//! As JSON: `{"fault": {"delay": {"ms": 200}}, "count": 3, "path": "/api/v3/order",
//! "exchange": "binance"}` or `{"fault": "drop_after"}`.

use serde::Deserialize;
use serde_json::Value;

use crate::house::Exchange;
use crate::request::{Answer, Received};

/// What goes wrong.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Executes, then waits before it answers.
    Delay { ms: u64 },
    /// Closes the connection without having executed anything.
    DropBefore,
    /// Executes, then closes the connection without an answer.
    DropAfter,
    /// Refuses as the exchange does who asks too often. When to ask again is told where it tells that.
    RateLimited { retry_after_s: u32 },
    /// Refuses with this status and an HTML page, as a proxy in front of an exchange does.
    Status { status: u16 },
    /// The exchange's clock is this much ahead (or behind, if negative) of the true one.
    Skew { ms: i64 },
    /// Executes, then answers 200 with what is no JSON.
    Garbage,
    /// Refuses the key as unknown, with a text that repeats it.
    EchoKey,
}

/// A fault for the next `count` requests to paths that start with `path`, at one exchange or any.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    pub fault: Fault,
    #[serde(default = "once")]
    pub count: u32,
    #[serde(default)]
    pub path: String,
    /// Its id.
    #[serde(default)]
    pub exchange: Option<String>,
}

impl Switch {
    fn is_for(&self, exchange: &str, path: &str) -> bool {
        let here = self.exchange.as_deref().is_none_or(|only| only == exchange);
        here && self.count > 0 && path.starts_with(&self.path)
    }
}

#[derive(Default)]
pub(crate) struct Faults(Vec<Switch>);

fn once() -> u32 {
    1
}

impl Fault {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Delay { .. } => "delay",
            Self::DropAfter => "drop_after",
            Self::DropBefore => "drop_before",
            Self::EchoKey => "echo_key",
            Self::Garbage => "garbage",
            Self::RateLimited { .. } => "rate_limited",
            Self::Skew { .. } => "skew",
            Self::Status { .. } => "status",
        }
    }

    /// The answer that takes the place of an execution.
    pub(crate) fn instead(&self, open: &dyn Exchange, request: &Received) -> Option<Answer> {
        match self {
            Self::RateLimited { retry_after_s } => Some(open.rate_limited(request, *retry_after_s)),
            Self::Status { status } => {
                let page = format!("<html><body><h1>{status} upstream trouble</h1></body></html>");
                Some(Answer::text(*status, "text/html", page))
            }
            Self::EchoKey => {
                let key = open.named_key(request).unwrap_or_default();
                Some(repeating(open.unknown_key(request), &key))
            }
            Self::Delay { .. } | Self::DropAfter | Self::DropBefore | Self::Garbage | Self::Skew { .. } => {
                None
            }
        }
    }
}

impl Faults {
    pub(crate) fn add(&mut self, switch: Switch) {
        self.0.push(switch);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The fault this request meets with; each switch wears off.
    pub(crate) fn next(&mut self, exchange: &str, path: &str) -> Option<Fault> {
        let met = self.0.iter_mut().find(|switch| switch.is_for(exchange, path))?;
        met.count -= 1;
        let fault = met.fault.clone();
        self.0.retain(|switch| switch.count > 0);
        Some(fault)
    }
}

/// A refusal whose message repeats the key. The message is the longest text in the body.
fn repeating(answer: Answer, key: &str) -> Answer {
    let body = match serde_json::from_slice::<Value>(&answer.body) {
        Ok(mut body) => {
            if let Some(message) = longest(&mut body) {
                message.push_str(&format!(" {key}"));
            }
            body.to_string()
        }
        Err(_) => format!("{} {key}", String::from_utf8_lossy(&answer.body)),
    };
    Answer { body: body.into_bytes(), ..answer }
}

fn longest(value: &mut Value) -> Option<&mut String> {
    match value {
        Value::String(text) => Some(text),
        Value::Array(items) => items.iter_mut().filter_map(longest).max_by_key(|text| text.len()),
        Value::Object(fields) => fields.values_mut().filter_map(longest).max_by_key(|text| text.len()),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}
