//! KuCoin's refusals: a code and a message. Who may not call is told by the HTTP status too; what is wrong with an
//! order comes with 200.

use std::num::ParseIntError;

use serde_json::json;

use crate::floor::Refusal;
use crate::house::Failure;
use crate::request::Answer;
use crate::rule::Flaw;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Error {
    status: u16,
    code: &'static str,
    message: &'static str,
}

impl Error {
    pub(super) const HEADERS: Self = Self::of(
        401,
        "400001",
        "Please check the header of your request for KC-API-KEY, KC-API-SIGN, KC-API-TIMESTAMP, KC-API-PASSPHRASE",
    );
    pub(super) const TIME: Self = Self::of(401, "400002", "KC-API-TIMESTAMP Invalid");
    pub(super) const KEY: Self = Self::of(401, "400003", "KC-API-KEY not exists");
    pub(super) const PASSPHRASE: Self = Self::of(401, "400004", "Invalid KC-API-PASSPHRASE");
    pub(super) const SIGNATURE: Self = Self::of(401, "400005", "Invalid KC-API-SIGN");
    pub(super) const ADDRESS: Self =
        Self::of(401, "400006", "The requested ip address is not in the api whitelist");
    pub(super) const PERMISSION: Self = Self::of(403, "400007", "Access denied, require more permission");
    pub(super) const ROUTE: Self = Self::of(404, "404000", "URL Not Found");
    pub(super) const PARAMETER: Self = Self::of(400, "400100", "Parameter error");

    pub(super) const SYMBOL: Self = Self::of(200, "400100", "Unsupported trading pair.");
    pub(super) const CURRENCY: Self = Self::of(200, "400100", "The currency is not supported.");
    pub(super) const SIDE: Self = Self::of(200, "400100", "side can only be buy or sell");
    pub(super) const TYPE: Self = Self::of(200, "400100", "type can only be limit or market");
    pub(super) const PRICE: Self = Self::of(200, "400100", "Price parameter invalid.");
    pub(super) const PRICE_STEP: Self = Self::of(200, "400100", "Price increment invalid.");
    pub(super) const SIZE: Self = Self::of(200, "400100", "Size parameter invalid.");
    pub(super) const SIZE_STEP: Self = Self::of(200, "600100", "Order size increment invalid.");
    pub(super) const SIZE_SMALL: Self = Self::of(200, "400100", "Order size below the minimum requirement.");
    pub(super) const SIZE_LARGE: Self = Self::of(200, "400100", "Order size exceeds the maximum limit.");
    pub(super) const FUNDS: Self = Self::of(200, "400100", "Funds parameter invalid.");
    pub(super) const FUNDS_SMALL: Self = Self::of(200, "600101", "The order funds should be more.");
    pub(super) const CLIENT_OID: Self = Self::of(200, "400100", "The clientOid was used before.");
    pub(super) const BALANCE: Self = Self::of(200, "200004", "Balance insufficient!");
    pub(super) const WOULD_MATCH: Self =
        Self::of(200, "300000", "A post-only order must not be filled at once.");
    pub(super) const NO_ORDER: Self = Self::of(200, "100001", "error.getOrder.orderNotExist");
    pub(super) const NOT_CANCELLABLE: Self =
        Self::of(200, "400100", "order_not_exist_or_not_allow_to_cancel");
    pub(super) const WITHDRAWAL: Self = Self::of(200, "260100", "account.noBalance");

    const TOO_MANY: Self = Self::of(429, "429000", "Too many requests");

    const fn of(status: u16, code: &'static str, message: &'static str) -> Self {
        Self { status, code, message }
    }

    pub(super) fn message(&self) -> &'static str {
        self.message
    }

    pub(super) fn answer(self) -> Answer {
        let body = json!({ "code": self.code, "msg": self.message });
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
            Flaw::PriceTick => Self::PRICE_STEP,
            Flaw::TooSmall => Self::SIZE_SMALL,
            Flaw::TooLarge => Self::SIZE_LARGE,
            Flaw::QuantityStep => Self::SIZE_STEP,
            Flaw::TooCheap => Self::FUNDS_SMALL,
        }
    }
}

impl From<ParseIntError> for Error {
    fn from(_: ParseIntError) -> Self {
        Self::PARAMETER
    }
}
