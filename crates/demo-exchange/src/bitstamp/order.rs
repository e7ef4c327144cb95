//! Orders: the path says side, kind and pair, the form the rest.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::error::Error;
use super::{Bitstamp, Reply, fixed, market, pair};
use crate::amount::{decimals, plain};
use crate::config::{Pair, Permission};
use crate::date::micros;
use crate::floor::{AccountId, Fill, Force, NewOrder, Order, Refusal, Side, Status, Terms};
use crate::house::{Ask, House, Route};
use crate::key::Entry;
use crate::params::Params;
use crate::rule::Flaw;

pub(super) const ROUTES: &[Route<Bitstamp>] = &[
    Route::signed("POST", "/api/v2/buy/*/", Permission::Trade, |h, a, c| limit(h, a, c, Side::Buy)),
    Route::signed("POST", "/api/v2/sell/*/", Permission::Trade, |h, a, c| limit(h, a, c, Side::Sell)),
    Route::signed("POST", "/api/v2/buy/market/*/", Permission::Trade, |h, a, c| {
        at_market(h, a, c, Side::Buy)
    }),
    Route::signed("POST", "/api/v2/sell/market/*/", Permission::Trade, |h, a, c| {
        at_market(h, a, c, Side::Sell)
    }),
    Route::signed("POST", "/api/v2/buy/instant/*/", Permission::Trade, |h, a, c| instant(h, a, c, Side::Buy)),
    Route::signed("POST", "/api/v2/sell/instant/*/", Permission::Trade, |h, a, c| {
        instant(h, a, c, Side::Sell)
    }),
    Route::signed("POST", "/api/v2/cancel_order/", Permission::Trade, cancel),
    Route::signed("POST", "/api/v2/cancel_all_orders/", Permission::Trade, cancel_all),
    Route::signed("POST", "/api/v2/cancel_all_orders/*/", Permission::Trade, cancel_all),
    Route::signed("POST", "/api/v2/open_orders/all/", Permission::Read, open),
    Route::signed("POST", "/api/v2/open_orders/", Permission::Read, open),
    Route::signed("POST", "/api/v2/open_orders/*/", Permission::Read, open_in),
    Route::signed("POST", "/api/v2/order_status/", Permission::Read, status),
];

fn limit(house: &mut House<Bitstamp>, ask: &Ask, caller: &Entry, side: Side) -> Reply {
    let quantity = amount(&ask.params, "amount")?;
    let price = amount(&ask.params, "price")?;
    place(house, ask, caller, side, Terms::Limit { price, quantity, force: force(&ask.params)? })
}

fn at_market(house: &mut House<Bitstamp>, ask: &Ask, caller: &Entry, side: Side) -> Reply {
    let quantity = amount(&ask.params, "amount")?;
    place(house, ask, caller, side, Terms::Market { quantity })
}

/// A purchase names what it spends; a sale does so if asked to.
fn instant(house: &mut House<Bitstamp>, ask: &Ask, caller: &Entry, side: Side) -> Reply {
    let amount = amount(&ask.params, "amount")?;
    let in_quote = side == Side::Buy || flag(&ask.params, "amount_in_counter");
    let terms = if in_quote { Terms::MarketQuote { amount } } else { Terms::Market { quantity: amount } };
    place(house, ask, caller, side, terms)
}

pub(super) fn amount(params: &Params, name: &str) -> Result<Decimal, Error> {
    params.text(name).ok_or_else(|| Error::field(name, "This field is required."))?;
    params.decimal(name).ok_or_else(|| Error::field(name, "Enter a number."))
}

