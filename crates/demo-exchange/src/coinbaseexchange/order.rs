//! Orders: placed, cancelled, listed.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::product::{product_id, product_index};
use super::{CoinbaseExchange, Error, Reply, exact, limit, short};
use crate::config::Permission;
use crate::date::utc;
use crate::floor::{AccountId, Force, NewOrder, Order, Status, Terms};
use crate::house::{Ask, House, Route};
use crate::key::Entry;
use crate::params::Params;

pub(super) const ROUTES: &[Route<CoinbaseExchange>] = &[
    Route::signed("POST", "/orders", Permission::Trade, create),
    Route::signed("GET", "/orders", Permission::Read, list),
    Route::signed("DELETE", "/orders", Permission::Trade, cancel_all),
    Route::signed("GET", "/orders/*", Permission::Read, one),
    Route::signed("DELETE", "/orders/*", Permission::Trade, cancel),
];

/// The id of an order as clients see it.
pub(super) fn order_id(id: u64) -> String {
    format!("de300000-0000-4000-9000-{id:012x}")
}

/// Reads an order id back; `None` if it never was one of ours.
pub(super) fn parse_order_id(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("de300000-0000-4000-9000-")?, 16).ok()
}

fn create(house: &mut House<CoinbaseExchange>, ask: &Ask, caller: &Entry) -> Reply {
    let id = ask.params.text("product_id").ok_or(Error::PRODUCT)?;
    let floor = &mut house.desk.floor;
    let pair = product_index(floor, &id).ok_or(Error::PRODUCT)?;
    let side = ask.params.side("side", "buy", "sell").ok_or(Error::argument("side"))?;
    let terms = terms(&ask.params)?;
    let checked = &floor.pairs[pair];
    checked.check(&terms).map_err(|flaw| Error::flaw(flaw, checked, &terms))?;
    let client_id = match ask.params.text("client_oid") {
        Some(text) if !is_uuid(&text) => return Err(Error::argument("client_oid")),
        Some(text) => text,
        None => order_id(floor.last_id() + 1),
    };
    let new = NewOrder { account: caller.account, pair, side, terms, client_id };
    let placed = floor.place(new, ask.now)?;
    let order = house.desk.floor.order(caller.account, placed).ok_or(Error::NOT_FOUND)?;
    Ok(show(house, order))
}

fn terms(params: &Params) -> Result<Terms, Error> {
    if params.value("stop").is_some() || params.value("stop_price").is_some() {
        return Err(Error::argument("stop"));
    }
    let size = || params.decimal("size").ok_or(Error::argument("size"));
    match params.text("type").as_deref() {
        None | Some("limit") => {
            let price = params.decimal("price").ok_or(Error::argument("price"))?;
            Ok(Terms::Limit { price, quantity: size()?, force: force(params)? })
        }
        Some("market") if params.value("funds").is_none() => Ok(Terms::Market { quantity: size()? }),
        Some("market") if params.value("size").is_some() => Err(Error::argument("size")),
        Some("market") => {
            Ok(Terms::MarketQuote { amount: params.decimal("funds").ok_or(Error::argument("funds"))? })
        }
        Some(_) => Err(Error::argument("type")),
    }
}

fn force(params: &Params) -> Result<Force, Error> {
    let post_only = match params.text("post_only").as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Error::argument("post_only")),
    };
    match params.text("time_in_force").as_deref() {
        None | Some("GTC") if post_only => Ok(Force::PostOnly),
        None | Some("GTC") => Ok(Force::GoodTillCancel),
        Some("IOC") if !post_only => Ok(Force::ImmediateOrCancel),
        Some("FOK") if !post_only => Ok(Force::FillOrKill),
        Some(_) => Err(Error::argument("time_in_force")),
    }
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// The order with this id, or with this client id behind `client:`.
fn find<'h>(house: &'h House<CoinbaseExchange>, account: AccountId, name: &str) -> Result<&'h Order, Error> {
    let floor = &house.desk.floor;
    match name.strip_prefix("client:") {
        Some(client_id) => floor.order_by_client_id(account, client_id).ok_or(Error::NOT_FOUND),
        None if !is_uuid(name) => Err(Error::ID),
        None => parse_order_id(name).and_then(|id| floor.order(account, id)).ok_or(Error::NOT_FOUND),
    }
}

fn one(house: &mut House<CoinbaseExchange>, ask: &Ask, caller: &Entry) -> Reply {
    Ok(show(house, find(house, caller.account, &ask.rest[0])?))
}

