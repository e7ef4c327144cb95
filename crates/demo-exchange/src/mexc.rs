//! MEXC's spot API, version 3, as far as clients call it, and the few calls about contracts that they make on the
//! way: there are no contracts here.
//!
//! Spot answers come bare and refusals with an HTTP status; contract answers are wrapped and always come with 200.

mod account;
mod auth;
mod contract;
mod error;
mod history;
mod order;
mod public;

use serde_json::{Value, json};

use self::error::Error;
use crate::house::{self, Ask, Auth, Desk, Dialect, Failure, House, Route};
use crate::key::Entry;
use crate::params::Params;
use crate::request::{Answer, Received};

#[derive(Default)]
pub(crate) struct Mexc;

type Reply = house::Reply<Mexc>;

impl Dialect for Mexc {
    const ID: &'static str = "mexc";
    const ROUTES: &'static [&'static [Route<Self>]] =
        &[public::ROUTES, account::ROUTES, order::ROUTES, history::ROUTES, contract::ROUTES];

    fn success(body: Value, request: &Received) -> Answer {
        if is_contract(request) {
            Answer::json(200, &json!({ "success": true, "code": 0, "data": body }))
        } else {
            Answer::json(200, &body)
        }
    }

    fn refusal(error: Error, request: &Received) -> Answer {
        error.answer(is_contract(request))
    }

    fn rate_limited(request: &Received, _: u32) -> Answer {
        let contract = is_contract(request);
        let error = if contract { Error::CONTRACT_TOO_MANY } else { Failure::TooMany.into() };
        error.answer(contract)
    }
}

impl Auth for Mexc {
    type Error = Error;

    fn named(request: &Received) -> Option<String> {
        let header = if is_contract(request) { "apikey" } else { "x-mexc-apikey" };
        request.header(header).map(str::to_owned)
    }

    fn is_signed_by(entry: &Entry, request: &Received) -> Option<bool> {
        match is_contract(request) {
            true => contract::is_signed_by(entry, request),
            false => auth::is_signed_by(entry, request),
        }
    }

    fn admit(desk: &mut Desk, request: &Received, signer: Option<&Entry>) -> Result<Entry, Error> {
        match is_contract(request) {
            true => contract::admit(desk, request, signer),
            false => auth::admit(desk, request, signer),
        }
    }
}

fn is_contract(request: &Received) -> bool {
    request.path.starts_with("/api/v1/")
}

impl House<Mexc> {
    fn symbol(&self, symbol: &str) -> Result<usize, Error> {
        self.desk.floor.pair_index(symbol).ok_or(Error::SYMBOL)
    }

    /// The pair of a call that is about one.
    fn asked_symbol(&self, ask: &Ask) -> Result<usize, Error> {
        self.symbol(&need(&ask.params, "symbol")?)
    }
}

/// A parameter the call cannot do without.
fn need(params: &Params, name: &str) -> Result<String, Error> {
    params.text(name).ok_or_else(|| Error::parameter(name))
}

/// A whole number, if the request has it.
fn integer(ask: &Ask, name: &str) -> Result<Option<i64>, Error> {
    ask.params.integer(name).map_err(|_| Error::parameter(name))
}

/// How many entries of a list are wanted; more than the most is the most.
fn limit(ask: &Ask, usual: usize, most: usize) -> Result<usize, Error> {
    let limit = ask.params.count("limit", usual, usize::MAX);
    limit.map(|limit| limit.min(most)).ok_or_else(|| Error::parameter("limit"))
}
