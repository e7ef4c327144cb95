//! How an exchange spells its markets: `BTC/USDT` is `BTC-USDT` here and `tBTCUST` there.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{Definition, Symbol};

/// The table `[markets]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Markets {
    /// Texts with `{base}` and `{quote}`, all that clients use.
    spellings: Vec<String>,
    /// Other names of assets, by their usual one.
    #[serde(default)]
    assets: BTreeMap<String, Vec<String>>,
}

impl Markets {
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let whole = |text: &String| text.contains("{base}") && text.contains("{quote}");
        match !self.spellings.is_empty() && self.spellings.iter().all(whole) {
            true => Ok(()),
            false => Err("a spelling of markets has {base} and {quote}"),
        }
    }

    fn names<'a>(&'a self, asset: &'a str) -> impl Iterator<Item = &'a str> + Clone {
        let others = self.assets.get(asset).into_iter().flatten().map(String::as_str);
        std::iter::once(asset).chain(others)
    }
}

impl Definition {
    /// Whether `symbol`, as a request names it, is the market of these two assets, given by their usual names in
    /// capitals. Letters compare in any case.
    pub fn is_market(&self, symbol: &Symbol, base: &str, quote: &str) -> bool {
        let named =
            |asset: &str, told: &str| self.markets.names(asset).any(|name| name.eq_ignore_ascii_case(told));
        match symbol {
            Symbol::Pair { base: own_base, quote: own_quote } => {
                named(base, own_base) && named(quote, own_quote)
            }
            Symbol::Market(name) => self.market_names(base, quote).any(|own| own.eq_ignore_ascii_case(name)),
        }
    }

    /// Whether a market's own name here may have this sign in it: then a name with it is the exchange's own.
    pub fn spells_with(&self, separator: char) -> bool {
        self.markets.spellings.iter().any(|spelling| spelling.contains(separator))
    }

    fn market_names<'a>(&'a self, base: &'a str, quote: &'a str) -> impl Iterator<Item = String> + 'a {
        self.markets.spellings.iter().flat_map(move |spelling| {
            let quotes = self.markets.names(quote);
            self.markets.names(base).flat_map(move |base| {
                quotes.clone().map(move |quote| spelling.replace("{base}", base).replace("{quote}", quote))
            })
        })
    }
}

impl Default for Markets {
    fn default() -> Self {
        Markets { spellings: vec!["{base}{quote}".to_owned()], assets: BTreeMap::new() }
    }
}
