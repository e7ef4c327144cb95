//! OKX's refusals: a number in a string, and its text. Those of the general kind have an HTTP status of their
//! own, those about orders come with 200.

use std::borrow::Cow;
use std::net::IpAddr;

use serde_json::json;

use crate::floor::Refusal;
use crate::house::Failure;
use crate::request::Answer;
use crate::rule::Flaw;

#[derive(Debug)]
pub(crate) struct Error {
    status: u16,
    pub(super) code: &'static str,
    pub(super) text: Cow<'static, str>,
}

impl Error {
    pub(super) const BODY: Self = Self::new(400, "50002", "JSON syntax error");
    const TOO_MANY: Self = Self::new(429, "50011", "Too Many Requests");
    pub(super) const EXPIRED: Self = Self::new(401, "50102", "Timestamp request expired");
    pub(super) const NO_KEY: Self = Self::new(401, "50103", "Request header OK-ACCESS-KEY can not be empty.");
    pub(super) const NO_PASSPHRASE: Self =
        Self::new(401, "50104", "Request header OK-ACCESS-PASSPHRASE can not be empty.");
    pub(super) const PASSPHRASE: Self =
        Self::new(401, "50105", "Request header OK-ACCESS-PASSPHRASE incorrect.");
    pub(super) const NO_SIGNATURE: Self =
        Self::new(401, "50106", "Request header OK-ACCESS-SIGN can not be empty.");
    pub(super) const NO_TIME: Self =
        Self::new(401, "50107", "Request header OK-ACCESS-TIMESTAMP can not be empty.");
    pub(super) const KEY: Self = Self::new(401, "50111", "Invalid OK-ACCESS-KEY");
    pub(super) const TIME: Self = Self::new(401, "50112", "Invalid OK-ACCESS-TIMESTAMP");
    pub(super) const SIGNATURE: Self = Self::new(401, "50113", "Invalid Sign");
    const PERMISSION: Self =
        Self::new(401, "50120", "This API key doesn't have permission to use this function");
    const NO_ROUTE: Self = Self::new(404, "404", "API endpoint request not found");
    pub(super) const INSTRUMENT: Self =
        Self::new(200, "51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.");
    const TOO_LARGE: Self = Self::new(200, "51005", "Your order amount exceeds the max order amount.");
    const PRICE: Self = Self::new(200, "51006", "Order price is not within the price limit");
    const BALANCE: Self = Self::new(200, "51008", "Order failed. Insufficient balance in account.");
    pub(super) const ACCOUNT_MODE: Self =
        Self::new(200, "51010", "You can't complete this request under your current account mode.");
    const DUPLICATE: Self = Self::new(200, "51016", "Client order ID already exists.");
    const TOO_SMALL: Self =
        Self::new(200, "51020", "Your order should meet or exceed the minimum order amount.");
    /// Not seen from outside: such an order is accepted and ends at once.
    const POST_ONLY: Self = Self::new(200, "51000", "Post-only order will take liquidity");
    pub(super) const BATCH: Self = Self::new(200, "51111", "Maximum 20 orders can be placed in bulk.");
    const STEP: Self = Self::new(200, "51121", "Order quantity must be a multiple of the lot size.");
    pub(super) const NOTHING_TO_CANCEL: Self = Self::new(
        200,
        "51400",
        "Cancellation failed as the order has been filled, canceled or does not exist.",
    );
    pub(super) const NO_ID: Self = Self::new(200, "51407", "Either order ID or client order ID is required.");
    pub(super) const NO_ORDER: Self = Self::new(200, "51603", "Order does not exist");
    pub(super) const WITHDRAWAL_SMALL: Self =
        Self::new(200, "58206", "Withdrawal amount is less than the lower limit");
    pub(super) const WITHDRAWAL_BALANCE: Self = Self::new(200, "58350", "Insufficient balance.");

    const fn new(status: u16, code: &'static str, text: &'static str) -> Self {
        Self { status, code, text: Cow::Borrowed(text) }
    }

    fn told(status: u16, code: &'static str, text: String) -> Self {
        Self { status, code, text: Cow::Owned(text) }
    }

    pub(super) fn missing(name: &str) -> Self {
        Self::told(400, "50014", format!("Parameter {name} can not be empty."))
    }

    pub(super) fn parameter(name: &str) -> Self {
        Self::told(400, "51000", format!("Parameter {name} error"))
    }

    pub(super) fn address(peer: IpAddr) -> Self {
        Self::told(401, "50110", format!("Your IP {peer} is not included in your API key's IP whitelist."))
    }

    pub(super) fn answer(self) -> Answer {
        let body = json!({ "code": self.code, "data": [], "msg": self.text });
        Answer::json(self.status, &body).failed(self.code)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Body => Self::BODY,
            Failure::NoRoute => Self::NO_ROUTE,
            Failure::Permission => Self::PERMISSION,
            Failure::TooMany => Self::TOO_MANY,
            Failure::UnknownKey => Self::KEY,
        }
    }
}

impl From<Flaw> for Error {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::PriceRange => Self::PRICE,
            Flaw::PriceTick => Self::parameter("px"),
            Flaw::QuantityStep => Self::STEP,
            Flaw::TooLarge => Self::TOO_LARGE,
            Flaw::TooSmall | Flaw::TooCheap => Self::TOO_SMALL,
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::DuplicateClientId => Self::DUPLICATE,
            Refusal::InsufficientBalance => Self::BALANCE,
            Refusal::WouldMatch => Self::POST_ONLY,
        }
    }
}
