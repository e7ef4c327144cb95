//! What the gateway asks for itself: is the exchange there, what time is it, what does the account hold, what
//! may the key do, what are things worth.

use std::fmt;

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    Definition, Incoming, Refusal, Request, Symbol, answer::text_at, moment::read_ms, reading::amount,
};

/// A question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// Is the exchange there? Any success will do.
    Ping,
    /// Its clock: [`Definition::read_time`].
    Time,
    /// The account: [`Definition::read_balances`].
    Balances,
    /// The exchange's own record of the key: [`Definition::read_permissions`]. Not every exchange has one.
    Permissions,
    /// Last prices of all markets: [`Definition::read_prices`].
    Prices,
}

/// What an account holds of one asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// The exchange's name of the asset, in capitals.
    pub asset: String,
    /// Free to use, in units of the asset.
    pub free: Decimal,
    /// Bound in open orders and the like.
    pub used: Decimal,
}

/// What a key may do, by the exchange's own record. `None`: the exchange does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// See balances and orders.
    pub read: Option<bool>,
    /// Trade in any way.
    pub trade: Option<bool>,
    /// Send assets out.
    pub withdraw: Option<bool>,
    /// Move assets between wallets or accounts.
    pub transfer: Option<bool>,
    /// Bound to a list of addresses.
    pub ip_restricted: Option<bool>,
    /// When its trading permission ends, in milliseconds since 1970.
    pub expires_ms: Option<u64>,
}

/// The last price of one market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// The market.
    pub symbol: Symbol,
    /// In quote per base.
    pub price: Decimal,
}

/// An answer that is not what the definition says: names the probe, never shows the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeError(pub Probe);

/// How a definition asks and reads.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Probes {
    ping: String,
    time: TimeProbe,
    balances: BalancesProbe,
    prices: PricesProbe,
    permissions: Option<PermissionsProbe>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TimeProbe {
    request: String,
    ms: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BalancesProbe {
    request: String,
    list: String,
    asset: String,
    free: String,
    used: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PricesProbe {
    request: String,
    list: String,
    symbol: Option<String>,
    base: Option<String>,
    quote: Option<String>,
    price: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PermissionsProbe {
    request: String,
    #[serde(default)]
    read: Vec<String>,
    #[serde(default)]
    trade: Vec<String>,
    #[serde(default)]
    withdraw: Vec<String>,
    #[serde(default)]
    transfer: Vec<String>,
    #[serde(default)]
    ip_restricted: Vec<String>,
    expires_ms: Option<String>,
}

impl Definition {
    /// The request of a probe, ready for [`Definition::sign`]; `None` if the exchange has no such call.
    pub fn probe(&self, probe: Probe) -> Option<Request> {
        let text = self.probes.text(probe)?;
        self.probe_request(text).ok()
    }

    /// The exchange's clock in milliseconds since 1970.
    pub fn read_time(&self, body: &[u8]) -> Result<u64, ProbeError> {
        let error = ProbeError(Probe::Time);
        let text = text_at(&json(body).ok_or(error)?, &self.probes.time.ms).ok_or(error)?;
        read_ms(&text).ok_or(error)
    }

    /// All assets the account knows, also those with nothing in them.
    pub fn read_balances(&self, body: &[u8]) -> Result<Vec<Balance>, ProbeError> {
        let probe = &self.probes.balances;
        let read = |item: &Value| {
            Some(Balance {
                asset: text_at(item, &probe.asset)?.to_uppercase(),
                free: amount(&text_at(item, &probe.free)?)?,
                used: amount(&text_at(item, &probe.used)?)?,
            })
        };
        list(body, &probe.list, read).ok_or(ProbeError(Probe::Balances))
    }

    /// What the exchange says the key may do.
    pub fn read_permissions(&self, body: &[u8]) -> Result<Permissions, ProbeError> {
        let error = ProbeError(Probe::Permissions);
        let probe = self.probes.permissions.as_ref().ok_or(error)?;
        let json = json(body).filter(Value::is_object).ok_or(error)?;
        let expires = probe.expires_ms.as_ref().and_then(|pointer| text_at(&json, pointer));
        Ok(Permissions {
            read: any(&json, &probe.read),
            trade: any(&json, &probe.trade),
            withdraw: any(&json, &probe.withdraw),
            transfer: any(&json, &probe.transfer),
            ip_restricted: any(&json, &probe.ip_restricted),
            expires_ms: expires.as_deref().and_then(read_ms),
        })
    }

    /// The last prices of all markets. A market without a readable price is left out.
    pub fn read_prices(&self, body: &[u8]) -> Result<Vec<Price>, ProbeError> {
        let probe = &self.probes.prices;
        let read = |item: &Value| {
            let price = text_at(item, &probe.price).and_then(|text| amount(&text));
            Some(probe.symbol(item)?).zip(price).map(|(symbol, price)| Price { symbol, price })
        };
        list(body, &probe.list, |item| Some(read(item)))
            .map(|prices| prices.into_iter().flatten().collect())
            .ok_or(ProbeError(Probe::Prices))
    }

    /// Every probe must be an endpoint of the definition itself.
    pub(crate) fn check_probes(&self) -> Result<(), Refusal> {
        let all = [Probe::Ping, Probe::Time, Probe::Balances, Probe::Permissions, Probe::Prices];
        all.into_iter()
            .filter_map(|probe| self.probes.text(probe))
            .try_for_each(|text| self.probe_request(text).map(|_| ()))
    }

    fn probe_request(&self, text: &str) -> Result<Request, Refusal> {
        let (method, target) = text.split_once(' ').unwrap_or(("", text));
        self.request(Incoming { method, target, ..Incoming::default() })
    }

    /// Whether the exchange tells what a key may do.
    pub(crate) fn tells_permissions(&self) -> bool {
        self.probes.permissions.is_some()
    }
}

impl fmt::Display for ProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the exchange's answer about {:?} is not in its documented form", self.0)
    }
}

impl std::error::Error for ProbeError {}

impl Probes {
    fn text(&self, probe: Probe) -> Option<&str> {
        match probe {
            Probe::Ping => Some(&self.ping),
            Probe::Time => Some(&self.time.request),
            Probe::Balances => Some(&self.balances.request),
            Probe::Permissions => self.permissions.as_ref().map(|probe| probe.request.as_str()),
            Probe::Prices => Some(&self.prices.request),
        }
    }
}

impl PricesProbe {
    fn symbol(&self, item: &Value) -> Option<Symbol> {
        if let Some(pointer) = &self.symbol {
            return Some(Symbol::Market(text_at(item, pointer)?.to_uppercase()));
        }
        let text = |pointer: &Option<String>| Some(text_at(item, pointer.as_ref()?)?.to_uppercase());
        Some(Symbol::Pair { base: text(&self.base)?, quote: text(&self.quote)? })
    }
}

fn json(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok()
}

fn list<T>(body: &[u8], pointer: &str, read: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    json(body)?.pointer(pointer)?.as_array()?.iter().map(read).collect()
}

/// True if any of the flags is, `None` if none of them is there.
fn any(json: &Value, pointers: &[String]) -> Option<bool> {
    let mut flags = pointers.iter().filter_map(|pointer| json.pointer(pointer)?.as_bool()).peekable();
    flags.peek()?;
    Some(flags.any(|flag| flag))
}
