//! Orders: placed alone or in batches, and cancelled by number or by the name the customer gave.

use serde_json::{Value, json};

use super::error::Error;
use super::{Htx, Reply, account_number, done, optional_pair, pair_of};
use crate::config::Permission;
use crate::floor::{AccountId, Force, NewOrder, Order, Refusal, Side, Terms};
use crate::house::{Ask, House, Route};
use crate::key::Entry;
use crate::params::Params;

pub(super) const ROUTES: &[Route<Htx>] = &[
    Route::signed("POST", "/v1/order/orders/place", Permission::Trade, create),
    Route::signed("POST", "/v1/order/batch-orders", Permission::Trade, create_batch),
    Route::signed("POST", "/v1/order/orders/*/submitcancel", Permission::Trade, cancel),
    Route::signed("POST", "/v1/order/orders/submitCancelClientOrder", Permission::Trade, cancel_by_name),
    Route::signed("POST", "/v1/order/orders/batchcancel", Permission::Trade, cancel_batch),
    Route::signed("POST", "/v1/order/orders/batchCancelOpenOrders", Permission::Trade, cancel_open),
];

/// Orders of one batch; cancellations may be five times as many.
const BATCH: usize = 10;

fn create(house: &mut House<Htx>, ask: &Ask, caller: &Entry) -> Reply {
    Ok(done(place(house, caller.account, &ask.params, ask.now)?.to_string()))
}

fn create_batch(house: &mut House<Htx>, ask: &Ask, caller: &Entry) -> Reply {
    let list = ask.params.list.as_array().filter(|list| (1..=BATCH).contains(&list.len()));
    let list = list.ok_or_else(|| Error::invalid("orders"))?;
    let mut outcome = |one| {
        let params = Params::of(one);
        let placed = place(house, caller.account, &params, ask.now);
        let mut told = match placed {
            Ok(id) => json!({ "order-id": id }),
            Err(error) => json!({ "err-code": error.code, "err-msg": error.text }),
        };
        told["client-order-id"] = params.text("client-order-id").unwrap_or_default().into();
        told
    };
    Ok(done(list.iter().map(&mut outcome).collect::<Vec<_>>()))
}

fn place(house: &mut House<Htx>, account: AccountId, params: &Params, now: i64) -> Result<u64, Error> {
    let told = params.text("account-id").ok_or_else(|| Error::missing("account-id"))?;
    if told != account_number(account).to_string() {
        return Err(Error::account());
    }
    let pair = pair_of(house, &params.text("symbol").ok_or_else(|| Error::missing("symbol"))?)?;
    let (side, terms) = terms(params)?;
    let pair_filters = &house.desk.floor.pairs[pair];
    pair_filters.check(&terms).map_err(|flaw| Error::flaw(flaw, pair_filters, &terms))?;
    let client_id = new_client_id(house, params, account)?;
    let new = NewOrder { account, pair, side, terms, client_id };
    house.desk.floor.place(new, now).map_err(|refusal| refused(house, account, pair, side, refusal))
}

fn refused(house: &House<Htx>, account: AccountId, pair: usize, side: Side, refusal: Refusal) -> Error {
    let pair = &house.desk.floor.pairs[pair];
    match refusal {
        Refusal::DuplicateClientId => Error::client_id(),
        Refusal::InsufficientBalance => {
            let asset = side.pick(&pair.quote, &pair.base);
            Error::balance(house.desk.floor.wallet(account), asset)
        }
        Refusal::WouldMatch => Error::would_match(),
    }
}

