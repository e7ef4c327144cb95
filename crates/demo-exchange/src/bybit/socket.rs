//! The WebSockets with a log-in: private topics, and orders by frame. The log-in is signed over the end of its life; what
//! follows carries no signature.

use serde_json::{Value, json};

use super::auth::is_signature;
use super::error::Error;
use super::{Bybit, PARTS, Reply, order, topic};
use crate::config::Permission;
use crate::house::{Ask, Dialect, Failure, House};
use crate::key::Entry;
use crate::params::Params;
use crate::request::Received;
use crate::socket::{Said, Talk};

pub(super) const PRIVATE: &str = "/v5/private";
pub(super) const TRADE: &str = "/v5/trade";

/// How old a frame may be if it does not say, and how far its time may be ahead.
const WINDOW_MS: i64 = 5000;
const AHEAD_MS: i64 = 1000;

pub(super) fn hear(house: &mut House<Bybit>, talk: &mut Talk, frame: &Received) -> Said {
    let read: Value = serde_json::from_slice(&frame.body).unwrap_or_default();
    let reply = match frame.path.as_str() {
        TRADE => trade(house, talk, frame, &read),
        _ => private(house, talk, frame, &read),
    };
    let caller = talk.key.as_ref().and_then(|(key, _)| house.desk.keys.get(key));
    let signer = caller.map(|entry| entry.signer(Bybit::ID));
    let (told, error) = match reply {
        Ok(told) => (told, None),
        Err(error) => (refusal(&frame.path, &error), Some(error.code.to_string())),
    };
    let status = if error.is_some() { 400 } else { 200 };
    Said { text: named(told, &frame.path, &read).to_string(), signer, status, error }
}

/// An answer with the names it goes by: the client's, what it was about, and the connection's.
fn named(mut told: Value, path: &str, read: &Value) -> Value {
    let (id, connection) = if path == TRADE { ("reqId", "connId") } else { ("req_id", "conn_id") };
    let own = read.get(id).filter(|_| !leaves_out_id(path, &told));
    if let Some(own) = own {
        told[id] = json!(own.as_str().map_or_else(|| own.to_string(), str::to_owned));
    }
    if told["op"].is_null() {
        told["op"] = read["op"].clone();
    }
    told[connection] = json!("demo");
    told
}

/// A key without the permission is told so under no name.
fn leaves_out_id(path: &str, told: &Value) -> bool {
    path == TRADE && told["retCode"] == Error::from(Failure::Permission).code
}

fn refusal(path: &str, error: &Error) -> Value {
    match path {
        TRADE => json!({ "retCode": error.code, "retMsg": error.text, "data": {}, "retExtInfo": {} }),
        _ => json!({ "success": false, "ret_msg": error.text }),
    }
}

fn private(house: &House<Bybit>, talk: &mut Talk, frame: &Received, read: &Value) -> Reply {
    let done = json!({ "success": true, "ret_msg": "" });
    match op(read)? {
        "ping" => return Ok(json!({ "op": "pong", "args": [frame.at_ms.to_string()] })),
        "auth" => talk.key = Some((log_in(house, frame, args(read)?)?, frame.at_ms)),
        begins @ ("subscribe" | "unsubscribe") => {
            let account = caller(house, talk)?.account;
            topic::listen(house, talk, account, begins == "subscribe", args(read)?)?;
        }
        _ => return Err(Error::NO_OP),
    }
    Ok(done)
}

fn trade(house: &mut House<Bybit>, talk: &mut Talk, frame: &Received, read: &Value) -> Reply {
    let act = match op(read)? {
        "ping" => {
            let now = [frame.at_ms.to_string()];
            return Ok(json!({ "retCode": 0, "retMsg": "OK", "op": "pong", "data": now }));
        }
        "auth" if talk.key.is_some() => return Err(Error::REPEATED_LOGIN),
        "auth" => {
            talk.key = Some((log_in(house, frame, args(read)?)?, frame.at_ms));
            return Ok(json!({ "retCode": 0, "retMsg": "OK" }));
        }
        "order.create" => order::create_one,
        "order.cancel" => order::cancel_one,
        "order.create-batch" => order::create_batch,
        "order.cancel-batch" => order::cancel_batch,
        _ => return Err(Error::NO_OP),
    };
    let caller = caller(house, talk)?;
    in_time(&read["header"], frame.at_ms)?;
    let [one] = args(read)? else { return Err(Error::invalid("args")) };
    if !caller.may(Permission::Trade) {
        return Err(Failure::Permission.into());
    }
    let ask = Ask { request: frame, params: Params::of(one), rest: Vec::new(), now: frame.at_ms };
    let mut data = act(house, &ask, &caller)?;
    let parts = data.as_object_mut().and_then(|fields| fields.remove(PARTS));
    let header = json!({ "X-Bapi-Limit": "20", "X-Bapi-Limit-Status": "19", "Timenow": frame.at_ms.to_string(),
                         "X-Bapi-Limit-Reset-Timestamp": frame.at_ms.to_string(), "Traceid": "demo" });
    Ok(json!({ "retCode": 0, "retMsg": "OK", "data": data, "header": header,
               "retExtInfo": parts.map_or(json!({}), |list| json!({ "list": list })) }))
}

fn op(read: &Value) -> Result<&str, Error> {
    read["op"].as_str().ok_or(Error::NO_OP)
}

fn args(read: &Value) -> Result<&[Value], Error> {
    read["args"]
        .as_array()
        .filter(|args| !args.is_empty())
        .map(Vec::as_slice)
        .ok_or_else(|| Error::missing("args"))
}

fn caller(house: &House<Bybit>, talk: &Talk) -> Result<Entry, Error> {
    let key = talk.key.as_ref().and_then(|(key, _)| house.desk.keys.get(key));
    key.cloned().ok_or(Error::NO_LOGIN)
}

/// The key whose log-in this is.
fn log_in(house: &House<Bybit>, frame: &Received, args: &[Value]) -> Result<String, Error> {
    let [key, expires, signature] = args else { return Err(Error::LOGIN) };
    let (Some(key), Some(signature)) = (key.as_str(), signature.as_str()) else { return Err(Error::LOGIN) };
    let expires = expires.as_str().map_or_else(|| expires.to_string(), str::to_owned);
    let entry = house.desk.keys.get(key).ok_or(Error::KEY)?;
    if !entry.admits(frame.peer) {
        return Err(Error::ADDRESS);
    }
    if expires.parse::<i64>().map_err(|_| Error::LOGIN)? <= frame.at_ms {
        return Err(Error::LOGIN);
    }
    match is_signature(entry, format!("GET/realtime{expires}").as_bytes(), signature) {
        true => Ok(entry.key.api_key.clone()),
        false => Err(Error::SIGNATURE),
    }
}

/// A frame says when it was written, and how old it may be.
fn in_time(header: &Value, now: i64) -> Result<(), Error> {
    let number = |name: &str| match &header[name] {
        Value::String(text) => Some(text.parse::<i64>().map_err(|_| Error::invalid(name))),
        Value::Null => None,
        other => Some(other.as_i64().ok_or_else(|| Error::invalid(name))),
    };
    let time = number("X-BAPI-TIMESTAMP").ok_or_else(|| Error::missing("X-BAPI-TIMESTAMP"))??;
    let window = number("X-BAPI-RECV-WINDOW").unwrap_or(Ok(WINDOW_MS))?;
    match (now.saturating_sub(window)..now.saturating_add(AHEAD_MS)).contains(&time) {
        true => Ok(()),
        false => Err(Error::expired(time, now, window)),
    }
}
