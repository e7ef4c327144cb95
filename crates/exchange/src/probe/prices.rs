//! What things are worth.

use serde::Deserialize;
use serde_json::Value;

use super::{Price, Probe, ProbeError, decimal, json, rows};
use crate::{Definition, Symbol, answer::text_at};

/// How a definition asks for last prices, and where the answer has them: JSON pointers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PricesProbe {
    pub(super) request: String,
    list: Option<String>,
    map: Option<String>,
    /// In a map without it, the member's name is the market.
    symbol: Option<String>,
    /// With a quote and without it, the member's name is the base asset.
    base: Option<String>,
    /// A pointer, or after `=` the asset all prices are in.
    quote: Option<String>,
    price: String,
}

impl Definition {
    /// The last prices of all markets. A market without a readable price is left out.
    pub fn read_prices(&self, body: &[u8]) -> Result<Vec<Price>, ProbeError> {
        let probe = &self.probes.prices;
        let error = ProbeError(Probe::Prices);
        let json = json(body).ok_or(error)?;
        let rows = rows(&json, probe.list.as_deref(), probe.map.as_deref()).ok_or(error)?;
        let read = |(name, row): (Option<&str>, &Value)| {
            let price = decimal(&text_at(row, &probe.price)?)?;
            Some(Price { symbol: probe.symbol(name, row)?, price })
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }
}

impl PricesProbe {
    pub(super) fn has_rows(&self) -> bool {
        self.list.is_some() != self.map.is_some()
    }

    fn symbol(&self, name: Option<&str>, row: &Value) -> Option<Symbol> {
        let text = |pointer: &Option<String>| match pointer {
            Some(pointer) => text_at(row, pointer),
            None => name.map(str::to_owned),
        };
        let Some(quote) = &self.quote else {
            return Some(Symbol::Market(text(&self.symbol)?.to_uppercase()));
        };
        let quote = match quote.strip_prefix('=') {
            Some(asset) => asset.to_owned(),
            None => text_at(row, quote)?,
        };
        Some(Symbol::Pair { base: text(&self.base)?.to_uppercase(), quote: quote.to_uppercase() })
    }
}
