//! Orders: submitted, cancelled, or several of both at once.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::history::show;
use super::symbol::{pair, pair_name};
use super::{Bitfinex, Error, Reply, notice};
use crate::amount;
use crate::config::{Pair, Permission};
use crate::floor::{AccountId, Force, NewOrder, Order, Refusal, Side, Terms};
use crate::house::{Ask, House, Route};
use crate::key::Entry;
use crate::params::Params;

pub(super) const ROUTES: &[Route<Bitfinex>] = &[
    Route::signed("POST", "/v2/auth/w/order/submit", Permission::Trade, submit),
    Route::signed("POST", "/v2/auth/w/order/cancel", Permission::Trade, cancel),
    Route::signed("POST", "/v2/auth/w/order/cancel/multi", Permission::Trade, cancel_multi),
    Route::signed("POST", "/v2/auth/w/order/multi", Permission::Trade, multi),
];

/// The flag bit of an order that must rest.
const POST_ONLY: u64 = 4096;

fn submit(house: &mut House<Bitfinex>, ask: &Ask, caller: &Entry) -> Reply {
    submit_one(house, ask, &ask.params, caller.account)
}

fn submit_one(house: &mut House<Bitfinex>, ask: &Ask, params: &Params, account: AccountId) -> Reply {
    let new = read(house, params, account)?;
    let told = describe(&house.desk.floor.pairs[new.pair], &new);
    let id = house.desk.floor.place(new, ask.now).map_err(|refusal| match refusal {
        Refusal::DuplicateClientId => Error::CLIENT_ID,
        Refusal::InsufficientBalance => {
            Error::refused(format!("Invalid order: not enough exchange balance for {told}"))
        }
        Refusal::WouldMatch => Error::POST_ONLY,
    })?;
    let placed = house.desk.floor.order(account, id).map(|order| show(house, order));
    Ok(notice(ask, "on-req", json!([placed]), "Submitting 1 orders.".to_owned()))
}

fn read(house: &House<Bitfinex>, params: &Params, account: AccountId) -> Result<NewOrder, Error> {
    let floor = &house.desk.floor;
    let pair = pair(floor, &params.text("symbol").ok_or(Error::SYMBOL)?)?;
    let amount = params.text("amount").unwrap_or_default();
    let (side, digits) = match amount.strip_prefix('-') {
        Some(digits) => (Side::Sell, digits),
        None => (Side::Buy, amount.as_str()),
    };
    let quantity = amount::read(digits).ok_or(Error::argument("amount"))?;
    let terms = terms(params, quantity)?;
    let checked = &floor.pairs[pair];
    checked.check(&terms).map_err(|flaw| Error::flaw(flaw, checked))?;
    // nothing tells two orders without a client id apart but their own ids
    let client_id = client_id(params)?.unwrap_or_else(|| floor.nameless());
    Ok(NewOrder { account, pair, side, terms, client_id })
}

fn client_id(params: &Params) -> Result<Option<String>, Error> {
    let Some(text) = params.text("cid") else { return Ok(None) };
    let number = text.parse::<u64>().ok().filter(|number| *number < 1 << 45);
    number.map(|number| Some(number.to_string())).ok_or(Error::argument("cid"))
}

/// Without `EXCHANGE` in front the order would be one on margin, which nobody has here.
fn terms(params: &Params, quantity: Decimal) -> Result<Terms, Error> {
    let force = match params.text("type").as_deref() {
        Some("EXCHANGE MARKET") => return Ok(Terms::Market { quantity }),
        Some("EXCHANGE LIMIT") if post_only(params)? => Force::PostOnly,
        Some("EXCHANGE LIMIT") => Force::GoodTillCancel,
        Some("EXCHANGE IOC") => Force::ImmediateOrCancel,
        Some("EXCHANGE FOK") => Force::FillOrKill,
        _ => return Err(Error::argument("type")),
    };
    let price = params.decimal("price").ok_or(Error::argument("price"))?;
    Ok(Terms::Limit { price, quantity, force })
}

