//! What an order asks for: one object named after its type, such as `limit_limit_gtc`.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::error::{Error, Reason};
use crate::amount::plain;
use crate::floor::{Force, Order, Side, Terms};
use crate::params::Params;

/// Reads `order_configuration`.
pub(super) fn terms(params: &Params, side: Side) -> Result<Terms, Error> {
    let named = params.value("order_configuration").and_then(Value::as_object);
    let named = named.filter(|named| named.len() == 1).and_then(|named| named.iter().next());
    let (name, fields) = named.ok_or(Error::Argument("order_configuration has one member"))?;
    let fields = Params::of(fields);
    let post_only = fields.text("post_only").as_deref() == Some("true");
    match name.as_str() {
        "market_market_ioc" => market(&fields, side),
        "limit_limit_gtc" if post_only => limit(&fields, Force::PostOnly),
        "limit_limit_gtc" => limit(&fields, Force::GoodTillCancel),
        "sor_limit_ioc" => limit(&fields, Force::ImmediateOrCancel),
        "limit_limit_fok" => limit(&fields, Force::FillOrKill),
        _ => Err(Error::Order(Reason::Configuration)),
    }
}

fn limit(fields: &Params, force: Force) -> Result<Terms, Error> {
    let price = amount(fields, "limit_price")?.ok_or(Error::Argument("limit_price is missing"))?;
    let quantity = amount(fields, "base_size")?.ok_or(Error::Argument("base_size is missing"))?;
    Ok(Terms::Limit { price, quantity, force })
}

/// A purchase may name what it spends instead of what it gets.
fn market(fields: &Params, side: Side) -> Result<Terms, Error> {
    match (side, amount(fields, "base_size")?, amount(fields, "quote_size")?) {
        (_, Some(quantity), None) => Ok(Terms::Market { quantity }),
        (Side::Buy, None, Some(amount)) => Ok(Terms::MarketQuote { amount }),
        _ => Err(Error::Argument("one size is wanted, and a sale's is in base")),
    }
}

/// A positive amount; `None` if it was not sent.
pub(super) fn amount(fields: &Params, name: &str) -> Result<Option<Decimal>, Error> {
    match fields.value(name) {
        None | Some(Value::Null) => Ok(None),
        Some(_) => {
            let amount = fields.decimal(name).filter(|amount| !amount.is_zero());
            amount.map(Some).ok_or(Error::Argument("an amount is no plain decimal number"))
        }
    }
}

/// The configuration an order came with.
pub(super) fn shown(order: &Order) -> Value {
    match order.terms {
        Terms::Limit { price, quantity, force } => {
            let name = match force {
                Force::GoodTillCancel | Force::PostOnly => "limit_limit_gtc",
                Force::ImmediateOrCancel => "sor_limit_ioc",
                Force::FillOrKill => "limit_limit_fok",
            };
            json!({ name: { "base_size": plain(quantity), "limit_price": plain(price),
                            "post_only": force == Force::PostOnly } })
        }
        Terms::Market { quantity } => json!({ "market_market_ioc": { "base_size": plain(quantity) } }),
        Terms::MarketQuote { amount } => json!({ "market_market_ioc": { "quote_size": plain(amount) } }),
    }
}
