//! Orders: one by one or in lists.

use serde_json::{Value, json};

use super::error::Error;
use super::{Cryptocom, Reply, instrument, integer, limit, optional_pair, pair, told};
use crate::amount::plain;
use crate::config::Permission;
use crate::floor::{AccountId, Force, NewOrder, Order, Side, Status, Terms};
use crate::house::{Ask, House, Route};
use crate::key::Entry;
use crate::params::Params;

pub(super) const ROUTES: &[Route<Cryptocom>] = &[
    Route::signed("POST", "/exchange/v1/private/create-order", Permission::Trade, create),
    Route::signed("POST", "/exchange/v1/private/create-order-list", Permission::Trade, create_list),
    Route::signed("POST", "/exchange/v1/private/cancel-order", Permission::Trade, cancel),
    Route::signed("POST", "/exchange/v1/private/cancel-order-list", Permission::Trade, cancel_list),
    Route::signed("POST", "/exchange/v1/private/cancel-all-orders", Permission::Trade, cancel_all),
    Route::signed("POST", "/exchange/v1/private/get-open-orders", Permission::Read, open),
    Route::signed("POST", "/exchange/v1/private/get-order-detail", Permission::Read, detail),
    Route::signed("POST", "/exchange/v1/private/get-order-history", Permission::Read, history),
];

/// Orders that one list may hold.
const LIST: usize = 10;

fn create(house: &mut House<Cryptocom>, ask: &Ask, caller: &Entry) -> Reply {
    place(house, caller.account, &told(ask), ask.now)
}

fn place(house: &mut House<Cryptocom>, account: AccountId, params: &Params, now: i64) -> Reply {
    let pair = pair(house, params)?;
    let side = params.side("side", "BUY", "SELL").ok_or(Error::SIDE)?;
    let terms = terms(params, side)?;
    house.desk.floor.pairs[pair].check(&terms)?;
    let client_id = new_client_id(house, params, account)?;
    let id = house.desk.floor.place(NewOrder { account, pair, side, terms, client_id }, now)?;
    named(house, account, id)
}

/// What answers name an order by.
fn named(house: &House<Cryptocom>, account: AccountId, id: u64) -> Reply {
    let order = house.desk.floor.order(account, id).ok_or(Error::NO_ORDER)?;
    Ok(json!({ "client_oid": order.client_id, "order_id": id.to_string() }))
}

/// The order's own name, or one made up for an order that was given none.
fn new_client_id(house: &House<Cryptocom>, params: &Params, account: AccountId) -> Result<String, Error> {
    let floor = &house.desk.floor;
    match params.text("client_oid") {
        None => Ok(format!("demo-{}", floor.last_id() + 1)),
        Some(id) if id.len() > 36 => Err(Error::REQUEST),
        Some(id) if floor.order_by_client_id(account, &id).is_some() => Err(Error::DUPLICATE),
        Some(id) => Ok(id),
    }
}

fn terms(params: &Params, side: Side) -> Result<Terms, Error> {
    let quantity = || params.decimal("quantity").ok_or(Error::QUANTITY);
    match params.text("type").as_deref() {
        Some("LIMIT") => {
            let price = params.decimal("price").ok_or(Error::PRICE)?;
            Ok(Terms::Limit { price, quantity: quantity()?, force: force(params)? })
        }
        // a purchase may name what it spends instead
        Some("MARKET") if side == Side::Buy && params.value("notional").is_some() => {
            Ok(Terms::MarketQuote { amount: params.decimal("notional").ok_or(Error::QUANTITY)? })
        }
        Some("MARKET") => Ok(Terms::Market { quantity: quantity()? }),
        _ => Err(Error::ORDER_TYPE),
    }
}

fn force(params: &Params) -> Result<Force, Error> {
    let force = match params.text("time_in_force").as_deref() {
        None | Some("GOOD_TILL_CANCEL") => Force::GoodTillCancel,
        Some("IMMEDIATE_OR_CANCEL") => Force::ImmediateOrCancel,
        Some("FILL_OR_KILL") => Force::FillOrKill,
        Some(_) => return Err(Error::FORCE),
    };
    match params.value("exec_inst").map(|told| (told, force)) {
        None => Ok(force),
        Some((told, Force::GoodTillCancel)) if *told == json!(["POST_ONLY"]) => Ok(Force::PostOnly),
        Some((told, _)) if *told == json!([]) => Ok(force),
        Some(_) => Err(Error::EXEC_INST),
    }
}

fn orders(params: &Params) -> Result<&Vec<Value>, Error> {
    let list = params.value("order_list").and_then(Value::as_array).ok_or(Error::MISSING)?;
    let simple = params.text("contingency_type").as_deref() == Some("LIST");
    if simple && (1..=LIST).contains(&list.len()) { Ok(list) } else { Err(Error::REQUEST) }
}

fn create_list(house: &mut House<Cryptocom>, ask: &Ask, caller: &Entry) -> Reply {
    let params = told(ask);
    let mut place = |one| place(house, caller.account, &Params::of(one), ask.now);
    Ok(orders(&params)?.iter().zip(0..).map(|(one, index)| outcome(index, place(one))).collect())
}

fn cancel_list(house: &mut House<Cryptocom>, ask: &Ask, caller: &Entry) -> Reply {
    let params = told(ask);
    let mut cancel = |one| cancel_one(house, caller.account, &Params::of(one), ask.now);
    Ok(orders(&params)?.iter().zip(0..).map(|(one, index)| outcome(index, cancel(one))).collect())
}

