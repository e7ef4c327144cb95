//! A refusal of the API, as the person at the command line reads it: what, why, the next command, the request id.

use reqwest::{Response, StatusCode};
use serde_json::Value;

use super::{exit, output::printable};
use crate::error::Fatal;

/// A refusal of the API.
pub struct Problem {
    status: StatusCode,
    /// What its headers say: how long to wait, and the request id.
    wait: Option<String>,
    id: Option<String>,
    body: Value,
}

impl Problem {
    pub async fn read(answer: Response) -> Self {
        let header =
            |name| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (status, wait, id) = (answer.status(), header("retry-after"), header("x-request-id"));
        let body = match answer.bytes().await {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
            Err(_) => Value::Null,
        };
        Problem { status, wait, id, body }
    }

    pub fn text(&self, name: &str) -> String {
        self.body[name].as_str().map(printable).unwrap_or_default()
    }

    /// As what the person sees.
    pub fn fatal(&self) -> Fatal {
        let (exit, advice) = advice(self.status, &self.text("code"), self.wait.as_deref());
        let what = match self.text("title") {
            title if title.is_empty() => format!("the server answered {}", self.status),
            title => title,
        };
        let id = self.id.as_ref().map_or_else(String::new, |id| format!("request {}", printable(id)));
        let mut lines = vec![self.text("detail"), advice, id];
        lines.retain(|line| !line.is_empty() && *line != what);
        Fatal { what, next: lines.join("\n  "), exit }
    }

    /// The same for somebody who has shown who they are: what is wrong then is the password that was to confirm something.
    pub fn fatal_when_signed_in(&self) -> Fatal {
        match self.text("code").as_str() {
            "login-failed" => {
                Fatal { what: "the password is wrong".to_owned(), exit: exit::DENIED, ..self.fatal() }
            }
            _ => self.fatal(),
        }
    }
}

/// The exit code, and what to do next.
fn advice(status: StatusCode, code: &str, wait: Option<&str>) -> (u8, String) {
    let (exit, advice) = match (status.as_u16(), code) {
        (_, "duplicate" | "duplicate-key" | "connection-deleted") => {
            (exit::CONFLICT, "see what there is: `keygate connection list`, `keygate bot list`")
        }
        (_, "access-key-exists") => {
            (exit::CONFLICT, "see it with `keygate access list`, end it with `keygate access revoke ID`")
        }
        (_, "withdraw-allowed") => {
            (exit::DENIED, "switch withdrawals off at the exchange (better), or pass --accept-withdraw")
        }
        (_, "not-set-up") => {
            (exit::UNREACHABLE, "`keygate setup-link` makes the link, `keygate setup` uses it")
        }
        (_, "step-up-required") => {
            (exit::DENIED, "pass --password-file FILE or --password-stdin, or run it on a terminal")
        }
        (_, "login-failed") => (exit::NOT_SIGNED_IN, ""),
        (401, _) => (exit::NOT_SIGNED_IN, "`keygate login` signs in"),
        (403, _) => (exit::DENIED, "`keygate whoami` shows who you are"),
        (404, _) => (exit::NOT_FOUND, "the `list` verbs show what there is"),
        (409 | 412 | 428, _) => (exit::CONFLICT, ""),
        (429, _) => {
            let wait = wait.map_or_else(|| "a minute".to_owned(), |wait| format!("{} s", printable(wait)));
            return (exit::RATE_LIMITED, format!("wait {wait}"));
        }
        (503, _) => (exit::UNREACHABLE, "`keygate status` says when it is ready again"),
        (500..=599, _) => (exit::FAILURE, "the server's log has more under this request id"),
        _ => (exit::FAILURE, ""),
    };
    (exit, advice.to_owned())
}
