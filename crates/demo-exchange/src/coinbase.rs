//! Coinbase: Advanced Trade under `/api/v3/brokerage` and the app's older API under `/v2`, with the same keys.

mod account;
mod auth;
mod config;
mod error;
mod order;
mod public;
mod show;
mod transfer;

use hyper::Method;
use serde_json::Value;

use self::error::Error;
use crate::house::{self, Dialect, Failure, Route};
use crate::request::{Answer, Received};

#[derive(Default)]
pub(crate) struct Coinbase;

type Reply = house::Reply<Coinbase>;

impl Dialect for Coinbase {
    const ID: &'static str = "coinbase";
    const ROUTES: &'static [&'static [Route<Self>]] =
        &[public::ROUTES, public::SIGNED, order::ROUTES, account::ROUTES, transfer::ROUTES];

    fn success(body: Value, request: &Received) -> Answer {
        let created = request.method == Method::POST && is_old(request);
        limited(Answer::json(if created { 201 } else { 200 }, &body))
    }

    fn refusal(error: Error, request: &Received) -> Answer {
        limited(error.answer(request))
    }

    fn rate_limited(request: &Received, retry_after_s: u32) -> Answer {
        let answer = Self::refusal(Failure::TooMany.into(), request);
        answer.with("x-ratelimit-remaining", 0).with("x-ratelimit-reset", retry_after_s)
    }
}

/// Whether the call is one of the app's API.
fn is_old(request: &Received) -> bool {
    request.path.starts_with("/v2/")
}

/// With what is left of the budget, which never runs out here.
fn limited(answer: Answer) -> Answer {
    let answer = answer.with("x-ratelimit-limit", 30).with("x-ratelimit-remaining", 29);
    answer.with("x-ratelimit-reset", 1)
}
