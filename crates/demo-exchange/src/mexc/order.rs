//! Placing and cancelling, one at a time, up to twenty, or all of a symbol.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::error::Error;
use super::history::{kind, shown};
use super::{Mexc, Reply, need};
use crate::amount::plain;
use crate::config::Permission;
use crate::floor::{Force, NewOrder, Order, Side, Terms};
use crate::house::{Ask, House, Route};
use crate::key::Entry;
use crate::params::Params;

pub(super) const ROUTES: &[Route<Mexc>] = &[
    Route::signed("POST", "/api/v3/order", Permission::Trade, |house, ask, caller| {
        place(house, ask, caller, &ask.params)
    }),
    Route::signed("POST", "/api/v3/order/test", Permission::Trade, |house, ask, caller| {
        read(house, caller, &ask.params).map(|_| json!({}))
    }),
    Route::signed("POST", "/api/v3/batchOrders", Permission::Trade, place_batch),
    Route::signed("DELETE", "/api/v3/order", Permission::Trade, cancel),
    Route::signed("DELETE", "/api/v3/openOrders", Permission::Trade, cancel_symbols),
    Route::signed("DELETE", "/api/v3/order/all", Permission::Trade, cancel_all),
];

/// Most orders in one batch.
const BATCH: usize = 20;

fn place(house: &mut House<Mexc>, ask: &Ask, caller: &Entry, params: &Params) -> Reply {
    let new = read(house, caller, params)?;
    let side = new.side;
    let id = house.desk.floor.accept(new, ask.now).map_err(|refusal| Error::refused(&refusal, side))?;
    let order = house.desk.floor.order(caller.account, id).ok_or(Error::NO_ORDER)?;
    Ok(json!({
        "symbol": house.desk.floor.pairs[order.pair].symbol(), "orderId": order_id(id), "orderListId": -1,
        "price": plain(order.terms.price().unwrap_or_default()), "origQty": plain(order.quantity()),
        "type": kind(order), "side": side.as_upper(), "stpMode": "", "transactTime": ask.now,
    }))
}

/// The list is JSON inside a parameter. A refused order stands among the others with its code.
fn place_batch(house: &mut House<Mexc>, ask: &Ask, caller: &Entry) -> Reply {
    let list: Option<Vec<Value>> = serde_json::from_str(&need(&ask.params, "batchOrders")?).ok();
    let list = list.filter(|list| (1..=BATCH).contains(&list.len()));
    let list = list.ok_or_else(|| Error::parameter("batchOrders"))?;
    let mut place_one = |params: Params| {
        let own_id = params.text("newClientOrderId");
        let refused =
            |error: Error| json!({ "newClientOrderId": own_id, "msg": error.text, "code": error.code });
        place(house, ask, caller, &params).unwrap_or_else(refused)
    };
    Ok(list.iter().map(Params::of).map(&mut place_one).collect())
}

/// An order that keeps the rules of its symbol.
fn read(house: &House<Mexc>, caller: &Entry, params: &Params) -> Result<NewOrder, Error> {
    let pair = house.symbol(&need(params, "symbol")?).map_err(|_| Error::ORDER_SYMBOL)?;
    let side = match need(params, "side")?.as_str() {
        "BUY" => Side::Buy,
        "SELL" => Side::Sell,
        _ => return Err(Error::parameter("side")),
    };
    let terms = terms(params)?;
    house.desk.floor.pairs[pair].check(&terms)?;
    let client_id = client_id(params)?.unwrap_or_else(|| house.desk.floor.nameless());
    Ok(NewOrder { account: caller.account, pair, side, terms, client_id })
}

fn number(params: &Params, name: &str) -> Result<Decimal, Error> {
    params.decimal(name).filter(|number| !number.is_zero()).ok_or_else(|| Error::parameter(name))
}

fn terms(params: &Params) -> Result<Terms, Error> {
    let force = match need(params, "type")?.as_str() {
        "MARKET" => return market(params),
        "LIMIT" => Force::GoodTillCancel,
        "LIMIT_MAKER" => Force::PostOnly,
        "IMMEDIATE_OR_CANCEL" => Force::ImmediateOrCancel,
        "FILL_OR_KILL" => Force::FillOrKill,
        _ => return Err(Error::parameter("type")),
    };
    Ok(Terms::Limit { price: number(params, "price")?, quantity: number(params, "quantity")?, force })
}

/// Either side may count either asset.
fn market(params: &Params) -> Result<Terms, Error> {
    match params.text("quoteOrderQty") {
        Some(_) => Ok(Terms::MarketQuote { amount: number(params, "quoteOrderQty")? }),
        None => Ok(Terms::Market { quantity: number(params, "quantity")? }),
    }
}

fn client_id(params: &Params) -> Result<Option<String>, Error> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    match params.text("newClientOrderId") {
        Some(id) if id.len() > 32 || !id.bytes().all(letter) => Err(Error::parameter("newClientOrderId")),
        id => Ok(id),
    }
}

/// The caller's order that `orderId`, or else `origClientOrderId`, names in the symbol.
pub(super) fn find<'a>(
    house: &'a House<Mexc>,
    ask: &Ask,
    caller: &Entry,
) -> Result<Option<&'a Order>, Error> {
    let pair = house.asked_symbol(ask)?;
    let floor = &house.desk.floor;
    let order = match (ask.params.text("orderId"), ask.params.text("origClientOrderId")) {
        (Some(id), _) => parse_order_id(&id).and_then(|id| floor.order(caller.account, id)),
        (None, Some(id)) => floor.order_by_client_id(caller.account, &id),
        (None, None) => return Err(Error::NO_ID),
    };
    Ok(order.filter(|order| order.pair == pair))
}

fn cancel(house: &mut House<Mexc>, ask: &Ask, caller: &Entry) -> Reply {
    let id = find(house, ask, caller)?.ok_or(Error::CANCEL_REJECTED)?.id;
    let order = house.desk.floor.cancel(caller.account, id, ask.now).cloned();
    order.map(|order| shown(house, &order)).ok_or(Error::CANCEL_REJECTED)
}

/// `symbol` may list up to five.
fn cancel_symbols(house: &mut House<Mexc>, ask: &Ask, caller: &Entry) -> Reply {
    let symbols = need(&ask.params, "symbol")?;
    let symbols: Vec<&str> = symbols.split(',').collect();
    if symbols.len() > 5 {
        return Err(Error::parameter("symbol"));
    }
    let pairs: Vec<usize> = symbols.iter().map(|symbol| house.symbol(symbol)).collect::<Result<_, _>>()?;
    close(house, ask, caller, |order| pairs.contains(&order.pair))
}

fn cancel_all(house: &mut House<Mexc>, ask: &Ask, caller: &Entry) -> Reply {
    close(house, ask, caller, |_| true)
}

fn close(house: &mut House<Mexc>, ask: &Ask, caller: &Entry, wanted: impl Fn(&Order) -> bool) -> Reply {
    let gone = house.desk.floor.cancel_all(caller.account, wanted, ask.now);
    let gone: Vec<Order> = gone.into_iter().cloned().collect();
    Ok(gone.iter().map(|order| shown(house, order)).collect())
}

/// Ids are long numbers that rise, behind a prefix.
const FIRST_ID: u64 = 440_000_000_000_000_000;

pub(super) fn order_id(id: u64) -> String {
    format!("C02__{}", FIRST_ID + id)
}

pub(super) fn parse_order_id(text: &str) -> Option<u64> {
    text.strip_prefix("C02__")?.parse::<u64>().ok()?.checked_sub(FIRST_ID)
}
