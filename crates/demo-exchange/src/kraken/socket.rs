//! The private WebSocket, API v2: frames without a signature, but with a token that a signed request has got. A token is
//! good to begin with for a quarter of an hour, and as long as the talk lasts.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::order::{self, Draft};
use super::{Error, Kraken, Reply, stream};
use crate::amount::plain;
use crate::check::{base64, sha256};
use crate::config::Permission;
use crate::date::utc;
use crate::house::{Ask, Dialect, House, Route};
use crate::key::Entry;
use crate::params::Params;
use crate::request::Received;
use crate::socket::{Said, Subscription, Talk};

pub(super) const ROUTES: &[Route<Kraken>] =
    &[Route::any_key("POST", "/0/private/GetWebSocketsToken", give_token)];

/// To begin a talk with.
const LIFE_MS: i64 = 900_000;
const ORDER: [&str; 10] = [
    "cash_order_qty",
    "cl_ord_id",
    "limit_price",
    "order_qty",
    "order_type",
    "order_userref",
    "post_only",
    "side",
    "symbol",
    "time_in_force",
];

/// A token that was given out.
pub(super) struct Token {
    key: String,
    given_ms: i64,
}

fn give_token(house: &mut House<Kraken>, ask: &Ask, caller: &Entry) -> Reply {
    let number = house.dialect.tokens.len();
    let seed = format!("{} {} {number}", caller.key.api_key, ask.now);
    let text = base64(&sha256(seed.as_bytes())).trim_end_matches('=').to_owned();
    let token = Token { key: caller.key.api_key.clone(), given_ms: ask.now };
    house.dialect.tokens.insert(text.clone(), token);
    Ok(json!({ "token": text, "expires": LIFE_MS / 1000 }))
}

pub(super) fn hear(house: &mut House<Kraken>, talk: &mut Talk, frame: &Received) -> Said {
    let read: Value = serde_json::from_slice(&frame.body).unwrap_or_default();
    let reply = reply(house, talk, frame, &read);
    let used = talk.key.as_ref().and_then(|(token, _)| house.dialect.tokens.get(token));
    let signer = used.and_then(|token| house.desk.keys.get(&token.key)).map(|entry| entry.signer(Kraken::ID));
    let error = reply.as_ref().err().map(|error| error.text().to_owned());
    let mut answers = answers(&read, reply, frame.at_ms).into_iter();
    let text = answers.next().unwrap_or_default();
    talk.queue.splice(0..0, answers);
    Said { text, signer, status: 200, error }
}

/// What is said to a frame: one message for each result, with what the frame is known by.
fn answers(read: &Value, reply: Result<Vec<Value>, Error>, now: i64) -> Vec<String> {
    let (method, success, results) = match &reply {
        Ok(results) if read["method"] == "ping" => ("pong".into(), None, results.clone()),
        Ok(results) => (read["method"].clone(), Some(true), results.clone()),
        Err(error) => (read["method"].clone(), Some(false), vec![error.text().into()]),
    };
    let said = results.into_iter().map(|result| {
        let mut said = json!({ "method": method, "time_in": utc(now), "time_out": utc(now) });
        if let Some(success) = success {
            said["success"] = success.into();
            said[if success { "result" } else { "error" }] = result;
        }
        if let Some(id) = read.get("req_id").filter(|id| id.is_u64()) {
            said["req_id"] = id.clone();
        }
        said.to_string()
    });
    said.collect()
}

fn reply(
    house: &mut House<Kraken>,
    talk: &mut Talk,
    frame: &Received,
    read: &Value,
) -> Result<Vec<Value>, Error> {
    let outer = read.as_object().filter(|frame| {
        frame.keys().all(|name| ["method", "params", "req_id"].contains(&name.as_str()))
            && frame.get("req_id").is_none_or(Value::is_u64)
    });
    let method = outer.and_then(|frame| frame.get("method")?.as_str()).ok_or(Error::MALFORMED)?;
    if method == "ping" {
        return Ok(vec![Value::Null]);
    }
    let mut params = read["params"].as_object().cloned().ok_or(Error::MALFORMED)?;
    let caller = caller(house, talk, frame, params.remove("token"))?;
    let (needed, act): (_, Act) = match method {
        "subscribe" => return subscribe(house, talk, &caller, &params, frame.at_ms),
        "unsubscribe" => return unsubscribe(talk, &params),
        "add_order" => (Permission::Trade, add),
        "batch_add" => (Permission::Trade, add_batch),
        "cancel_order" => (Permission::Trade, cancel),
        "batch_cancel" => (Permission::Trade, cancel_batch),
        "cancel_all" => (Permission::Trade, cancel_all),
        _ => return Err(Error::METHOD),
    };
    match caller.may(needed) {
        true => act(house, &params, &caller, frame.at_ms),
        false => Err(Error::PERMISSION),
    }
}

