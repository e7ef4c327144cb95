//! Requests with holes for an order's names: `GET /v1/order?market={symbol}&id={order_id}`.

use serde::Deserialize;

use crate::{
    Definition, Refusal, Request, Symbol,
    definition::fill,
    request::{escape, quote},
};

/// `METHOD /path?query`, and behind one more space a body, with holes.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Template(String);

/// What stands in the holes. Without a value for one of its holes a request is not made.
#[derive(Clone, Default)]
pub(super) struct Values<'a> {
    pub(super) symbol: Option<&'a Symbol>,
    pub(super) order_id: Option<&'a str>,
    pub(super) client_id: Option<&'a str>,
    /// A moment before the order was placed: milliseconds since 1970, and in ISO 8601.
    pub(super) since: Option<(String, String)>,
}

impl Template {
    /// Whether the request is about one market.
    pub(super) fn names_market(&self) -> bool {
        ["{symbol", "{base}", "{quote}"].iter().any(|hole| self.0.contains(hole))
    }

    /// Whether it asks for one order by its client id.
    pub(super) fn names_client_id(&self) -> bool {
        self.0.contains("{client_id}")
    }

    /// The request; `None` if a hole has no value, or one that has no place there.
    pub(super) fn request(&self, definition: &Definition, values: &Values<'_>) -> Option<Request> {
        definition.probe_request(&self.filled(values)?).ok()
    }

    /// The request with some value in every hole.
    pub(super) fn sample(&self, definition: &Definition) -> Result<Request, Refusal> {
        let (market, pair) =
            (Symbol::Market("A1".to_owned()), Symbol::Pair { base: "A".to_owned(), quote: "B".to_owned() });
        let values = Values {
            symbol: Some(if self.0.contains("{symbol") { &market } else { &pair }),
            order_id: Some("1"),
            client_id: Some("1"),
            since: Some(("1".to_owned(), "1".to_owned())),
        };
        definition.probe_request(&self.filled(&values).unwrap_or_default())
    }

    /// Values in the target and in a form are percent-encoded, those in JSON are written as its strings are.
    fn filled(&self, values: &Values<'_>) -> Option<String> {
        let body = self.0.match_indices(' ').nth(1).map_or(self.0.len(), |(at, _)| at + 1);
        let (target, body) = self.0.split_at(body);
        let in_json = |text: &str| {
            let quoted = quote(text);
            quoted[1..quoted.len() - 1].to_owned()
        };
        let is_json = ["{\"", "{}", "["].iter().any(|start| body.starts_with(start));
        let body = if is_json { put(body, values, in_json)? } else { put(body, values, escape)? };
        Some(put(target, values, escape)? + &body)
    }
}

fn put(text: &str, values: &Values<'_>, write: impl Fn(&str) -> String) -> Option<String> {
    let (market, base, quote) = match values.symbol {
        Some(Symbol::Market(name)) => (Some(name.clone()), None, None),
        Some(Symbol::Pair { base, quote }) => (None, Some(base.clone()), Some(quote.clone())),
        None => (None, None, None),
    };
    let holes = [
        ("{symbol}", market.clone()),
        ("{symbol:lower}", market.map(|name| name.to_lowercase())),
        ("{base}", base),
        ("{quote}", quote),
        ("{order_id}", values.order_id.map(str::to_owned)),
        ("{client_id}", values.client_id.map(str::to_owned)),
        ("{since_ms}", values.since.as_ref().map(|(ms, _)| ms.clone())),
        ("{since_iso}", values.since.as_ref().map(|(_, iso)| iso.clone())),
    ];
    if holes.iter().any(|(hole, value)| value.is_none() && text.contains(hole)) {
        return None;
    }
    let written: Vec<(&str, String)> =
        holes.into_iter().filter_map(|(hole, value)| Some((hole, write(&value?)))).collect();
    let written: Vec<(&str, &str)> = written.iter().map(|(hole, value)| (*hole, value.as_str())).collect();
    Some(fill(text, &written))
}