/// Side and kind in one word: `buy-limit`.
fn terms(params: &Params) -> Result<(Side, Terms), Error> {
    let told = params.text("type").ok_or_else(|| Error::missing("type"))?;
    let (side, kind) = match told.split_once('-') {
        Some(("buy", kind)) => (Side::Buy, kind),
        Some(("sell", kind)) => (Side::Sell, kind),
        _ => return Err(Error::order_type()),
    };
    params.text("amount").ok_or_else(|| Error::missing("amount"))?;
    let quantity = params.decimal("amount").ok_or_else(Error::amount)?;
    let force = match (kind, side) {
        // a purchase at the market names what it spends
        ("market", Side::Buy) => return Ok((side, Terms::MarketQuote { amount: quantity })),
        ("market", Side::Sell) => return Ok((side, Terms::Market { quantity })),
        ("limit", _) => Force::GoodTillCancel,
        ("ioc", _) => Force::ImmediateOrCancel,
        ("limit-fok", _) => Force::FillOrKill,
        ("limit-maker", _) => Force::PostOnly,
        _ => return Err(Error::order_type()),
    };
    params.text("price").ok_or_else(|| Error::missing("price"))?;
    let price = params.decimal("price").ok_or_else(Error::price)?;
    Ok((side, Terms::Limit { price, quantity, force }))
}

/// The order's own name, or one made up, with a sign that names given by customers cannot have.
fn new_client_id(house: &House<Htx>, params: &Params, account: AccountId) -> Result<String, Error> {
    let floor = &house.desk.floor;
    let Some(id) = params.text("client-order-id") else { return Ok(floor.nameless()) };
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let new = floor.order_by_client_id(account, &id).is_none();
    if plain && new && id.len() <= 64 { Ok(id) } else { Err(Error::client_id()) }
}

/// The account's order with this number.
pub(super) fn find<'a>(
    house: &'a House<Htx>,
    account: AccountId,
    id: Option<&String>,
) -> Result<&'a Order, Error> {
    let id = id.and_then(|id| id.parse().ok()).ok_or_else(|| Error::invalid("order-id"))?;
    house.desk.floor.order(account, id).ok_or_else(Error::no_order)
}

fn end(house: &mut House<Htx>, account: AccountId, id: u64, now: i64) -> Result<u64, Error> {
    house.desk.floor.cancel(account, id, now).map(|order| order.id).ok_or_else(Error::order_state)
}

fn cancel(house: &mut House<Htx>, ask: &Ask, caller: &Entry) -> Reply {
    let id = find(house, caller.account, ask.rest.first())?.id;
    Ok(done(end(house, caller.account, id, ask.now)?.to_string()))
}

fn cancel_by_name(house: &mut House<Htx>, ask: &Ask, caller: &Entry) -> Reply {
    let name = ask.params.text("client-order-id").ok_or_else(|| Error::missing("client-order-id"))?;
    let order = house.desk.floor.order_by_client_id(caller.account, &name).ok_or_else(Error::no_order)?;
    let id = order.id;
    Ok(done(end(house, caller.account, id, ask.now)?.to_string()))
}

fn cancel_batch(house: &mut House<Htx>, ask: &Ask, caller: &Entry) -> Reply {
    let list = |name| ask.params.value(name).and_then(Value::as_array);
    let (numbers, names) = (list("order-ids"), list("client-order-ids"));
    let told = numbers
        .or(names)
        .filter(|list| list.len() <= 5 * BATCH)
        .ok_or_else(|| Error::missing("order-ids"))?;
    let (mut success, mut failed) = (Vec::new(), Vec::new());
    for name in told {
        let text = name.as_str().map_or_else(|| name.to_string(), str::to_owned);
        let found = match numbers {
            Some(_) => find(house, caller.account, Some(&text)),
            None => house.desk.floor.order_by_client_id(caller.account, &text).ok_or_else(Error::no_order),
        };
        match found.map(|order| order.id).and_then(|id| end(house, caller.account, id, ask.now)) {
            Ok(_) => success.push(text),
            Err(error) => {
                let which = if numbers.is_some() { "order-id" } else { "client-order-id" };
                failed.push(json!({ which: text, "err-code": error.code, "err-msg": error.text }));
            }
        }
    }
    Ok(done(json!({ "success": success, "failed": failed })))
}

fn cancel_open(house: &mut House<Htx>, ask: &Ask, caller: &Entry) -> Reply {
    let pair = optional_pair(house, ask)?;
    let wanted = |order: &Order| pair.is_none_or(|pair| order.pair == pair);
    let gone = house.desk.floor.cancel_all(caller.account, wanted, ask.now);
    Ok(done(json!({ "success-count": gone.len(), "failed-count": 0, "next-id": -1 })))
}
