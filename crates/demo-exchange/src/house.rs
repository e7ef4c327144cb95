//! What every exchange that came after the first two is made of: a floor, keys and a table of routes, and a
//! [`Dialect`] that says how requests are signed and how answers are worded.
//!
//! A request passes: whose signature is it, is there such a route, may this caller use it, what does the
//! handler say. The dialect decides the words and the order of the exchange's own checks.

use serde_json::Value;

use crate::check::Nonces;
use crate::config::{Limits, Permission, Venue};
use crate::floor::{AccountId, Floor};
use crate::key::{Entry, Keys};
use crate::params::Params;
use crate::request::{Answer, Received, Signer};
use crate::socket::{Said, Talk};

/// One of the exchanges behind the ports.
pub(crate) trait Exchange: Send {
    /// Answers, and says whose signature the request carried.
    fn answer(&mut self, request: &Received) -> (Answer, Option<Signer>);
    /// The key that the request names, whether there is one or not.
    fn named_key(&self, request: &Received) -> Option<String>;
    /// How it refuses who asks too often.
    fn rate_limited(&self, request: &Received, retry_after_s: u32) -> Answer;
    /// How it refuses a key that it does not know.
    fn unknown_key(&self, request: &Received) -> Answer;
    fn floor(&self) -> &Floor;
    fn floor_mut(&mut self) -> &mut Floor;
    fn keys(&self) -> &Keys;
    fn keys_mut(&mut self) -> &mut Keys;

    /// Whether clients talk over a WebSocket at this path.
    fn talks_at(&self, _path: &str) -> bool {
        false
    }

    /// Answers a frame, if this exchange is one to talk to.
    fn hear(&mut self, _talk: &mut Talk, _frame: &Received) -> Option<Said> {
        None
    }

    /// How it refuses the frame of who asks too often, where that is told.
    fn limited_frame(&self, _frame: &Received, _retry_after_s: u32) -> Option<Said> {
        None
    }

    /// What has happened since, for the subscriptions of a talk.
    fn news(&mut self, _talk: &mut Talk, _now: i64) -> Vec<String> {
        Vec::new()
    }
}

/// How one exchange knows who asks.
pub(crate) trait Auth {
    type Error: From<Failure>;

    /// The key that the request names, whether there is one or not.
    fn named(request: &Received) -> Option<String>;

    /// Whether the request carries the signature of this key, judged over the received bytes alone; `None` if a
    /// part of it is missing. Whether its time, nonce and address are right is another question.
    fn is_signed_by(entry: &Entry, request: &Received) -> Option<bool>;

    /// Demands a known key in a fresh request whose signature was found to hold (`signer`), in the order in
    /// which the exchange looks at these.
    fn admit(desk: &mut Desk, request: &Received, signer: Option<&Entry>) -> Result<Entry, Self::Error>;
}

/// How one exchange is spoken to.
pub(crate) trait Dialect: Auth + Default + Send + Sized + 'static {
    const ID: &'static str;
    const ROUTES: &'static [&'static [Route<Self>]];

    /// What a handler gave, as it goes out.
    fn success(body: Value, _request: &Received) -> Answer {
        Answer::json(200, &body)
    }

    fn refusal(error: Self::Error, request: &Received) -> Answer;

    /// Whether clients talk over a WebSocket at this path.
    fn talks_at(_path: &str) -> bool {
        false
    }

    /// Answers a frame, if this exchange is one to talk to.
    fn hear(_house: &mut House<Self>, _talk: &mut Talk, _frame: &Received) -> Option<Said> {
        None
    }

    /// What has happened since, for the subscriptions of a talk.
    fn news(_house: &House<Self>, _talk: &mut Talk, _now: i64) -> Vec<String> {
        Vec::new()
    }

    /// How it refuses who asks too often. Most do not say when to ask again.
    fn rate_limited(request: &Received, _retry_after_s: u32) -> Answer {
        Self::refusal(Failure::TooMany.into(), request)
    }
}

/// Why a request does not reach a handler, or must not. Each dialect has its own words for it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Failure {
    /// The body cannot be read.
    Body,
    NoRoute,
    /// The key is not allowed to do this.
    Permission,
    /// Asked too often.
    TooMany,
    /// There is no such key.
    UnknownKey,
}

/// The ledgers of one exchange.
pub(crate) struct Desk {
    pub(crate) floor: Floor,
    pub(crate) keys: Keys,
    pub(crate) nonces: Nonces,
    pub(crate) withdrawals: Vec<Withdrawal>,
}

/// Money that left.
#[derive(Clone, Debug)]
pub(crate) struct Withdrawal {
    pub(crate) account: AccountId,
    pub(crate) asset: String,
    pub(crate) amount: rust_decimal::Decimal,
    pub(crate) address: String,
}

/// An exchange: its ledgers, and how it speaks.
pub(crate) struct House<D> {
    pub(crate) desk: Desk,
    pub(crate) dialect: D,
}

/// What was asked for, read once.
pub(crate) struct Ask<'a> {
    pub(crate) request: &'a Received,
    pub(crate) params: Params,
    /// What stood in the path where the route has `*`.
    pub(crate) rest: Vec<String>,
    pub(crate) now: i64,
}

pub(crate) type Reply<D> = Result<Value, <D as Auth>::Error>;

pub(crate) struct Route<D: Dialect> {
    method: &'static str,
    path: &'static str,
    access: Access<D>,
}

enum Access<D: Dialect> {
    Public(fn(&mut House<D>, &Ask) -> Reply<D>),
    /// Without a permission: for any key.
    Signed(Option<Permission>, fn(&mut House<D>, &Ask, &Entry) -> Reply<D>),
}

