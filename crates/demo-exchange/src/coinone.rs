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
use crate::config::{Limits, Permission, Venue};
use crate::floor::Floor;
use crate::house::{Exchange, matches};
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
    pub(crate) fn new(venue: &Venue, limits: &Limits, now: i64) -> Self {
        let floor = Floor::new(venue, limits.restock_ms, now);
        let mut coinone = Self {
            keys: Keys::of(venue, &floor),
            floor,
            nonces: Nonces::default(),
            requests: Budget::new(60_000, limits.requests_1m),
            addresses: Vec::new(),
            withdrawals: Vec::new(),
        };
        for (account, (_, id)) in venue.accounts.iter().zip(coinone.floor.customers()) {
            coinone.addresses.extend(account.addresses.iter().map(|address| (id, address.clone())));
        }
        coinone
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

impl Exchange for Coinone {
    fn answer(&mut self, request: &Received) -> (Answer, Option<Signer>) {
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

    fn named_key(&self, request: &Received) -> Option<String> {
        Payload::parse(request.header("x-coinone-payload")?)?.get("access_token")
    }

    fn rate_limited(&self, _: &Received, _: u32) -> Answer {
        Error::Blocked.answer()
    }

    fn unknown_key(&self, _: &Received) -> Answer {
        Error::AccessTokenInvalid.answer()
    }

    fn floor(&self) -> &Floor {
        &self.floor
    }

    fn floor_mut(&mut self) -> &mut Floor {
        &mut self.floor
    }

    fn keys(&self) -> &Keys {
        &self.keys
    }

    fn keys_mut(&mut self) -> &mut Keys {
        &mut self.keys
    }
}

fn find(path: &str) -> Option<(&'static Route, Vec<String>)> {
    let routes = [account::ROUTES, order::ROUTES, legacy::ROUTES].into_iter().flatten();
    routes.into_iter().find_map(|route| Some((route, matches(route.path, path)?)))
}

fn success(fields: Value, old: bool) -> Answer {
    let code = if old { "errorCode" } else { "error_code" };
    let mut body = Map::from_iter([("result".to_owned(), json!("success")), (code.to_owned(), json!("0"))]);
    if let Value::Object(fields) = fields {
        body.extend(fields);
    }
    Answer::json(200, &Value::Object(body))
}
