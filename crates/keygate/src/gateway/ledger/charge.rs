//! What a call adds to the windows of its connection, and whether they have room for it.

use std::collections::HashMap;

use rust_decimal::Decimal;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Verdict, position::Bought, store::Key};
use crate::gateway::spend::{Ask, Cap};

/// What a connection asks for at a moment.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub connection: Uuid,
    pub at: OffsetDateTime,
    pub ask: &'a Ask,
}

/// What is added to windows, and the first one that has no room for it with what is left there.
pub(super) struct Charges {
    pub charges: Vec<(Key, Decimal)>,
    pub over: Option<(Cap, Decimal)>,
}

impl Wanted<'_> {
    /// What it adds to each of its windows, and the first one that has no room for it with what is left there.
    pub fn charge(&self, windows: &HashMap<Key, Decimal>) -> Charges {
        let amount = self.ask.usd();
        let over = |(cap, key): (&Cap, Key)| {
            let left = cap.limit? - windows.get(&key).copied().unwrap_or_default();
            (amount > left).then(|| (*cap, left.max(Decimal::ZERO)))
        };
        let charges = self.ask.caps.iter().zip(self.keys()).map(|(_, key)| (key, amount)).collect();
        Charges { charges, over: self.ask.caps.iter().zip(self.keys()).find_map(over) }
    }

    /// Why it may not be held: too much of an asset, or a window without room.
    pub fn refusal(&self, bought: &[Bought], over: Option<(Cap, Decimal)>) -> Option<Verdict> {
        let excess = self.has_room(bought).err().map(Verdict::Position);
        excess.or(over.map(|(cap, left)| Verdict::Over { cap, left }))
    }
}
