//! Why a call is refused. The two APIs say it in different forms, and who is not known is told nothing in v3.

use serde_json::{Value, json};

use super::is_old;
use crate::floor::{Refusal, Terms};
use crate::house::Failure;
use crate::request::{Answer, Received};
use crate::rule::Flaw;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Error {
    Address,
    Argument(&'static str),
    Expired,
    Funds,
    Key,
    NoOrder,
    NoProduct,
    NotFound,
    /// The order is refused, though the call succeeds.
    Order(Reason),
    Permission,
    Signature,
    TooMany,
}

/// Why an order is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reason {
    Configuration,
    Funds,
    PostOnly,
    Price,
    PricePrecision,
    Product,
    SizePrecision,
    TooLarge,
    TooSmall,
    QuoteTooLarge,
    QuoteTooSmall,
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Body => Self::Argument("the body could not be read"),
            Failure::NoRoute => Self::NotFound,
            Failure::Permission => Self::Permission,
            Failure::TooMany => Self::TooMany,
            Failure::UnknownKey => Self::Key,
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::DuplicateClientId => Self::Argument("client_order_id was used before"),
            Refusal::InsufficientBalance => Self::Order(Reason::Funds),
            Refusal::WouldMatch => Self::Order(Reason::PostOnly),
        }
    }
}

impl Reason {
    pub(super) fn of(flaw: Flaw, terms: &Terms) -> Self {
        match (flaw, terms) {
            (Flaw::PriceRange, _) => Self::Price,
            (Flaw::PriceTick, _) => Self::PricePrecision,
            (Flaw::QuantityStep, _) => Self::SizePrecision,
            (Flaw::TooLarge, Terms::MarketQuote { .. }) => Self::QuoteTooLarge,
            (Flaw::TooLarge, _) => Self::TooLarge,
            (Flaw::TooSmall, _) => Self::TooSmall,
            (Flaw::TooCheap, _) => Self::QuoteTooSmall,
        }
    }

    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Configuration => "UNSUPPORTED_ORDER_CONFIGURATION",
            Self::Funds => "INSUFFICIENT_FUND",
            Self::PostOnly => "INVALID_LIMIT_PRICE_POST_ONLY",
            Self::Price => "INVALID_LIMIT_PRICE",
            Self::PricePrecision => "INVALID_PRICE_PRECISION",
            Self::Product => "INVALID_PRODUCT_ID",
            Self::SizePrecision => "INVALID_SIZE_PRECISION",
            Self::TooLarge => "INVALID_BASE_SIZE_TOO_LARGE",
            Self::TooSmall => "INVALID_BASE_SIZE_TOO_SMALL",
            Self::QuoteTooLarge => "INVALID_QUOTE_SIZE_TOO_LARGE",
            Self::QuoteTooSmall => "INVALID_QUOTE_SIZE_TOO_SMALL",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Configuration => "The order configuration is not supported",
            Self::Funds => "Insufficient balance in source account",
            Self::PostOnly => "The order would not rest",
            Self::Price | Self::PricePrecision => "The limit price is not valid",
            Self::Product => "There is no such product",
            Self::SizePrecision | Self::TooLarge | Self::TooSmall => "The base size is not valid",
            Self::QuoteTooLarge | Self::QuoteTooSmall => "The order's value is not valid",
        }
    }

    /// The answer to a call whose order is refused.
    fn answer(self, request: &Received) -> Answer {
        let asked = serde_json::from_slice::<Value>(&request.body).unwrap_or_default();
        let body = json!({
            "success": false, "failure_reason": "UNKNOWN_FAILURE_REASON", "order_id": "",
            "error_response": { "error": self.code(), "message": self.text(), "error_details": "",
                                "preview_failure_reason": format!("PREVIEW_{}", self.code()) },
            "order_configuration": asked["order_configuration"],
        });
        Answer::json(200, &body).failed(self.code())
    }
}

impl Error {
    pub(crate) fn answer(self, request: &Received) -> Answer {
        match self {
            Self::Order(reason) => reason.answer(request),
            error if is_old(request) => error.old_answer(),
            Self::Address | Self::Expired | Self::Key | Self::Signature => {
                Answer::text(401, "text/plain", "Unauthorized\n").failed("unauthorized")
            }
            error => error.new_answer(),
        }
    }

    fn new_answer(self) -> Answer {
        let (status, code) = match self {
            Self::Permission => (403, "PERMISSION_DENIED"),
            Self::NoProduct | Self::NotFound => (404, "NOT_FOUND"),
            Self::NoOrder => (404, "unknown"),
            Self::TooMany => (429, "RESOURCE_EXHAUSTED"),
            _ => (400, "INVALID_ARGUMENT"),
        };
        let body = json!({ "error": code, "error_details": self.text(), "message": self.text() });
        Answer::json(status, &body).failed(code)
    }

    fn old_answer(self) -> Answer {
        let (status, id) = match self {
            Self::Address | Self::Expired | Self::Key | Self::Signature => (401, "authentication_error"),
            Self::Permission => (403, "invalid_scope"),
            Self::NoProduct | Self::NotFound | Self::NoOrder => (404, "not_found"),
            Self::TooMany => (429, "rate_limit_exceeded"),
            _ => (400, "validation_error"),
        };
        Answer::json(status, &json!({ "errors": [{ "id": id, "message": self.text() }] })).failed(id)
    }

    fn text(self) -> &'static str {
        match self {
            Self::Address => "this address may not use the key",
            Self::Argument(text) => text,
            Self::Expired => "request timestamp expired",
            Self::Funds => "You don't have that much.",
            Self::Key => "invalid api key",
            Self::NoOrder => "order with this orderID was not found",
            Self::NoProduct => "valid product_id is required",
            Self::NotFound => "Not found",
            Self::Order(reason) => reason.text(),
            Self::Permission => "Missing required scopes",
            Self::Signature => "invalid signature",
            Self::TooMany => "Too many requests",
        }
    }
}
