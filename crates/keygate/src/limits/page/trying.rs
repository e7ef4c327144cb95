//! `/connections/{id}/limits/test`: an order or a withdrawal is tried on the limits, and nothing is placed.

use std::sync::Arc;

use axum::{Router, extract::State, response::Response, routing::post};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::{Page, page};
use crate::{
    app::App,
    auth::{Manage, May},
    error::{Error, Result},
    http::body::Id,
    limits::{OrderIn, SideIn, Trial, WithdrawalIn, try_out},
    page::{Frame, Posted, Problems, show, show_again},
};

pub fn pages() -> Router<Arc<App>> {
    Router::new().route("/connections/{id}/limits/test", post(test))
}

/// An order or a withdrawal to try.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct TryIn {
    pub act: String,
    pub quantity: String,
    /// A box that is ticked is there: the quantity is one of the quote asset.
    pub in_quote: String,
    pub symbol: String,
    pub price: String,
    pub leverage: String,
}

async fn test(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    Id(id): Id,
    frame: Frame,
    Posted(input): Posted<TryIn>,
) -> Result<Response> {
    let tried = match input.trial() {
        Ok(trial) => try_out(&app, may.user(), id, trial).await,
        Err(error) => Err(error),
    };
    match tried {
        Ok((preview, _)) => {
            let page = page(&app, &may, id, frame, Problems::default(), None).await?;
            show(&Page { trying: input, tried: Some(preview), ..page })
        }
        Err(error) => {
            let error = in_form(error);
            let page = page(&app, &may, id, frame, Problems::of(&error), None).await?;
            show_again(&error, &Page { trying: input, ..page })
        }
    }
}

/// What is wrong with a member of the API's body, at the field of the form that it comes from.
fn in_form(mut error: Error) -> Error {
    for field in &mut error.fields {
        field.pointer = match field.pointer.rsplit('/').next() {
            Some("asset") => "/symbol".to_owned(),
            Some("amount" | "quote_amount") => "/quantity".to_owned(),
            Some(name) => format!("/{name}"),
            None => continue,
        };
    }
    error
}

impl TryIn {
    fn trial(&self) -> Result<Trial> {
        let quantity = amount(&self.quantity, "/quantity")?;
        let side = match self.act.as_str() {
            "withdraw" => {
                let withdrawal = WithdrawalIn { asset: self.symbol.clone(), amount: quantity };
                return Ok(Trial { order: None, withdrawal: Some(withdrawal) });
            }
            "sell" => SideIn::Sell,
            _ => SideIn::Buy,
        };
        let (quantity, quote_amount) = match self.in_quote.is_empty() {
            true => (Some(quantity), None),
            false => (None, Some(quantity)),
        };
        let (price, leverage) = (given(&self.price, "/price")?, given(&self.leverage, "/leverage")?);
        let order = OrderIn { symbol: self.symbol.clone(), side, quantity, price, quote_amount, leverage };
        Ok(Trial { order: Some(order), withdrawal: None })
    }
}

/// An empty field is none.
fn given(text: &str, pointer: &str) -> Result<Option<Decimal>> {
    Some(text).filter(|text| !text.trim().is_empty()).map(|text| amount(text, pointer)).transpose()
}

fn amount(text: &str, pointer: &str) -> Result<Decimal> {
    Decimal::from_str_exact(text.trim()).map_err(|_| Error::field(pointer, "is no amount"))
}
