//! `/alerts`: what is open, and the button that says it was seen.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{Row, store};
use crate::{
    app::App,
    auth::{Manage, May, View},
    connection,
    error::Result,
    page::{Frame, Posted, go, show},
};

pub fn pages() -> Router<Arc<App>> {
    Router::new().route("/alerts", get(list)).route("/alerts/acknowledge", post(acknowledge))
}

#[derive(Template)]
#[template(path = "alerts.html")]
struct Page {
    frame: Frame,
    open: Vec<Row>,
    closed: Vec<Row>,
    connections: Vec<connection::Row>,
}

/// One, or without it all that are open.
#[derive(Deserialize)]
struct Seen {
    #[serde(default)]
    alert: Option<Uuid>,
}

async fn list(State(app): State<Arc<App>>, may: May<View>, frame: Frame) -> Result<Response> {
    let rows = store::all(&app, may.user()).await?;
    let (open, closed) = rows.into_iter().partition(|row| row.acknowledged_at.is_none());
    let connections = connection::list(&app, may.user()).await?;
    show(&Page { frame: frame.of(&may), open, closed, connections })
}

async fn acknowledge(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    Posted(seen): Posted<Seen>,
) -> Result<Response> {
    store::acknowledge(&app, may.user(), seen.alert).await?;
    Ok(go("/alerts", "Noted."))
}

impl Page {
    fn name(&self, id: &Uuid) -> Option<&str> {
        self.connections.iter().find(|row| row.id == *id).map(|row| row.name.as_str())
    }
}

impl Row {
    /// How it looks among the findings of the overview.
    pub fn finding(&self) -> &'static str {
        match self.severity.as_str() {
            "urgent" => "stop",
            "warning" => "high",
            _ => "info",
        }
    }

    /// The colour of its mark.
    fn pill(&self) -> &'static str {
        match self.severity.as_str() {
            "urgent" => "bad",
            "warning" => "warn",
            _ => "",
        }
    }
}
