//! The WebSocket API: a frame names a method and its parameters, and most methods are endpoints of the HTTP API.
//!
//! The signature covers the parameters but itself, sorted by name and joined as `name=value&…`, nothing encoded.

use hyper::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::error::Error;
use super::{Binance, auth, find};
use crate::check;
use crate::config::{Credential, Permission};
use crate::key::Entry;
use crate::request::Received;
use crate::socket::{Said, Subscription, Talk};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Frame {
    id: Value,
    method: String,
    #[serde(default)]
    params: Map<String, Value>,
}

/// Methods that are endpoints of the HTTP API.
const ENDPOINTS: [(&str, &str, &str); 16] = [
    ("account.status", "GET", "/api/v3/account"),
    ("allOrders", "GET", "/api/v3/allOrders"),
    ("depth", "GET", "/api/v3/depth"),
    ("exchangeInfo", "GET", "/api/v3/exchangeInfo"),
    ("myTrades", "GET", "/api/v3/myTrades"),
    ("klines", "GET", "/api/v3/klines"),
    ("openOrders.cancelAll", "DELETE", "/api/v3/openOrders"),
    ("openOrders.status", "GET", "/api/v3/openOrders"),
    ("order.cancel", "DELETE", "/api/v3/order"),
    ("order.cancelReplace", "POST", "/api/v3/order/cancelReplace"),
    ("order.place", "POST", "/api/v3/order"),
    ("order.status", "GET", "/api/v3/order"),
    ("order.test", "POST", "/api/v3/order/test"),
    ("ping", "GET", "/api/v3/ping"),
    ("ticker.price", "GET", "/api/v3/ticker/price"),
    ("time", "GET", "/api/v3/time"),
];

pub(super) fn hear(binance: &mut Binance, talk: &mut Talk, frame: &Received) -> Said {
    let Ok(mut read) = serde_json::from_slice::<Frame>(&frame.body) else {
        return invalid(frame);
    };
    let plain = read.id.is_null() || read.id.is_i64() || read.id.is_u64() || read.id.is_string();
    if !plain {
        return invalid(frame);
    }
    let signer = signer(binance, talk, &read.params).cloned();
    read.params.remove("returnRateLimits");
    let reply = reply(binance, talk, frame, &read, signer.as_ref());
    let account = signer.as_ref().map(|entry| entry.account);
    let told = said(&read.id, reply, signer, frame.at_ms);
    let mut limits =
        vec![limit("REQUEST_WEIGHT", "MINUTE", 1, binance.weight.used(&frame.peer, frame.at_ms))];
    if let Some(account) = account.filter(|_| read.method == "order.place") {
        limits.push(limit("ORDERS", "SECOND", 10, binance.orders.used(&account, frame.at_ms)));
    }
    told.with("rateLimits", Value::Array(limits))
}

/// As the exchange refuses who asks too often.
pub(super) fn limited(frame: &Received, error: &Error) -> Said {
    let read: Value = serde_json::from_slice(&frame.body).unwrap_or_default();
    let told = json!({ "id": read["id"], "status": error.status(), "error": error.told(frame.at_ms) });
    let code = Some(error.code().to_string());
    Said { text: told.to_string(), signer: None, status: error.status(), error: code }
}

fn invalid(frame: &Received) -> Said {
    said(&Value::Null, Err(Error::bad(-1135, "Invalid JSON Request")), None, frame.at_ms)
}

fn limit(kind: &str, interval: &str, number: u32, count: u32) -> Value {
    json!({ "rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": 6000, "count": count })
}

fn said(id: &Value, reply: Result<Value, Error>, signer: Option<Entry>, now: i64) -> Said {
    let signer = signer.map(|entry| entry.signer("binance"));
    match reply {
        Ok(result) => {
            let told = json!({ "id": id, "status": 200, "result": result });
            Said { text: told.to_string(), signer, status: 200, error: None }
        }
        Err(error) => {
            let told = json!({ "id": id, "status": error.status(), "error": error.told(now) });
            let (status, error) = (error.status(), Some(error.code().to_string()));
            Said { text: told.to_string(), signer, status, error }
        }
    }
}

impl Said {
    fn with(mut self, name: &str, value: Value) -> Self {
        let mut told: Value = serde_json::from_str(&self.text).unwrap_or_default();
        told[name] = value;
        self.text = told.to_string();
        self
    }
}

/// The key whose signature the frame carries, or the session's where it names none.
fn signer<'a>(binance: &'a Binance, talk: &Talk, params: &Map<String, Value>) -> Option<&'a Entry> {
    match (params.get("apiKey").and_then(Value::as_str), params.get("signature").and_then(Value::as_str)) {
        (Some(key), Some(signature)) => {
            let entry = binance.keys.get(key)?;
            check::binance(&entry.key.credential, payload(params).as_bytes(), signature).then_some(entry)
        }
        (None, None) => binance.keys.get(&talk.key.as_ref()?.0),
        _ => None,
    }
}

