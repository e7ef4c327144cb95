//! Why a call is refused, with the names Upbit has for it.

use serde_json::{Value, json};

use crate::floor::{Refusal, Side};
use crate::house::Failure;
use crate::request::Answer;
use crate::rule::Flaw;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Error {
    Address,
    /// The order is of another kind than its parameters.
    Create(Side),
    /// The token is too old. Bithumb alone says so.
    ExpiredToken,
    Funds(Side),
    Key,
    MinTotal(Side),
    /// A public call lacks a parameter.
    Missing,
    NoMarket,
    NoOrder,
    NoRoute,
    NoWithdrawal,
    NonceUsed,
    Parameter,
    /// The token is signed rightly, but names other parameters.
    Payload,
    Price(Side),
    Scope,
    Signature,
    TooLarge,
    TooMany,
    WithdrawFunds,
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Body => Self::Parameter,
            Failure::NoRoute => Self::NoRoute,
            Failure::Permission => Self::Scope,
            Failure::TooMany => Self::TooMany,
            Failure::UnknownKey => Self::Key,
        }
    }
}

impl Error {
    pub(crate) fn of(refusal: &Refusal, side: Side) -> Self {
        match refusal {
            Refusal::DuplicateClientId => Self::Parameter,
            Refusal::InsufficientBalance => Self::Funds(side),
            Refusal::WouldMatch => Self::Create(side),
        }
    }

    pub(crate) fn flaw(flaw: Flaw, side: Side) -> Self {
        match flaw {
            Flaw::PriceRange | Flaw::PriceTick => Self::Price(side),
            Flaw::QuantityStep | Flaw::TooSmall => Self::Parameter,
            Flaw::TooLarge => Self::TooLarge,
            Flaw::TooCheap => Self::MinTotal(side),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Address => "no_authorization_ip",
            Self::Create(side) => side.pick("create_bid_error", "create_ask_error"),
            Self::ExpiredToken => "expired_jwt",
            Self::Funds(side) => side.pick("insufficient_funds_bid", "insufficient_funds_ask"),
            Self::Key => "invalid_access_key",
            Self::MinTotal(side) => side.pick("under_min_total_bid", "under_min_total_ask"),
            Self::Missing => "400",
            Self::NoMarket | Self::NoRoute => "404",
            Self::NoOrder => "order_not_found",
            Self::NoWithdrawal => "withdraw_not_found",
            Self::NonceUsed => "nonce_used",
            Self::Parameter => "validation_error",
            Self::Payload => "invalid_query_payload",
            Self::Price(side) => side.pick("invalid_price_bid", "invalid_price_ask"),
            Self::Scope => "out_of_scope",
            Self::Signature => "jwt_verification",
            Self::TooLarge => "volume_too_large",
            Self::TooMany => "too_many_requests",
            Self::WithdrawFunds => "withdraw_insufficient_balance",
        }
    }

    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Address => "This address may not use the key.",
            Self::Create(_) => "The order's parameters do not fit its type.",
            Self::ExpiredToken => "The token has expired.",
            Self::Funds(_) => "The balance is too small for this order.",
            Self::Key => "There is no such access key.",
            Self::MinTotal(_) => "The order is worth less than the minimum.",
            Self::Missing => "Missing request parameter error. Check the required parameters!",
            Self::NoMarket => "Code not found",
            Self::NoOrder => "The order was not found.",
            Self::NoRoute => "There is nothing at this path.",
            Self::NoWithdrawal => "The withdrawal was not found.",
            Self::NonceUsed => "The nonce was used before.",
            Self::Parameter => "A parameter is missing or does not have a valid value.",
            Self::Payload => "The token's query hash does not match the request.",
            Self::Price(_) => "The price is no multiple of its unit.",
            Self::Scope => "The key may not do this.",
            Self::Signature => "The token could not be verified.",
            Self::TooLarge => "The volume is too large.",
            Self::TooMany => "Too many API requests.",
            Self::WithdrawFunds => "The balance is too small for this withdrawal.",
        }
    }

    fn status(self) -> u16 {
        match self {
            Self::Address
            | Self::ExpiredToken
            | Self::Key
            | Self::NonceUsed
            | Self::Payload
            | Self::Scope
            | Self::Signature => 401,
            Self::NoMarket | Self::NoOrder | Self::NoRoute | Self::NoWithdrawal => 404,
            Self::TooMany => 429,
            _ => 400,
        }
    }

    /// The answer under this name; names of digits are numbers.
    pub(crate) fn answer(self, name: &str) -> Answer {
        let shown = name.parse::<u16>().map_or_else(|_| Value::from(name), Value::from);
        let body = json!({ "error": { "message": self.text(), "name": shown } });
        Answer::json(self.status(), &body).failed(name)
    }
}
