//! MEXC's refusals: a number and its text.

use std::borrow::Cow;
use std::net::IpAddr;

use serde_json::json;

use crate::floor::{Refusal, Side};
use crate::house::Failure;
use crate::request::Answer;
use crate::rule::Flaw;

#[derive(Debug)]
pub(crate) struct Error {
    status: u16,
    pub(super) code: i32,
    pub(super) text: Cow<'static, str>,
}

impl Error {
    pub(super) const CANCEL_REJECTED: Self = Self::new(400, -2011, "Unknown order sent.");
    pub(super) const NO_ORDER: Self = Self::new(400, -2013, "Order does not exist.");
    pub(super) const INTERVAL: Self = Self::new(400, -1120, "Invalid interval.");
    pub(super) const SYMBOL: Self = Self::new(400, -1121, "Invalid symbol.");
    pub(super) const NO_KEY: Self = Self::new(400, 400, "api key required");
    const DUPLICATE: Self = Self::new(400, 400, "Duplicate newClientOrderId");
    const NO_ROUTE: Self = Self::new(404, 404, "Not Found");
    const TOO_MANY: Self = Self::new(429, 429, "Too Many Requests");
    pub(super) const CONTRACT_TOO_MANY: Self = Self::new(429, 510, "Excessive frequency of requests");
    pub(super) const ORDER_SYMBOL: Self = Self::new(400, 10007, "bad symbol");
    pub(super) const KEY: Self = Self::new(400, 10072, "Api key info invalid");
    const DECIMALS: Self = Self::new(400, 10096, "amount decimal places is too long");
    pub(super) const WITHDRAWAL_AMOUNT: Self = Self::new(400, 10097, "amount is error");
    pub(super) const WITHDRAWAL_BALANCE: Self = Self::new(400, 10101, "insufficient balance");
    pub(super) const WITHDRAWAL_COIN: Self = Self::new(400, 10232, "The currency not exist");
    const TOO_SMALL: Self =
        Self::new(400, 30002, "The minimum transaction volume cannot be less than the minimum");
    const TOO_LARGE: Self =
        Self::new(400, 30003, "The maximum transaction volume cannot be greater than the maximum");
    const MONEY: Self = Self::new(400, 30004, "Insufficient position");
    const OVERSOLD: Self = Self::new(400, 30005, "Oversold");
    const PRICE_TICK: Self = Self::new(400, 30010, "no valid trade price");
    /// Not seen from outside: such an order is accepted and ends at once.
    const POST_ONLY: Self = Self::new(400, 30041, "current order type can not place order");
    const PRICE_RANGE: Self = Self::new(400, 30087, "Order price exceeds allowed range");
    pub(super) const SIGNATURE: Self = Self::new(400, 700_002, "Signature for this request is not valid.");
    pub(super) const EXPIRED: Self =
        Self::new(400, 700_003, "Timestamp for this request is outside of the recvWindow.");
    pub(super) const NO_ID: Self = Self::new(
        400,
        700_004,
        "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!",
    );
    pub(super) const WINDOW: Self = Self::new(400, 700_005, "recvWindow must less than 60000");
    const PERMISSION: Self = Self::new(403, 700_007, "No permission to access the endpoint.");
    const BODY: Self = Self::new(400, 700_008, "Illegal characters found in a parameter.");
    pub(super) const CONTENT_TYPE: Self = Self::new(400, 700_013, "Invalid content Type.");
    pub(super) const CONTRACT_LOGIN: Self = Self::new(401, 401, "Not logged in or login has expired");
    pub(super) const CONTRACT_KEY: Self = Self::new(400, 402, "API Key expired, please apply again");
    pub(super) const CONTRACT_ADDRESS: Self = Self::new(403, 406, "Accessing IP is not in the whitelist");
    pub(super) const CONTRACT_SIGNATURE: Self = Self::new(401, 602, "Signature verification failed");
    pub(super) const CONTRACT_TIME: Self = Self::new(400, 10073, "Invalid Request-Time");

    const fn new(status: u16, code: i32, text: &'static str) -> Self {
        Self { status, code, text: Cow::Borrowed(text) }
    }

    fn told(status: u16, code: i32, text: String) -> Self {
        Self { status, code, text: Cow::Owned(text) }
    }

    pub(super) fn parameter(name: &str) -> Self {
        let text = format!("Mandatory parameter '{name}' was not sent, was empty/null, or malformed.");
        Self::told(400, 700_004, text)
    }

    pub(super) fn address(peer: IpAddr) -> Self {
        Self::told(400, 700_006, format!("IP [{peer}] not in the ip white list"))
    }

    /// A refusal of the floor; what is short depends on the side.
    pub(super) fn refused(refusal: &Refusal, side: Side) -> Self {
        match (refusal, side) {
            (Refusal::DuplicateClientId, _) => Self::DUPLICATE,
            (Refusal::InsufficientBalance, Side::Buy) => Self::MONEY,
            (Refusal::InsufficientBalance, Side::Sell) => Self::OVERSOLD,
            (Refusal::WouldMatch, _) => Self::POST_ONLY,
        }
    }

    pub(super) fn answer(self, contract: bool) -> Answer {
        let answer = match (contract, self.status) {
            (true, 404) | (false, _) => {
                Answer::json(self.status, &json!({ "code": self.code, "msg": self.text }))
            }
            (true, _) => {
                Answer::json(200, &json!({ "success": false, "code": self.code, "message": self.text }))
            }
        };
        answer.failed(self.code)
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
            Flaw::PriceRange => Self::PRICE_RANGE,
            Flaw::PriceTick => Self::PRICE_TICK,
            Flaw::QuantityStep => Self::DECIMALS,
            Flaw::TooLarge => Self::TOO_LARGE,
            Flaw::TooSmall | Flaw::TooCheap => Self::TOO_SMALL,
        }
    }
}