fn post_only(params: &Params) -> Result<bool, Error> {
    match params.text("flags").as_deref().unwrap_or("0").parse::<u64>() {
        Ok(0) => Ok(false),
        Ok(POST_ONLY) => Ok(true),
        _ => Err(Error::argument("flags")),
    }
}

/// `-0.1 BTCUSD at 60000`
fn describe(pair: &Pair, new: &NewOrder) -> String {
    let price = new.terms.price().map_or_else(|| "market".to_owned(), |price| price.to_string());
    let sign = new.side.pick("", "-");
    format!("{sign}{} {} at {price}", new.terms.amount(), pair_name(pair))
}

fn cancel(house: &mut House<Bitfinex>, ask: &Ask, caller: &Entry) -> Reply {
    cancel_one(house, ask, &ask.params, caller.account)
}

fn cancel_one(house: &mut House<Bitfinex>, ask: &Ask, params: &Params, account: AccountId) -> Reply {
    let id = match (params.text("id"), params.text("cid"), params.text("cid_date")) {
        (Some(id), ..) => Some(id.parse::<u64>().map_err(|_| Error::argument("id"))?),
        (None, Some(cid), Some(_)) => {
            house.desk.floor.order_by_client_id(account, &cid).map(|order| order.id)
        }
        _ => return Err(Error::argument("id")),
    };
    let id = id.ok_or(Error::ORDER)?;
    house.desk.floor.cancel(account, id, ask.now).ok_or(Error::ORDER)?;
    let text = format!("Submitted for cancellation; waiting for confirmation (ID: {id}).");
    let closed = house.desk.floor.order(account, id).map(|order| show(house, order));
    Ok(notice(ask, "oc-req", closed.into(), text))
}

/// Cancels what is named, or `all`, and says what that was.
fn cancel_multi(house: &mut House<Bitfinex>, ask: &Ask, caller: &Entry) -> Reply {
    cancel_list(house, ask, &ask.params, caller.account)
}

fn cancel_list(house: &mut House<Bitfinex>, ask: &Ask, params: &Params, account: AccountId) -> Reply {
    let ids = params.value("id").and_then(Value::as_array);
    let named = |order: &Order| match ids {
        Some(ids) => ids.iter().any(|id| id.as_u64() == Some(order.id)),
        None => true,
    };
    if ids.is_none() && params.text("all").as_deref() != Some("1") {
        return Err(Error::argument("id"));
    }
    let gone = house.desk.floor.cancel_all(account, named, ask.now);
    let gone: Vec<Order> = gone.into_iter().cloned().collect();
    let closed: Vec<Value> = gone.iter().map(|order| show(house, order)).collect();
    let text = format!("Submitting {} order cancellations.", closed.len());
    Ok(notice(ask, "oc_multi-req", closed.into(), text))
}

/// Each step does what it can: one that is refused says so in its own notice.
fn multi(house: &mut House<Bitfinex>, ask: &Ask, caller: &Entry) -> Reply {
    let ops = ask.params.value("ops").and_then(Value::as_array);
    let ops = ops.filter(|ops| (1..=75).contains(&ops.len())).ok_or(Error::argument("ops"))?;
    let mut told = Vec::new();
    for op in ops {
        let params = Params::of(&op[1]);
        let (kind, outcome) = match op[0].as_str() {
            Some("on") => ("on-req", submit_one(house, ask, &params, caller.account)),
            Some("oc") => ("oc-req", cancel_one(house, ask, &params, caller.account)),
            Some("oc_multi") => ("oc_multi-req", cancel_list(house, ask, &params, caller.account)),
            _ => return Err(Error::argument("ops")),
        };
        told.push(outcome.unwrap_or_else(|error| {
            json!([ask.now, kind, null, null, null, error.code(), "ERROR", error.text()])
        }));
    }
    let text = format!("Submitting {} order operations.", told.len());
    Ok(notice(ask, "ox_multi-req", told.into(), text))
}
