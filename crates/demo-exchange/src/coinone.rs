//! Coinone's API, as far as client libraries call it: public reads under `/public/v2`, private calls under
//! `/v2.1` and the old `/v2`, every one of them a `POST`.

mod account;
mod auth;
mod error;
mod legacy;
mod order;
mod public;

use std::net::IpAddr;

use hyper::Method;
use serde_json::{Map, Value, json};

use self::auth::{Nonces, Payload};
use self::error::Error;
use crate::budget::Budget;
use crate::config::{Config, Permission};
use crate::floor::Floor;
use crate::key::{Entry, Keys};
use crate::request::{Answer, Received, Signer};

pub(crate) struct Coinone {
    pub(crate) floor: Floor,
    pub(crate) keys: Keys,
    nonces: Nonces,
    requests: Budget<IpAddr>,
    addresses: Vec<(usize, String)>,
    withdrawals: Vec<account::Withdrawal>,
}

/// A private call, its caller known.
struct Call {
    payload: Payload,
    caller: Entry,
    /// What stood in the path where the route has `*`.
    rest: Vec<String>,
    now: i64,
}

/// The fields of a successful answer, without `result` and the code.
type Reply = Result<Value, Error>;

struct Route {
    path: &'static str,
    permission: Permission,
    handler: fn(&mut Coinone, &Call) -> Reply,
}

impl Coinone {
    pub(crate) fn new(config: &Config, now: i64) -> Self {
        let mut coinone = Self {
            floor: Floor::new(&config.coinone, config.limits.restock_ms, now),
            keys: Keys::default(),
            nonces: Nonces::default(),
            requests: Budget::new(60_000, config.limits.requests_1m),
            addresses: Vec::new(),
            withdrawals: Vec::new(),
        };
        let names: Vec<_> = coinone.floor.customers().map(|(name, id)| (name.to_owned(), id)).collect();
        for (account, (name, id)) in config.coinone.accounts.iter().zip(names) {
            coinone.addresses.extend(account.addresses.iter().map(|address| (id, address.clone())));
            for key in &account.keys {
                coinone.keys.insert(id, &name, key.clone());
            }
        }
        coinone
    }

    /// Answers, and says whose signature the request carried.
    pub(crate) fn answer(&mut self, request: &Received) -> (Answer, Option<Signer>) {
        self.floor.tick(request.at_ms);
        let old = request.path.starts_with("/v2/");
        let signer = auth::signer(&self.keys, request, old).map(|entry| entry.signer("coinone"));
        let reply = match self.requests.spend(request.peer, 1, request.at_ms) {
            Ok(_) => self.reply(request, old, signer.is_some()),
            Err(_) => Err(Error::Blocked),
        };
        let answer = match reply {
            Ok(fields) => success(fields, old),
            Err(error) => error.answer(),
        };
        (answer, signer)
    }

    fn reply(&mut self, request: &Received, old: bool, verified: bool) -> Reply {
        if request.method == Method::GET {
            return public::answer(self, request);
        }
        let (route, rest) =
            find(&request.path).filter(|_| request.method == Method::POST).ok_or(Error::NoPage)?;
        let (caller, payload) = auth::demand(&self.keys, request, verified)?;
        self.nonces.spend(&payload, old)?;
        if !caller.may(route.permission) {
            return Err(Error::Permission);
        }
        (route.handler)(self, &Call { payload, caller, rest, now: request.at_ms })
    }
}

/// The access token inside a payload text.
pub(crate) fn access_token(payload: &str) -> Option<String> {
    Payload::parse(payload)?.get("access_token")
}

fn find(path: &str) -> Option<(&'static Route, Vec<String>)> {
    let routes = [account::ROUTES, order::ROUTES, legacy::ROUTES].into_iter().flatten();
    routes.into_iter().find_map(|route| Some((route, matches(route.path, path)?)))
}

/// The segments that stand for `*`; `None` if the path is another.
fn matches(pattern: &str, path: &str) -> Option<Vec<String>> {
    let (pattern, path): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
    let fits = |(known, given): &(&&str, &&str)| **known == "*" || known == given;
    if pattern.len() != path.len() || !pattern.iter().zip(&path).all(|pair| fits(&pair)) {
        return None;
    }
    let stars = pattern.iter().zip(path).filter(|(known, _)| **known == "*");
    Some(stars.map(|(_, given)| given.to_owned()).collect())
}

fn success(fields: Value, old: bool) -> Answer {
    let code = if old { "errorCode" } else { "error_code" };
    let mut body = Map::from_iter([("result".to_owned(), json!("success")), (code.to_owned(), json!("0"))]);
    if let Value::Object(fields) = fields {
        body.extend(fields);
    }
    Answer::json(200, &Value::Object(body))
}
