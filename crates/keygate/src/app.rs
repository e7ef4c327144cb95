//! What the whole program shares: built once at start, passed down as an argument.

use std::sync::{Arc, atomic::AtomicBool};

use exchange::Exchanges;

use crate::{
    audit::Checkpoints, clock::Clock, config::Config, db::Db, gateway::Gate, key_ring::Keys, risk::Watch,
    upstream::Upstream,
};

pub struct App {
    pub config: Config,
    pub db: Db,
    pub keys: Keys,
    pub exchanges: Exchanges,
    pub clock: Clock,
    pub upstream: Upstream,
    pub gate: Gate,
    pub risk: Watch,
    pub checkpoints: Checkpoints,
    /// Set once an owner was seen; there is one for ever then.
    pub has_owner: AtomicBool,
}

pub type SharedApp = Arc<App>;
