//! What frames trade: orders placed and taken back.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::order::{self, Draft};
use super::socket::{Fields, only};
use super::{Error, Kraken};
use crate::amount::plain;
use crate::house::House;
use crate::key::Entry;
use crate::params::Params;

const ORDER: [&str; 10] = [
    "cash_order_qty",
    "cl_ord_id",
    "limit_price",
    "order_qty",
    "order_type",
    "order_userref",
    "post_only",
    "side",
    "symbol",
    "time_in_force",
];

pub(super) fn add(
    house: &mut House<Kraken>,
    params: &Fields,
    caller: &Entry,
    now: i64,
) -> Result<Vec<Value>, Error> {
    only(params, &ORDER, "add order")?;
    let symbol = params.get("symbol").and_then(Value::as_str).ok_or(Error::PAIR)?;
    let draft = draft(house, params, symbol, caller)?;
    Ok(vec![placed(house, draft, now)?])
}

/// All orders must be sound for any to be placed; what then fails, fails alone.
pub(super) fn add_batch(
    house: &mut House<Kraken>,
    params: &Fields,
    caller: &Entry,
    now: i64,
) -> Result<Vec<Value>, Error> {
    only(params, &["orders", "symbol"], "batch add")?;
    let symbol = params.get("symbol").and_then(Value::as_str).ok_or(Error::PAIR)?;
    let orders = params.get("orders").and_then(Value::as_array);
    let orders = orders.filter(|orders| (2..=15).contains(&orders.len())).ok_or(Error::argument("orders"))?;
    let draft = |order: &Value| {
        let fields = order.as_object().ok_or(Error::MALFORMED)?;
        only(fields, &ORDER.map(|name| if name == "symbol" { "" } else { name }), "batch add")?;
        draft(house, fields, symbol, caller)
    };
    let drafts = orders.iter().map(draft).collect::<Result<Vec<_>, _>>()?;
    let placed = drafts
        .into_iter()
        .map(|draft| placed(house, draft, now).unwrap_or_else(|error| json!({ "error": error.text() })));
    Ok(vec![placed.collect()])
}

/// The order in the words of the REST endpoint.
fn draft(house: &House<Kraken>, params: &Fields, symbol: &str, caller: &Entry) -> Result<Draft, Error> {
    let pair = house.desk.floor.pair_named(symbol, "/").ok_or(Error::PAIR)?;
    let name = super::name::pair_altname(&house.desk.floor.pairs[pair]);
    let text = |name: &str| params.get(name).and_then(Value::as_str);
    let amount = |name: &str| params.get(name).map(|value| exact(value).ok_or_else(|| Error::argument(name)));
    let (quantity, cash) = (amount("order_qty").transpose()?, amount("cash_order_qty").transpose()?);
    let mut rest = json!({ "type": text("side"), "ordertype": text("order_type") });
    rest["volume"] = plain(quantity.or(cash).ok_or(Error::argument("order_qty"))?).into();
    if let Some(price) = amount("limit_price").transpose()? {
        rest["price"] = plain(price).into();
    }
    let post = params.get("post_only") == Some(&Value::Bool(true));
    let flags = [post.then_some("post"), cash.is_some().then_some("viqc")];
    rest["oflags"] = flags.into_iter().flatten().collect::<Vec<_>>().join(",").into();
    rest["timeinforce"] = text("time_in_force").map(str::to_ascii_uppercase).into();
    rest["cl_ord_id"] = text("cl_ord_id").into();
    rest["userref"] = params.get("order_userref").cloned().unwrap_or_default();
    order::read(house, &Params::of(&rest), &name, caller.account)
}

/// A JSON number, with an exponent or without one; a text is none.
fn exact(value: &Value) -> Option<Decimal> {
    let text = value.as_number()?.to_string();
    text.parse().or_else(|_| Decimal::from_scientific(&text)).ok().filter(Decimal::is_sign_positive)
}

fn placed(house: &mut House<Kraken>, draft: Draft, now: i64) -> Result<Value, Error> {
    let client_id = draft.new.client_id.clone();
    let userref = draft.userref;
    let mut result = json!({ "order_id": order::txid(order::place(house, draft, now)?) });
    if !client_id.is_empty() {
        result["cl_ord_id"] = client_id.into();
    }
    if let Some(userref) = userref {
        result["order_userref"] = userref.into();
    }
    Ok(result)
}

/// Each order is answered by itself.
pub(super) fn cancel(
    house: &mut House<Kraken>,
    params: &Fields,
    caller: &Entry,
    now: i64,
) -> Result<Vec<Value>, Error> {
    only(params, &["cl_ord_id", "order_id", "order_userref"], "cancel order")?;
    let [(kind, names)] = params.iter().collect::<Vec<_>>()[..] else { return Err(Error::ARGUMENTS) };
    let names = names.as_array().filter(|names| !names.is_empty()).ok_or(Error::MALFORMED)?;
    let mut results = Vec::new();
    for name in names {
        for id in named(house, caller, kind, name) {
            let done = house.desk.floor.cancel(caller.account, id, now).is_some();
            results.extend(done.then(|| json!({ "order_id": order::txid(id) })));
        }
    }
    if results.is_empty() { Err(Error::UNKNOWN_ORDER) } else { Ok(results) }
}

pub(super) fn cancel_batch(
    house: &mut House<Kraken>,
    params: &Fields,
    caller: &Entry,
    now: i64,
) -> Result<Vec<Value>, Error> {
    only(params, &["cl_ord_id", "orders"], "batch cancel")?;
    let list =
        |name| params.get(name).and_then(Value::as_array).into_iter().flatten().map(move |id| (name, id));
    let named: Vec<u64> = list("orders")
        .chain(list("cl_ord_id"))
        .flat_map(|(kind, name)| named(house, caller, kind, name))
        .collect();
    close(house, caller, named, now)
}

pub(super) fn cancel_all(
    house: &mut House<Kraken>,
    params: &Fields,
    caller: &Entry,
    now: i64,
) -> Result<Vec<Value>, Error> {
    only(params, &[], "cancel all")?;
    let open: Vec<u64> = house.desk.floor.open_orders(caller.account).map(|order| order.id).collect();
    if open.is_empty() { Ok(vec![json!({ "count": 0 })]) } else { close(house, caller, open, now) }
}

fn close(house: &mut House<Kraken>, caller: &Entry, ids: Vec<u64>, now: i64) -> Result<Vec<Value>, Error> {
    let mut count = 0;
    for id in ids {
        count += usize::from(house.desk.floor.cancel(caller.account, id, now).is_some());
    }
    if count == 0 { Err(Error::UNKNOWN_ORDER) } else { Ok(vec![json!({ "count": count })]) }
}

fn named(house: &House<Kraken>, caller: &Entry, kind: &str, name: &Value) -> Vec<u64> {
    let text = name.as_str().map_or_else(|| name.to_string(), str::to_owned);
    match kind {
        "cl_ord_id" => order::by_client_id(house, caller.account, &text),
        _ => order::by_name(house, caller.account, &text),
    }
}
