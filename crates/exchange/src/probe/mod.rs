//! What the gateway asks for itself: is the exchange there, what time is it, what does the account hold, what
//! may the key do, what are things worth.

mod balances;
mod markets;
mod permissions;
mod prices;

use std::fmt;

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;

pub use self::markets::MarketList;
pub(crate) use self::markets::MarketsProbe;
use self::{balances::BalancesProbe, permissions::PermissionsProbe, prices::PricesProbe};
use crate::{
    Definition, Incoming, Refusal, Request, Symbol, answer::text_at, moment::Clock, reading::amount,
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
    /// All spot markets and their assets: [`Definition::read_markets`]. Only where names cannot be split without it.
    Markets,
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

/// Where an answer says what time it is: a JSON pointer, or the `date` header.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TimeProbe {
    request: String,
    ms: Option<String>,
}

/// A question that must be asked before: its answer stands for `{first}` in the other's request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct First {
    request: String,
    /// Its rows, or its only one.
    list: String,
    /// In which row: where this pointer leads to this text. Without it the first.
    #[serde(default)]
    at: String,
    #[serde(default)]
    is: String,
    value: String,
}

impl Definition {
    /// The request of a probe, ready for [`Definition::sign`]; `None` if the exchange has no such call. `first` is
    /// what the answer to [`Definition::probe_before`] said, `api_key` the key that is asked about.
    pub fn probe(&self, probe: Probe, first: &str, api_key: &str) -> Option<Request> {
        let text = self.probe_text(probe)?.replace("{first}", first).replace("{key}", api_key);
        self.probe_request(&text).ok()
    }

    /// The request that must be asked before a probe, if there is one.
    pub fn probe_before(&self, probe: Probe) -> Option<Request> {
        self.probe_request(&self.probes.first(probe)?.request).ok()
    }

    /// What its answer says.
    pub fn read_before(&self, probe: Probe, body: &[u8]) -> Result<String, ProbeError> {
        let read = || {
            let (first, json) = (self.probes.first(probe)?, json(body)?);
            let rows = match json.pointer(&first.list)? {
                Value::Array(rows) => rows.clone(),
                one => vec![one.clone()],
            };
            let fits =
                |row: &&Value| first.at.is_empty() || text_at(row, &first.at).as_ref() == Some(&first.is);
            text_at(rows.iter().find(fits)?, &first.value)
        };
        read().ok_or(ProbeError(probe))
    }

    /// The exchange's clock in milliseconds since 1970, from the answer's body and its `date` header.
    pub fn read_time(&self, body: &[u8], date: Option<&str>) -> Result<u64, ProbeError> {
        let text = match &self.probes.time.ms {
            Some(pointer) => json(body).and_then(|json| text_at(&json, pointer)),
            None => date.map(str::to_owned),
        };
        text.and_then(|text| Clock::read_any(&text)).ok_or(ProbeError(Probe::Time))
    }

    /// Every probe must be an endpoint of the definition itself.
    pub(crate) fn check_probes(&self) -> Result<(), Refusal> {
        let all = [Probe::Ping, Probe::Time, Probe::Balances, Probe::Permissions, Probe::Prices];
        let firsts =
            all.into_iter().filter_map(|probe| self.probes.first(probe)).map(|first| first.request.clone());
        let filled = |text: &str| text.replace("{first}", "1").replace("{key}", "key");
        let own = all.into_iter().filter_map(|probe| self.probe_text(probe)).map(filled);
        own.chain(firsts).try_for_each(|text| self.probe_request(&text).map(|_| ()))
    }

    fn probe_text(&self, probe: Probe) -> Option<&str> {
        match probe {
            Probe::Markets => self.markets.list.as_ref().map(|list| list.get_ref().request.as_str()),
            _ => self.probes.text(probe),
        }
    }

    pub(crate) fn probe_request(&self, text: &str) -> Result<Request, Refusal> {
        let (method, rest) = text.split_once(' ').unwrap_or(("", text));
        let (target, body) = rest.split_once(' ').unwrap_or((rest, ""));
        self.request(Incoming { method, target, body: body.as_bytes(), ..Incoming::default() })
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
    /// An answer that could never be read.
    pub(crate) fn check_rows(&self) -> Result<(), &'static str> {
        if !self.balances.has_rows() || !self.prices.has_rows() {
            return Err("the rows of an answer are in a list or map, in one of them");
        }
        match self.balances.has_amounts() {
            true => Ok(()),
            false => Err("balances need free or total"),
        }
    }

    fn text(&self, probe: Probe) -> Option<&str> {
        match probe {
            Probe::Ping => Some(&self.ping),
            Probe::Time => Some(&self.time.request),
            Probe::Balances => Some(&self.balances.request),
            Probe::Permissions => self.permissions.as_ref().map(|probe| probe.request.as_str()),
            Probe::Prices => Some(&self.prices.request),
            Probe::Markets => None,
        }
    }

    fn first(&self, probe: Probe) -> Option<&First> {
        match probe {
            Probe::Balances => self.balances.first.as_ref(),
            Probe::Permissions => self.permissions.as_ref()?.first.as_ref(),
            Probe::Ping | Probe::Time | Probe::Prices | Probe::Markets => None,
        }
    }
}

pub(crate) fn json(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok()
}

/// The rows of an answer: items of an array, or members of an object with their names.
pub(crate) fn rows<'v>(
    json: &'v Value,
    list: Option<&str>,
    map: Option<&str>,
) -> Option<Vec<(Option<&'v str>, &'v Value)>> {
    match (list, map) {
        (Some(pointer), _) => {
            Some(json.pointer(pointer)?.as_array()?.iter().map(|row| (None, row)).collect())
        }
        (None, Some(pointer)) => {
            let members = json.pointer(pointer)?.as_object()?.iter();
            Some(members.map(|(name, row)| (Some(name.as_str()), row)).collect())
        }
        (None, None) => None,
    }
}

/// An amount in an answer: a sign and an exponent are fine here, where no limit is decided on it.
pub(crate) fn decimal(text: &str) -> Option<Decimal> {
    amount(text)
        .or_else(|| Decimal::from_str_exact(text).ok())
        .or_else(|| Decimal::from_scientific(text).ok())
}
