//! A ledger without its tables: what the rows would say that are locked for a call, and what is decided by them.

use std::collections::{HashMap, HashSet};

use rust_decimal::Decimal;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Opened, Verdict, Wanted, Window,
    opened::{Caller, Stopped},
    position::Bought,
    store::Key,
};
use crate::gateway::spend::Ask;

/// The rows.
#[derive(Default)]
pub struct Rows {
    /// What is used of a connection's window at a moment.
    pub used: Vec<(Uuid, Window, OffsetDateTime, Decimal)>,
    pub bought: Vec<Purchase>,
    /// Whose signing stands still: `None` for everybody, and for all connections.
    pub stopped: Vec<(Option<Uuid>, Option<Uuid>)>,
    pub suspended: Vec<Uuid>,
    /// Signatures nobody has used.
    pub fresh: Vec<(Uuid, [u8; 32])>,
}

#[derive(Clone)]
pub struct Purchase {
    pub connection: Uuid,
    pub asset: String,
    pub usd: Decimal,
    pub made_at: OffsetDateTime,
    pub confirmed_at: Option<OffsetDateTime>,
}

/// Who asks, for which connection, and when.
pub struct Asker {
    pub user: Uuid,
    pub access_key: Uuid,
    pub signature: Option<[u8; 32]>,
    pub connection: Uuid,
    pub at: OffsetDateTime,
}

/// The rows, locked.
pub struct Sample(Opened);

impl Rows {
    pub fn open(self) -> Sample {
        let used = self.used.into_iter();
        let bought = self.bought.into_iter().map(|own| Bought {
            connection: own.connection,
            asset: own.asset,
            usd: own.usd,
            made_at: own.made_at,
            confirmed_at: own.confirmed_at,
        });
        let windows = used.map(|(connection, window, at, usd)| (Key::new(connection, window, at), usd));
        Sample(Opened {
            windows: windows.collect::<HashMap<_, _>>(),
            bought: bought.collect(),
            fresh: self.fresh.into_iter().collect(),
            stopped: Stopped::of(self.stopped, self.suspended),
            chains: None,
            touched: HashSet::new(),
        })
    }
}

impl Sample {
    pub fn decide(&mut self, asker: &Asker, ask: &Ask) -> Verdict {
        let Asker { user, access_key, signature, connection, at } = *asker;
        let caller = Caller { user, access_key: Some(access_key), signature };
        self.0.decide(&caller, &Wanted { connection, at, ask })
    }

    /// What is used of a window.
    pub fn used(&self, connection: Uuid, window: Window, at: OffsetDateTime) -> Decimal {
        self.0.windows.get(&Key::new(connection, window, at)).copied().unwrap_or_default()
    }
}
