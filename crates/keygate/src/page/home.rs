//! `/`: is everything well, what needs attention, how much went through in the last 24 hours.

use std::sync::Arc;

use askama::Template;
use axum::{Router, extract::State, response::Response, routing::get};
use uuid::Uuid;

use super::{Frame, show, text};
use crate::{
    activity::{self, Filter, Histogram},
    alert,
    app::App,
    audit,
    auth::{May, View},
    bot,
    connection::{self, ConnectionOut, Finding},
    error::Result,
    panic, risk, unsettled,
};

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/", get(home))
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    frame: Frame,
    connections: usize,
    healthy: usize,
    bots: Vec<bot::Row>,
    /// What stands still: of everybody, or only what is the reader's.
    stops: Vec<panic::Row>,
    /// Keys that stand still.
    suspended: Vec<risk::Row>,
    /// Calls of which nobody knows what became.
    unsettled: i64,
    alerts: Vec<alert::Row>,
    attention: Vec<Attention>,
    calls: Histogram,
    chain: audit::State,
}

/// One thing to do, and where to do it.
struct Attention {
    finding: Finding,
    connection: String,
    id: Uuid,
}

async fn home(State(app): State<Arc<App>>, may: May<View>, frame: Frame) -> Result<Response> {
    let rows =
        connection::list(&app, may.user()).await?.into_iter().filter(|row| row.destroy_after.is_none());
    let connections: Vec<ConnectionOut> = rows.map(Into::into).collect();
    show(&Home {
        frame: frame.of(&may),
        connections: connections.len(),
        healthy: connections.iter().filter(|connection| healthy(connection)).count(),
        bots: bot::list(&app, may.user()).await?,
        stops: panic::in_force(&app, may.user()).await?,
        suspended: risk::list(&app, may.user()).await?.into_iter().filter(risk::Row::is_in_force).collect(),
        unsettled: unsettled::count(&app, may.user(), None).await?,
        alerts: alert::open(&app, may.user()).await?,
        attention: attention(&connections),
        calls: activity::histogram(&app, may.user(), &Filter::default()).await?,
        chain: audit::state(&app, may.user()).await?,
    })
}

impl Home {
    fn lost(&self) -> String {
        text::count(self.unsettled, "lost answer")
    }

    /// Nothing to look at.
    fn is_calm(&self) -> bool {
        self.stops.is_empty()
            && self.suspended.is_empty()
            && self.unsettled == 0
            && self.alerts.is_empty()
            && self.attention.is_empty()
    }
}

fn healthy(connection: &ConnectionOut) -> bool {
    connection.status == "active" && connection.verification_status.as_deref() == Some("verified")
}

/// Worst first; what is only worth knowing stays on the connection's own page.
fn attention(connections: &[ConnectionOut]) -> Vec<Attention> {
    let mut found = Vec::new();
    for connection in connections {
        let own = failed_check(connection).into_iter().chain(connection.findings.iter().cloned());
        let own = own.filter(|finding| finding.severity != "info");
        found.extend(own.map(|finding| Attention {
            finding,
            connection: connection.name.clone(),
            id: connection.id,
        }));
    }
    found.sort_by_key(|item| ["stop", "high", "medium"].iter().position(|s| *s == item.finding.severity));
    found
}

fn failed_check(connection: &ConnectionOut) -> Option<Finding> {
    let failed = connection.verification_status.as_deref() == Some("failed");
    failed.then(|| Finding {
        severity: "high".to_owned(),
        code: "check-failed".to_owned(),
        text: "The last check at the exchange failed.".to_owned(),
        fix: connection.last_error.clone().unwrap_or_default(),
    })
}
