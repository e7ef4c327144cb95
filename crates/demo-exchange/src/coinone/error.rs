//! Coinone's refusals: HTTP 200, a number in a string, and its text.

use serde_json::json;

use crate::floor::Refusal;
use crate::request::Answer;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Error {
    AccessTokenInvalid,
    AccessTokenMissing,
    AddressMissing,
    AddressUnregistered,
    Amount,
    Balance,
    Blocked,
    Cancelled,
    Currency,
    DuplicateUserOrderId,
    Ip,
    NonceMissing,
    NonceNotBigger,
    NonceNotInteger,
    NonceNotUuid,
    NonceUsed,
    NoOrder,
    NoPage,
    OrderId,
    Order,
    OrderType,
    Pair,
    Parameter,
    PayloadMissing,
    Permission,
    PostOnly,
    Price,
    PriceRange,
    PriceUnit,
    Quantity,
    QuantityRange,
    QuantityUnit,
    Signature,
    SignatureMissing,
    TooSmall,
    Traded,
    UserOrderId,
    WithdrawalAmount,
    WithdrawalBalance,
}

impl Error {
    pub(super) fn answer(self) -> Answer {
        let (code, msg) = self.code();
        let status = if self == Self::NoPage { 404 } else { 200 };
        let body = json!({ "result": "error", "error_code": code, "error_msg": msg });
        Answer::json(status, &body).failed(code)
    }

    fn code(self) -> (&'static str, &'static str) {
        match self {
            Self::Blocked => ("4", "Blocked user access"),
            Self::Ip => ("10", "Invalid IP address"),
            Self::AccessTokenMissing => ("11", "Access token is missing"),
            Self::AccessTokenInvalid => ("12", "Invalid access token"),
            Self::Permission => ("40", "Invalid API permission"),
            Self::Balance => ("103", "Lack of Balance"),
            Self::NoOrder => ("104", "Order id is not exist"),
            Self::Parameter => ("107", "Parameter error"),
            Self::Currency => ("108", "Unknown cryptocurrency"),
            Self::Pair => ("109", "Unknown cryptocurrency pair"),
            Self::Traded => ("116", "Already Traded"),
            Self::Cancelled => ("117", "Already Canceled"),
            Self::PayloadMissing => ("120", "V2 API payload is missing"),
            Self::SignatureMissing => ("121", "V2 API signature is missing"),
            Self::NonceMissing => ("122", "V2 API nonce is missing"),
            Self::Signature => ("123", "V2 API signature is not correct"),
            Self::NonceNotInteger => ("130", "V2 API Nonce value must be a positive integer"),
            Self::NonceNotBigger => ("131", "V2 API Nonce is must be bigger then last nonce"),
            Self::NonceUsed => ("132", "Nonce already used"),
            Self::NonceNotUuid => ("133", "Nonce must be in the form of a UUID"),
            Self::AddressMissing => ("152", "Invalid address"),
            Self::AddressUnregistered => {
                ("154", "The address is not registered as an API withdrawal address")
            }
            Self::WithdrawalBalance => ("157", "Insufficient balance"),
            Self::Price => ("161", "price is required for LIMIT or STOP_LIMIT order."),
            Self::Quantity => ("162", "qty is required for LIMIT or STOP_LIMIT or MARKET(SELL) order."),
            Self::PostOnly => ("163", "post_only is required for LIMIT order."),
            Self::Amount => ("165", "amount is required for MARKET(BUY) order."),
            Self::OrderType => ("166", "Not Supported Order Type."),
            Self::WithdrawalAmount => ("202", "Withdrawal quantity is not correct"),
            Self::Order => ("300", "Invalid order information"),
            Self::TooSmall => ("306", "Cannot be process the orders below the minimum amount"),
            Self::PriceRange => ("308", "Price is out of range."),
            Self::QuantityRange => ("309", "Qty is out of range."),
            Self::PriceUnit => {
                ("310", "Unavailable price unit. Please check the Range unit API to get the price_unit.")
            }
            Self::QuantityUnit => {
                ("311", "Unavailable qty unit. Please check the Market API to see the qty_unit.")
            }
            Self::DuplicateUserOrderId => ("312", "Duplicated user_order_id"),
            Self::OrderId => (
                "313",
                "user_order_id and order_Id cannot be requested together. Otherwise, neither was entered",
            ),
            Self::UserOrderId => ("314", "Invalid user_order_id (It must be lower case)"),
            Self::NoPage => ("404", "Page not found"),
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::DuplicateClientId => Self::DuplicateUserOrderId,
            Refusal::InsufficientBalance => Self::Balance,
            Refusal::WouldMatch => Self::Order,
        }
    }
}
