//! Placing and cancelling orders, one or many.

use serde_json::{Value, json};

use super::error::Error;
use super::history::by_ids;
use super::{Bitget, Reply, named, optional_pair, pair};
use crate::config::Permission::Trade;
use crate::floor::{Force, NewOrder, Side, Terms};
use crate::house::{Ask, House, Route};
use crate::key::Entry;
use crate::params::Params;

pub(super) const ROUTES: &[Route<Bitget>] = &[
    Route::signed("POST", "/api/v2/spot/trade/place-order", Trade, create),
    Route::signed("POST", "/api/v2/spot/trade/batch-orders", Trade, create_many),
    Route::signed("POST", "/api/v2/spot/trade/cancel-order", Trade, cancel),
    Route::signed("POST", "/api/v2/spot/trade/batch-cancel-order", Trade, cancel_many),
    Route::signed("POST", "/api/v2/spot/trade/cancel-symbol-order", Trade, cancel_symbol),
];

fn create(house: &mut House<Bitget>, ask: &Ask, caller: &Entry) -> Reply {
    in_time(ask)?;
    let pair = pair(house, ask)?;
    place(house, ask, caller, pair, &ask.params)
}

/// The caller may say how long the request is good for.
fn in_time(ask: &Ask) -> Result<(), Error> {
    let (sent, window) = (ask.params.integer("requestTime")?, ask.params.integer("receiveWindow")?);
    match sent.zip(window) {
        Some((sent, window)) if ask.now.saturating_sub(sent) > window => Err(Error::EXPIRED),
        _ => Ok(()),
    }
}

fn place(house: &mut House<Bitget>, ask: &Ask, caller: &Entry, pair: usize, params: &Params) -> Reply {
    let side = params.side("side", "buy", "sell").ok_or(Error::SIDE)?;
    let terms = terms(params, side)?;
    house.desk.floor.pairs[pair].check(&terms)?;
    let floor = &mut house.desk.floor;
    let client_id = match params.text("clientOid") {
        Some(id) if id.len() > 64 => return Err(Error::PARAMETER),
        Some(id) if floor.order_by_client_id(caller.account, &id).is_some() => return Err(Error::CLIENT_OID),
        Some(id) => id,
        None => format!("bg-{}", floor.last_id() + 1),
    };
    let new = NewOrder { account: caller.account, pair, side, terms, client_id: client_id.clone() };
    let id = floor.place(new, ask.now)?;
    Ok(json!({ "orderId": id.to_string(), "clientOid": client_id }))
}

/// The size of a market order that buys is the quote money it spends.
fn terms(params: &Params, side: Side) -> Result<Terms, Error> {
    let size = params.decimal("size").ok_or(Error::SIZE)?;
    if params.text("tpslType").is_some_and(|kind| kind != "normal") {
        return Err(Error::PARAMETER);
    }
    match (params.text("orderType").as_deref(), side) {
        (Some("limit"), _) => {
            let price = params.decimal("price").ok_or(Error::PRICE)?;
            Ok(Terms::Limit { price, quantity: size, force: force(params)? })
        }
        (Some("market"), Side::Buy) => Ok(Terms::MarketQuote { amount: size }),
        (Some("market"), Side::Sell) => Ok(Terms::Market { quantity: size }),
        _ => Err(Error::TYPE),
    }
}

/// Documented in lower case, accepted in either.
fn force(params: &Params) -> Result<Force, Error> {
    match params.text("force").map(|text| text.to_ascii_lowercase()).as_deref() {
        None | Some("gtc") => Ok(Force::GoodTillCancel),
        Some("post_only") => Ok(Force::PostOnly),
        Some("ioc") => Ok(Force::ImmediateOrCancel),
        Some("fok") => Ok(Force::FillOrKill),
        Some(_) => Err(Error::FORCE),
    }
}

/// The entries of a batch, each with its pair.
type Batch = Vec<(Params, Result<usize, Error>)>;

/// An entry's pair is that of the whole batch, or its own.
fn batch(house: &House<Bitget>, ask: &Ask) -> Result<Batch, Error> {
    let each = ask.params.text("batchMode").as_deref() == Some("multiple");
    let around = if each { None } else { optional_pair(house, ask)? };
    let list = ask.params.value("orderList").and_then(Value::as_array);
    let list = list.filter(|list| (1..=50).contains(&list.len())).ok_or(Error::PARAMETER)?;
    let entry = |entry: &Value| {
        let params = Params::of(entry);
        let own = || named(house, &params.text("symbol").ok_or(Error::NO_SYMBOL)?);
        let pair = around.map_or_else(own, Ok);
        (params, pair)
    };
    Ok(list.iter().map(entry).collect())
}

/// What became of each entry.
fn outcomes(outcomes: Vec<(Params, Reply)>) -> Value {
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for (params, outcome) in outcomes {
        match outcome {
            Ok(ids) => done.push(ids),
            Err(error) => failed.push(json!({
                "orderId": params.text("orderId"), "clientOid": params.text("clientOid"),
                "errorCode": error.code, "errorMsg": error.message,
            })),
        }
    }
    json!({ "successList": done, "failureList": failed })
}

fn create_many(house: &mut House<Bitget>, ask: &Ask, caller: &Entry) -> Reply {
    let batch = batch(house, ask)?.into_iter().map(|(params, pair)| {
        let outcome = pair.and_then(|pair| place(house, ask, caller, pair, &params));
        (params, outcome)
    });
    Ok(outcomes(batch.collect()))
}

fn cancel(house: &mut House<Bitget>, ask: &Ask, caller: &Entry) -> Reply {
    let pair = pair(house, ask)?;
    close(house, ask, caller, pair, &ask.params)
}

fn cancel_many(house: &mut House<Bitget>, ask: &Ask, caller: &Entry) -> Reply {
    let batch = batch(house, ask)?.into_iter().map(|(params, pair)| {
        let outcome = pair.and_then(|pair| close(house, ask, caller, pair, &params));
        (params, outcome)
    });
    Ok(outcomes(batch.collect()))
}

fn close(house: &mut House<Bitget>, ask: &Ask, caller: &Entry, pair: usize, params: &Params) -> Reply {
    let floor = &mut house.desk.floor;
    let found = by_ids(floor, params, caller)?.filter(|order| order.pair == pair).map(|order| order.id);
    let order = found.and_then(|id| floor.cancel(caller.account, id, ask.now)).ok_or(Error::NO_ORDER)?;
    Ok(json!({ "orderId": order.id.to_string(), "clientOid": order.client_id }))
}

fn cancel_symbol(house: &mut House<Bitget>, ask: &Ask, caller: &Entry) -> Reply {
    let pair = pair(house, ask)?;
    let floor = &mut house.desk.floor;
    floor.cancel_all(caller.account, |order| order.pair == pair, ask.now);
    Ok(json!({ "symbol": floor.pairs[pair].symbol() }))
}
