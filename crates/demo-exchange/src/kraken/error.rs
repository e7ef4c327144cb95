//! Kraken's refusals: a class, a kind and sometimes what is wrong, all in one text.

use std::borrow::Cow;

use serde_json::json;

use super::name::pair_wsname;
use crate::amount::decimals;
use crate::config::Pair;
use crate::floor::Refusal;
use crate::house::Failure;
use crate::request::Answer;
use crate::rule::Flaw;

pub(crate) struct Error {
    status: u16,
    text: Cow<'static, str>,
}

impl Error {
    pub(super) const AMOUNT: Self = Self::of("EFunding:Invalid amount");
    pub(super) const ARGUMENTS: Self = Self::of("EGeneral:Invalid arguments");
    pub(super) const CHANNEL: Self = Self::of("Channel not supported");
    pub(super) const COST: Self = Self::of("EOrder:Cost minimum not met");
    pub(super) const FUNDING_ASSET: Self = Self::of("EFunding:Unknown asset");
    pub(super) const FUNDS: Self = Self::of("EOrder:Insufficient funds");
    pub(super) const KEY: Self = Self::of("EAPI:Invalid key");
    pub(super) const MALFORMED: Self = Self::of("Malformed request");
    pub(super) const METHOD: Self = Self::of("EGeneral:Unknown method");
    pub(super) const NONCE: Self = Self::of("EAPI:Invalid nonce");
    pub(super) const ORDER: Self = Self::of("EOrder:Invalid order");
    pub(super) const ASSET: Self = Self::of("EQuery:Unknown asset");
    pub(super) const PAIR: Self = Self::of("EQuery:Unknown asset pair");
    pub(super) const PERMISSION: Self = Self::of("EGeneral:Permission denied");
    pub(super) const POST_ONLY: Self = Self::of("EOrder:Post only order");
    const RATE: Self = Self::of("EAPI:Rate limit exceeded");
    pub(super) const SESSION: Self = Self::of("ESession:Invalid session");
    pub(super) const SIGNATURE: Self = Self::of("EAPI:Invalid signature");
    pub(super) const SUBSCRIBED: Self = Self::of("Already subscribed");
    pub(super) const UNKNOWN_ORDER: Self = Self::of("EOrder:Unknown order");
    pub(super) const VOLUME: Self = Self::of("EGeneral:Invalid arguments:volume minimum not met");
    pub(super) const WITHDRAW_KEY: Self = Self::of("EFunding:Unknown withdraw key");

    const fn of(text: &'static str) -> Self {
        Self { status: 200, text: Cow::Borrowed(text) }
    }

    pub(super) fn argument(name: &str) -> Self {
        Self { status: 200, text: format!("EGeneral:Invalid arguments:{name}").into() }
    }

    /// A field that a kind of frame does not have.
    pub(super) fn unsupported(field: &str, kind: &str) -> Self {
        let text = format!("Unsupported field: '{field}' for the given msg type: {kind}");
        Self { status: 200, text: text.into() }
    }

    pub(super) fn flaw(flaw: Flaw, pair: &Pair) -> Self {
        match flaw {
            Flaw::PriceRange => Self::argument("price"),
            Flaw::PriceTick => Self::decimals(pair),
            Flaw::QuantityStep | Flaw::TooLarge => Self::argument("volume"),
            Flaw::TooCheap => Self::COST,
            Flaw::TooSmall => Self::VOLUME,
        }
    }

    fn decimals(pair: &Pair) -> Self {
        let (name, most) = (pair_wsname(pair), decimals(pair.tick));
        let text = format!("EOrder:Invalid price:{name} price can only be specified up to {most} decimals.");
        Self { status: 200, text: text.into() }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn answer(self) -> Answer {
        Answer::json(self.status, &json!({ "error": [self.text] })).failed(self.text)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Body => Self::ARGUMENTS,
            Failure::NoRoute => Self { status: 404, text: "EGeneral:Unknown method".into() },
            Failure::Permission => Self::PERMISSION,
            Failure::TooMany => Self::RATE,
            Failure::UnknownKey => Self::KEY,
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::DuplicateClientId => Self::argument("cl_ord_id"),
            Refusal::InsufficientBalance => Self::FUNDS,
            Refusal::WouldMatch => Self::POST_ONLY,
        }
    }
}
