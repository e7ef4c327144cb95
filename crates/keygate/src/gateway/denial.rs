//! Why a call is not carried out.

use exchange::Answer as Dialect;

/// Why a call is not carried out, in the words the caller will read.
#[derive(Clone)]
pub struct Denial {
    pub(super) kind: Dialect,
    /// A stable code, for `Keygate-Problem` and the record.
    pub(super) rule: &'static str,
    pub(super) text: String,
}

impl Denial {
    pub(super) fn denied(rule: &'static str, text: impl Into<String>) -> Self {
        Denial { kind: Dialect::Denied, rule, text: text.into() }
    }

    pub(super) fn unknown_key(text: impl Into<String>) -> Self {
        Denial { kind: Dialect::UnknownKey, rule: "unknown-key", text: text.into() }
    }

    pub(super) fn unknown() -> Self {
        Denial::unknown_key("unknown access key")
    }

    /// Our own trouble: it passes by itself, and nothing was sent.
    pub(super) fn down(cause: impl std::fmt::Display) -> Self {
        tracing::error!(error = %cause, "the gateway cannot serve a call");
        Denial {
            kind: Dialect::Down,
            rule: "unavailable",
            text: "Keygate cannot serve this now; nothing was sent".into(),
        }
    }
}

pub(super) fn unreadable(reason: impl Into<String>) -> Denial {
    Denial { kind: Dialect::BadRequest, rule: "bad-request", text: reason.into() }
}
