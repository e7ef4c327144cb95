//! Refusals: a reason in words, or words per field of the form, and for keys a code.

use serde_json::{Value, json};

use crate::house::Failure;
use crate::request::Answer;

pub(crate) struct Error {
    status: u16,
    code: Option<&'static str>,
    reason: Value,
}

impl Error {
    fn auth(code: &'static str, reason: &str) -> Self {
        Self { status: 403, code: Some(code), reason: reason.into() }
    }

    pub(super) fn key() -> Self {
        Self::auth("API0001", "API key not found")
    }

    pub(super) fn address() -> Self {
        Self::auth("API0002", "IP address not allowed")
    }

    pub(super) fn nonce() -> Self {
        Self::auth("API0004", "Invalid nonce")
    }

    pub(super) fn signature() -> Self {
        Self::auth("API0005", "Invalid signature")
    }

    pub(super) fn missing() -> Self {
        Self::auth("API0007", "Missing key, signature and nonce parameters")
    }

    pub(super) fn key_form() -> Self {
        Self::auth("API0010", "Wrong API key format")
    }

    pub(super) fn time() -> Self {
        Self::auth("API0017", "X-Auth-Timestamp is not within 150 seconds of the server's time")
    }

    pub(super) fn version() -> Self {
        Self::auth("API0018", "Wrong X-Auth-Version")
    }

    pub(super) fn content_type() -> Self {
        Self::auth("API0019", "Content-Type is missing")
    }

    pub(super) fn content_type_without_body() -> Self {
        Self::auth("API0020", "Content-Type must not be sent without a body")
    }

    /// What is wrong with one field of the form.
    pub(super) fn field(name: &str, text: impl Into<String>) -> Self {
        Self { status: 400, code: None, reason: json!({ name: [text.into()] }) }
    }

    /// What is wrong with the form as a whole.
    pub(super) fn all(text: impl Into<String>) -> Self {
        Self::field("__all__", text)
    }

    pub(super) fn no_order() -> Self {
        Self { status: 404, code: None, reason: "Order not found.".into() }
    }

    pub(super) fn no_pair() -> Self {
        Self { status: 404, code: None, reason: "Currency pair not found.".into() }
    }

    pub(super) fn answer(self) -> Answer {
        let words = |fields: &Value| fields.as_object()?.values().next()?[0].as_str().map(str::to_owned);
        let text =
            self.reason.as_str().map(str::to_owned).or_else(|| words(&self.reason)).unwrap_or_default();
        let mut body = json!({ "status": "error", "reason": self.reason });
        if let Some(code) = self.code {
            body["code"] = code.into();
        }
        Answer::json(self.status, &body).failed(text)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Body => Self::all("The form cannot be read."),
            Failure::NoRoute => Self { status: 404, code: None, reason: "Not found.".into() },
            Failure::Permission => Self::auth("API0003", "No permission found"),
            Failure::TooMany => {
                Self { status: 429, code: None, reason: "Request rate limit exceeded.".into() }
            }
            Failure::UnknownKey => Self::key(),
        }
    }
}