fn payload(params: &Map<String, Value>) -> String {
    let mut pairs: Vec<String> = Vec::new();
    let mut names: Vec<&String> = params.keys().filter(|name| *name != "signature").collect();
    names.sort();
    for name in names {
        pairs.push(format!("{name}={}", text(&params[name])));
    }
    pairs.join("&")
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn reply(
    binance: &mut Binance,
    talk: &mut Talk,
    frame: &Received,
    read: &Frame,
    signer: Option<&Entry>,
) -> Result<Value, Error> {
    let request = as_request(talk, frame, read)?;
    match read.method.as_str() {
        "session.logon" => {
            let entry = demand(binance, &request, signer)?;
            if !matches!(entry.key.credential, Credential::Ed25519(_)) {
                return Err(Error::bad(-1022, "Only Ed25519 keys can log on."));
            }
            talk.key = Some((entry.key.api_key.clone(), frame.at_ms));
            Ok(session(talk, frame.at_ms))
        }
        "session.status" => Ok(session(talk, frame.at_ms)),
        "session.logout" => {
            talk.key = None;
            Ok(session(talk, frame.at_ms))
        }
        "userDataStream.subscribe" if talk.key.is_none() => Err(Error::key()),
        "userDataStream.subscribe" | "userDataStream.subscribe.signature" => {
            let account = demand(binance, &request, signer)?.account;
            let id = talk.subscribed;
            if talk.subscriptions.is_empty() {
                talk.told = binance.floor.journal().last();
            }
            talk.subscribed += 1;
            talk.subscriptions.push(Subscription { id, account, arg: Value::Null });
            Ok(json!({ "subscriptionId": id }))
        }
        "userDataStream.unsubscribe" => {
            let id = read.params.get("subscriptionId").and_then(Value::as_u64);
            talk.subscriptions.retain(|one| id.is_some_and(|id| one.id != id));
            Ok(json!({}))
        }
        "session.subscriptions" => {
            Ok(talk.subscriptions.iter().map(|one| json!({ "subscriptionId": one.id })).collect())
        }
        method => endpoint(binance, method, request, signer),
    }
}

fn demand(binance: &Binance, request: &Received, signer: Option<&Entry>) -> Result<Entry, Error> {
    let params = super::Params::parse(request)?;
    auth::demand(&binance.keys, request, &params, signer.is_some())?.permitted(Permission::Read).cloned()
}

fn endpoint(
    binance: &mut Binance,
    method: &str,
    mut request: Received,
    signer: Option<&Entry>,
) -> Result<Value, Error> {
    let unknown = || Error::bad(-1000, "Unknown method.");
    let (_, verb, path) = ENDPOINTS.into_iter().find(|(name, ..)| *name == method).ok_or_else(unknown)?;
    request.method = verb.parse().unwrap_or(Method::GET);
    request.path = path.to_owned();
    let route = find(&request).ok_or_else(unknown)?;
    let weighed = binance.weight.spend(request.peer, route.weight, request.at_ms);
    weighed.map_err(|spent| Error::too_much_weight(&spent))?;
    binance.reply(route, &request, signer.is_some()).map(|(result, _)| result)
}

fn session(talk: &Talk, now: i64) -> Value {
    let (key, since) = talk.key.clone().unzip();
    json!({ "apiKey": key, "authorizedSince": since, "connectedSince": talk.opened_ms, "returnRateLimits": true,
            "serverTime": now, "userDataStream": !talk.subscriptions.is_empty() })
}

/// The frame as the HTTP API would have it: the key in its header, everything else in the query. A session stands
/// for the signature that the API demands.
fn as_request(talk: &Talk, frame: &Received, read: &Frame) -> Result<Received, Error> {
    let mut pairs = Vec::new();
    for (name, value) in read.params.iter().filter(|(name, _)| *name != "apiKey") {
        if value.is_array() || value.is_object() || value.is_null() {
            return Err(Error::data(name));
        }
        pairs.push(format!("{name}={}", escape(&text(value))));
    }
    let own = read.params.get("apiKey").map(text);
    if own.is_none() && talk.key.is_some() && read.params.contains_key("timestamp") {
        pairs.push("signature=session".to_owned());
    }
    let key = own.or_else(|| talk.key.as_ref().map(|(key, _)| key.clone()));
    Ok(Received {
        method: Method::GET,
        path: frame.path.clone(),
        query: pairs.join("&"),
        headers: key.map(|key| ("x-mbx-apikey".to_owned(), key)).into_iter().collect(),
        body: Vec::new(),
        peer: frame.peer,
        at_ms: frame.at_ms,
    })
}

fn escape(text: &str) -> String {
    let byte = |byte: u8| match byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
