//! Refusals: a code in words and a text. The second API has numbers instead.

use rust_decimal::Decimal;
use serde_json::json;

use crate::amount::{decimals, plain};
use crate::config::Pair;
use crate::floor::{Terms, Wallet};
use crate::house::Failure;
use crate::request::{Answer, Received};
use crate::rule::Flaw;

#[derive(Debug)]
pub(crate) struct Error {
    pub(super) code: &'static str,
    pub(super) text: String,
    status: u16,
    /// The code of the second API.
    number: u16,
}

impl Error {
    fn new(code: &'static str, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), status: 200, number: 2002 }
    }

    /// Whatever is wrong with who asks.
    pub(super) fn signature(text: &str) -> Self {
        Self { number: 1003, ..Self::new("api-signature-not-valid", format!("Signature not valid: {text}")) }
    }

    pub(super) fn missing(name: &str) -> Self {
        Self::new("validation-constraints-required", format!("Field is missing: {name}."))
    }

    pub(super) fn invalid(name: &str) -> Self {
        Self::new("validation-format-error", format!("Format Error: {name}."))
    }

    pub(super) fn amount() -> Self {
        Self::new("invalid-amount", "Parameter `amount` is invalid.")
    }

    pub(super) fn price() -> Self {
        Self::new("order-invalid-price", "invalid price")
    }

    pub(super) fn symbol() -> Self {
        Self::new("base-symbol-error", "The symbol is invalid")
    }

    pub(super) fn order_type() -> Self {
        Self::new("order-invalid-type", "Parameter `type` is invalid.")
    }

    pub(super) fn account() -> Self {
        Self::new("account-get-accounts-inexistent-error", "account for id and user id does not exist")
    }

    pub(super) fn client_id() -> Self {
        Self::new("invalid-client-order-id", "Parameter `client-order-id` is invalid or was used before.")
    }

    pub(super) fn no_order() -> Self {
        Self::new("base-record-invalid", "record invalid")
    }

    /// The order has ended already.
    pub(super) fn order_state() -> Self {
        Self::new("order-orderstate-error", "Incorrect order state")
    }

    pub(super) fn would_match() -> Self {
        Self::new("order-invalid-price", "a maker order must not match at once")
    }

    pub(super) fn balance(wallet: &Wallet, asset: &str) -> Self {
        let left = plain(wallet.get(asset).free);
        let text = format!("trade account balance is not enough, left: `{left}`");
        Self::new("account-frozen-balance-insufficient-error", text)
    }

    pub(super) fn address() -> Self {
        Self::new("invalid-address", "Invalid address.")
    }

    pub(super) fn currency() -> Self {
        Self::new("invalid-currency", "Invalid currency.")
    }

    pub(super) fn chain() -> Self {
        Self::new("base-currency-chain-error", "The current currency chain does not exist")
    }

    pub(super) fn withdrawal_balance(free: Decimal) -> Self {
        let text = format!("Insufficient balance. You can only transfer `{}` at most.", plain(free));
        Self::new("dw-insufficient-balance", text)
    }

    pub(super) fn flaw(flaw: Flaw, pair: &Pair, terms: &Terms) -> Self {
        let kind = if terms.is_limit() { "limit" } else { "market" };
        let of_amount = |name: &str, bound| format!("{kind} order amount error, {name}: `{}`", plain(bound));
        match (flaw, terms.is_limit()) {
            (Flaw::PriceRange | Flaw::PriceTick, _) => {
                let text = format!("order price precision error, scale: `{}`", decimals(pair.tick));
                Self::new("order-orderprice-precision-error", text)
            }
            (Flaw::QuantityStep, _) => {
                let text = format!("order amount precision error, scale: `{}`", decimals(pair.step));
                Self::new("order-orderamount-precision-error", text)
            }
            (Flaw::TooSmall, true) => {
                Self::new("order-limitorder-amount-min-error", of_amount("min", pair.min_quantity))
            }
            (Flaw::TooSmall, false) => {
                Self::new("order-marketorder-amount-min-error", of_amount("min", pair.min_quantity))
            }
            (Flaw::TooLarge, true) => {
                Self::new("order-limitorder-amount-max-error", of_amount("max", pair.max_quantity))
            }
            (Flaw::TooLarge, false) => {
                Self::new("order-marketorder-amount-max-error", of_amount("max", pair.max_quantity))
            }
            (Flaw::TooCheap, _) => {
                let text = format!(
                    "Order total cannot be lower than: `{}` {}",
                    plain(pair.min_notional),
                    pair.quote
                );
                Self::new("order-value-min-error", text)
            }
        }
    }

    pub(super) fn answer(self, request: &Received) -> Answer {
        let (body, code) = match request.path.starts_with("/v2/") {
            true => (json!({ "code": self.number, "message": self.text }), self.number.to_string()),
            false => (
                json!({ "status": "error", "err-code": self.code, "err-msg": self.text, "data": null }),
                self.code.to_owned(),
            ),
        };
        Answer::json(self.status, &body).failed(code)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Body => Self::new("bad-request", "the request cannot be read"),
            Failure::NoRoute => {
                Self { status: 404, number: 404, ..Self::new("not-found", "no such method or path") }
            }
            Failure::Permission => {
                Self { number: 1002, ..Self::signature("API key has no permission [API Key没有权限]") }
            }
            Failure::TooMany => {
                let text = "Request frequency exceeds limit";
                Self { status: 429, number: 429, ..Self::new("base-request-exceed-frequency-limit", text) }
            }
            Failure::UnknownKey => Self::signature("Incorrect Access key [Access key错误]"),
        }
    }
}
