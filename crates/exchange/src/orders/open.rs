//! Which orders are open, and taking them back: for a panic.

use serde::Deserialize;
use serde_json::Value;

use super::{
    status::text,
    template::{Template, Values},
};
use crate::{
    Class, Definition, Reading, Request, Symbol,
    definition::{Case, Pattern},
    probe::{json, rows},
};

/// An order that may still be filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenOrder {
    /// The exchange's id.
    pub id: String,
    /// Its market.
    pub symbol: Symbol,
    /// The client's id, if it has one and the list says it.
    pub client_id: Option<String>,
}

/// One `[[open_orders]]`: a request, and where its answer has them. JSON pointers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OpenOrders {
    request: Template,
    list: Option<String>,
    map: Option<String>,
    /// A list inside each row.
    inner: Option<String>,
    /// In a map without it, the member's name is the id.
    id: Option<String>,
    symbol: Option<String>,
    base: Option<String>,
    quote: Option<String>,
    client_id: Option<String>,
    /// What of the account it lists, if not everything: `the spot market`.
    only: Option<String>,
    /// Endpoints whose orders it does not show, such as those that wait for a trigger.
    #[serde(default)]
    unseen: Vec<Pattern>,
}

/// The table `[cancel_order]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelOrder {
    request: Template,
    /// Takes all orders back at once, if that needs no market.
    all: Option<Template>,
}

impl Definition {
    /// Whether open orders are asked for market by market.
    pub fn open_orders_need_market(&self) -> bool {
        self.open_orders.as_ref().is_some_and(|own| own.get_ref().request.names_market())
    }

    /// The part of the account whose open orders are listed; nothing, where that is all of it.
    pub fn open_orders_only(&self) -> Option<&str> {
        self.open_orders.as_ref()?.get_ref().only.as_deref()
    }

    /// Whether an order in the list has the id its client gave it, if any.
    pub fn open_orders_show_ids(&self) -> bool {
        self.open_orders.as_ref().is_some_and(|own| own.get_ref().client_id.is_some())
    }

    /// Whether the list does not show what this request places.
    pub fn open_orders_miss(&self, request: &Request) -> bool {
        let unseen = self.open_orders.iter().flat_map(|own| &own.get_ref().unseen);
        let (method, path) = (request.method(), request.path());
        unseen.into_iter().any(|pattern| pattern.matches(method, path, Case::Exact))
    }

    /// The request that lists open orders: of one market, or of all. `None` if the exchange needs a market and `symbol` is
    /// none, or the definition has no such request. A long list may be cut off: cancel what it says, and ask again.
    pub fn open_orders_request(&self, symbol: Option<&Symbol>) -> Option<Request> {
        let own = self.open_orders.as_ref()?.get_ref();
        own.request.request(self, &Values { symbol, ..Values::default() })
    }

    /// What its answer says. `None`: an error, or not in the documented form.
    pub fn read_open_orders(&self, status: u16, body: &[u8]) -> Option<Vec<OpenOrder>> {
        let own = self.open_orders.as_ref()?.get_ref();
        if self.read_error(status, body).is_some() {
            return None;
        }
        let json = json(body)?;
        let outer = rows(&json, own.list.as_deref(), own.map.as_deref())?;
        let Some(inner) = &own.inner else {
            return outer.into_iter().map(|(name, row)| own.read(name, row)).collect();
        };
        let lists: Option<Vec<_>> = outer.into_iter().map(|(_, row)| rows(row, Some(inner), None)).collect();
        lists?.into_iter().flatten().map(|(name, row)| own.read(name, row)).collect()
    }

    /// The request that takes an order back; `None` if the definition has none, or it needs what the order does not say.
    pub fn cancel_order_request(&self, order: &OpenOrder) -> Option<Request> {
        let values = Values {
            symbol: Some(&order.symbol),
            order_id: Some(&order.id),
            client_id: order.client_id.as_deref(),
            ..Values::default()
        };
        self.cancel_order.as_ref()?.get_ref().request.request(self, &values)
    }

    /// The request that takes all orders back at once, where one does.
    pub fn cancel_all_request(&self) -> Option<Request> {
        self.cancel_order.as_ref()?.get_ref().all.as_ref()?.request(self, &Values::default())
    }

    /// A list only reads, and a cancellation is one.
    pub(crate) fn check_open_orders(&self) -> Result<(), (Option<usize>, String)> {
        if let Some(own) = &self.open_orders {
            let wrong = |reason: String| (Some(own.span().start), reason);
            let request = own.get_ref().request.sample(self).map_err(|refusal| wrong(refusal.to_string()))?;
            let places = |pattern: &Pattern| {
                let sample = pattern.sample();
                sample.and_then(|(method, path)| self.classify(method, &path)) == Some(Class::Trade)
            };
            match own.get_ref().check() {
                _ if request.class() != Class::Read => {
                    Err(wrong("a list of orders is of class read".to_owned()))
                }
                _ if !own.get_ref().unseen.iter().all(places) => {
                    Err(wrong("what the list does not show is of class trade".to_owned()))
                }
                checked => checked.map_err(|reason| wrong(reason.to_owned())),
            }?;
        }
        let Some(own) = &self.cancel_order else { return Ok(()) };
        for template in std::iter::once(&own.get_ref().request).chain(&own.get_ref().all) {
            let wrong = |reason: String| (Some(own.span().start), reason);
            let request = template.sample(self).map_err(|refusal| wrong(refusal.to_string()))?;
            if !matches!(request.reading(), Reading::Cancel { .. }) {
                return Err(wrong("is not read as a cancellation".to_owned()));
            }
        }
        match own.get_ref().all.as_ref().is_some_and(Template::names_market) {
            true => {
                Err((Some(own.span().start), "all orders are cancelled without naming a market".to_owned()))
            }
            false => Ok(()),
        }
    }
}

impl OpenOrders {
    fn read(&self, name: Option<&str>, row: &Value) -> Option<OpenOrder> {
        let at = |pointer: &Option<String>| pointer.as_ref().and_then(|pointer| text(row, pointer));
        let symbol = match at(&self.symbol) {
            Some(market) => Symbol::Market(market.to_uppercase()),
            None => {
                Symbol::Pair { base: at(&self.base)?.to_uppercase(), quote: at(&self.quote)?.to_uppercase() }
            }
        };
        let id = at(&self.id).or_else(|| name.map(str::to_owned))?;
        Some(OpenOrder { id, symbol, client_id: at(&self.client_id).filter(|id| !id.is_empty()) })
    }

    /// What its shape alone cannot say.
    fn check(&self) -> Result<(), &'static str> {
        let pair = self.base.is_some() && self.quote.is_some();
        match () {
            () if self.list.is_some() == self.map.is_some() => Err("orders are in a list or in a map"),
            () if self.id.is_none() && self.map.is_none() => Err("an order in a list has an id"),
            () if self.symbol.is_some() == pair => Err("an order has a symbol, or base and quote"),
            () => Ok(()),
        }
    }
}
