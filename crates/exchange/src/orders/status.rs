//! What became of an order or a withdrawal whose answer was lost, asked by the client's id.
//!
//! Wait before asking: an order may still be on its way when the answer "not found" comes. An order that is not found by
//! every request there is never was; one whose answer cannot be read may be anything.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;

use super::{
    ask::{Ask, Found},
    template::Values,
};
use crate::{
    Class, Definition, Method, Request, Symbol,
    definition::{Case, Pattern},
    moment::Clock,
    probe::{decimal, json},
    reading::like,
};

/// An order or a withdrawal that was sent.
#[derive(Clone, Copy, Debug)]
pub struct Placed<'a> {
    /// The method of the request that held it.
    pub method: Method,
    /// The host group of that request: [`Request::group`].
    pub group: Option<&'a str>,
    /// Its path.
    pub path: &'a str,
    /// Its market, as the request named it; of a withdrawal its asset.
    pub symbol: &'a Symbol,
    /// Its client id: of [`Request::client_ids`].
    pub client_id: &'a str,
    /// Its quantity in units of the base asset, if it named one.
    pub quantity: Option<Decimal>,
    /// When it was sent, in milliseconds since 1970.
    pub at_ms: u64,
}

/// What an exchange says about an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderStatus {
    /// It is there.
    Found {
        /// What became of it.
        state: OrderState,
        /// How much was traded, in units of the base asset; `None` if the answer does not say.
        filled: Option<Decimal>,
    },
    /// By this request the exchange does not know it. If it says so of all of them, it never got the order.
    NotFound,
    /// Neither: an error, or an answer of another form. Ask again, or let a person look.
    Unreadable,
}

/// What became of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrderState {
    /// It may still be filled.
    Open,
    /// Wholly filled.
    Done,
    /// Over before it was wholly filled: taken back or expired, perhaps filled in part.
    Cancelled,
    /// Never taken.
    Rejected,
}

/// One `[[order_status]]` or `[[withdrawal_status]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatusQuestions {
    /// The endpoints whose orders are found so.
    of: Vec<Pattern>,
    /// In turn, until one finds it.
    ask: Vec<Ask>,
    /// What says how it is; the texts of several are joined by a space.
    state: Vec<String>,
    /// The texts of each state, with `*` for anything.
    words: BTreeMap<OrderState, Vec<String>>,
    filled: Option<Filled>,
    /// For how long the exchange remembers orders that ended, in seconds. Later it is not asked: "not found" would
    /// mean nothing.
    within_s: Option<u64>,
    /// Codes of errors that mean that there is no such order.
    #[serde(default)]
    not_found: Vec<String>,
}

/// A pointer, or the difference of two.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Filled {
    At(String),
    Difference(Difference),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    /// Without it the order's own quantity.
    of: Option<String>,
    less: String,
}

/// Clocks differ by so much at most.
const BEFORE_MS: u64 = 5 * 60 * 1000;

impl Definition {
    /// The requests that ask at a moment what became of an order, ready for [`Definition::sign`]. Ask in turn until
    /// one finds it. None: this exchange, or this endpoint of it, cannot be asked so, or not any more, and a person must
    /// look.
    pub fn order_status_requests(&self, order: &Placed<'_>, now_ms: u64) -> Vec<Request> {
        let in_time = |own: &&StatusQuestions| {
            own.within_s.is_none_or(|within| now_ms / 1000 < order.at_ms / 1000 + within)
        };
        let Some(questions) = self.questions(order).filter(in_time) else { return Vec::new() };
        let since = order.at_ms.saturating_sub(BEFORE_MS);
        let values = Values {
            symbol: Some(order.symbol),
            client_id: Some(order.client_id),
            since: Some((since.to_string(), Clock::Iso8601Ms.text(since))),
            ..Values::default()
        };
        let requests: Option<Vec<Request>> =
            questions.ask.iter().map(|ask| ask.request.request(self, &values)).collect();
        requests.unwrap_or_default()
    }

    /// What the answer to the `nth` of these requests says, from 0.
    pub fn read_order_status(&self, order: &Placed<'_>, nth: usize, status: u16, body: &[u8]) -> OrderStatus {
        let Some((questions, ask)) = self.questions(order).and_then(|own| Some((own, own.ask.get(nth)?)))
        else {
            return OrderStatus::Unreadable;
        };
        if let Some(error) = self.read_error(status, body) {
            return match questions.not_found.contains(&error.code) {
                true => OrderStatus::NotFound,
                false => OrderStatus::Unreadable,
            };
        }
        let Some(json) = json(body) else { return OrderStatus::Unreadable };
        match ask.find(&json, order.client_id) {
            Found::Order(row) => questions.read(row, order).unwrap_or(OrderStatus::Unreadable),
            Found::Nothing => OrderStatus::NotFound,
            Found::Unclear => OrderStatus::Unreadable,
        }
    }

