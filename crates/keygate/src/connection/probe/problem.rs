//! Why the exchange could not be asked, or said no: each with its own code, the exchange's words and what to do, and never with a
//! secret.

use exchange::{Definition, ErrorKind, ExchangeError};

use crate::{
    connection::ExchangeKey,
    error::{Code, Error},
    upstream::Failure,
};

/// The exchange's code and scrubbed text, and what to do about it.
pub(super) fn refusal(definition: &Definition, error: &ExchangeError, key: &ExchangeKey) -> Error {
    let (code, advice) = match error.kind {
        ErrorKind::BadKey | ErrorKind::KeyIpOrPermission => (
            Code::WrongKey,
            "Check that the key is copied whole, active, and made for this environment; if it is bound to addresses, add ours.",
        ),
        ErrorKind::BadSignature => (
            Code::WrongSignature,
            "The secret does not belong to this key. Copy both again; most exchanges show a secret only once.",
        ),
        ErrorKind::BadTimestamp => {
            (Code::ClockSkew, "Set this machine's clock (for example with systemd-timesyncd) and try again.")
        }
        ErrorKind::IpNotAllowed => {
            (Code::IpNotAllowed, "Add this server's address to the key's address list at the exchange.")
        }
        ErrorKind::Permission => (Code::MissingPermission, "Give the key permission to read the account."),
        ErrorKind::RateLimited => {
            (Code::ExchangeUnreachable, "The exchange limits us for now; try again in a minute.")
        }
        ErrorKind::OutcomeUnknown | ErrorKind::Other => {
            (Code::ExchangeRefused, "See the exchange's own text.")
        }
    };
    let text = scrub(&error.text, key);
    code.with(format!("{} answered {}: {text} {advice}", definition.name(), error.code))
}

/// An exchange's error in its own words, without a secret.
pub fn told(error: &ExchangeError, key: &ExchangeKey) -> String {
    format!("{} {}", scrub(&error.code, key), scrub(&error.text, key)).trim().to_owned()
}

/// An exchange may repeat the key in its text; no secret value leaves us in one.
fn scrub(text: &str, key: &ExchangeKey) -> String {
    let secrets = [
        Some(key.api_key.as_str()),
        Some(key.secret.expose()),
        key.passphrase.as_ref().map(|text| text.expose()),
    ];
    let mut text: String = text.chars().filter(|c| !c.is_control()).take(300).collect();
    for secret in secrets.into_iter().flatten().filter(|secret| secret.len() >= 4) {
        text = text.replace(secret, "********");
    }
    text
}

pub(super) fn unreachable(definition: &Definition, failure: &Failure) -> Error {
    let reason = match failure {
        Failure::NotSent(reason) | Failure::Unknown(reason) => reason,
    };
    tracing::warn!(exchange = definition.id(), reason, "an exchange cannot be reached");
    Code::ExchangeUnreachable.with(format!(
        "{} cannot be reached from here. Nothing was stored; try again later.",
        definition.name()
    ))
}

pub(super) fn busy(definition: &Definition) -> Error {
    Code::ExchangeUnreachable.with(format!(
        "{} limits our rate for now, or this account is busy. Nothing was stored; try again in a minute.",
        definition.name()
    ))
}

pub(super) fn strange(definition: &Definition) -> Error {
    Code::ExchangeUnreachable.with(format!(
        "{} answered in a way we do not understand. Nothing was stored; try again later.",
        definition.name()
    ))
}
