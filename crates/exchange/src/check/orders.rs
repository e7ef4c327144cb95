//! `orders.json`: what a definition must say about markets, client ids, the fate of orders, panics and leverage.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;

use super::words::{name, same, status, symbol, written};
use crate::{Definition, Incoming, Leverage, Method, Placed, Refusal, Request, request::Body};

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    markets: Markets,
    #[serde(default)]
    client_ids: Vec<Ids>,
    #[serde(default)]
    status: Vec<Status>,
    open_orders: Option<Open>,
    #[serde(default)]
    leverage: Vec<Borrowing>,
}

/// Names, each with `BASE/QUOTE` or, for what is no spot market, null.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Markets {
    /// The exchange's list, where the definition has a request for it.
    answer: Option<Value>,
    names: BTreeMap<String, Option<String>>,
}

/// A request, the ids it has, and the text it has with ids made of the bytes 1, 1, ... and 2, 2, ...
#[derive(Deserialize)]
struct Ids {
    #[serde(flatten)]
    request: Message,
    own: Vec<Option<String>>,
    sent: String,
}

#[derive(Deserialize)]
struct Message {
    endpoint: String,
    #[serde(default)]
    group: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
}

/// An order that was sent in 2023, with the id `c1` if it has no other; the requests that ask for it, and their answers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Status {
    placed: String,
    symbol: String,
    #[serde(default = "c1")]
    client_id: String,
    quantity: Option<Decimal>,
    /// How long ago it was sent.
    #[serde(default)]
    after_s: u64,
    asks: Vec<String>,
    answers: Vec<Answer>,
}

/// `nth` counts requests from 0; `is` is `open 0.5`, `cancelled`, `not found` or `unreadable`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    #[serde(default)]
    nth: usize,
    #[serde(default = "ok")]
    status: u16,
    body: Value,
    is: String,
}

/// The list, what is read in it (id, market, client id), and how each is taken back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Open {
    symbol: Option<String>,
    ask: String,
    answer: Value,
    is: Vec<(String, String, Option<String>)>,
    cancels: Vec<String>,
    cancel_all: Option<String>,
}

/// A request, and `none`, `unknown`, `sets 5`, `borrows` or `borrows 3`.
#[derive(Deserialize)]
struct Borrowing {
    #[serde(flatten)]
    request: Message,
    is: String,
}

fn c1() -> String {
    "c1".to_owned()
}

fn ok() -> u16 {
    200
}

/// 2023-11-14T22:13:20Z
const PLACED_MS: u64 = 1_700_000_000_000;

/// How many cases hold, and what does not fit: its place and the reason.
pub(super) fn check(definition: &Definition, text: &str) -> (usize, Vec<(String, String)>) {
    let cases: Cases = match serde_json::from_str(text) {
        Ok(cases) => cases,
        Err(error) => return (0, vec![(format!("line {}", error.line()), error.to_string())]),
    };
    let results = cases.run(definition);
    let count = results.len();
    let wrong = results.into_iter().filter_map(|(place, result)| Some((place, result.err()?)));
    (count, wrong.collect())
}

type Results = Vec<(String, Result<(), String>)>;

impl Cases {
    fn run(&self, definition: &Definition) -> Results {
        let mut results = self.markets.run(definition);
        for case in &self.client_ids {
            results.push((format!("client_ids, {}", case.request.endpoint), case.run(definition)));
        }
        for case in &self.status {
            results.extend(case.run(definition));
        }
        results.extend(self.open_orders.iter().map(|open| ("open_orders".to_owned(), open.run(definition))));
        for case in &self.leverage {
            let place = format!("leverage, {} {}", case.request.endpoint, case.request.body);
            results.push((place, case.run(definition)));
        }
        results.extend(self.missing(definition).map(|place| (place, Err("has no case".to_owned()))));
        results
    }

    /// What the definition says and no case shows.
    fn missing(&self, definition: &Definition) -> impl Iterator<Item = String> {
        let can_miss = |number: usize| definition.order_status[number].get_ref().can_miss();
        let asked = |number: &usize| {
            let is_own =
                |case: &&Status| case.placed().and_then(|at| definition.question_of(at)) == Some(*number);
            let mut answers = self.status.iter().filter(is_own).flat_map(|case| &case.answers);
            let not_found = answers.clone().any(|answer| answer.is == "not found");
            (not_found || !can_miss(*number))
                && answers.any(|answer| !["not found", "unreadable"].contains(&answer.is.as_str()))
        };
        let questions = (0..definition.order_status.len()).filter(|number| !asked(number));
        // those about withdrawals are counted behind those about orders
        let questions =
            questions.map(|number| format!("[[order_status]] {}: found and not found", number + 1));
        let open = definition.open_orders.is_some() && self.open_orders.is_none();
        let leverage = !definition.leverages.is_empty() && self.leverage.is_empty();
        let tables = [(open, "[open_orders]"), (leverage, "[[leverage]]")];
        let tables = tables.into_iter().filter(|(missing, _)| *missing).map(|(_, table)| table.to_owned());
        questions.chain(tables).collect::<Vec<_>>().into_iter()
    }
}

