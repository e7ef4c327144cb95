//! Bybit's refusals: a number and its text, almost always with HTTP 200.

use std::borrow::Cow;

use serde_json::json;

use crate::floor::Refusal;
use crate::house::Failure;
use crate::request::Answer;
use crate::rule::Flaw;

#[derive(Debug)]
pub(crate) struct Error {
    pub(super) code: u32,
    pub(super) text: Cow<'static, str>,
}

impl Error {
    const BODY: Self = Self::new(10001, "The request body is not valid JSON");
    pub(super) const SYMBOL: Self = Self::new(10001, "Not supported symbols");
    pub(super) const BATCH: Self = Self::new(10001, "The number of orders is out of range");
    pub(super) const ACCOUNT_TYPE: Self = Self::new(10001, "accountType only support UNIFIED.");
    pub(super) const KEY: Self =
        Self::new(10003, "API key is invalid. Check whether the key and domain are matched.");
    pub(super) const SIGNATURE: Self =
        Self::new(10004, "Error sign, please check your signature generation algorithm.");
    const PERMISSION: Self = Self::new(10005, "Permission denied, please check your API key permissions.");
    const TOO_MANY: Self = Self::new(10006, "Too many visits. Exceeded the API Rate Limit.");
    pub(super) const ADDRESS: Self =
        Self::new(10010, "Unmatched IP, please check your API key's bound IP addresses.");
    /// Of a log-in by frame, also one whose time is over.
    pub(super) const LOGIN: Self = Self::new(10001, "Params Error");
    pub(super) const TOPIC: Self = Self::new(10001, "error:handler not found");
    const NO_ROUTE: Self = Self::new(10017, "Request path not found or request method is invalid.");
    pub(super) const NO_OP: Self = Self::new(10404, "op type is not found");
    pub(super) const REPEATED_LOGIN: Self = Self::new(20001, "Repeat auth");
    /// Not seen from outside: the words are those of private topics.
    pub(super) const NO_LOGIN: Self = Self::new(20003, "Request not authorized");
    pub(super) const WITHDRAWAL_COIN: Self = Self::new(131_002, "The coin or its chain is not supported.");
    pub(super) const WITHDRAWAL_BALANCE: Self =
        Self::new(131_085, "Withdrawal amount is greater than your available balance.");
    pub(super) const WITHDRAWAL_RANGE: Self =
        Self::new(131_096, "Withdraw amount does not satisfy the lower limit or upper limit.");
    pub(super) const FORCE: Self = Self::new(170_115, "Invalid timeInForce.");
    pub(super) const KIND: Self = Self::new(170_116, "Invalid orderType.");
    pub(super) const SIDE: Self = Self::new(170_117, "Invalid side.");
    pub(super) const ORDER_SYMBOL: Self = Self::new(170_121, "Invalid symbol.");
    const BALANCE: Self = Self::new(170_131, "Insufficient balance.");
    const PRICE: Self = Self::new(170_132, "Order price is out of range.");
    const PRICE_DECIMALS: Self = Self::new(170_134, "Order price has too many decimals.");
    const TOO_LARGE: Self = Self::new(170_135, "Order quantity exceeded upper limit.");
    const TOO_SMALL: Self = Self::new(170_136, "Order quantity exceeded lower limit.");
    const QUANTITY_DECIMALS: Self = Self::new(170_137, "Order quantity has too many decimals.");
    const TOO_CHEAP: Self = Self::new(170_140, "Order value exceeded lower limit.");
    const DUPLICATE: Self = Self::new(170_141, "Duplicate clientOrderId");
    pub(super) const FILTER: Self = Self::new(170_202, "Invalid orderFilter parameter.");
    /// Not seen from outside: such an order is accepted and ends at once.
    const POST_ONLY: Self = Self::new(170_218, "The LIMIT-MAKER order is rejected due to invalid price.");
    pub(super) const NO_ORDER: Self = Self::new(170_213, "Order does not exist.");
    pub(super) const FEATURE: Self = Self::new(170_227, "This feature is not supported.");

    const fn new(code: u32, text: &'static str) -> Self {
        Self { code, text: Cow::Borrowed(text) }
    }

    fn told(code: u32, text: String) -> Self {
        Self { code, text: Cow::Owned(text) }
    }

    pub(super) fn missing(name: &str) -> Self {
        Self::told(10001, format!("Missing some parameters that must be filled in: {name}"))
    }

    pub(super) fn invalid(name: &str) -> Self {
        Self::told(10001, format!("params error: {name} invalid"))
    }

    /// A parameter of an order that cannot be read.
    pub(super) fn parameter(name: &str) -> Self {
        Self::told(170_130, format!("Data sent for parameter '{name}' is not valid."))
    }

    pub(super) fn unsigned(time: &str, key: &str, signature: &str) -> Self {
        let empty = format!("empty value: apiTimestamp[{time}] apiKey[{key}] apiSignature[{signature}]");
        Self::told(10001, format!("{empty}: openapi sign params error!"))
    }

    pub(super) fn expired(time: i64, now: i64, window: i64) -> Self {
        let known = format!("req_timestamp[{time}],server_timestamp[{now}],recv_window[{window}]");
        Self::told(
            10002,
            format!("invalid request, please check your server timestamp or recv_window param. {known}"),
        )
    }

    pub(super) fn answer(self, now: i64) -> Answer {
        let status = if self.code == Self::NO_ROUTE.code { 404 } else { 200 };
        let body =
            json!({ "retCode": self.code, "retMsg": self.text, "result": {}, "retExtInfo": {}, "time": now });
        Answer::json(status, &body).failed(self.code)
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
            Flaw::PriceTick => Self::PRICE_DECIMALS,
            Flaw::QuantityStep => Self::QUANTITY_DECIMALS,
            Flaw::TooLarge => Self::TOO_LARGE,
            Flaw::TooSmall => Self::TOO_SMALL,
            Flaw::TooCheap => Self::TOO_CHEAP,
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
