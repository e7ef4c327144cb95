//! Trying an order or a withdrawal on the limits, without placing it.

use exchange::{Order, Side, Symbol, Withdrawal};
use rust_decimal::Decimal;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{State, change::show};
use crate::{
    app::App,
    connection,
    error::{Error, Result},
    gateway::preview::{Act, Preview, preview},
};

/// One of both.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    pub order: Option<OrderIn>,
    pub withdrawal: Option<WithdrawalIn>,
}

/// An order. Without a price it runs at the market.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderIn {
    /// `BTC/USDT`, or the exchange's own name of the market.
    pub symbol: String,
    pub side: SideIn,
    /// In units of the base asset.
    #[schema(value_type = Option<String>, example = "0.01")]
    pub quantity: Option<Decimal>,
    #[schema(value_type = Option<String>)]
    pub price: Option<Decimal>,
    /// Instead of a quantity: so much of the quote asset.
    #[schema(value_type = Option<String>)]
    pub quote_amount: Option<Decimal>,
    /// Borrowed money; nothing is borrowed without it.
    #[schema(value_type = Option<String>)]
    pub leverage: Option<Decimal>,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SideIn {
    Buy,
    Sell,
}

/// A withdrawal.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawalIn {
    pub asset: String,
    #[schema(value_type = String)]
    pub amount: Decimal,
}

/// What would be decided now, and what is used of each window.
pub async fn try_out(app: &App, user: Uuid, connection: Uuid, trial: Trial) -> Result<(Preview, State)> {
    let act = trial.act()?;
    let row = connection::find(app, user, connection).await?;
    row.live_key()?;
    let state = show(app, user, connection).await?;
    Ok((Box::pin(preview(app, user, &row, &state.limits, act)).await?, state))
}

impl Trial {
    fn act(self) -> Result<Act> {
        match (self.order, self.withdrawal) {
            (Some(order), None) => order.act(),
            (None, Some(withdrawal)) => withdrawal.act(),
            _ => Err(Error::field("/order", "give an order or a withdrawal, one of both")),
        }
    }
}

impl OrderIn {
    fn act(self) -> Result<Act> {
        if self.quantity.is_some() == self.quote_amount.is_some() {
            return Err(Error::field("/order/quantity", "give a quantity or a quote_amount, one of both"));
        }
        let symbol = symbol(&self.symbol)
            .ok_or_else(|| Error::field("/order/symbol", "is no market, such as BTC/USDT"))?;
        let order = Order {
            symbol,
            side: match self.side {
                SideIn::Buy => Side::Buy,
                SideIn::Sell => Side::Sell,
            },
            kind: if self.price.is_some() { "LIMIT" } else { "MARKET" }.to_owned(),
            quantity: positive("/order/quantity", self.quantity)?,
            price: positive("/order/price", self.price)?,
            quote_amount: positive("/order/quote_amount", self.quote_amount)?,
        };
        Ok(Act::Order { order, leverage: positive("/order/leverage", self.leverage)? })
    }
}

impl WithdrawalIn {
    fn act(self) -> Result<Act> {
        let asset = self.asset.trim().to_uppercase();
        if !is_name(&asset) {
            return Err(Error::field("/withdrawal/asset", "is no asset, such as BTC"));
        }
        let amount = positive("/withdrawal/amount", Some(self.amount))?.unwrap_or_default();
        Ok(Act::Withdrawal(Withdrawal { asset, amount, address: String::new(), tag: None, network: None }))
    }
}

/// Two assets with a sign between them, or the exchange's own name.
fn symbol(text: &str) -> Option<Symbol> {
    let text = text.trim().to_uppercase();
    match text.split_once('/') {
        Some((base, quote)) if is_name(base) && is_name(quote) => {
            Some(Symbol::Pair { base: base.to_owned(), quote: quote.to_owned() })
        }
        None if is_name(&text) => Some(Symbol::Market(text)),
        _ => None,
    }
}

fn is_name(text: &str) -> bool {
    (1..=40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

fn positive(pointer: &'static str, amount: Option<Decimal>) -> Result<Option<Decimal>> {
    match amount {
        Some(amount) if amount <= Decimal::ZERO || amount > MOST => {
            Err(Error::field(pointer, "is no amount: more than 0, and not that much"))
        }
        amount => Ok(amount),
    }
}

const MOST: Decimal = Decimal::from_parts(2_808_348_672, 232_830_643, 0, false, 0);
