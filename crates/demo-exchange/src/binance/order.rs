//! Orders: read strictly, filtered, placed, asked for, cancelled.

use rust_decimal::Decimal;
use serde_json::json;

use super::account::window;
use super::error::Error;
use super::param::Params;
use super::public::{fixed, pair};
use super::show::{Response, cancelled_order, shown};
use super::{Access, Binance, Call, Reply, Route};
use crate::config::{Pair, Permission};
use crate::floor::{Force, NewOrder, Order, Side, Terms};

pub(super) static ROUTES: &[Route] = &[
    Route::post("/api/v3/order", 1, NEW, Access::Signed(Permission::Trade, create)),
    Route::post("/api/v3/order/test", 1, NEW, Access::Signed(Permission::Trade, test)),
    Route::get("/api/v3/order", 4, ONE, Access::Signed(Permission::Read, query)),
    Route::delete("/api/v3/order", 1, CANCEL, Access::Signed(Permission::Trade, cancel)),
    Route::get("/api/v3/openOrders", 6, &["symbol"], Access::Signed(Permission::Read, open)),
    Route::delete("/api/v3/openOrders", 1, &["symbol"], Access::Signed(Permission::Trade, cancel_all)),
    Route::get("/api/v3/allOrders", 20, ALL, Access::Signed(Permission::Read, all)),
];

pub(super) const NEW: &[&str] = &[
    "symbol",
    "side",
    "type",
    "timeInForce",
    "quantity",
    "quoteOrderQty",
    "price",
    "newClientOrderId",
    "newOrderRespType",
    "stopPrice",
    "trailingDelta",
    "icebergQty",
    "strategyId",
    "strategyType",
    "selfTradePreventionMode",
    "computeCommissionRates",
];
const ONE: &[&str] = &["symbol", "orderId", "origClientOrderId"];
const CANCEL: &[&str] = &["symbol", "orderId", "origClientOrderId", "newClientOrderId", "cancelRestrictions"];
const ALL: &[&str] = &["symbol", "orderId", "startTime", "endTime", "limit"];

pub(super) const MAX_PRICE: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);
pub(super) const MAX_NOTIONAL: Decimal = Decimal::from_parts(9_000_000, 0, 0, false, 0);
pub(super) const MAX_OPEN: usize = 200;

fn create(binance: &mut Binance, call: &Call) -> Reply {
    let response = Response::parse(call.params)?;
    let new = read(binance, call)?;
    let id = binance.floor.place(new, call.now).map_err(|refusal| Error::refused(&refusal))?;
    let order = binance.floor.order(call.caller.account, id).ok_or_else(Error::no_such_order)?;
    Ok(response.show(&binance.floor, order))
}

/// Reads and filters an order without placing it.
fn test(binance: &mut Binance, call: &Call) -> Reply {
    Response::parse(call.params)?;
    read(binance, call)?;
    let rate = fixed(binance.floor.fee_rate());
    match call.params.get("computeCommissionRates")? {
        Some("true") => Ok(json!({ "standardCommissionForOrder": { "maker": rate, "taker": rate } })),
        _ => Ok(json!({})),
    }
}

fn query(binance: &mut Binance, call: &Call) -> Reply {
    let order = find(binance, call)?.ok_or_else(Error::no_such_order)?;
    Ok(shown(&binance.floor, order))
}

fn cancel(binance: &mut Binance, call: &Call) -> Reply {
    let id = find(binance, call)?.map(|order| order.id).ok_or_else(Error::unknown_order)?;
    let cancelled = binance.floor.cancel(call.caller.account, id, call.now).is_some();
    match binance.floor.order(call.caller.account, id).filter(|_| cancelled) {
        Some(order) => Ok(cancelled_order(&binance.floor, order, call)),
        None => Err(Error::unknown_order()),
    }
}

fn open(binance: &mut Binance, call: &Call) -> Reply {
    let pair = call.params.get("symbol")?.map(|_| pair(binance, call.params)).transpose()?;
    let orders = binance.floor.open_orders(call.caller.account);
    let orders = orders.filter(|order| pair.is_none_or(|pair| order.pair == pair));
    Ok(orders.map(|order| shown(&binance.floor, order)).collect())
}

fn cancel_all(binance: &mut Binance, call: &Call) -> Reply {
    let pair = pair(binance, call.params)?;
    let gone = binance.floor.cancel_all(call.caller.account, |order| order.pair == pair, call.now);
    let gone: Vec<Order> = gone.into_iter().cloned().collect();
    match gone.as_slice() {
        [] => Err(Error::unknown_order()),
        gone => Ok(gone.iter().map(|order| cancelled_order(&binance.floor, order, call)).collect()),
    }
}

fn all(binance: &mut Binance, call: &Call) -> Reply {
    let pair = pair(binance, call.params)?;
    let from = call.params.integer("orderId")?.unwrap_or_default();
    let limit = call.params.limit(500, 1000)?;
    let within = window(call.params)?;
    let orders = binance.floor.orders(call.caller.account);
    let orders: Vec<_> = orders
        .filter(|order| order.pair == pair && order.id >= from && within(order.created_ms))
        .map(|order| shown(&binance.floor, order))
        .collect();
    Ok(orders[orders.len().saturating_sub(limit)..].iter().cloned().collect())
}

