//! Orders: placed one at a time or in a batch, cancelled by any of their names.

use serde_json::{Value, json};

use super::name::{pair, pair_altname};
use super::{Error, Kraken, Reply, price, volume};
use crate::config::{Pair, Permission};
use crate::floor::{AccountId, Force, NewOrder, Order, Side, Terms};
use crate::house::{Ask, House, Route};
use crate::key::Entry;
use crate::params::Params;

pub(super) const ROUTES: &[Route<Kraken>] = &[
    Route::signed("POST", "/0/private/AddOrder", Permission::Trade, add),
    Route::signed("POST", "/0/private/AddOrderBatch", Permission::Trade, add_batch),
    Route::signed("POST", "/0/private/CancelOrder", Permission::Trade, cancel),
    Route::signed("POST", "/0/private/CancelOrderBatch", Permission::Trade, cancel_batch),
    Route::signed("POST", "/0/private/CancelAll", Permission::Trade, cancel_all),
];

const FLAGS: [&str; 5] = ["fcib", "fciq", "nompp", "post", "viqc"];

/// An order that was read and is sound, but not placed.
pub(super) struct Draft {
    pub(super) new: NewOrder,
    pub(super) userref: Option<i64>,
}

fn add(house: &mut House<Kraken>, ask: &Ask, caller: &Entry) -> Reply {
    let name = ask.params.text("pair").ok_or_else(|| Error::argument("pair"))?;
    let draft = read(house, &ask.params, &name, caller.account)?;
    let described = json!({ "order": describe(house, &draft.new) });
    if ask.params.text("validate").is_some_and(|flag| flag.eq_ignore_ascii_case("true")) {
        return Ok(json!({ "descr": described }));
    }
    let id = place(house, draft, ask.now)?;
    Ok(json!({ "descr": described, "txid": [txid(id)] }))
}

/// All orders must be sound for any to be placed; what then fails, fails alone.
fn add_batch(house: &mut House<Kraken>, ask: &Ask, caller: &Entry) -> Reply {
    let name = ask.params.text("pair").ok_or_else(|| Error::argument("pair"))?;
    let orders = ask.params.value("orders").and_then(Value::as_array);
    let orders = orders.filter(|orders| (2..=15).contains(&orders.len())).ok_or(Error::argument("orders"))?;
    let read = |order| read(house, &Params::of(order), &name, caller.account);
    let drafts = orders.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let placed = drafts.into_iter().map(|draft| {
        let described = json!({ "order": describe(house, &draft.new) });
        match place(house, draft, ask.now) {
            Ok(id) => json!({ "txid": txid(id), "descr": described }),
            Err(error) => json!({ "error": error.text() }),
        }
    });
    Ok(json!({ "orders": placed.collect::<Vec<_>>() }))
}

pub(super) fn read(
    house: &House<Kraken>,
    params: &Params,
    pair_name: &str,
    account: AccountId,
) -> Result<Draft, Error> {
    if params.value("close").is_some() || params.text("close[ordertype]").is_some() {
        return Err(Error::argument("close"));
    }
    let pair = pair(&house.desk.floor, pair_name)?;
    let side = params.side("type", "buy", "sell").ok_or(Error::argument("type"))?;
    let terms = terms(params, side)?;
    let checked = &house.desk.floor.pairs[pair];
    checked.check(&terms).map_err(|flaw| Error::flaw(flaw, checked))?;
    let client_id = params.text("cl_ord_id").unwrap_or_default();
    let userref = match params.text("userref") {
        Some(text) => Some(text.parse::<i32>().map_err(|_| Error::argument("userref"))?.into()),
        None => None,
    };
    if !is_client_id(&client_id) || (userref.is_some() && !client_id.is_empty()) {
        return Err(Error::argument("cl_ord_id"));
    }
    Ok(Draft { new: NewOrder { account, pair, side, terms, client_id }, userref })
}

fn terms(params: &Params, side: Side) -> Result<Terms, Error> {
    let flags = params.text("oflags").unwrap_or_default();
    let flags: Vec<&str> = flags.split(',').filter(|flag| !flag.is_empty()).collect();
    if !flags.iter().all(|flag| FLAGS.contains(flag)) {
        return Err(Error::argument("oflags"));
    }
    let quantity = params.decimal("volume").ok_or(Error::argument("volume"))?;
    let viqc = flags.contains(&"viqc");
    match params.text("ordertype").as_deref() {
        Some("limit") if viqc => Err(Error::argument("viqc")),
        Some("limit") => {
            let price = params.decimal("price").ok_or(Error::argument("price"))?;
            Ok(Terms::Limit { price, quantity, force: force(params, flags.contains(&"post"))? })
        }
        Some("market") if flags.contains(&"post") => Err(Error::argument("oflags")),
        Some("market") if !viqc => Ok(Terms::Market { quantity }),
        Some("market") if side == Side::Buy => Ok(Terms::MarketQuote { amount: quantity }),
        Some("market") => Err(Error::argument("viqc")),
        _ => Err(Error::argument("ordertype")),
    }
}