fn flag(params: &Params, name: &str) -> bool {
    params.text(name).is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

fn force(params: &Params) -> Result<Force, Error> {
    let flags = ["ioc_order", "fok_order", "moc_order"].map(|name| flag(params, name));
    match flags {
        [false, false, false] => Ok(Force::GoodTillCancel),
        [true, false, false] => Ok(Force::ImmediateOrCancel),
        [false, true, false] => Ok(Force::FillOrKill),
        [false, false, true] => Ok(Force::PostOnly),
        _ => Err(Error::all("Only one of ioc_order, fok_order and moc_order may be set.")),
    }
}

fn place(house: &mut House<Bitstamp>, ask: &Ask, caller: &Entry, side: Side, terms: Terms) -> Reply {
    let pair = pair(house, ask.rest.first())?;
    house.desk.floor.pairs[pair].check(&terms).map_err(|flaw| words(&house.desk.floor.pairs[pair], flaw))?;
    let account = caller.account;
    let client_id = new_client_id(house, ask, account)?;
    let new = NewOrder { account, pair, side, terms, client_id };
    let id =
        house.desk.floor.place(new, ask.now).map_err(|error| refused(house, caller, pair, side, error))?;
    let order = house.desk.floor.order(account, id).ok_or_else(Error::no_order)?;
    Ok(shown(house, order, order.quantity()))
}

/// The order's own name, or one made up: an order that was given none still needs one.
fn new_client_id(house: &House<Bitstamp>, ask: &Ask, account: AccountId) -> Result<String, Error> {
    let floor = &house.desk.floor;
    let error = |text: &str| Error::field("client_order_id", text);
    match ask.params.text("client_order_id") {
        None => Ok(floor.nameless()),
        Some(id) if id.starts_with('#') => Err(error("Enter a valid value.")),
        Some(id) if floor.order_by_client_id(account, &id).is_some() => Err(error(DUPLICATE)),
        Some(id) => Ok(id),
    }
}

const DUPLICATE: &str = "An order with this id exists already.";

fn words(pair: &Pair, flaw: Flaw) -> Error {
    let places = |unit| format!("Ensure that there are no more than {} decimal places.", decimals(unit));
    match flaw {
        Flaw::PriceRange | Flaw::PriceTick => Error::field("price", places(pair.tick)),
        Flaw::QuantityStep => Error::field("amount", places(pair.step)),
        Flaw::TooLarge => {
            Error::all(format!("Maximum order size is {} {}.", plain(pair.max_quantity), pair.base))
        }
        Flaw::TooSmall => {
            Error::all(format!("Minimum order size is {} {}.", plain(pair.min_quantity), pair.base))
        }
        Flaw::TooCheap => {
            Error::all(format!("Minimum order size is {} {}.", plain(pair.min_notional), pair.quote))
        }
    }
}

fn refused(house: &House<Bitstamp>, caller: &Entry, pair: usize, side: Side, refusal: Refusal) -> Error {
    let pair = &house.desk.floor.pairs[pair];
    match refusal {
        Refusal::DuplicateClientId => Error::field("client_order_id", DUPLICATE),
        Refusal::InsufficientBalance => {
            let asset = side.pick(&pair.quote, &pair.base);
            let free = fixed(house.desk.floor.wallet(caller.account).get(asset).free);
            Error::all(format!(
                "You have only {free} {asset} available. Check your account balance for details."
            ))
        }
        Refusal::WouldMatch => Error::all("A maker-or-cancel order must not match at once."),
    }
}

/// The caller's order that `id` or `client_order_id` names.
fn find<'a>(house: &'a House<Bitstamp>, ask: &Ask, caller: &Entry) -> Result<&'a Order, Error> {
    let floor = &house.desk.floor;
    let order = match (ask.params.text("id"), ask.params.text("client_order_id")) {
        (Some(id), None) => floor.order(caller.account, id.parse().map_err(|_| Error::no_order())?),
        (None, Some(id)) => floor.order_by_client_id(caller.account, &id),
        _ => return Err(Error::all("Either id or client_order_id is required.")),
    };
    order.ok_or_else(Error::no_order)
}

