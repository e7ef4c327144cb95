//! Placing and cancelling orders, one or many.

use serde_json::{Value, json};

use super::error::Error;
use super::history::{by_id, shown};
use super::{Gate, Reply, optional_pair, pair};
use crate::config::Permission::Trade;
use crate::floor::{Force, NewOrder, Order, Side, Status, Terms};
use crate::house::{Ask, House, Route};
use crate::key::Entry;
use crate::params::Params;

pub(super) const ROUTES: &[Route<Gate>] = &[
    Route::signed("POST", "/api/v4/spot/orders", Trade, create),
    Route::signed("POST", "/api/v4/spot/batch_orders", Trade, create_many),
    Route::signed("DELETE", "/api/v4/spot/orders", Trade, cancel_all),
    Route::signed("DELETE", "/api/v4/spot/orders/*", Trade, cancel),
    Route::signed("POST", "/api/v4/spot/cancel_batch_orders", Trade, cancel_many),
];

fn create(house: &mut House<Gate>, ask: &Ask, caller: &Entry) -> Reply {
    place(house, ask, caller, &ask.params)
}

fn place(house: &mut House<Gate>, ask: &Ask, caller: &Entry, params: &Params) -> Reply {
    let pair = pair(house, params)?;
    let side = params.side("side", "buy", "sell").ok_or(Error::SIDE)?;
    if params.text("account").is_some_and(|account| account != "spot") {
        return Err(Error::ACCOUNT);
    }
    let terms = terms(params, side)?;
    let floor = &mut house.desk.floor;
    floor.pairs[pair].check(&terms)?;
    let client_id = match params.text("text") {
        Some(text) if !is_text(&text) => return Err(Error::TEXT),
        Some(text) if floor.order_by_client_id(caller.account, &text).is_some() => {
            return Err(Error::REPEATED);
        }
        Some(text) => text,
        None => floor.nameless(),
    };
    let id = floor.place(NewOrder { account: caller.account, pair, side, terms, client_id }, ask.now)?;
    floor.order(caller.account, id).map(|order| shown(floor, order)).ok_or(Error::NO_ORDER)
}

/// A name that a client gives to an order.
fn is_text(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    text.strip_prefix("t-").is_some_and(|name| (1..=28).contains(&name.len()) && name.bytes().all(legal))
}

/// The amount of a market order that buys is the quote money it spends.
fn terms(params: &Params, side: Side) -> Result<Terms, Error> {
    let amount = params.decimal("amount").ok_or(Error::AMOUNT)?;
    let force = params.text("time_in_force");
    match params.text("type").as_deref() {
        None | Some("limit") => {
            let price = params.decimal("price").ok_or(Error::PRICE)?;
            Ok(Terms::Limit { price, quantity: amount, force: limit_force(force.as_deref())? })
        }
        Some("market") if !matches!(force.as_deref(), None | Some("ioc" | "fok")) => Err(Error::FORCE),
        Some("market") if side == Side::Buy => Ok(Terms::MarketQuote { amount }),
        Some("market") => Ok(Terms::Market { quantity: amount }),
        Some(_) => Err(Error::TYPE),
    }
}

fn limit_force(name: Option<&str>) -> Result<Force, Error> {
    match name {
        None | Some("gtc") => Ok(Force::GoodTillCancel),
        Some("ioc") => Ok(Force::ImmediateOrCancel),
        Some("poc") => Ok(Force::PostOnly),
        Some("fok") => Ok(Force::FillOrKill),
        Some(_) => Err(Error::FORCE),
    }
}

/// The entries of a body that is a list.
fn entries(ask: &Ask, most: usize) -> Result<Vec<Params>, Error> {
    let list =
        ask.params.list.as_array().filter(|list| (1..=most).contains(&list.len())).ok_or(Error::BODY)?;
    Ok(list.iter().map(Params::of).collect())
}

/// Each order must have a name, so that the client knows which one an outcome is of.
fn create_many(house: &mut House<Gate>, ask: &Ask, caller: &Entry) -> Reply {
    let outcomes = entries(ask, 40)?.into_iter().map(|params| {
        let text = params.text("text");
        let outcome = match &text {
            Some(_) => place(house, ask, caller, &params),
            None => Err(Error::TEXT),
        };
        told(outcome, json!({ "text": text }))
    });
    Ok(outcomes.collect())
}

/// An outcome within a batch; `named` says what failed.
fn told(outcome: Reply, named: Value) -> Value {
    let (mut told, succeeded, error) = match outcome {
        Ok(order) => (order, true, None),
        Err(error) => (named, false, Some(error)),
    };
    told["succeeded"] = succeeded.into();
    told["label"] = error.map_or("", |error| error.label).into();
    told["message"] = error.map_or("", |error| error.message).into();
    told
}

fn cancel(house: &mut House<Gate>, ask: &Ask, caller: &Entry) -> Reply {
    let pair = pair(house, &ask.params)?;
    close(house, ask, caller, pair, &ask.rest[0])
}

/// Cancels an open order, or says why there is nothing to cancel.
fn close(house: &mut House<Gate>, ask: &Ask, caller: &Entry, pair: usize, id: &str) -> Reply {
    let floor = &mut house.desk.floor;
    let found = by_id(floor, caller, pair, id).map(|order| (order.id, order.status));
    match found.ok_or(Error::NO_ORDER)? {
        (_, Status::Filled) => Err(Error::CLOSED),
        (_, Status::Canceled | Status::Expired) => Err(Error::CANCELLED),
        (id, Status::New | Status::PartiallyFilled) => {
            floor.cancel(caller.account, id, ask.now).ok_or(Error::NO_ORDER)?;
            floor.order(caller.account, id).map(|order| shown(floor, order)).ok_or(Error::NO_ORDER)
        }
    }
}

fn cancel_many(house: &mut House<Gate>, ask: &Ask, caller: &Entry) -> Reply {
    let outcomes = entries(ask, 20)?.into_iter().map(|params| {
        let id = params.text("id").unwrap_or_default();
        let outcome = pair(house, &params).and_then(|pair| close(house, ask, caller, pair, &id));
        told(outcome, json!({ "id": id, "currency_pair": params.text("currency_pair") }))
    });
    Ok(outcomes.collect())
}

/// Cancels the open orders of one pair or of all, of one side or both.
fn cancel_all(house: &mut House<Gate>, ask: &Ask, caller: &Entry) -> Reply {
    let pair = optional_pair(house, ask)?;
    let side = ask.params.side("side", "buy", "sell");
    if side.is_none() && ask.params.text("side").is_some() {
        return Err(Error::SIDE);
    }
    let wanted = |order: &Order| {
        pair.is_none_or(|pair| order.pair == pair) && side.is_none_or(|side| order.side == side)
    };
    let floor = &mut house.desk.floor;
    let gone: Vec<Order> = floor.cancel_all(caller.account, wanted, ask.now).into_iter().cloned().collect();
    Ok(gone.iter().map(|order| told(Ok(shown(floor, order)), Value::Null)).collect())
}
