//! A request exactly as it came in, and the answer to it.

use std::net::IpAddr;

use hyper::Method;
use serde_json::Value;

/// The raw request. Nothing in it is decoded or reordered.
pub(crate) struct Received {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// Without the question mark; empty if there was none.
    pub(crate) query: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) peer: IpAddr,
    pub(crate) at_ms: i64,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// What many exchanges have signed: time, method, target and body in a row.
    pub(crate) fn row(&self, time: &str, target: &str) -> Vec<u8> {
        [time.as_bytes(), self.method.as_str().as_bytes(), target.as_bytes(), &self.body].concat()
    }

    /// Path and query, without the escapes of the query; `None` if those are broken.
    pub(crate) fn decoded_target(&self) -> Option<String> {
        let query = form_decode(&self.query)?;
        Some(if query.is_empty() { self.path.clone() } else { format!("{}?{query}", self.path) })
    }

    pub(crate) fn target(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }
}

/// What goes back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// The exchange's code of a refusal.
    pub(crate) error: Option<String>,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json;charset=UTF-8", body.to_string())
    }

    pub(crate) fn text(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: vec![("content-type", kind.to_owned())], body: body.into(), error: None }
    }

    pub(crate) fn failed(self, code: impl ToString) -> Self {
        Self { error: Some(code.to_string()), ..self }
    }

    /// With a header; the last of a name counts.
    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }
}

/// Whose signature a request carried, once it was checked.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Signer {
    pub exchange: &'static str,
    pub account: String,
    pub key: String,
}

/// Decodes percent escapes, and `+` as a space; `None` if the escapes or the text are broken.
pub(crate) fn form_decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => hex_digit(bytes.next()?)? * 16 + hex_digit(bytes.next()?)?,
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::form_decode;

    #[test]
    fn escapes_are_decoded_and_broken_ones_refused() {
        assert_eq!(form_decode("a%20b%2Fc+d").as_deref(), Some("a b/c d"));
        assert_eq!(form_decode("%E5%B8%81").as_deref(), Some("币"));
        for broken in ["%", "%2", "%zz", "%+1", "%FF"] {
            assert_eq!(form_decode(broken), None, "{broken}");
        }
    }
}
