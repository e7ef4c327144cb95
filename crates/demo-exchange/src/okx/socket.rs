//! The private WebSocket: a log-in signed over time and a fixed text, then frames without any signature. Orders name
//! their instrument by its number alone.

use serde_json::{Map, Value, json};

use super::error::Error;
use super::order::{self, Act};
use super::{Okx, account, history};
use crate::check::{self, HMAC_SHA256};
use crate::config::Permission;
use crate::floor::Order;
use crate::house::{Ask, Dialect, Failure, House};
use crate::key::Entry;
use crate::params::Params;
use crate::request::Received;
use crate::socket::{Said, Subscription, Talk};

/// How far the time of a log-in may be from the exchange's.
const WINDOW_MS: i64 = 30_000;
const CHANNELS: [&str; 5] = ["account", "balance_and_position", "fills", "orders", "positions"];

pub(super) fn hear(house: &mut House<Okx>, talk: &mut Talk, frame: &Received) -> Said {
    if frame.body == b"ping" {
        return Said { text: "pong".to_owned(), signer: None, status: 200, error: None };
    }
    let read: Value = serde_json::from_slice(&frame.body).unwrap_or_default();
    let reply = reply(house, talk, frame, &read);
    let caller = talk.key.as_ref().and_then(|(key, _)| house.desk.keys.get(key));
    let signer = caller.map(|entry| entry.signer(Okx::ID));
    match reply {
        Ok(answer) => {
            let code = answer["code"].as_str().filter(|code| *code != "0").map(str::to_owned);
            Said { text: answer.to_string(), signer, status: 200, error: code }
        }
        Err((code, text)) => {
            let mut told = json!({ "event": "error", "code": code, "msg": text, "connId": "demo" });
            if let Some(id) = read.get("id") {
                told["id"] = id.clone();
            }
            Said { text: told.to_string(), signer, status: 400, error: Some(code.to_owned()) }
        }
    }
}

type Refusal = (&'static str, &'static str);

fn reply(house: &mut House<Okx>, talk: &mut Talk, frame: &Received, read: &Value) -> Result<Value, Refusal> {
    const ILLEGAL: Refusal = ("60012", "Illegal request");
    let op = read["op"].as_str().ok_or(ILLEGAL)?;
    let args = read["args"].as_array().filter(|args| !args.is_empty()).ok_or(ILLEGAL)?;
    if op == "login" {
        talk.key = Some((log_in(house, frame, &args[0])?, frame.at_ms));
        return Ok(json!({ "event": "login", "code": "0", "msg": "", "connId": "demo" }));
    }
    let key = talk.key.as_ref().map(|(key, _)| key.as_str());
    let caller = key.and_then(|key| house.desk.keys.get(key)).cloned().ok_or(("60011", "Please log in"))?;
    let act: Act = match op {
        "subscribe" | "unsubscribe" => return subscribe(house, talk, &caller, op, &args[0]),
        "order" | "batch-orders" => order::place,
        "cancel-order" | "batch-cancel-orders" => order::cancel,
        _ => return Err(ILLEGAL),
    };
    let id = read["id"].as_str().ok_or(ILLEGAL)?;
    let mut answer = orders(house, frame, &caller, args, act);
    answer["id"] = json!(id);
    answer["op"] = json!(op);
    Ok(answer)
}

/// The key whose log-in this is.
fn log_in(house: &House<Okx>, frame: &Received, arg: &Value) -> Result<String, Refusal> {
    let text = |name: &str| arg[name].as_str().unwrap_or_default();
    let entry = house.desk.keys.get(text("apiKey")).ok_or(("60005", "Invalid apiKey"))?;
    if !entry.admits(frame.peer) {
        return Err(("50110", "Your IP is not included in your API key's IP whitelist."));
    }
    let time = text("timestamp");
    let at = time.parse::<i64>().map_err(|_| ("60004", "Invalid timestamp"))?;
    if (at.saturating_mul(1000) - frame.at_ms).abs() > WINDOW_MS {
        return Err(("60006", "Timestamp request expired"));
    }
    let signed = format!("{time}GET/users/self/verify");
    let own = entry.mac(HMAC_SHA256, signed.as_bytes());
    if own.is_none() || own != check::from_base64(text("sign")) {
        return Err(("60007", "Invalid sign"));
    }
    match entry.key.passphrase.as_deref() == Some(text("passphrase")) {
        true => Ok(entry.key.api_key.clone()),
        false => Err(("60024", "Wrong passphrase")),
    }
}

