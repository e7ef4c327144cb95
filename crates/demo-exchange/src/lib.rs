//! A pretend exchange on loopback that speaks Binance's and Coinone's HTTP APIs as strictly as the real ones:
//! for trying Keygate without an account, for its tests and for its benchmarks.
//!
//! It checks every signature over the received bytes with its own code and shares none with the crate that
//! signs, so the two can only agree by both being right. Orders match in a small book against a resident
//! maker; money moves exactly and is conserved. Everything starts from a [`Config`] and a [`Clock`]: the same
//! requests give the same answers, ids included.
#![forbid(unsafe_code)]

mod binance;
mod budget;
mod check;
mod clock;
mod coinone;
mod config;
mod fault;
mod floor;
mod key;
mod own_key;
mod page;
mod record;
mod request;
mod server;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rust_decimal::Decimal;
use serde_json::Value;

pub use crate::clock::Clock;
pub use crate::config::{Account, Config, Credential, Key, Limits, Pair, Pem, Permission, Venue};
pub use crate::fault::{Fault, Switch};
pub use crate::record::Record;
pub use crate::request::Signer;
use crate::server::{Listening, Shared};

/// The ids of the exchanges on the port.
pub const SPOKEN: [&str; 2] = ["binance", "coinone"];

/// Which of the two exchanges on the port.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exchange {
    Binance,
    Coinone,
}

/// A pretend exchange that has not started.
pub struct DemoExchange {
    config: Config,
    clock: Clock,
}

/// A pretend exchange that listens. It stops when this is dropped.
pub struct Running {
    listening: Listening,
    shared: Arc<Shared>,
}

impl DemoExchange {
    pub fn new(config: Config, clock: Clock) -> Self {
        Self { config, clock }
    }

    /// The ready-made configuration on the machine's time, on a free port.
    pub async fn start_demo() -> io::Result<Running> {
        Self::new(Config::demo(), Clock::system()).start().await
    }

    /// Listens on a free loopback port.
    pub async fn start(self) -> io::Result<Running> {
        self.start_on(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await
    }

    /// Listens on this address. It must be a loopback address.
    pub async fn start_on(self, address: SocketAddr) -> io::Result<Running> {
        if !address.ip().is_loopback() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the demo exchange is for loopback only",
            ));
        }
        let shared = Arc::new(Shared::new(&self.config, self.clock));
        Ok(Running { listening: Listening::start(address, shared.clone()).await?, shared })
    }
}

impl Running {
    pub fn address(&self) -> SocketAddr {
        self.listening.address
    }

    /// `http://127.0.0.1:port`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Stops listening and closes every connection.
    pub fn stop(&self) {
        self.listening.stop();
    }

    /// The requests received, oldest first; the newest 20,000 are kept.
    pub fn requests(&self) -> Vec<Record> {
        self.shared.state().records.iter().cloned().collect()
    }

    pub fn forget_requests(&self) {
        self.shared.state().records.clear();
    }

    /// Accounts with balances, keys without secrets and orders, as `/_demo/state` shows them.
    pub fn state(&self) -> Value {
        page::view(&self.shared.state())
    }

    /// Everything that exists of an asset at one exchange, wherever it is.
    pub fn supply(&self, exchange: Exchange, asset: &str) -> Decimal {
        let state = self.shared.state();
        match exchange {
            Exchange::Binance => state.binance.floor.supply(asset),
            Exchange::Coinone => state.coinone.floor.supply(asset),
        }
    }

    /// Lets the next requests meet a fault.
    pub fn fault(&self, switch: Switch) {
        self.shared.state().faults.add(switch);
    }

    pub fn clear_faults(&self) {
        self.shared.state().faults.clear();
    }

    /// Adds a key to an account by its name; `false` if there is no such account.
    pub fn add_key(&self, exchange: Exchange, account: &str, key: Key) -> bool {
        let mut state = self.shared.state();
        let (floor, keys) = state.venue(exchange);
        let found = floor.customers().find(|(name, _)| *name == account).map(|(_, id)| id);
        found.map(|id| keys.insert(id, account, key)).is_some()
    }

    /// Changes a key: its permissions, its addresses; `false` if there is no such key.
    pub fn change_key(&self, exchange: Exchange, api_key: &str, change: impl FnOnce(&mut Key)) -> bool {
        self.shared.state().venue(exchange).1.get_mut(api_key).map(change).is_some()
    }

    /// Deletes a key, as its owner would on the exchange's pages.
    pub fn remove_key(&self, exchange: Exchange, api_key: &str) -> bool {
        self.shared.state().venue(exchange).1.remove(api_key)
    }

    /// Moves the resident maker to another middle price; orders it then crosses are filled.
    pub fn set_price(&self, exchange: Exchange, symbol: &str, price: Decimal) -> bool {
        let now = self.shared.now_ms();
        let mut state = self.shared.state();
        let (floor, _) = state.venue(exchange);
        floor.pair_index(symbol).map(|pair| floor.set_price(pair, price, now)).is_some()
    }
}
