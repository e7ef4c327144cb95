//! Which markets there are, for exchanges whose names of markets cannot be split without a list.

use std::collections::{BTreeMap, btree_map::Entry};

use serde::Deserialize;
use serde_json::Value;

use super::{Probe, ProbeError, json, rows};
use crate::{Class, Definition, answer::text_at};

/// The table `[markets.list]`: how a definition asks, and where the answer has it: JSON pointers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MarketsProbe {
    pub(crate) request: String,
    list: Option<String>,
    map: Option<String>,
    /// The names of one market. In a map the member's name is one as well.
    #[serde(default)]
    names: Vec<String>,
    base: String,
    quote: String,
    /// The rows that are spot markets: texts that pointers must lead to. All without it.
    #[serde(default)]
    spot: BTreeMap<String, Vec<String>>,
}

/// The spot markets of an exchange, by all their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MarketList(BTreeMap<String, Option<(String, String)>>);

impl Definition {
    /// Reads the answer to [`Probe::Markets`]. A row without names or assets is left out.
    pub fn read_markets(&self, body: &[u8]) -> Result<MarketList, ProbeError> {
        let error = ProbeError(Probe::Markets);
        let probe = self.markets.list.as_ref().ok_or(error)?.get_ref();
        let json = json(body).ok_or(error)?;
        let rows = rows(&json, probe.list.as_deref(), probe.map.as_deref()).ok_or(error)?;
        let mut list = MarketList::default();
        for (name, row) in rows.into_iter().filter(|(_, row)| probe.is_spot(row)) {
            let asset = |pointer| text_at(row, pointer).filter(|asset| !asset.is_empty());
            let Some((base, quote)) = asset(&probe.base).zip(asset(&probe.quote)) else { continue };
            let names = probe.names.iter().filter_map(|pointer| text_at(row, pointer));
            for name in names.chain(name.map(str::to_owned)) {
                list.insert(name.to_uppercase(), (base.to_uppercase(), quote.to_uppercase()));
            }
        }
        Ok(list)
    }

    /// The list of markets can be asked for by anybody, and its rows can be read.
    pub(crate) fn check_market_list(&self) -> Result<(), (Option<usize>, String)> {
        let Some(list) = &self.markets.list else { return Ok(()) };
        let wrong = |reason: String| (Some(list.span().start), reason);
        list.get_ref().check().map_err(|reason| wrong(reason.to_owned()))?;
        let request =
            self.probe_request(&list.get_ref().request).map_err(|refusal| wrong(refusal.to_string()))?;
        match request.class() {
            Class::Public => Ok(()),
            _ => Err(wrong("a list of markets is public".to_owned())),
        }
    }
}

impl MarketList {
    /// Base and quote of a name in capitals, as the exchange calls them.
    pub(crate) fn get(&self, name: &str) -> Option<(&str, &str)> {
        self.0.get(name)?.as_ref().map(|(base, quote)| (base.as_str(), quote.as_str()))
    }

    /// How many names it knows.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it knows none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A name of two different markets stands for none.
    fn insert(&mut self, name: String, pair: (String, String)) {
        match self.0.entry(name) {
            Entry::Vacant(place) => {
                place.insert(Some(pair));
            }
            Entry::Occupied(mut place) => {
                if place.get().as_ref() != Some(&pair) {
                    place.insert(None);
                }
            }
        }
    }
}

impl MarketsProbe {
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        match (self.list.is_some(), self.map.is_some()) {
            (true, false) if !self.names.is_empty() => Ok(()),
            (false, true) => Ok(()),
            _ => Err("markets stand in a list, with pointers to their names, or in a map"),
        }
    }

    fn is_spot(&self, row: &Value) -> bool {
        let fits = |(pointer, texts): (&String, &Vec<String>)| match row.pointer(pointer) {
            Some(Value::Bool(value)) => texts.iter().any(|text| *text == value.to_string()),
            _ => text_at(row, pointer).is_some_and(|own| texts.contains(&own)),
        };
        self.spot.iter().all(fits)
    }
}
