//! Bitget's refusals: HTTP 400 and a code, other statuses where HTTP has one of its own.

use std::num::ParseIntError;

use serde_json::json;

use crate::floor::Refusal;
use crate::house::Failure;
use crate::request::Answer;
use crate::rule::Flaw;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Error {
    status: u16,
    pub(super) code: &'static str,
    pub(super) message: &'static str,
}

impl Error {
    pub(super) const NO_KEY: Self = Self::of("40001", "ACCESS_KEY cannot be empty");
    pub(super) const NO_SIGNATURE: Self = Self::of("40003", "Signature cannot be empty");
    pub(super) const TIME: Self = Self::of("40005", "Invalid ACCESS_TIMESTAMP");
    pub(super) const KEY: Self = Self::of("40006", "Invalid ACCESS_KEY");
    pub(super) const EXPIRED: Self = Self::of("40008", "Request timestamp expired");
    pub(super) const SIGNATURE: Self = Self::of("40009", "sign signature error");
    pub(super) const NO_PASSPHRASE: Self = Self::of("40011", "ACCESS_PASSPHRASE cannot be empty");
    pub(super) const PASSPHRASE: Self = Self::of("40012", "apikey/password is incorrect");
    pub(super) const PERMISSION: Self =
        Self { status: 403, ..Self::of("40014", "Incorrect permissions, need the permission of this API") };
    pub(super) const PARAMETER: Self = Self::of("40017", "Parameter verification failed");
    pub(super) const ADDRESS: Self = Self { status: 403, ..Self::of("40018", "Invalid IP") };
    pub(super) const NO_SYMBOL: Self = Self::of("40019", "Parameter symbol cannot be empty");
    pub(super) const SIDE: Self = Self::of("40020", "Parameter side error");
    pub(super) const TYPE: Self = Self::of("40020", "Parameter orderType error");
    pub(super) const FORCE: Self = Self::of("40020", "Parameter force error");
    pub(super) const ORDER_ID: Self = Self::of("40020", "Parameter orderId error");
    pub(super) const SYMBOL: Self = Self::of("40034", "Parameter symbol does not exist");
    pub(super) const COIN: Self = Self::of("40034", "Parameter coin does not exist");
    pub(super) const CLASSIC: Self =
        Self::of("40084", "You are in Classic Account mode, and the Unified Account API is not supported");
    pub(super) const ROUTE: Self = Self { status: 404, ..Self::of("40404", "Request URL NOT FOUND") };

    pub(super) const PRICE: Self = Self::of("40706", "Wrong order price");
    pub(super) const SCALE_OF_PRICE: Self =
        Self::of("40808", "Parameter verification exception price checkBDScale error");
    pub(super) const SIZE: Self = Self::of("40108", "Wrong order quantity");
    pub(super) const SCALE_OF_SIZE: Self =
        Self::of("40808", "Parameter verification exception size checkBDScale error");
    pub(super) const SMALL: Self = Self::of("45110", "less than the minimum amount");
    pub(super) const LARGE: Self = Self::of("45113", "Maximum order value limit triggered");
    pub(super) const CLIENT_OID: Self = Self::of("43118", "clientOrderId duplicate");
    pub(super) const BALANCE: Self = Self::of("43012", "Insufficient balance");
    pub(super) const WOULD_MATCH: Self =
        Self::of("43011", "The parameter does not meet the specification force: it would be filled at once");
    pub(super) const NO_ORDER: Self = Self::of("43001", "The order does not exist");

    const TOO_MANY: Self = Self { status: 429, ..Self::of("429", "Too Many Requests") };

    const fn of(code: &'static str, message: &'static str) -> Self {
        Self { status: 400, code, message }
    }

    pub(super) fn answer(self, now: i64) -> Answer {
        let body = json!({ "code": self.code, "msg": self.message, "requestTime": now, "data": null });
        Answer::json(self.status, &body).failed(self.code)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Body => Self::PARAMETER,
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
            Refusal::DuplicateClientId => Self::CLIENT_OID,
            Refusal::InsufficientBalance => Self::BALANCE,
            Refusal::WouldMatch => Self::WOULD_MATCH,
        }
    }
}

impl From<Flaw> for Error {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::PriceRange => Self::PRICE,
            Flaw::PriceTick => Self::SCALE_OF_PRICE,
            Flaw::QuantityStep => Self::SCALE_OF_SIZE,
            Flaw::TooSmall | Flaw::TooCheap => Self::SMALL,
            Flaw::TooLarge => Self::LARGE,
        }
    }
}

impl From<ParseIntError> for Error {
    fn from(_: ParseIntError) -> Self {
        Self::PARAMETER
    }
}
