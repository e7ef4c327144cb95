//! Binance's spot and wallet API, as far as client libraries call it: a table of routes, each with who may
//! call it, its weight, the parameters it reads and the function that answers.

mod account;
mod auth;
mod candles;
mod error;
mod order;
mod param;
mod public;
mod replace;
mod show;
mod socket;
mod stream;
mod wallet;

use std::net::IpAddr;

use serde_json::{Value, json};

use self::error::Error;
use self::param::Params;
use crate::budget::{Budget, Spent};
use crate::config::{Limits, Permission, Venue};
use crate::floor::{AccountId, Floor};
use crate::house::Exchange;
use crate::key::{Entry, Keys};
use crate::request::{Answer, Received, Signer};
use crate::socket::{Said, Talk};

pub(crate) struct Binance {
    pub(crate) floor: Floor,
    pub(crate) keys: Keys,
    weight: Budget<IpAddr>,
    /// The wallet API counts apart, and allows twice as much.
    wallet_weight: Budget<IpAddr>,
    orders: Budget<AccountId>,
    orders_today: Budget<AccountId>,
    wallet: wallet::Ledger,
}

/// A signed call, its caller known.
struct Call<'a> {
    params: &'a Params,
    caller: &'a Entry,
    now: i64,
}

type Reply = Result<Value, Error>;

#[derive(Clone, Copy)]
enum Access {
    /// Anyone, without any parameter it does not know.
    Public(fn(&Binance, &Params, i64) -> Reply),
    /// Whoever names a key; no signature.
    Keyed(fn(&Binance, &Params, i64) -> Reply),
    Signed(Permission, fn(&mut Binance, &Call) -> Reply),
}

struct Route {
    method: &'static str,
    path: &'static str,
    weight: u32,
    /// `None`: anything is accepted and what is not known is ignored, as the wallet API does.
    params: Option<&'static [&'static str]>,
    access: Access,
}

impl Binance {
    pub(crate) fn new(venue: &Venue, limits: &Limits, now: i64) -> Self {
        let floor = Floor::new(venue, limits.restock_ms, now);
        Self {
            keys: Keys::of(venue, &floor),
            floor,
            weight: Budget::new(60_000, limits.weight_1m),
            wallet_weight: Budget::new(60_000, limits.weight_1m.map(|limit| limit * 2)),
            orders: Budget::new(10_000, limits.orders_10s),
            orders_today: Budget::new(86_400_000, None),
            wallet: wallet::Ledger::default(),
        }
    }

    fn run(&mut self, route: &Route, request: &Received, verified: bool) -> Answer {
        match self.reply(route, request, verified) {
            Ok((body, orders)) => {
                let answer = Answer::json(200, &body);
                orders.into_iter().fold(answer, |answer, (name, count)| answer.with(name, count))
            }
            Err(error) => error.answer(),
        }
    }

    fn reply(
        &mut self,
        route: &Route,
        request: &Received,
        verified: bool,
    ) -> Result<(Value, OrderCounts), Error> {
        let params = Params::parse(request)?;
        let now = request.at_ms;
        match route.access {
            Access::Public(handler) => {
                route.params.map_or(Ok(()), |known| params.only(known))?;
                Ok((handler(self, &params, now)?, Vec::new()))
            }
            Access::Keyed(handler) => {
                auth::key(&self.keys, request)?;
                route.params.map_or(Ok(()), |known| params.only(known))?;
                Ok((handler(self, &params, now)?, Vec::new()))
            }
            Access::Signed(permission, handler) => {
                let caller =
                    auth::demand(&self.keys, request, &params, verified)?.permitted(permission)?.clone();
                let known =
                    route.params.map(|known| [known, &["timestamp", "recvWindow", "signature"]].concat());
                known.map_or(Ok(()), |known| params.only(&known))?;
                let orders = self.count_orders(route, caller.account, now)?;
                Ok((handler(self, &Call { params: &params, caller: &caller, now })?, orders))
            }
        }
    }

