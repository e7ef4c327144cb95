//! How an exchange spells its markets: `BTC/USDT` is `BTC-USDT` here and `tBTCUST` there.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use crate::{Definition, MarketList, Symbol, probe::MarketsProbe, reading::like};

/// The table `[markets]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Markets {
    /// Texts with `{base}` and `{quote}`, all that clients use.
    spellings: Vec<String>,
    /// Other names of assets, by their usual one.
    #[serde(default)]
    assets: BTreeMap<String, Vec<String>>,
    /// So many letters have both assets where a spelling has nothing between them.
    letters: Option<usize>,
    /// Names in capitals that are no spot market, with `*` for any text.
    #[serde(default)]
    not_spot: Vec<String>,
    /// The exchange's own list, where its names cannot be split without one.
    pub(crate) list: Option<Spanned<MarketsProbe>>,
}

impl Markets {
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let whole = |text: &String| text.contains("{base}") && text.contains("{quote}");
        let mut names: Vec<&String> = self.assets.values().flatten().chain(self.assets.keys()).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        match () {
            () if self.spellings.is_empty() || !self.spellings.iter().all(whole) => {
                Err("a spelling of markets has {base} and {quote}")
            }
            () if names.len() != count => Err("one name stands for two assets"),
            () => Ok(()),
        }
    }

    fn names<'a>(&'a self, asset: &'a str) -> impl Iterator<Item = &'a str> + Clone {
        let others = self.assets.get(asset).into_iter().flatten().map(String::as_str);
        std::iter::once(asset).chain(others)
    }

    /// Both assets of a name in capitals; `None` if it could be split in two ways, or in none.
    fn split<'n>(&self, name: &'n str) -> Option<(&'n str, &'n str)> {
        let mut found = self.spellings.iter().filter_map(|spelling| self.split_by(spelling, name));
        let first = found.next()?;
        found.all(|other| other == first).then_some(first)
    }

    fn split_by<'n>(&self, spelling: &str, name: &'n str) -> Option<(&'n str, &'n str)> {
        let (start, rest) = spelling.split_once('{')?;
        let (first, rest) = rest.split_once('}')?;
        let (between, rest) = rest.split_once('{')?;
        let (_, end) = rest.split_once('}')?;
        let inner = name.strip_prefix(start.to_uppercase().as_str())?;
        let inner = inner.strip_suffix(end.to_uppercase().as_str())?;
        let (left, right) = match between {
            "" => self
                .letters
                .filter(|letters| inner.len() == 2 * letters)
                .and_then(|at| inner.split_at_checked(at))?,
            _ => inner.split_once(between)?,
        };
        let plain = |asset: &str| !asset.is_empty() && asset.chars().all(char::is_alphanumeric);
        let pair = if first == "base" { (left, right) } else { (right, left) };
        (plain(left) && plain(right)).then_some(pair)
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

    /// The assets of a spot market, base and quote, by their usual names in capitals.
    ///
    /// Where [`crate::Probe::Markets`] is a request, names such as `BTCUSDT` need its answer as `list`. `None` for
    /// what is no spot market, or cannot be told to be one: nothing is guessed.
    pub fn assets(&self, symbol: &Symbol, list: Option<&MarketList>) -> Option<(String, String)> {
        let (base, quote) = match symbol {
            Symbol::Pair { base, quote } => (base.as_str(), quote.as_str()),
            Symbol::Market(name) if self.markets.not_spot.iter().any(|pattern| like(pattern, name)) => {
                return None;
            }
            Symbol::Market(name) => {
                list.and_then(|list| list.get(name)).or_else(|| self.markets.split(name))?
            }
        };
        Some((self.usual_asset(base).to_owned(), self.usual_asset(quote).to_owned()))
    }

    /// The usual name of an asset: `BTC` for Kraken's `XXBT`. The exchange's own in capitals, if it has no other.
    pub fn usual_asset<'a>(&'a self, name: &'a str) -> &'a str {
        let stands_for = |others: &Vec<String>| others.iter().any(|other| other == name);
        self.markets.assets.iter().find(|(_, others)| stands_for(others)).map_or(name, |(usual, _)| usual)
    }

    /// Whether a market's own name here may have this sign in it: then a name with it is the exchange's own.
    pub fn spells_with(&self, separator: char) -> bool {
        self.markets.spellings.iter().any(|spelling| spelling.contains(separator))
    }

    /// The exchange's own name of a spot market, in its first spelling.
    pub fn market_name(&self, base: &str, quote: &str) -> Option<String> {
        self.market_names(base, quote).next()
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
        Markets {
            spellings: vec!["{base}{quote}".to_owned()],
            assets: BTreeMap::new(),
            letters: None,
            not_spot: Vec::new(),
            list: None,
        }
    }
}
