//! Gate's refusals: a label and a message, with an HTTP status that fits.

use std::num::ParseIntError;

use serde_json::json;

use crate::floor::Refusal;
use crate::house::Failure;
use crate::request::Answer;
use crate::rule::Flaw;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Error {
    status: u16,
    pub(super) label: &'static str,
    pub(super) message: &'static str,
}

const INVALID: &str = "INVALID_PARAM_VALUE";

impl Error {
    pub(super) const HEADER: Self = Self::of(
        401,
        "MISSING_REQUIRED_HEADER",
        "Missing required header: KEY, SIGN and Timestamp sign a request",
    );
    pub(super) const KEY: Self = Self::of(401, "INVALID_KEY", "Invalid key provided");
    pub(super) const SIGNATURE: Self = Self::of(401, "INVALID_SIGNATURE", "Signature mismatch");
    pub(super) const EXPIRED: Self =
        Self::of(403, "REQUEST_EXPIRED", "gap between request Timestamp and server time exceeds 60");
    pub(super) const ADDRESS: Self = Self::of(403, "IP_FORBIDDEN", "IP address is not in the whitelist");
    pub(super) const PERMISSION: Self =
        Self::of(403, "FORBIDDEN", "API key does not have permission for this operation");
    pub(super) const ROUTE: Self = Self::of(404, "NOT_FOUND", "Not found");
    pub(super) const BODY: Self = Self::of(400, "INVALID_REQUEST_BODY", "Invalid request body");

    pub(super) const NO_PAIR: Self =
        Self::of(400, "MISSING_REQUIRED_PARAM", "Missing required parameter: currency_pair");
    pub(super) const PAIR: Self = Self::of(400, "INVALID_CURRENCY_PAIR", "Invalid currency pair");
    pub(super) const CURRENCY: Self = Self::of(400, "INVALID_CURRENCY", "Invalid currency");
    pub(super) const ACCOUNT: Self = Self::of(400, INVALID, "Invalid account");
    pub(super) const AMOUNT: Self = Self::of(400, INVALID, "Invalid amount");
    pub(super) const CHAIN: Self = Self::of(400, INVALID, "Invalid chain");
    pub(super) const DESTINATION: Self = Self::of(400, INVALID, "Invalid address");
    pub(super) const FORCE: Self = Self::of(400, INVALID, "Invalid time_in_force");
    pub(super) const INTERVAL: Self = Self::of(400, INVALID, "Invalid interval");
    pub(super) const LIMIT: Self = Self::of(400, INVALID, "Invalid limit");
    pub(super) const NUMBER: Self = Self::of(400, INVALID, "Invalid number");
    pub(super) const PRICE: Self = Self::of(400, INVALID, "Invalid price");
    pub(super) const SIDE: Self = Self::of(400, INVALID, "Invalid side");
    pub(super) const STATUS: Self = Self::of(400, INVALID, "Invalid status");
    pub(super) const TEXT: Self =
        Self::of(400, INVALID, "Invalid text: t- and up to 28 letters, digits and _-.");
    pub(super) const TYPE: Self = Self::of(400, INVALID, "Invalid type");
    pub(super) const CHEAP: Self = Self::of(400, INVALID, "Your order size is too small");
    pub(super) const PRECISION: Self = Self::of(400, "INVALID_PRECISION", "Too many decimals");
    pub(super) const LITTLE: Self = Self::of(400, "AMOUNT_TOO_LITTLE", "Amount is too little");
    pub(super) const MUCH: Self = Self::of(400, "AMOUNT_TOO_MUCH", "Amount is too much");
    pub(super) const REPEATED: Self = Self::of(400, "REPEATED_CREATION", "The text was used before");
    pub(super) const BALANCE: Self = Self::of(400, "BALANCE_NOT_ENOUGH", "Not enough balance");
    pub(super) const WOULD_MATCH: Self =
        Self::of(400, "POC_FILL_IMMEDIATELY", "Order would match and take immediately so its cancelled");
    pub(super) const NO_ORDER: Self = Self::of(404, "ORDER_NOT_FOUND", "Order not found");
    pub(super) const CLOSED: Self = Self::of(400, "ORDER_CLOSED", "Order had been closed");
    pub(super) const CANCELLED: Self = Self::of(400, "ORDER_CANCELLED", "Order had been cancelled");

    const TOO_MANY: Self = Self::of(429, "TOO_MANY_REQUESTS", "Request Rate Limit Exceeded");

    const fn of(status: u16, label: &'static str, message: &'static str) -> Self {
        Self { status, label, message }
    }

    pub(super) fn answer(self) -> Answer {
        let body = json!({ "label": self.label, "message": self.message });
        Answer::json(self.status, &body).failed(self.label)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Body => Self::BODY,
            Failure::NoRoute => Self::ROUTE,
            Failure::Permission => Self::PERMISSION,
            Failure::TooMany => Self::TOO_MANY,
            Failure::UnknownKey => Self::KEY,
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::DuplicateClientId => Self::REPEATED,
            Refusal::InsufficientBalance => Self::BALANCE,
            Refusal::WouldMatch => Self::WOULD_MATCH,
        }
    }
}

impl From<Flaw> for Error {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::PriceRange => Self::PRICE,
            Flaw::PriceTick | Flaw::QuantityStep => Self::PRECISION,
            Flaw::TooSmall => Self::LITTLE,
            Flaw::TooLarge => Self::MUCH,
            Flaw::TooCheap => Self::CHEAP,
        }
    }
}

impl From<ParseIntError> for Error {
    fn from(_: ParseIntError) -> Self {
        Self::NUMBER
    }
}