fn force(params: &Params, post: bool) -> Result<Force, Error> {
    match params.text("timeinforce").as_deref() {
        None | Some("GTC") if post => Ok(Force::PostOnly),
        None | Some("GTC") => Ok(Force::GoodTillCancel),
        Some("IOC") if !post => Ok(Force::ImmediateOrCancel),
        Some("FOK") if !post => Ok(Force::FillOrKill),
        _ => Err(Error::argument("timeinforce")),
    }
}

/// Up to 18 characters, or a UUID with or without its dashes.
fn is_client_id(text: &str) -> bool {
    let uuid =
        || matches!(text.len(), 32 | 36) && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    text.is_ascii() && (text.len() <= 18 || uuid())
}

pub(super) fn place(house: &mut House<Kraken>, mut draft: Draft, now: i64) -> Result<u64, Error> {
    if draft.new.client_id.is_empty() {
        draft.new.client_id = txid(house.desk.floor.last_id() + 1);
    }
    let id = house.desk.floor.place(draft.new, now)?;
    if let Some(userref) = draft.userref {
        house.dialect.userrefs.insert(id, userref);
    }
    Ok(id)
}

/// `buy 1.25000000 XBTUSD @ limit 37500.0`
fn describe(house: &House<Kraken>, new: &NewOrder) -> String {
    description(&house.desk.floor.pairs[new.pair], new.side, &new.terms)
}

pub(super) fn description(pair: &Pair, side: Side, terms: &Terms) -> String {
    let name = pair_altname(pair);
    match terms {
        Terms::Limit { price: limit, quantity, .. } => {
            format!("{} {} {name} @ limit {}", side.as_lower(), volume(*quantity), price(*limit))
        }
        Terms::Market { quantity: amount } | Terms::MarketQuote { amount } => {
            format!("{} {} {name} @ market", side.as_lower(), volume(*amount))
        }
    }
}

/// The id of an order as clients see it.
pub(super) fn txid(id: u64) -> String {
    format!("ODEMOX-{:05}-{:06}", id / 1_000_000, id % 1_000_000)
}

/// Reads an order id back; `None` if it never was one of ours.
pub(super) fn parse_txid(text: &str) -> Option<u64> {
    let (upper, lower) = text.strip_prefix("ODEMOX-")?.split_once('-')?;
    let id = upper.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(lower.parse().ok()?)?;
    (txid(id) == text).then_some(id)
}

fn cancel(house: &mut House<Kraken>, ask: &Ask, caller: &Entry) -> Reply {
    let named = match (ask.params.text("cl_ord_id"), ask.params.text("txid")) {
        (Some(id), _) => by_client_id(house, caller.account, &id),
        (None, Some(name)) => by_name(house, caller.account, &name),
        (None, None) => return Err(Error::argument("txid")),
    };
    close(house, ask, caller, named)
}

fn cancel_batch(house: &mut House<Kraken>, ask: &Ask, caller: &Entry) -> Reply {
    let list = |name| ask.params.value(name).and_then(Value::as_array).into_iter().flatten();
    let text = |name: &Value| name.as_str().map_or_else(|| name.to_string(), str::to_owned);
    let mut named: Vec<u64> =
        list("orders").flat_map(|name| by_name(house, caller.account, &text(name))).collect();
    named.extend(list("cl_ord_ids").flat_map(|id| by_client_id(house, caller.account, &text(id))));
    close(house, ask, caller, named)
}

fn cancel_all(house: &mut House<Kraken>, ask: &Ask, caller: &Entry) -> Reply {
    let open: Vec<u64> = house.desk.floor.open_orders(caller.account).map(|order| order.id).collect();
    if open.is_empty() { Ok(json!({ "count": 0 })) } else { close(house, ask, caller, open) }
}

fn close(house: &mut House<Kraken>, ask: &Ask, caller: &Entry, named: Vec<u64>) -> Reply {
    let mut count = 0;
    for id in named {
        count += usize::from(house.desk.floor.cancel(caller.account, id, ask.now).is_some());
    }
    if count == 0 { Err(Error::UNKNOWN_ORDER) } else { Ok(json!({ "count": count })) }
}

pub(super) fn by_client_id(house: &House<Kraken>, account: AccountId, client_id: &str) -> Vec<u64> {
    house.desk.floor.order_by_client_id(account, client_id).map(|order| order.id).into_iter().collect()
}

/// The order with this id, or those with this `userref`.
pub(super) fn by_name(house: &House<Kraken>, account: AccountId, name: &str) -> Vec<u64> {
    let Ok(userref) = name.parse::<i64>() else { return parse_txid(name).into_iter().collect() };
    let shares = |order: &&Order| house.dialect.userrefs.get(&order.id) == Some(&userref);
    house.desk.floor.open_orders(account).filter(shares).map(|order| order.id).collect()
}
