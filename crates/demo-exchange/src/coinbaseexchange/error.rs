//! Coinbase Exchange's refusals: an HTTP status and a message.

use std::borrow::Cow;

use serde_json::json;

use crate::config::Pair;
use crate::floor::{Refusal, Terms};
use crate::house::Failure;
use crate::request::Answer;
use crate::rule::Flaw;

pub(crate) struct Error {
    status: u16,
    message: Cow<'static, str>,
}

impl Error {
    pub(super) const DONE: Self = Self::of(400, "Order already done");
    pub(super) const DUPLICATE: Self = Self::of(400, "Duplicate client_oid");
    pub(super) const EXPIRED: Self = Self::of(401, "request timestamp expired");
    pub(super) const FUNDS: Self = Self::of(400, "Insufficient funds");
    pub(super) const ID: Self = Self::of(400, "Invalid order id");
    pub(super) const IP: Self = Self::of(401, "IP does not match IP whitelist");
    pub(super) const KEY: Self = Self::of(401, "Invalid API Key");
    pub(super) const NOT_FOUND: Self = Self::of(404, "NotFound");
    pub(super) const PASSPHRASE: Self = Self::of(401, "Invalid Passphrase");
    pub(super) const POST_ONLY: Self = Self::of(400, "Post only order would match");
    pub(super) const PRODUCT: Self = Self::of(400, "Product not found");
    pub(super) const SIGNATURE: Self = Self::of(401, "invalid signature");
    pub(super) const TIMESTAMP: Self = Self::of(400, "invalid timestamp");

    const TOO_MANY: Self = Self::of(429, "Private rate limit exceeded");

    const fn of(status: u16, message: &'static str) -> Self {
        Self { status, message: Cow::Borrowed(message) }
    }

    pub(super) fn bad(message: String) -> Self {
        Self { status: 400, message: message.into() }
    }

    pub(super) fn argument(name: &str) -> Self {
        Self::bad(format!("Invalid {name}"))
    }

    pub(super) fn flaw(flaw: Flaw, pair: &Pair, terms: &Terms) -> Self {
        let price = terms.price().unwrap_or_default();
        let word = if matches!(terms, Terms::MarketQuote { .. }) { "funds" } else { "size" };
        let small = |least| Self::bad(format!("{word} is too small. Minimum size is {least}"));
        match (flaw, word) {
            (Flaw::PriceRange, _) if price < pair.tick => Self::bad(format!("price too small ({price})")),
            (Flaw::PriceRange, _) => Self::argument("price"),
            (Flaw::PriceTick, _) => Self::bad(format!("price too precise ({price})")),
            (Flaw::QuantityStep, _) => {
                Self::bad(format!("size is too accurate. Smallest unit is {}", pair.step))
            }
            (Flaw::TooLarge, "funds") => Self::argument("funds"),
            (Flaw::TooLarge, _) => {
                Self::bad(format!("size is too large. Maximum size is {}", pair.max_quantity))
            }
            (Flaw::TooSmall, _) => small(pair.min_quantity),
            (Flaw::TooCheap, _) => small(pair.min_notional),
        }
    }

    pub(super) fn header(name: &str) -> Self {
        Self { status: 401, message: format!("{} header is required", name.to_uppercase()).into() }
    }

    pub(super) fn answer(self) -> Answer {
        Answer::json(self.status, &json!({ "message": self.message })).failed(self.message)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Body => Self::of(400, "Bad Request"),
            Failure::NoRoute => Self::of(404, "Route not found"),
            // ccxt takes a 403 for an outage and tries again
            Failure::Permission => Self::of(401, "Forbidden"),
            Failure::TooMany => Self::TOO_MANY,
            Failure::UnknownKey => Self::KEY,
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::DuplicateClientId => Self::DUPLICATE,
            Refusal::InsufficientBalance => Self::FUNDS,
            Refusal::WouldMatch => Self::POST_ONLY,
        }
    }
}