type Fields = Map<String, Value>;
type Act = fn(&mut House<Kraken>, &Fields, &Entry, i64) -> Result<Vec<Value>, Error>;

/// Whose token this is. An old one is taken from a talk that has used it before.
fn caller(
    house: &House<Kraken>,
    talk: &mut Talk,
    frame: &Received,
    token: Option<Value>,
) -> Result<Entry, Error> {
    let text = token.as_ref().and_then(Value::as_str).ok_or(Error::SESSION)?;
    let given = house.dialect.tokens.get(text).ok_or(Error::SESSION)?;
    let in_use = talk.key.as_ref().is_some_and(|(own, _)| own == text);
    let entry = house.desk.keys.get(&given.key).filter(|entry| entry.admits(frame.peer));
    let entry = entry.filter(|_| in_use || frame.at_ms - given.given_ms < LIFE_MS).ok_or(Error::SESSION)?;
    talk.key = Some((text.to_owned(), frame.at_ms));
    Ok(entry.clone())
}

fn subscribe(
    house: &House<Kraken>,
    talk: &mut Talk,
    caller: &Entry,
    params: &Fields,
    now: i64,
) -> Result<Vec<Value>, Error> {
    let channel = channel(params)?;
    let flags: &[&str] = match channel {
        "executions" => &["channel", "order_status", "ratecounter", "snap_orders", "snap_trades", "snapshot"],
        _ => &["channel", "snapshot"],
    };
    only(params, flags, "subscribe")?;
    if !caller.may(Permission::Read) {
        return Err(Error::PERMISSION);
    }
    if talk.subscriptions.iter().any(|one| one.arg["channel"] == channel) {
        return Err(Error::SUBSCRIBED);
    }
    if talk.subscriptions.is_empty() {
        talk.told = house.desk.floor.journal().last();
    }
    talk.subscribed += 1;
    let arg = Value::Object(params.clone());
    talk.queue.push(stream::snapshot(house, &arg, caller.account, now));
    talk.subscriptions.push(Subscription { id: talk.subscribed, account: caller.account, arg: arg.clone() });
    Ok(vec![arg])
}

fn unsubscribe(talk: &mut Talk, params: &Fields) -> Result<Vec<Value>, Error> {
    let channel = channel(params)?;
    talk.subscriptions.retain(|one| one.arg["channel"] != channel);
    Ok(vec![json!({ "channel": channel })])
}

fn channel(params: &Fields) -> Result<&str, Error> {
    let channel = params.get("channel").and_then(Value::as_str);
    channel.filter(|channel| ["balances", "executions"].contains(channel)).ok_or(Error::CHANNEL)
}

fn only(params: &Fields, known: &[&str], kind: &str) -> Result<(), Error> {
    match params.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(Error::unsupported(name, kind)),
        None => Ok(()),
    }
}

fn add(house: &mut House<Kraken>, params: &Fields, caller: &Entry, now: i64) -> Result<Vec<Value>, Error> {
    only(params, &ORDER, "add order")?;
    let symbol = params.get("symbol").and_then(Value::as_str).ok_or(Error::PAIR)?;
    let draft = draft(house, params, symbol, caller)?;
    Ok(vec![placed(house, draft, now)?])
}

/// All orders must be sound for any to be placed; what then fails, fails alone.
fn add_batch(
    house: &mut House<Kraken>,
    params: &Fields,
    caller: &Entry,
    now: i64,
) -> Result<Vec<Value>, Error> {
    only(params, &["orders", "symbol"], "batch add")?;
    let symbol = params.get("symbol").and_then(Value::as_str).ok_or(Error::PAIR)?;
    let orders = params.get("orders").and_then(Value::as_array);
    let orders = orders.filter(|orders| (2..=15).contains(&orders.len())).ok_or(Error::argument("orders"))?;
    let draft = |order: &Value| {
        let fields = order.as_object().ok_or(Error::MALFORMED)?;
        only(fields, &ORDER.map(|name| if name == "symbol" { "" } else { name }), "batch add")?;
        draft(house, fields, symbol, caller)
    };
    let drafts = orders.iter().map(draft).collect::<Result<Vec<_>, _>>()?;
    let placed = drafts
        .into_iter()
        .map(|draft| placed(house, draft, now).unwrap_or_else(|error| json!({ "error": error.text() })));
    Ok(vec![placed.collect()])
}

