//! Faults on demand: the next requests meet with what real exchanges sometimes do.
//!
//! As JSON: `{"fault": {"delay": {"ms": 200}}, "count": 3, "path": "/api/v3/order"}` or `{"fault": "drop_after"}`.

use serde::Deserialize;

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
    /// Refuses with 429 and `Retry-After`.
    RateLimited { retry_after_s: u32 },
    /// Refuses with this status and an HTML page, as a proxy in front of an exchange does.
    Status { status: u16 },
    /// The exchange's clock is this much ahead (or behind, if negative) of the true one.
    Skew { ms: i64 },
    /// Executes, then answers 200 with what is no JSON.
    Garbage,
    /// Refuses with an error text that repeats the caller's API key.
    EchoKey,
}

/// A fault for the next `count` requests to paths that start with `path`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    pub fault: Fault,
    #[serde(default = "once")]
    pub count: u32,
    #[serde(default)]
    pub path: String,
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
    pub(crate) fn instead(&self, request: &Received) -> Option<Answer> {
        match self {
            Self::RateLimited { retry_after_s } => {
                let body = r#"{"code":-1003,"msg":"Too many requests; please slow down."}"#;
                let answer = Answer::text(429, "application/json;charset=UTF-8", body);
                Some(answer.with("retry-after", retry_after_s))
            }
            Self::Status { status } => {
                let page = format!("<html><body><h1>{status} upstream trouble</h1></body></html>");
                Some(Answer::text(*status, "text/html", page))
            }
            Self::EchoKey => {
                let key = api_key(request);
                let body = serde_json::json!({ "code": -2015, "msg": format!("Invalid API-key {key}, IP, or permissions."),
                                               "result": "error", "error_code": "12", "error_msg": format!("Invalid access token {key}") });
                Some(Answer::json(401, &body))
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
    pub(crate) fn next(&mut self, path: &str) -> Option<Fault> {
        let met = self.0.iter_mut().find(|switch| switch.count > 0 && path.starts_with(&switch.path))?;
        met.count -= 1;
        let fault = met.fault.clone();
        self.0.retain(|switch| switch.count > 0);
        Some(fault)
    }
}

/// The key of a request in either dialect.
fn api_key(request: &Received) -> String {
    let token = || crate::coinone::access_token(request.header("x-coinone-payload")?);
    request.header("x-mbx-apikey").map(str::to_owned).or_else(token).unwrap_or_default()
}
