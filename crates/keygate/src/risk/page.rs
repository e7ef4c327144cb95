//! `/suspensions`: what was unusual about a key's use, and the two answers to it: it was me, or it was not.

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
use uuid::Uuid;

use super::Row;
use crate::{
    access_key,
    app::App,
    auth::{Manage, May, Origin, Permission, View},
    error::Result,
    http::body::Id,
    page::{Frame, Posted, Problems, go, show, show_again},
};

pub fn pages() -> Router<Arc<App>> {
    Router::new()
        .route("/suspensions", get(list))
        .route("/suspensions/{id}/confirm", post(confirm))
        .route("/suspensions/{id}/revoke", post(revoke))
}

#[derive(Template)]
#[template(path = "suspensions.html")]
struct Page {
    frame: Frame,
    problems: Problems,
    in_force: Vec<Row>,
    past: Vec<Row>,
}

#[derive(Deserialize)]
struct ConfirmIn {
    #[serde(default)]
    password: Option<SecretText>,
}

#[derive(Deserialize)]
struct Nothing {}

async fn list(State(app): State<Arc<App>>, may: May<View>, frame: Frame) -> Result<Response> {
    show(&page(&app, &may, frame, Problems::default()).await?)
}

async fn page<P: Permission>(app: &App, may: &May<P>, frame: Frame, problems: Problems) -> Result<Page> {
    let rows = super::list(app, may.user()).await?;
    let (in_force, past) = rows.into_iter().partition(Row::is_in_force);
    Ok(Page { frame: frame.of(may), problems, in_force, past })
}

async fn confirm(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    Id(id): Id,
    origin: Origin,
    frame: Frame,
    Posted(input): Posted<ConfirmIn>,
) -> Result<Response> {
    let password = input.password.filter(|password| !password.expose().is_empty());
    match super::confirm(&app, &may.caller, &origin, id, password).await {
        Ok(_) => Ok(go("/suspensions", "The key signs again.")),
        Err(error) => show_again(&error, &page(&app, &may, frame, Problems::of(&error)).await?),
    }
}

async fn revoke(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    Id(id): Id,
    origin: Origin,
    _form: Posted<Nothing>,
) -> Result<Response> {
    let row = super::in_force(&app, may.user(), id).await?;
    access_key::revoke(&app, may.user(), row.access_key_id, &origin).await?;
    Ok(go("/suspensions", "Revoked. Whoever has the key can do nothing with it any more."))
}

impl Page {
    fn id(row: &Row, what: &str) -> String {
        let id: &Uuid = &row.id;
        format!("{what}-{id}")
    }
}