impl<D: Dialect> Route<D> {
    /// For anyone. A `*` in the path stands for one segment.
    pub(crate) const fn public(path: &'static str, handler: fn(&mut House<D>, &Ask) -> Reply<D>) -> Self {
        Self { method: "GET", path, access: Access::Public(handler) }
    }

    /// For a signed request whose key has the permission.
    pub(crate) const fn signed(
        method: &'static str,
        path: &'static str,
        permission: Permission,
        handler: fn(&mut House<D>, &Ask, &Entry) -> Reply<D>,
    ) -> Self {
        Self { method, path, access: Access::Signed(Some(permission), handler) }
    }

    /// For a signed request of any key.
    pub(crate) const fn any_key(
        method: &'static str,
        path: &'static str,
        handler: fn(&mut House<D>, &Ask, &Entry) -> Reply<D>,
    ) -> Self {
        Self { method, path, access: Access::Signed(None, handler) }
    }
}

impl Desk {
    fn new(venue: &Venue, limits: &Limits, now: i64) -> Self {
        let floor = Floor::new(venue, limits.restock_ms, now);
        let keys = Keys::of(venue, &floor);
        Self { floor, keys, nonces: Nonces::default(), withdrawals: Vec::new() }
    }

    /// Sends free money out of the exchange; the number of the withdrawal, counted from 1, or `None` if there
    /// is not enough.
    pub(crate) fn withdraw(&mut self, withdrawal: Withdrawal) -> Option<usize> {
        self.floor.withdraw(withdrawal.account, &withdrawal.asset, withdrawal.amount).ok()?;
        self.withdrawals.push(withdrawal);
        Some(self.withdrawals.len())
    }
}

impl<D: Dialect> House<D> {
    pub(crate) fn new(venue: &Venue, limits: &Limits, now: i64) -> Self {
        Self { desk: Desk::new(venue, limits, now), dialect: D::default() }
    }

    /// The key that the request names, if there is one.
    fn named(&self, request: &Received) -> Option<&Entry> {
        self.desk.keys.get(&D::named(request)?)
    }

    fn reply(&mut self, request: &Received, signer: Option<&Entry>) -> Reply<D> {
        let (route, rest) = find::<D>(request).ok_or(Failure::NoRoute)?;
        let caller = match &route.access {
            Access::Public(_) => None,
            Access::Signed(..) => Some(D::admit(&mut self.desk, request, signer)?),
        };
        let params = Params::parse(request).ok_or(Failure::Body)?;
        let ask = Ask { request, params, rest, now: request.at_ms };
        match (&route.access, caller) {
            (Access::Public(handler), _) => handler(self, &ask),
            (Access::Signed(needed, handler), Some(caller))
                if needed.is_none_or(|needed| caller.may(needed)) =>
            {
                handler(self, &ask, &caller)
            }
            (Access::Signed(..), _) => Err(Failure::Permission.into()),
        }
    }
}

impl<D: Dialect> Exchange for House<D> {
    fn answer(&mut self, request: &Received) -> (Answer, Option<Signer>) {
        self.desk.floor.tick(request.at_ms);
        let signed = |entry: &&Entry| D::is_signed_by(entry, request) == Some(true);
        let caller = self.named(request).filter(signed).cloned();
        let answer = match self.reply(request, caller.as_ref()) {
            Ok(body) => D::success(body, request),
            Err(error) => D::refusal(error, request),
        };
        (answer, caller.map(|entry| entry.signer(D::ID)))
    }

    fn named_key(&self, request: &Received) -> Option<String> {
        D::named(request)
    }

    fn rate_limited(&self, request: &Received, retry_after_s: u32) -> Answer {
        D::rate_limited(request, retry_after_s)
    }

    fn unknown_key(&self, request: &Received) -> Answer {
        D::refusal(Failure::UnknownKey.into(), request)
    }

    fn floor(&self) -> &Floor {
        &self.desk.floor
    }

    fn floor_mut(&mut self) -> &mut Floor {
        &mut self.desk.floor
    }

    fn keys(&self) -> &Keys {
        &self.desk.keys
    }

    fn keys_mut(&mut self) -> &mut Keys {
        &mut self.desk.keys
    }

    fn talks_at(&self, path: &str) -> bool {
        D::talks_at(path)
    }

    fn hear(&mut self, talk: &mut Talk, frame: &Received) -> Option<Said> {
        self.desk.floor.tick(frame.at_ms);
        D::hear(self, talk, frame)
    }

    fn news(&mut self, talk: &mut Talk, now: i64) -> Vec<String> {
        D::news(self, talk, now)
    }
}

/// The first route that fits; a route without `*` before one with it belongs first in its table.
fn find<D: Dialect>(request: &Received) -> Option<(&'static Route<D>, Vec<String>)> {
    let routes = D::ROUTES.iter().flat_map(|table| table.iter());
    let mut routes = routes.filter(|route| route.method == request.method.as_str());
    routes.find_map(|route| Some((route, matches(route.path, &request.path)?)))
}

/// The segments that stand for `*`; `None` if the path is another.
pub(crate) fn matches(pattern: &str, path: &str) -> Option<Vec<String>> {
    let (pattern, path): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
    let fits = |(known, given): &(&&str, &&str)| **known == "*" || known == given;
    if pattern.len() != path.len() || !pattern.iter().zip(&path).all(|pair| fits(&pair)) {
        return None;
    }
    let stars = pattern.iter().zip(path).filter(|(known, _)| **known == "*");
    Some(stars.map(|(_, given)| given.to_owned()).collect())
}