    fn count_orders(&mut self, route: &Route, account: AccountId, now: i64) -> Result<OrderCounts, Error> {
        if route.method != "POST" || route.path != "/api/v3/order" {
            return Ok(Vec::new());
        }
        let recent = self.orders.spend(account, 1, now).map_err(|spent| Error::too_many_orders(&spent))?;
        let today =
            self.orders_today.spend(account, 1, now).map_err(|spent| Error::too_many_orders(&spent))?;
        Ok(vec![("x-mbx-order-count-10s", recent), ("x-mbx-order-count-1d", today)])
    }
}

impl Exchange for Binance {
    fn answer(&mut self, request: &Received) -> (Answer, Option<Signer>) {
        self.floor.tick(request.at_ms);
        let signer = auth::signer(&self.keys, request).map(|entry| entry.signer("binance"));
        let Some(route) = find(request) else { return (no_route(request), signer) };
        let budget = if is_wallet(&request.path) { &mut self.wallet_weight } else { &mut self.weight };
        let used = budget.spend(request.peer, route.weight, request.at_ms);
        let answer = match used {
            Ok(used) => self.run(route, request, signer.is_some()).with_weight(&request.path, used),
            Err(spent) => Error::too_much_weight(&spent).answer(),
        };
        (answer, signer)
    }

    fn named_key(&self, request: &Received) -> Option<String> {
        request.header("x-mbx-apikey").map(str::to_owned)
    }

    fn rate_limited(&self, _: &Received, retry_after_s: u32) -> Answer {
        Error::too_much_weight(&Spent { limit: 6000, retry_after_s: retry_after_s.into() }).answer()
    }

    fn unknown_key(&self, _: &Received) -> Answer {
        Error::key().answer()
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

    fn talks_at(&self, path: &str) -> bool {
        path == "/ws-api/v3"
    }

    fn hear(&mut self, talk: &mut Talk, frame: &Received) -> Option<Said> {
        self.floor.tick(frame.at_ms);
        Some(socket::hear(self, talk, frame))
    }

    fn limited_frame(&self, frame: &Received, retry_after_s: u32) -> Option<Said> {
        let spent = Spent { limit: 6000, retry_after_s: retry_after_s.into() };
        Some(socket::limited(frame, &Error::too_much_weight(&spent)))
    }

    fn news(&mut self, talk: &mut Talk, now: i64) -> Vec<String> {
        stream::news(&self.floor, talk, now)
    }
}

type OrderCounts = Vec<(&'static str, u32)>;

impl Route {
    const fn get(path: &'static str, weight: u32, params: &'static [&'static str], access: Access) -> Self {
        Self { method: "GET", path, weight, params: Some(params), access }
    }

    const fn post(path: &'static str, weight: u32, params: &'static [&'static str], access: Access) -> Self {
        Self { method: "POST", ..Self::get(path, weight, params, access) }
    }

    const fn delete(
        path: &'static str,
        weight: u32,
        params: &'static [&'static str],
        access: Access,
    ) -> Self {
        Self { method: "DELETE", ..Self::get(path, weight, params, access) }
    }

    /// Accepts any parameter.
    const fn lenient(self) -> Self {
        Self { params: None, ..self }
    }
}

impl Answer {
    fn with_weight(self, path: &str, used: u32) -> Self {
        match is_wallet(path) {
            true => self.with("x-sapi-used-ip-weight-1m", used),
            false => self.with("x-mbx-used-weight", used).with("x-mbx-used-weight-1m", used),
        }
    }
}

fn is_wallet(path: &str) -> bool {
    path.starts_with("/sapi/")
}

fn routes() -> impl Iterator<Item = &'static Route> {
    [public::ROUTES, account::ROUTES, order::ROUTES, replace::ROUTES, wallet::ROUTES].into_iter().flatten()
}

fn find(request: &Received) -> Option<&'static Route> {
    routes().find(|route| route.method == request.method.as_str() && route.path == request.path)
}

fn no_route(request: &Received) -> Answer {
    if routes().any(|route| route.path == request.path) {
        let msg = format!("Request method '{}' not supported", request.method);
        return Answer::json(405, &json!({ "code": -1000, "msg": msg }));
    }
    Answer::json(
        404,
        &json!({ "timestamp": request.at_ms, "status": 404, "error": "Not Found",
                 "message": "No message available", "path": request.path }),
    )
}