/// The order in the words of the REST endpoint.
fn draft(house: &House<Kraken>, params: &Fields, symbol: &str, caller: &Entry) -> Result<Draft, Error> {
    let pair = house.desk.floor.pair_named(symbol, "/").ok_or(Error::PAIR)?;
    let name = super::name::pair_altname(&house.desk.floor.pairs[pair]);
    let text = |name: &str| params.get(name).and_then(Value::as_str);
    let amount = |name: &str| params.get(name).map(|value| exact(value).ok_or_else(|| Error::argument(name)));
    let (quantity, cash) = (amount("order_qty").transpose()?, amount("cash_order_qty").transpose()?);
    let mut rest = json!({ "type": text("side"), "ordertype": text("order_type") });
    rest["volume"] = plain(quantity.or(cash).ok_or(Error::argument("order_qty"))?).into();
    if let Some(price) = amount("limit_price").transpose()? {
        rest["price"] = plain(price).into();
    }
    let post = params.get("post_only") == Some(&Value::Bool(true));
    let flags = [post.then_some("post"), cash.is_some().then_some("viqc")];
    rest["oflags"] = flags.into_iter().flatten().collect::<Vec<_>>().join(",").into();
    rest["timeinforce"] = text("time_in_force").map(str::to_ascii_uppercase).into();
    rest["cl_ord_id"] = text("cl_ord_id").into();
    rest["userref"] = params.get("order_userref").cloned().unwrap_or_default();
    order::read(house, &Params::of(&rest), &name, caller.account)
}

/// A JSON number, with an exponent or without one; a text is none.
fn exact(value: &Value) -> Option<Decimal> {
    let text = value.as_number()?.to_string();
    text.parse().or_else(|_| Decimal::from_scientific(&text)).ok().filter(Decimal::is_sign_positive)
}

fn placed(house: &mut House<Kraken>, draft: Draft, now: i64) -> Result<Value, Error> {
    let client_id = draft.new.client_id.clone();
    let userref = draft.userref;
    let mut result = json!({ "order_id": order::txid(order::place(house, draft, now)?) });
    if !client_id.is_empty() {
        result["cl_ord_id"] = client_id.into();
    }
    if let Some(userref) = userref {
        result["order_userref"] = userref.into();
    }
    Ok(result)
}

/// Each order is answered by itself.
fn cancel(house: &mut House<Kraken>, params: &Fields, caller: &Entry, now: i64) -> Result<Vec<Value>, Error> {
    only(params, &["cl_ord_id", "order_id", "order_userref"], "cancel order")?;
    let [(kind, names)] = params.iter().collect::<Vec<_>>()[..] else { return Err(Error::ARGUMENTS) };
    let names = names.as_array().filter(|names| !names.is_empty()).ok_or(Error::MALFORMED)?;
    let mut results = Vec::new();
    for name in names {
        for id in named(house, caller, kind, name) {
            let done = house.desk.floor.cancel(caller.account, id, now).is_some();
            results.extend(done.then(|| json!({ "order_id": order::txid(id) })));
        }
    }
    if results.is_empty() { Err(Error::UNKNOWN_ORDER) } else { Ok(results) }
}

fn cancel_batch(
    house: &mut House<Kraken>,
    params: &Fields,
    caller: &Entry,
    now: i64,
) -> Result<Vec<Value>, Error> {
    only(params, &["cl_ord_id", "orders"], "batch cancel")?;
    let list =
        |name| params.get(name).and_then(Value::as_array).into_iter().flatten().map(move |id| (name, id));
    let named: Vec<u64> = list("orders")
        .chain(list("cl_ord_id"))
        .flat_map(|(kind, name)| named(house, caller, kind, name))
        .collect();
    close(house, caller, named, now)
}

fn cancel_all(
    house: &mut House<Kraken>,
    params: &Fields,
    caller: &Entry,
    now: i64,
) -> Result<Vec<Value>, Error> {
    only(params, &[], "cancel all")?;
    let open: Vec<u64> = house.desk.floor.open_orders(caller.account).map(|order| order.id).collect();
    if open.is_empty() { Ok(vec![json!({ "count": 0 })]) } else { close(house, caller, open, now) }
}

fn close(house: &mut House<Kraken>, caller: &Entry, ids: Vec<u64>, now: i64) -> Result<Vec<Value>, Error> {
    let mut count = 0;
    for id in ids {
        count += usize::from(house.desk.floor.cancel(caller.account, id, now).is_some());
    }
    if count == 0 { Err(Error::UNKNOWN_ORDER) } else { Ok(vec![json!({ "count": count })]) }
}

fn named(house: &House<Kraken>, caller: &Entry, kind: &str, name: &Value) -> Vec<u64> {
    let text = name.as_str().map_or_else(|| name.to_string(), str::to_owned);
    match kind {
        "cl_ord_id" => order::by_client_id(house, caller.account, &text),
        _ => order::by_name(house, caller.account, &text),
    }
}