fn subscribe(
    house: &House<Okx>,
    talk: &mut Talk,
    caller: &Entry,
    op: &str,
    arg: &Value,
) -> Result<Value, Refusal> {
    let channel = arg["channel"].as_str().unwrap_or_default();
    if !CHANNELS.contains(&channel) {
        return Err(("60018", "Wrong URL or channel doesn't exist."));
    }
    talk.subscriptions.retain(|one| one.arg != *arg);
    if op == "subscribe" {
        if talk.subscriptions.is_empty() {
            talk.told = house.desk.floor.journal().last();
        }
        talk.subscribed += 1;
        let one = Subscription { id: talk.subscribed, account: caller.account, arg: arg.clone() };
        talk.subscriptions.push(one);
    }
    Ok(json!({ "event": op, "arg": arg, "connId": "demo" }))
}

fn orders(house: &mut House<Okx>, frame: &Received, caller: &Entry, args: &[Value], act: Act) -> Value {
    let answer = match each(house, frame, caller, args, act) {
        Ok(data) => Okx::success(data, frame),
        Err(error) => error.answer(),
    };
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

fn each(
    house: &mut House<Okx>,
    frame: &Received,
    caller: &Entry,
    args: &[Value],
    act: Act,
) -> Result<Value, Error> {
    if !caller.may(Permission::Trade) {
        return Err(Failure::Permission.into());
    }
    let named: Result<Vec<Value>, Error> = args.iter().map(|arg| named(house, arg)).collect();
    let mut params = Params::of(&Value::Null);
    params.list = Value::Array(named?);
    let ask = Ask { request: frame, params, rest: Vec::new(), now: frame.at_ms };
    order::each(house, &ask, caller, act)
}

/// The order with the name of its instrument instead of the number.
fn named(house: &House<Okx>, arg: &Value) -> Result<Value, Error> {
    let mut fields: Map<String, Value> = arg.as_object().cloned().unwrap_or_default();
    let code = fields.remove("instIdCode").ok_or_else(|| Error::missing("instIdCode"))?;
    let index = code.as_u64().and_then(|code| usize::try_from(code).ok()?.checked_sub(1));
    let pair = index.filter(|index| *index < house.desk.floor.pairs.len()).ok_or(Error::INSTRUMENT)?;
    fields.insert("instId".to_owned(), house.instrument_id(pair).into());
    Ok(Value::Object(fields))
}

/// Everything that happened since, for each subscription.
pub(super) fn news(house: &House<Okx>, talk: &mut Talk, now: i64) -> Vec<String> {
    let mut news = Vec::new();
    let journal = house.desk.floor.journal();
    for change in journal.since(talk.told) {
        for one in talk.subscriptions.iter().filter(|one| one.account == change.order.account) {
            let data = event(house, &one.arg, &change.order, now);
            news.extend(data.map(|data| json!({ "arg": one.arg, "data": data }).to_string()));
        }
    }
    talk.told = journal.last();
    news
}

fn event(house: &House<Okx>, arg: &Value, order: &Order, now: i64) -> Option<Value> {
    let instrument = house.instrument_id(order.pair);
    match arg["channel"].as_str()? {
        "orders" if arg["instId"].as_str().is_none_or(|only| only == instrument) => {
            Some(json!([history::shown(house, order)]))
        }
        "account" => {
            let wallet = house.desk.floor.wallet(order.account).iter();
            let balances = wallet.map(|(asset, balance)| (asset.to_owned(), balance)).collect();
            Some(account::shown(&balances, now))
        }
        _ => None,
    }
}
