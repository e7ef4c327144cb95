//! `/livez`: the process answers. `/readyz` (also `/healthz`): it can do its work.

use std::sync::Arc;

use axum::{Json, Router, extract::State, response::IntoResponse, routing::get};
use http::StatusCode;
use serde::Serialize;

use crate::app::App;

/// Whoever watches over the service asks by the address of the machine, and before it is set up: nothing is told here that
/// a name would have to protect.
pub const PATHS: [&str; 3] = ["/livez", "/readyz", "/healthz"];

#[derive(Serialize)]
struct Readiness {
    status: &'static str,
    database: &'static str,
    master_key: &'static str,
}

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/healthz", get(ready))
}

/// The master key was opened at start, else there would be no process to ask.
async fn ready(State(app): State<Arc<App>>) -> impl IntoResponse {
    let database = match app.db.guest().await {
        Ok(mut tx) => sqlx::query("select 1").execute(&mut *tx).await.is_ok(),
        Err(_) => false,
    };
    let status = if database { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let word = |good: bool| if good { "ok" } else { "failed" };
    (status, Json(Readiness { status: word(database), database: word(database), master_key: "open" }))
}
