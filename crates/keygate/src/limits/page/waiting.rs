//! `/connections/{id}/limits/delay`: how long raised limits wait, on every connection.

use std::sync::Arc;

use axum::{Router, extract::State, response::Response, routing::post};
use rust_decimal::{Decimal, prelude::ToPrimitive};
use seal::SecretText;
use serde::Deserialize;

use super::{Page, address, page};
use crate::{
    app::App,
    auth::{Client, Manage, May, Origin},
    error::{Error, Result},
    http::body::Id,
    limits::{
        Delay, Wish, cancel_delay,
        delay::{HOUR, POSSIBLE},
        set_delay,
    },
    page::{Frame, Posted, Problems, filled, go, show_again},
};

pub fn pages() -> Router<Arc<App>> {
    Router::new()
        .route("/connections/{id}/limits/delay", post(set))
        .route("/connections/{id}/limits/delay/cancel", post(cancel))
}

#[derive(Deserialize)]
struct WaitIn {
    hours: String,
    #[serde(default)]
    password: Option<SecretText>,
}

#[derive(Deserialize)]
struct Nothing {}

async fn set(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    client: Client,
    request: Origin,
    Id(id): Id,
    frame: Frame,
    Posted(input): Posted<WaitIn>,
) -> Result<Response> {
    let wish = Wish { caller: &may.caller, client: &client, password: filled(input.password), request };
    let saved = match seconds(&input.hours) {
        Some(seconds) => set_delay(&app, seconds, wish).await,
        None => Err(Error::field("/hours", "needs 0 to 720, which is 30 days")),
    };
    match saved {
        Ok(delay) => Ok(go(&address(id), &told(&delay))),
        Err(error) => {
            let page = page(&app, &may, id, frame, Problems::of(&error), None).await?;
            show_again(&error, &Page { hours: input.hours, ..page })
        }
    }
}

async fn cancel(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    request: Origin,
    Id(id): Id,
    _form: Posted<Nothing>,
) -> Result<Response> {
    cancel_delay(&app, may.user(), &request).await?;
    Ok(go(&address(id), "Taken back. Raised limits wait as long as before."))
}

/// In whole seconds.
fn seconds(hours: &str) -> Option<i32> {
    let hours = Decimal::from_str_exact(hours.trim()).ok()?;
    let seconds = hours.checked_mul(HOUR.into())?.round().to_i32()?;
    POSSIBLE.contains(&seconds).then_some(seconds)
}

fn told(delay: &Delay) -> String {
    match delay.shorter() {
        Some((shorter, _)) => format!(
            "Saved. A wait of {shorter} waits itself; below stands until when, and you can take it back."
        ),
        None => format!("Saved. Raised limits wait {} from now on.", delay.in_words()),
    }
}
