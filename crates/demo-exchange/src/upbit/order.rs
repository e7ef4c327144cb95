//! Orders, from their parameters to the floor.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::error::Error;
use super::show::{client_id, market, order_id, parse_order_id, side as shown_side, state};
use crate::config::Pair;
use crate::floor::{Floor, Force, NewOrder, Order, Side, Terms};
use crate::house::{Ask, Dialect, House, Reply};
use crate::key::Entry;
use crate::params::{Params, each};

/// Which parameters hold an order's kind and the client's own id.
pub(crate) struct Words {
    pub(crate) kind: &'static str,
    pub(crate) client_id: &'static str,
}

/// The most that is told that one order may be worth, and one withdrawal.
pub(crate) const MAX_TOTAL: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

/// Places an order, and gives its id.
pub(crate) fn place<D: Dialect>(
    house: &mut House<D>,
    params: &Params,
    words: &Words,
    caller: &Entry,
    now: i64,
) -> Result<u64, Error> {
    let draft = draft(house, params, words, caller)?;
    let side = draft.side;
    house.desk.floor.place(draft, now).map_err(|refusal| Error::of(&refusal, side))
}

/// An order that passes every filter; whether there is money for it, the floor finds out.
pub(crate) fn draft<D: Dialect>(
    house: &House<D>,
    params: &Params,
    words: &Words,
    caller: &Entry,
) -> Result<NewOrder, Error> {
    let floor = &house.desk.floor;
    let pair = pair_index(floor, &params.text("market").ok_or(Error::Parameter)?).ok_or(Error::Parameter)?;
    let side = side(params, "side")?;
    let terms = terms(params, words, side)?;
    check(&floor.pairs[pair], side, &terms)?;
    let client_id = match params.text(words.client_id) {
        Some(id) if id.len() > 64 || floor.order_by_client_id(caller.account, &id).is_some() => {
            return Err(Error::Parameter);
        }
        Some(id) => id,
        None => order_id(floor.last_id() + 1),
    };
    Ok(NewOrder { account: caller.account, pair, side, terms, client_id })
}

pub(crate) fn pair_index(floor: &Floor, name: &str) -> Option<usize> {
    let (quote, base) = name.split_once('-')?;
    floor.pair_of(base, quote)
}

pub(crate) fn side(params: &Params, name: &str) -> Result<Side, Error> {
    params.side(name, "bid", "ask").ok_or(Error::Parameter)
}

/// A positive amount; `None` if it was not sent.
pub(crate) fn amount(params: &Params, name: &str) -> Result<Option<Decimal>, Error> {
    match params.value(name) {
        None | Some(Value::Null) => Ok(None),
        Some(_) => params.decimal(name).filter(|amount| !amount.is_zero()).map(Some).ok_or(Error::Parameter),
    }
}

/// A purchase at the market names what it spends, and nothing else; a sale what it sells.
fn terms(params: &Params, words: &Words, side: Side) -> Result<Terms, Error> {
    let (price, volume) = (amount(params, "price")?, amount(params, "volume")?);
    let force = params.text("time_in_force");
    match (params.text(words.kind).as_deref(), side, price, volume) {
        (Some("limit"), _, Some(price), Some(quantity)) => {
            Ok(Terms::Limit { price, quantity, force: limit_force(force.as_deref())? })
        }
        (Some("price" | "market"), ..) if force.is_some() => Err(Error::Create(side)),
        (Some("price"), Side::Buy, Some(amount), None) => Ok(Terms::MarketQuote { amount }),
        (Some("market"), Side::Sell, None, Some(quantity)) => Ok(Terms::Market { quantity }),
        (Some("limit" | "price" | "market"), ..) => Err(Error::Create(side)),
        _ => Err(Error::Parameter),
    }
}

fn limit_force(text: Option<&str>) -> Result<Force, Error> {
    match text {
        None => Ok(Force::GoodTillCancel),
        Some("ioc") => Ok(Force::ImmediateOrCancel),
        Some("fok") => Ok(Force::FillOrKill),
        Some("post_only") => Ok(Force::PostOnly),
        Some(_) => Err(Error::Parameter),
    }
}

