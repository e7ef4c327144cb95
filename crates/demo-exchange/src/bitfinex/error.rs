//! Bitfinex's refusals: status 500 and `["error", code, text]`.

use std::borrow::Cow;

use serde_json::json;

use crate::config::Pair;
use crate::house::Failure;
use crate::request::Answer;
use crate::rule::Flaw;

pub(crate) struct Error {
    status: u16,
    code: u32,
    text: Cow<'static, str>,
}

impl Error {
    pub(super) const ADDRESS: Self = Self::of(10100, "apikey: invalid ip");
    pub(super) const CLIENT_ID: Self = Self::of(10001, "Invalid order: cid is in use");
    pub(super) const DIGEST: Self = Self::of(10100, "apikey: digest invalid");
    pub(super) const KEY: Self = Self::of(10100, "apikey: invalid");
    pub(super) const NONCE: Self = Self::of(10114, "nonce: small");
    pub(super) const ORDER: Self = Self::of(10001, "Order not found.");
    pub(super) const PERMISSION: Self = Self::of(10001, "api_key: permission invalid");
    pub(super) const POST_ONLY: Self = Self::of(10001, "Invalid order: post only would match");
    pub(super) const SYMBOL: Self = Self::of(10020, "symbol: invalid");

    const fn of(code: u32, text: &'static str) -> Self {
        Self { status: 500, code, text: Cow::Borrowed(text) }
    }

    pub(super) fn argument(name: &str) -> Self {
        Self { status: 500, code: 10020, text: format!("{name}: invalid").into() }
    }

    pub(super) fn refused(text: String) -> Self {
        Self { status: 500, code: 10001, text: text.into() }
    }

    pub(super) fn flaw(flaw: Flaw, pair: &Pair) -> Self {
        let name = format!("{}/{}", pair.base, pair.quote);
        let size = |word, limit| Self::refused(format!("Invalid order: {word} size for {name} is {limit}"));
        match flaw {
            Flaw::PriceRange | Flaw::PriceTick => Self::argument("price"),
            Flaw::QuantityStep => Self::argument("amount"),
            Flaw::TooLarge => size("maximum", pair.max_quantity),
            Flaw::TooCheap | Flaw::TooSmall => size("minimum", pair.min_quantity),
        }
    }

    pub(super) fn code(&self) -> u32 {
        self.code
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn answer(self) -> Answer {
        Answer::json(self.status, &json!(["error", self.code, self.text])).failed(self.code)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Body => Self::argument("body"),
            Failure::NoRoute => Self { status: 404, code: 10020, text: "path: invalid".into() },
            Failure::Permission => Self::PERMISSION,
            Failure::TooMany => Self { status: 429, code: 11010, text: "ratelimit: error".into() },
            Failure::UnknownKey => Self::KEY,
        }
    }
}
