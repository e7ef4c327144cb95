//! What a request asks for in terms of money: the part that limits and symbol rules are decided on.

mod client_id;
mod field;
mod leverage;
mod number;
mod order;
mod reader;
mod scope;
mod strict;
mod stricter;
mod wording;

pub use self::leverage::Leverage;
pub(crate) use self::{
    client_id::{ClientId, OwnId},
    leverage::LeverageReader,
    number::amount,
    order::OrderReader,
    reader::{CancelReader, Reader, WithdrawalReader},
    scope::{Inside, like},
    stricter::Stricter,
};

use rust_decimal::Decimal;
use serde::Deserialize;

/// A request in terms of money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// New orders: one, or all of a batch.
    Orders(Vec<Order>),
    /// Takes orders back.
    Cancel {
        /// The markets it names; empty if it names none.
        symbols: Vec<Symbol>,
    },
    /// Sends an asset out of the account.
    Withdrawal(Withdrawal),
    /// Moves money in a way this definition cannot put a number on; the text says why. Refuse it for keys
    /// with a money limit or a symbol rule, and always in class `withdraw`.
    Unpriceable(&'static str),
    /// Moves nothing: class `public` or `read`.
    NotMoney,
}

/// A new order. All amounts are exact decimals, zero or more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The market.
    pub symbol: Symbol,
    /// Which side of it.
    pub side: Side,
    /// The exchange's own word for the type: `LIMIT`, `MARKET`, ...
    pub kind: String,
    /// In units of the base asset; for one-cancels-other lists the quantity of each leg.
    pub quantity: Option<Decimal>,
    /// In quote per base: the highest price the order names, limit or trigger. `None`: at the market. For a
    /// sale it is a floor, so value it at the market if that is higher.
    pub price: Option<Decimal>,
    /// Instead of a quantity: the amount of the quote asset to spend or get. Beside one: nobody knows which of the two
    /// the exchange takes it for, so what is worth more counts.
    pub quote_amount: Option<Decimal>,
}

/// A withdrawal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    /// The asset, in capitals.
    pub asset: String,
    /// In units of the asset, before or after fees as the exchange defines it.
    pub amount: Decimal,
    /// Where to.
    pub address: String,
    /// The memo or destination tag.
    pub tag: Option<String>,
    /// The network, by the exchange's name.
    pub network: Option<String>,
}

/// A market.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Symbol {
    /// The exchange's own name, in capitals, where it cannot be split without the exchange's list (BTCUSDT).
    Market(String),
    /// Both assets, in capitals.
    Pair {
        /// What is bought or sold.
        base: String,
        /// What it is paid with.
        quote: String,
    },
}

/// A side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Gets the base asset.
    Buy,
    /// Gives the base asset.
    Sell,
}