pub(crate) fn check(pair: &Pair, side: Side, terms: &Terms) -> Result<(), Error> {
    pair.check(terms).map_err(|flaw| Error::flaw(flaw, side))
}

pub(crate) fn find<'a, D: Dialect>(house: &'a House<D>, caller: &Entry, id: u64) -> Result<&'a Order, Error> {
    house.desk.floor.order(caller.account, id).ok_or(Error::NoOrder)
}

/// The caller's order that the call names by its id or the client's.
pub(crate) fn asked<'a, D: Dialect>(
    house: &'a House<D>,
    ask: &Ask,
    caller: &Entry,
    id: &str,
    own: &str,
) -> Result<&'a Order, Error> {
    let floor = &house.desk.floor;
    match (ask.params.text(id), ask.params.text(own)) {
        (Some(id), _) => parse_order_id(&id).and_then(|id| floor.order(caller.account, id)),
        (None, Some(own)) => floor
            .order_by_client_id(caller.account, &own)
            .filter(|order| client_id(order) == Some(own.as_str())),
        (None, None) => return Err(Error::Parameter),
    }
    .ok_or(Error::NoOrder)
}

/// The caller's orders in the states the call asks for, or in these; newest first.
pub(crate) fn listed<'a, D: Dialect>(
    house: &'a House<D>,
    ask: &Ask,
    caller: &Entry,
    states: &[&str],
) -> Result<Vec<&'a Order>, Error> {
    let floor = &house.desk.floor;
    let market = ask.params.text("market").map(|name| pair_index(floor, &name).ok_or(Error::Parameter));
    let market = market.transpose()?;
    let asked: Vec<String> =
        each(ask.request, "states[]").into_iter().chain(ask.params.text("state")).collect();
    let in_state = |order: &Order| match asked.is_empty() {
        true => states.contains(&state(order)),
        false => asked.iter().any(|one| one == state(order)),
    };
    let (page, limit) = (count(&ask.params, "page", 1)?, count(&ask.params, "limit", 100)?);
    let orders = floor.orders(caller.account).filter(|order| market.is_none_or(|pair| order.pair == pair));
    let mut found: Vec<&Order> = orders.filter(|order| in_state(order)).collect();
    if ask.params.text("order_by").as_deref() != Some("asc") {
        found.reverse();
    }
    Ok(found.into_iter().skip((page - 1) * limit).take(limit).collect())
}

/// A number from 1 to 1000.
fn count(params: &Params, name: &str, usual: usize) -> Result<usize, Error> {
    params.count(name, usual, 1000).ok_or(Error::Parameter)
}

/// Cancels the open orders of a side, or of some markets.
pub(crate) fn cancel_open<D: Dialect<Error = Error>>(
    house: &mut House<D>,
    ask: &Ask,
    caller: &Entry,
) -> Reply<D> {
    let wanted = match ask.params.text("cancel_side").as_deref() {
        None | Some("all") => None,
        Some(_) => Some(side(&ask.params, "cancel_side")?),
    };
    let (markets, most) = (ask.params.text("pairs"), count(&ask.params, "count", 20)?);
    let floor = &mut house.desk.floor;
    let named = |order: &Order| {
        let own = market(&floor.pairs[order.pair]);
        markets.as_ref().is_none_or(|names| names.split(',').any(|name| name == own))
    };
    let fits = |order: &&Order| wanted.is_none_or(|side| order.side == side) && named(order);
    let ids: Vec<u64> =
        floor.open_orders(caller.account).filter(fits).take(most).map(|order| order.id).collect();
    let gone = floor.cancel_all(caller.account, |order| ids.contains(&order.id), ask.now);
    let gone: Vec<Order> = gone.into_iter().cloned().collect();
    let told = |order: &Order| {
        json!({ "uuid": order_id(order.id), "market": market(&floor.pairs[order.pair]),
                "side": shown_side(order.side) })
    };
    let orders: Vec<Value> = gone.iter().map(told).collect();
    Ok(json!({ "success": { "count": orders.len(), "orders": orders },
               "failed": { "count": 0, "orders": [] } }))
}
