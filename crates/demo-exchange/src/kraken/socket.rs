//! The private WebSocket, API v2: frames without a signature, but with a token that a signed request has got. A token is
//! good to begin with for a quarter of an hour, and as long as the talk lasts.

use serde_json::{Map, Value, json};

use super::trade::{add, add_batch, cancel, cancel_all, cancel_batch};
use super::{Error, Kraken, Reply, stream};
use crate::check::{base64, sha256};
use crate::config::Permission;
use crate::date::utc;
use crate::house::{Ask, Dialect, House, Route};
use crate::key::Entry;
use crate::request::Received;
use crate::socket::{Said, Subscription, Talk};

pub(super) const ROUTES: &[Route<Kraken>] =
    &[Route::any_key("POST", "/0/private/GetWebSocketsToken", give_token)];

/// To begin a talk with.
const LIFE_MS: i64 = 900_000;
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

pub(super) type Fields = Map<String, Value>;
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

pub(super) fn only(params: &Fields, known: &[&str], kind: &str) -> Result<(), Error> {
    match params.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(Error::unsupported(name, kind)),
        None => Ok(()),
    }
}
