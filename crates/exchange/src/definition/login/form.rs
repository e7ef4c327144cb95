//! The frame that opens a session: which of its parameters is what.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::{answer::text_at, definition::fill, moment::Clock, request::quote};

/// How a log-in is written, signed and answered.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    pub(crate) method: String,
    /// What its parameters hold: the members of one object, or
    #[serde(default)]
    pub(crate) object: BTreeMap<String, Part>,
    /// one behind the other.
    #[serde(default)]
    pub(crate) list: Vec<Part>,
    /// What is signed, with `{ts}` or `{expires}`.
    signs: String,
    pub(crate) clock: Clock,
    /// What the gateway answers.
    pub(crate) told: String,
    /// Where the exchange says that the log-in holds.
    pub(crate) done: Sign,
    /// Where it says that it does not, if not as in any other answer.
    pub(crate) failed: Option<Failed>,
}

/// A parameter of a log-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Part {
    Key,
    Passphrase,
    /// When it was signed.
    Time,
    /// Until when it may be used.
    Expiry,
    Signature,
}

/// A text at a place of a message.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sign {
    /// A JSON pointer.
    at: String,
    is: String,
}

/// The same, and a pointer to the reason.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Failed {
    at: String,
    is: String,
    says: String,
}

impl Login {
    /// The parts in their places, with the member's name in an object.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (Option<&str>, Part)> {
        let members = self.object.iter().map(|(name, part)| (Some(name.as_str()), *part));
        members.chain(self.list.iter().map(|part| (None, *part)))
    }

    pub(crate) fn has(&self, part: Part) -> bool {
        self.parts().any(|(_, own)| own == part)
    }

    /// What is signed.
    pub(crate) fn signed_text(&self, time: &str) -> String {
        fill(&self.signs, &[("{ts}", time), ("{expires}", time)])
    }

    /// The array of parameters with these values.
    pub(crate) fn params(&self, value: impl Fn(Part) -> String) -> String {
        let written = self.parts().map(|(name, part)| match name {
            Some(name) => format!("{}:{}", quote(name), quote(&value(part))),
            None => quote(&value(part)),
        });
        let written = written.collect::<Vec<_>>().join(",");
        if self.list.is_empty() { format!("[{{{written}}}]") } else { format!("[{written}]") }
    }

    /// What the texts alone can say.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let count = |part| self.parts().filter(|(_, own)| *own == part).count();
        let once = count(Part::Key) == 1 && count(Part::Signature) == 1 && count(Part::Passphrase) <= 1;
        if self.object.is_empty() == self.list.is_empty() || !once {
            return Err("a log-in is an object or a list, with {key} and {signature} once");
        }
        let signs = |hole| self.signs.contains(hole);
        match (count(Part::Time), count(Part::Expiry)) {
            (1, 0) if signs("{ts}") && !signs("{expires}") => Ok(()),
            (0, 1) if signs("{expires}") && !signs("{ts}") => Ok(()),
            _ => Err("a log-in has {ts} or {expires}, and signs it"),
        }
    }
}

impl TryFrom<String> for Part {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Part, &'static str> {
        match text.as_str() {
            "{key}" => Ok(Part::Key),
            "{passphrase}" => Ok(Part::Passphrase),
            "{ts}" => Ok(Part::Time),
            "{expires}" => Ok(Part::Expiry),
            "{signature}" => Ok(Part::Signature),
            _ => Err("a part of a log-in is {key}, {passphrase}, {ts}, {expires} or {signature}"),
        }
    }
}

impl Sign {
    /// Whether a message has it.
    pub(crate) fn is_in(&self, message: &Value) -> bool {
        stands(message, &self.at, &self.is)
    }
}

impl Failed {
    /// The reason, if a message says that the log-in failed.
    pub(crate) fn reason(&self, message: &Value) -> Option<String> {
        let says = || text_at(message, &self.says).unwrap_or_default();
        stands(message, &self.at, &self.is).then(|| says().chars().take(300).collect())
    }
}

fn stands(message: &Value, at: &str, is: &str) -> bool {
    match message.pointer(at) {
        Some(Value::Bool(own)) => own.to_string() == is,
        _ => text_at(message, at).is_some_and(|own| own == is),
    }
}