impl Markets {
    fn run(&self, definition: &Definition) -> Results {
        let body = self.answer.as_ref().map(|answer| answer.to_string());
        let list = body.map(|body| definition.read_markets(body.as_bytes())).transpose();
        let list = match list {
            Ok(list) => list,
            Err(error) => return vec![("markets".to_owned(), Err(error.to_string()))],
        };
        let one = |(name, expected): (&String, &Option<String>)| {
            let assets = definition.assets(&symbol(name), list.as_ref());
            let found = assets.map(|(base, quote)| format!("{base}/{quote}"));
            (format!("markets, {name}"), same(&found, expected))
        };
        self.names.iter().map(one).collect()
    }
}

impl Message {
    fn read(&self, definition: &Definition) -> Result<Request, Refusal> {
        let (method, target) = self.endpoint.split_once(' ').unwrap_or_default();
        let headers: Vec<(&str, &[u8])> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        definition.request(Incoming {
            method,
            target,
            group: self.group.as_deref(),
            headers: &headers,
            body: self.body.as_bytes(),
            called: "",
        })
    }
}

impl Ids {
    fn run(&self, definition: &Definition) -> Result<(), String> {
        let request = self.request.read(definition).map_err(|refusal| refusal.to_string())?;
        same(&request.client_ids().to_vec(), &self.own)?;
        let bytes = |at: usize| [u8::try_from(at + 1).unwrap_or(u8::MAX); 16];
        let made = definition.with_client_ids(&request, bytes).map_err(|refusal| refusal.to_string())?;
        let text = match &made.body {
            Body::Empty => made.query.text(),
            Body::Form(params) => params.text(),
            Body::Json(document) | Body::Payload(document, _) => document.text(),
        };
        same(&text, &self.sent.as_str())
    }
}

impl Status {
    /// Method and path of the request that placed the order.
    fn placed(&self) -> Option<(Method, &str)> {
        let (method, path) = self.placed.split_once(' ')?;
        Some((Method::parse(method)?, path))
    }

    fn run(&self, definition: &Definition) -> Results {
        let place = |what: &str| format!("status, {}: {what}", self.placed);
        let Some((method, path)) = self.placed() else {
            return vec![(place("placed"), Err("is not METHOD /path".to_owned()))];
        };
        let symbol = symbol(&self.symbol);
        let (client_id, quantity, at_ms) = (self.client_id.as_str(), self.quantity, PLACED_MS);
        let order = Placed { method, group: None, path, symbol: &symbol, client_id, quantity, at_ms };
        let now_ms = PLACED_MS + self.after_s * 1000;
        let asks: Vec<String> =
            definition.order_status_requests(&order, now_ms).iter().map(written).collect();
        let mut results = vec![(place("asks"), same(&asks, &self.asks))];
        for answer in &self.answers {
            let body = answer.body.to_string();
            let read = definition.read_order_status(&order, answer.nth, answer.status, body.as_bytes());
            results.push((place(&answer.is), same(&status(read), &answer.is)));
        }
        results
    }
}

impl Open {
    fn run(&self, definition: &Definition) -> Result<(), String> {
        let market = self.symbol.as_deref().map(symbol);
        same(&definition.open_orders_need_market(), &market.is_some())?;
        let ask = definition.open_orders_request(market.as_ref());
        same(&ask.as_ref().map(written), &Some(self.ask.clone()))?;
        let orders = definition.read_open_orders(200, self.answer.to_string().as_bytes());
        let orders = orders.ok_or("the answer cannot be read")?;
        let cancels: Option<Vec<String>> =
            orders.iter().map(|order| definition.cancel_order_request(order).as_ref().map(written)).collect();
        let read: Vec<_> =
            orders.into_iter().map(|order| (order.id, name(&order.symbol), order.client_id)).collect();
        same(&read, &self.is)?;
        same(&cancels.unwrap_or_default(), &self.cancels)?;
        same(&definition.cancel_all_request().as_ref().map(written), &self.cancel_all)
    }
}

impl Borrowing {
    fn run(&self, definition: &Definition) -> Result<(), String> {
        let request = self.request.read(definition).map_err(|refusal| refusal.to_string())?;
        let found = match request.leverage() {
            Leverage::None => "none".to_owned(),
            Leverage::Borrows(None) => "borrows".to_owned(),
            Leverage::Borrows(Some(value)) => format!("borrows {value}"),
            Leverage::Sets(value) => format!("sets {value}"),
            Leverage::Unknown => "unknown".to_owned(),
        };
        same(&found, &self.is)
    }
}
