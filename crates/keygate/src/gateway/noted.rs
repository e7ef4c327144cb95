//! A dry run of the limits: what they would refuse is noted for the record, and carried out.
//!
//! Only what a connection's limits say is noted: markets, addresses, requests, dollars. Whatever protects the keys
//! themselves is refused as ever, and so is everything that sends assets away: that cannot be undone.

use std::sync::OnceLock;

use exchange::{Answer as Dialect, Class};

use super::{Account, Call, Denial};
use crate::limits::Limits;

/// The first rule that would have refused a call.
#[derive(Clone, Default)]
pub struct Noted(OnceLock<&'static str>);

impl Noted {
    pub fn rule(&self) -> Option<&'static str> {
        self.0.get().copied()
    }

    pub fn note(&self, rule: &'static str) {
        self.0.get_or_init(|| rule);
    }

    /// What a limit says: a refusal is noted, and nothing is known then. Our own trouble stays trouble.
    fn passes<T>(&self, verdict: Result<T, Denial>) -> Result<Option<T>, Denial> {
        match verdict {
            Err(denial) if !matches!(denial.kind, Dialect::Down) => {
                self.note(denial.rule);
                Ok(None)
            }
            verdict => verdict.map(Some),
        }
    }
}

/// What a limit says, `noted` in a dry run; nothing is known of what that lets through all the same.
pub fn weigh<T>(noted: Option<&Noted>, verdict: Result<T, Denial>) -> Result<Option<T>, Denial> {
    match noted {
        Some(noted) => noted.passes(verdict),
        None => verdict.map(Some),
    }
}

/// Whether the limits only take notes of calls of this class.
pub fn is_dry(limits: &Limits, class: Class) -> bool {
    limits.dry_run && matches!(class, Class::Public | Class::Read | Class::Trade)
}

impl Call<'_> {
    /// What a limit of the connection says of this call.
    pub(super) fn weigh(&self, account: &Account, verdict: Result<(), Denial>) -> Result<(), Denial> {
        weigh(self.is_dry(account).then_some(&self.noted), verdict).map(drop)
    }

    pub(super) fn is_dry(&self, account: &Account) -> bool {
        is_dry(&account.limits, self.request.class())
    }
}
