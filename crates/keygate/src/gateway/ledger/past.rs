//! The sums of the ledger without its tables, for calls of the past.

use std::collections::HashMap;

use rust_decimal::Decimal;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Wanted, charge::Charges, store::Key};
use crate::gateway::spend::{Ask, Cap};

/// Windows that are kept here alone.
#[derive(Default)]
pub struct Past {
    windows: HashMap<Key, Decimal>,
}

impl Past {
    /// The window that has no room for this, and what is left in it; if there is none and `keep`, it counts from now on.
    pub fn charge(
        &mut self,
        connection: Uuid,
        at: OffsetDateTime,
        ask: &Ask,
        keep: bool,
    ) -> Option<(Cap, Decimal)> {
        let Charges { charges, over } = Wanted { connection, at, ask }.charge(&self.windows);
        if over.is_none() && keep {
            self.windows.retain(|key, _| key.is_current(at));
            for (key, amount) in charges {
                *self.windows.entry(key).or_default() += amount;
            }
        }
        over
    }
}