fn cancel(house: &mut House<Bitstamp>, ask: &Ask, caller: &Entry) -> Reply {
    let id = find(house, ask, caller)?.id;
    house.desk.floor.cancel(caller.account, id, ask.now).ok_or_else(Error::no_order)?;
    let order = house.desk.floor.order(caller.account, id).ok_or_else(Error::no_order)?;
    Ok(cancelled(house, order))
}

fn cancel_all(house: &mut House<Bitstamp>, ask: &Ask, caller: &Entry) -> Reply {
    let pair = ask.rest.first().map(|name| pair(house, Some(name))).transpose()?;
    let wanted = |order: &Order| pair.is_none_or(|pair| order.pair == pair);
    let gone = house.desk.floor.cancel_all(caller.account, wanted, ask.now);
    let gone: Vec<Order> = gone.into_iter().cloned().collect();
    let shown: Vec<Value> = gone.iter().map(|order| cancelled(house, order)).collect();
    Ok(json!({ "canceled": shown, "success": true }))
}

fn cancelled(house: &House<Bitstamp>, order: &Order) -> Value {
    let market = market(&house.desk.floor.pairs[order.pair]);
    json!({
        "id": order.id, "amount": fixed(order.remaining()), "price": order.terms.price().map(plain),
        "type": side_number(order), "market": market, "currency_pair": market,
    })
}

fn open(house: &mut House<Bitstamp>, _: &Ask, caller: &Entry) -> Reply {
    let orders = house.desk.floor.open_orders(caller.account);
    Ok(orders.map(|order| shown(house, order, order.remaining())).collect())
}

fn open_in(house: &mut House<Bitstamp>, ask: &Ask, caller: &Entry) -> Reply {
    let pair = pair(house, ask.rest.first())?;
    let orders = house.desk.floor.open_orders(caller.account).filter(|order| order.pair == pair);
    Ok(orders.map(|order| shown(house, order, order.remaining())).collect())
}

fn side_number(order: &Order) -> u8 {
    order.side.pick(0, 1)
}

fn shown(house: &House<Bitstamp>, order: &Order, amount: Decimal) -> Value {
    let market = market(&house.desk.floor.pairs[order.pair]);
    let price = order.terms.price().or(order.average_price()).unwrap_or_default();
    json!({
        "id": order.id.to_string(), "market": market, "currency_pair": market, "type": side_number(order).to_string(),
        "datetime": micros(order.created_ms), "price": plain(price), "amount": fixed(amount),
        "amount_at_create": fixed(order.quantity()), "client_order_id": order.own_id(),
    })
}

fn status(house: &mut House<Bitstamp>, ask: &Ask, caller: &Entry) -> Reply {
    let order = find(house, ask, caller)?;
    let pair = &house.desk.floor.pairs[order.pair];
    let state = match order.status {
        Status::New | Status::PartiallyFilled => "Open",
        Status::Filled => "Finished",
        Status::Canceled | Status::Expired => "Canceled",
    };
    let transactions: Vec<Value> = order.fills.iter().map(|fill| transaction(pair, order, fill)).collect();
    Ok(json!({
        "id": order.id, "datetime": micros(order.created_ms), "type": side_number(order).to_string(),
        "status": state, "market": market(pair), "transactions": transactions,
        "amount_remaining": fixed(order.remaining()), "client_order_id": order.own_id(),
    }))
}

/// A fill as a part of its order: each amount by the name of its asset.
fn transaction(pair: &Pair, order: &Order, fill: &Fill) -> Value {
    let mut shown = json!({
        "tid": fill.trade_id, "price": plain(fill.price), "type": 2,
        "fee": fixed(fill.fee_in_quote(order.side)), "datetime": micros(fill.at_ms),
    });
    shown[pair.base.to_lowercase()] = fixed(fill.quantity).into();
    shown[pair.quote.to_lowercase()] = fixed(fill.quantity * fill.price).into();
    shown
}