/// How one of a list went.
fn outcome(index: u64, reply: Reply) -> Value {
    match reply {
        Ok(mut named) => {
            named["index"] = index.into();
            named["code"] = 0.into();
            named
        }
        Err(error) => json!({ "index": index, "code": error.code, "message": error.message }),
    }
}

/// The account's order that `order_id` or `client_oid` names.
fn find<'a>(house: &'a House<Cryptocom>, account: AccountId, params: &Params) -> Result<&'a Order, Error> {
    let floor = &house.desk.floor;
    let order = match (params.text("order_id"), params.text("client_oid")) {
        (Some(id), _) => id.parse().ok().and_then(|id| floor.order(account, id)),
        (None, Some(id)) => floor.order_by_client_id(account, &id),
        (None, None) => return Err(Error::MISSING),
    };
    order.ok_or(Error::NO_ORDER)
}

fn cancel(house: &mut House<Cryptocom>, ask: &Ask, caller: &Entry) -> Reply {
    cancel_one(house, caller.account, &told(ask), ask.now)
}

fn cancel_one(house: &mut House<Cryptocom>, account: AccountId, params: &Params, now: i64) -> Reply {
    let id = find(house, account, params)?.id;
    house.desk.floor.cancel(account, id, now).ok_or(Error::NO_ORDER)?;
    named(house, account, id)
}

fn cancel_all(house: &mut House<Cryptocom>, ask: &Ask, caller: &Entry) -> Reply {
    let pair = optional_pair(house, &told(ask))?;
    let wanted = |order: &Order| pair.is_none_or(|pair| order.pair == pair);
    house.desk.floor.cancel_all(caller.account, wanted, ask.now);
    Ok(Value::Null)
}

fn open(house: &mut House<Cryptocom>, ask: &Ask, caller: &Entry) -> Reply {
    let pair = optional_pair(house, &told(ask))?;
    let open = house.desk.floor.open_orders(caller.account);
    let open = open.filter(|order| pair.is_none_or(|pair| order.pair == pair));
    let shown: Vec<Value> = open.map(|order| shown(house, order)).collect();
    Ok(json!({ "data": shown }))
}

fn detail(house: &mut House<Cryptocom>, ask: &Ask, caller: &Entry) -> Reply {
    Ok(shown(house, find(house, caller.account, &told(ask))?))
}

/// The orders of a time, newest first.
fn history(house: &mut House<Cryptocom>, ask: &Ask, caller: &Entry) -> Reply {
    let params = told(ask);
    let pair = optional_pair(house, &params)?;
    let time =
        integer(&params, "start_time")?.unwrap_or(0)..integer(&params, "end_time")?.unwrap_or(i64::MAX);
    let limit = limit(&params, "limit", 100, 100)?;
    let fits =
        |order: &&Order| pair.is_none_or(|pair| order.pair == pair) && time.contains(&order.created_ms);
    let orders = house.desk.floor.orders(caller.account).rev().filter(fits);
    let shown: Vec<Value> = orders.take(limit).map(|order| shown(house, order)).collect();
    Ok(json!({ "data": shown }))
}

fn shown(house: &House<Cryptocom>, order: &Order) -> Value {
    let (pair, rate) = (&house.desk.floor.pairs[order.pair], plain(house.desk.floor.fee_rate()));
    let (force, instructions) = conditions(&order.terms);
    let value = order.terms.price().map_or(order.filled_quote, |price| price * order.quantity());
    let mut shown = json!({
        "order_id": order.id.to_string(), "client_oid": order.client_id, "instrument_name": instrument(pair),
        "order_type": if order.terms.is_limit() { "LIMIT" } else { "MARKET" }, "side": order.side.as_upper(),
        "time_in_force": force, "exec_inst": instructions, "quantity": plain(order.quantity()),
        "order_value": plain(value), "status": status(order), "maker_fee_rate": rate, "taker_fee_rate": rate,
        "avg_price": plain(order.average_price().unwrap_or_default()), "cumulative_quantity": plain(order.filled),
        "cumulative_value": plain(order.filled_quote), "cumulative_fee": plain(order.fee()),
        "fee_instrument_name": order.side.pick(&pair.base, &pair.quote),
        "create_time": order.created_ms, "update_time": order.updated_ms, "account_id": "demo",
    });
    if let Some(price) = order.terms.price() {
        shown["limit_price"] = plain(price).into();
    }
    shown
}

fn conditions(terms: &Terms) -> (&'static str, &'static [&'static str]) {
    match terms {
        Terms::Limit { force: Force::ImmediateOrCancel, .. } => ("IMMEDIATE_OR_CANCEL", &[]),
        Terms::Limit { force: Force::FillOrKill, .. } => ("FILL_OR_KILL", &[]),
        Terms::Limit { force: Force::PostOnly, .. } => ("GOOD_TILL_CANCEL", &["POST_ONLY"]),
        _ => ("GOOD_TILL_CANCEL", &[]),
    }
}

fn status(order: &Order) -> &'static str {
    match order.status {
        Status::New | Status::PartiallyFilled => "ACTIVE",
        Status::Filled => "FILLED",
        Status::Canceled => "CANCELED",
        Status::Expired => "EXPIRED",
    }
}
