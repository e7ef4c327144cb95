#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod amount;
mod binance;
mod bitfinex;
mod bitget;
mod bithumb;
mod bitstamp;
mod budget;
mod bybit;
mod check;
mod clock;
mod coinbase;
mod coinbaseexchange;
mod coinone;
mod config;
mod cryptocom;
mod date;
mod fault;
mod floor;
mod gate;
mod house;
mod html;
mod htx;
mod key;
mod kraken;
mod kucoin;
mod market;
mod mexc;
mod okx;
mod own_key;
mod page;
mod params;
mod record;
mod request;
mod row;
mod rule;
mod server;
mod socket;
mod spoken;
mod upbit;

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
use crate::row::Row;
use crate::server::{Listening, Shared};

/// The ids of the exchanges that are spoken, in the order of their ports.
pub fn spoken() -> impl Iterator<Item = &'static str> {
    spoken::SPOKEN.iter().map(|exchange| exchange.id)
}

/// The port of an exchange where the demo exchange's own page has `first`; `None` if it is not spoken.
pub fn port(first: u16, exchange: &str) -> Option<u16> {
    let place = spoken().position(|id| id == exchange)?;
    first.checked_add(1 + u16::try_from(place).ok()?)
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

    /// Listens on free loopback ports.
    pub async fn start(self) -> io::Result<Running> {
        self.start_on(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await
    }

    /// Listens on this address, the page's, and on the ports behind it. It must be a loopback address.
    pub async fn start_on(self, address: SocketAddr) -> io::Result<Running> {
        if !address.ip().is_loopback() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the demo exchange is for loopback only",
            ));
        }
        let row = Row::bind(address).await?;
        let shared = Arc::new(Shared::new(&self.config, self.clock, row.address));
        Ok(Running { listening: Listening::start(row, &shared), shared })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.hang_up();
    }
}

impl Running {
    /// Where the page is.
    pub fn address(&self) -> SocketAddr {
        self.shared.state().address
    }

    /// Where the page is, `http://127.0.0.1:port`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Where an exchange is, in the same form.
    ///
    /// # Panics
    /// If the exchange is not one of [`spoken`].
    pub fn origin(&self, exchange: &str) -> String {
        self.shared.state().origin(exchange)
    }

    /// Stops listening and closes every connection.
    pub fn stop(&self) {
        self.listening.stop();
        self.hang_up();
    }

    /// Ends every WebSocket, as exchanges do now and then; clients may come back.
    pub fn hang_up(&self) {
        self.shared.hang_up();
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
    pub fn supply(&self, exchange: &str, asset: &str) -> Decimal {
        self.shared.state().exchange(exchange).map_or(Decimal::ZERO, |open| open.floor().supply(asset))
    }

    /// Lets the next requests meet a fault.
    pub fn fault(&self, switch: Switch) {
        self.shared.state().faults.add(switch);
    }

    pub fn clear_faults(&self) {
        self.shared.state().faults.clear();
    }

    /// Adds a key to an account by its name; `false` if there is no such account.
    pub fn add_key(&self, exchange: &str, account: &str, key: Key) -> bool {
        let mut state = self.shared.state();
        let Some(open) = state.exchange(exchange) else { return false };
        let found = open.floor().customers().find(|(name, _)| *name == account).map(|(_, id)| id);
        found.map(|id| open.keys_mut().insert(id, account, key)).is_some()
    }

    /// Changes a key: its permissions, its addresses; `false` if there is no such key.
    pub fn change_key(&self, exchange: &str, api_key: &str, change: impl FnOnce(&mut Key)) -> bool {
        let mut state = self.shared.state();
        state.exchange(exchange).and_then(|open| open.keys_mut().get_mut(api_key).map(change)).is_some()
    }

    /// Deletes a key, as its owner would on the exchange's pages.
    pub fn remove_key(&self, exchange: &str, api_key: &str) -> bool {
        self.shared.state().exchange(exchange).is_some_and(|open| open.keys_mut().remove(api_key))
    }

    /// Moves the resident maker to another middle price; orders it then crosses are filled.
    pub fn set_price(&self, exchange: &str, symbol: &str, price: Decimal) -> bool {
        let now = self.shared.now_ms();
        let mut state = self.shared.state();
        let Some(open) = state.exchange(exchange) else { return false };
        let pair = open.floor().pair_index(symbol);
        let moved = pair.map(|pair| open.floor_mut().set_price(pair, price, now)).is_some();
        drop(state);
        self.shared.beat();
        moved
    }
}