/// The caller's order named by id or client id.
fn find<'a>(binance: &'a Binance, call: &Call) -> Result<Option<&'a Order>, Error> {
    let pair = pair(binance, call.params)?;
    let account = call.caller.account;
    let order = match (call.params.integer("orderId")?, call.params.get("origClientOrderId")?) {
        (Some(id), _) => binance.floor.order(account, id),
        (None, Some(client_id)) => binance.floor.order_by_client_id(account, client_id),
        (None, None) => return Err(Error::either("origClientOrderId", "orderId")),
    };
    Ok(order.filter(|order| order.pair == pair))
}

/// An order as parsed and filtered from the parameters.
pub(super) fn read(binance: &Binance, call: &Call) -> Result<NewOrder, Error> {
    let params = call.params;
    let index = pair(binance, params)?;
    let side = match params.need("side")? {
        "BUY" => Side::Buy,
        "SELL" => Side::Sell,
        _ => return Err(Error::side()),
    };
    let terms = terms(params)?;
    let pair = &binance.floor.pairs[index];
    let price = terms.price().unwrap_or_else(|| binance.floor.last_price(index));
    filter(pair, &terms, price)?;
    if terms.is_limit() && binance.floor.open_orders(call.caller.account).count() >= MAX_OPEN {
        return Err(Error::filter("MAX_NUM_ORDERS"));
    }
    let client_id = client_id(params)?.unwrap_or_else(|| format!("demo{}", binance.floor.last_id() + 1));
    Ok(NewOrder { account: call.caller.account, pair: index, side, terms, client_id })
}

fn terms(params: &Params) -> Result<Terms, Error> {
    for name in ["stopPrice", "trailingDelta", "icebergQty"] {
        if params.get(name)?.is_some() {
            return Err(Error::not_required(name));
        }
    }
    match params.need("type")? {
        "LIMIT" => limit(params, force(params.need("timeInForce")?)?),
        "LIMIT_MAKER" if params.get("timeInForce")?.is_some() => Err(Error::not_required("timeInForce")),
        "LIMIT_MAKER" => limit(params, Force::PostOnly),
        "MARKET" => market(params),
        "STOP_LOSS" | "STOP_LOSS_LIMIT" | "TAKE_PROFIT" | "TAKE_PROFIT_LIMIT" => {
            Err(Error::order_combination())
        }
        _ => Err(Error::order_type()),
    }
}

fn limit(params: &Params, force: Force) -> Result<Terms, Error> {
    if params.get("quoteOrderQty")?.is_some() {
        return Err(Error::not_required("quoteOrderQty"));
    }
    Ok(Terms::Limit { price: params.need_amount("price")?, quantity: params.need_amount("quantity")?, force })
}

fn market(params: &Params) -> Result<Terms, Error> {
    for name in ["price", "timeInForce"] {
        if params.get(name)?.is_some() {
            return Err(Error::not_required(name));
        }
    }
    match (params.amount("quantity")?, params.amount("quoteOrderQty")?) {
        (Some(quantity), None) => Ok(Terms::Market { quantity }),
        (None, Some(amount)) => Ok(Terms::MarketQuote { amount }),
        (Some(_), Some(_)) => Err(Error::optional_combination()),
        (None, None) => Err(Error::either("quantity", "quoteOrderQty")),
    }
}

fn force(text: &str) -> Result<Force, Error> {
    match text {
        "GTC" => Ok(Force::GoodTillCancel),
        "IOC" => Ok(Force::ImmediateOrCancel),
        "FOK" => Ok(Force::FillOrKill),
        _ => Err(Error::time_in_force()),
    }
}

/// The symbol's filters; `price` is the order's own or the last one.
fn filter(pair: &Pair, terms: &Terms, price: Decimal) -> Result<(), Error> {
    let notional = match *terms {
        Terms::Limit { quantity, .. } | Terms::Market { quantity } => {
            let lot = pair.min_quantity..=pair.max_quantity;
            if !lot.contains(&quantity) || !(quantity % pair.step).is_zero() {
                return Err(Error::filter("LOT_SIZE"));
            }
            if price < pair.tick || price > MAX_PRICE || !(price % pair.tick).is_zero() {
                return Err(Error::filter("PRICE_FILTER"));
            }
            quantity * price
        }
        Terms::MarketQuote { amount } => amount,
    };
    let five = Decimal::from(5);
    if price > pair.price * five || price * five < pair.price {
        return Err(Error::filter("PERCENT_PRICE_BY_SIDE"));
    }
    if notional < pair.min_notional || notional > MAX_NOTIONAL {
        return Err(Error::filter("NOTIONAL"));
    }
    Ok(())
}

fn client_id(params: &Params) -> Result<Option<String>, Error> {
    let Some(id) = params.get("newClientOrderId")? else { return Ok(None) };
    let legal = |c: char| c.is_ascii_alphanumeric() || ".:/_-".contains(c);
    if id.len() > 36 || !id.chars().all(legal) {
        return Err(Error::illegal_characters("newClientOrderId", "^[\\.A-Z\\:/a-z0-9_-]{1,36}$"));
    }
    Ok(Some(id.to_owned()))
}