/// ccxt cancels with `BTC/USD` in the body.
fn dashed(name: &str) -> String {
    name.replace('/', "-")
}

/// Whether the order is of the product that is asked for.
fn of_product(house: &House<CoinbaseExchange>, ask: &Ask, order: &Order) -> bool {
    let own = product_id(&house.desk.floor.pairs[order.pair]);
    ask.params.text("product_id").is_none_or(|asked| dashed(&asked) == own)
}

fn cancel(house: &mut House<CoinbaseExchange>, ask: &Ask, caller: &Entry) -> Reply {
    let order = find(house, caller.account, &ask.rest[0])?;
    if !of_product(house, ask, order) {
        return Err(Error::NOT_FOUND);
    }
    let id = order.id;
    house.desk.floor.cancel(caller.account, id, ask.now).ok_or(Error::DONE)?;
    Ok(order_id(id).into())
}

fn cancel_all(house: &mut House<CoinbaseExchange>, ask: &Ask, caller: &Entry) -> Reply {
    let pair = ask.params.text("product_id").map(|name| house.desk.floor.pair_named(&dashed(&name), "-"));
    let wanted = |order: &Order| pair.is_none_or(|pair| pair == Some(order.pair));
    let gone = house.desk.floor.cancel_all(caller.account, wanted, ask.now);
    Ok(gone.into_iter().map(|order| order_id(order.id)).collect())
}

/// Open ones, unless `status` asks for others; newest first.
fn list(house: &mut House<CoinbaseExchange>, ask: &Ask, caller: &Entry) -> Reply {
    let (open, done) = match ask.params.text("status").as_deref() {
        None | Some("open" | "pending" | "active") => (true, false),
        Some("done" | "settled") => (false, true),
        Some("all") => (true, true),
        Some(_) => return Err(Error::argument("status")),
    };
    let wanted =
        |order: &&Order| (if order.is_open() { open } else { done }) && of_product(house, ask, order);
    let orders = house.desk.floor.orders(caller.account).rev().filter(wanted);
    Ok(orders.take(limit(ask, "limit", 1000, 1000)?).map(|order| show(house, order)).collect())
}

fn show(house: &House<CoinbaseExchange>, order: &Order) -> Value {
    let mut shown = json!({
        "id": order_id(order.id),
        "product_id": product_id(&house.desk.floor.pairs[order.pair]),
        "side": order.side.as_lower(),
        "type": if order.terms.is_limit() { "limit" } else { "market" },
        "post_only": matches!(order.terms, Terms::Limit { force: Force::PostOnly, .. }),
        "created_at": utc(order.created_ms),
        "fill_fees": exact(order.fee_in_quote()),
        "filled_size": short(order.filled),
        "executed_value": exact(order.filled_quote),
        "status": if order.is_open() { "open" } else { "done" },
        "settled": !order.is_open(),
        "stp": "dc",
    });
    let more = [
        ("size", (!order.quantity().is_zero()).then(|| short(order.quantity()))),
        ("price", order.terms.price().map(short)),
        ("funds", funds(&order.terms).map(exact)),
        ("time_in_force", time_in_force(&order.terms).map(str::to_owned)),
        ("client_oid", (order.client_id != order_id(order.id)).then(|| order.client_id.clone())),
        ("done_at", (!order.is_open()).then(|| utc(order.updated_ms))),
        ("done_reason", done_reason(order).map(str::to_owned)),
    ];
    for (name, value) in more {
        if let Some(value) = value {
            shown[name] = value.into();
        }
    }
    shown
}

fn funds(terms: &Terms) -> Option<Decimal> {
    match terms {
        Terms::MarketQuote { amount } => Some(*amount),
        Terms::Limit { .. } | Terms::Market { .. } => None,
    }
}

fn time_in_force(terms: &Terms) -> Option<&'static str> {
    match terms {
        Terms::Limit { force: Force::GoodTillCancel | Force::PostOnly, .. } => Some("GTC"),
        Terms::Limit { force: Force::ImmediateOrCancel, .. } => Some("IOC"),
        Terms::Limit { force: Force::FillOrKill, .. } => Some("FOK"),
        Terms::Market { .. } | Terms::MarketQuote { .. } => None,
    }
}

fn done_reason(order: &Order) -> Option<&'static str> {
    match order.status {
        Status::New | Status::PartiallyFilled => None,
        Status::Filled => Some("filled"),
        Status::Canceled | Status::Expired => Some("canceled"),
    }
}