    /// Orders of a host group are on another host, which is not asked.
    fn questions(&self, order: &Placed<'_>) -> Option<&StatusQuestions> {
        let number = self.question_of((order.method, order.path)).filter(|_| order.group.is_none())?;
        self.order_status.get(number).map(Spanned::get_ref)
    }

    /// The number of the table that is for orders of an endpoint.
    pub(crate) fn question_of(&self, (method, path): (Method, &str)) -> Option<usize> {
        let fits = |pattern: &Pattern| pattern.matches(method, path, Case::Exact);
        self.order_status.iter().position(|own| own.get_ref().of.iter().any(fits))
    }

    /// Every question only reads, and is about endpoints whose orders have client ids.
    pub(crate) fn check_order_status(&self) -> Result<(), (Option<usize>, String)> {
        for own in &self.order_status {
            let wrong = |reason: String| (Some(own.span().start), reason);
            own.get_ref().check().map_err(|reason| wrong(reason.to_owned()))?;
            for ask in &own.get_ref().ask {
                let request = ask.request.sample(self).map_err(|refusal| wrong(refusal.to_string()))?;
                if request.class() != Class::Read {
                    return Err(wrong("a question about an order is of class read".to_owned()));
                }
            }
            for pattern in &own.get_ref().of {
                let sample = pattern.sample();
                if !sample.is_some_and(|(method, path)| self.takes_client_ids(method, &path)) {
                    return Err(wrong("asks about orders or withdrawals that have no client id".to_owned()));
                }
            }
        }
        Ok(())
    }
}

impl StatusQuestions {
    fn read(&self, row: &Value, order: &Placed<'_>) -> Option<OrderStatus> {
        let said: Vec<String> = self.state.iter().filter_map(|pointer| text(row, pointer)).collect();
        let said = said.join(" ");
        let mut fitting = self
            .words
            .iter()
            .filter(|(_, words)| words.iter().any(|word| like(word, &said)))
            .map(|(state, _)| *state);
        let state = fitting.next().filter(|_| !said.is_empty())?;
        let filled = match &self.filled {
            Some(Filled::At(pointer)) => Some(amount(row, pointer)?),
            Some(Filled::Difference(Difference { of, less })) => {
                let whole =
                    of.as_ref().map_or(Some(order.quantity), |pointer| amount(row, pointer).map(Some))?;
                let left = amount(row, less)?;
                whole.map(|whole| whole - left)
            }
            None => None,
        };
        Some(OrderStatus::Found { state, filled })
    }

    /// Whether an answer can say that there is no such order, in a way the definition knows.
    pub(crate) fn can_miss(&self) -> bool {
        !self.not_found.is_empty() || self.ask.iter().any(|ask| ask.at.is_none())
    }

    /// What its shape alone cannot say.
    fn check(&self) -> Result<(), &'static str> {
        let one_place = |ask: &Ask| {
            [&ask.at, &ask.list, &ask.map].into_iter().filter(|place| place.is_some()).count() == 1
        };
        let names_order = |ask: &Ask| ask.request.names_client_id() || ask.client_id.is_some();
        let words: Vec<&String> = self.words.values().flatten().collect();
        let twice = words.iter().enumerate().any(|(at, word)| words[..at].contains(word));
        match () {
            () if self.ask.is_empty() || self.state.is_empty() => Err("a question has a request and a state"),
            () if !self.ask.iter().all(one_place) => Err("an order is at a place, in a list or in a map"),
            () if !self.ask.iter().all(names_order) => Err("nothing here tells which order is meant"),
            () if twice => Err("one word stands for two states"),
            () => Ok(()),
        }
    }
}

/// A text, number or truth value.
pub(super) fn text(row: &Value, pointer: &str) -> Option<String> {
    match row.pointer(pointer)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Without its sign, which some exchanges use for the side. Nothing, where nothing was filled, is zero.
fn amount(row: &Value, pointer: &str) -> Option<Decimal> {
    let text = text(row, pointer).unwrap_or_default();
    if text.is_empty() { Some(Decimal::ZERO) } else { decimal(&text).map(|amount| amount.abs()) }
}
