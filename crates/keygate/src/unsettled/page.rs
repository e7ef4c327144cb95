//! `/unsettled`: calls of which nobody knows what became, and the two answers: it happened, or it never did.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use seal::SecretText;
use serde::Deserialize;

use super::{Row, Word};
use crate::{
    app::App,
    auth::{Client, Manage, May, Origin, Permission, View},
    error::Result,
    http::body::Id,
    page::{Frame, Posted, Problems, filled, go, show, show_again},
};

pub fn pages() -> Router<Arc<App>> {
    Router::new().route("/unsettled", get(list)).route("/unsettled/{id}", post(settle))
}

#[derive(Template)]
#[template(path = "unsettled.html")]
struct Page {
    frame: Frame,
    problems: Problems,
    /// Each with whether the exchange is still being asked.
    rows: Vec<(Row, bool)>,
}

#[derive(Deserialize)]
struct SettleIn {
    place: i16,
    /// The button that was pressed.
    happened: bool,
    #[serde(default)]
    password: Option<SecretText>,
}

async fn list(State(app): State<Arc<App>>, may: May<View>, frame: Frame) -> Result<Response> {
    show(&page(&app, &may, frame, Problems::default()).await?)
}

async fn page<P: Permission>(app: &App, may: &May<P>, frame: Frame, problems: Problems) -> Result<Page> {
    let rows = super::list(app, may.user()).await?.into_iter();
    let rows = rows.map(|row| {
        let is_asked = row.is_asked(app);
        (row, is_asked)
    });
    Ok(Page { frame: frame.of(may), problems, rows: rows.collect() })
}

async fn settle(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    client: Client,
    origin: Origin,
    Id(id): Id,
    frame: Frame,
    Posted(input): Posted<SettleIn>,
) -> Result<Response> {
    let SettleIn { place, happened, password } = input;
    let word = Word { request: id, place, happened, password: filled(password) };
    match super::settle(&app, &may.caller, &client, &origin, word).await {
        Ok(()) if happened => Ok(go("/unsettled", "Settled: it happened. It stays counted.")),
        Ok(()) => Ok(go("/unsettled", "Settled: it never happened. What it held is free again.")),
        Err(error) => show_again(&error, &page(&app, &may, frame, Problems::of(&error)).await?),
    }
}

impl Page {
    fn id(row: &Row, what: &str) -> String {
        format!("{what}-{}-{}", row.request_id, row.place)
    }
}
