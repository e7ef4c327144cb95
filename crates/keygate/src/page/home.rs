//! `/`: is everything well, what needs attention, how much went through in the last 24 hours.

use std::sync::Arc;

use askama::Template;
use axum::{Router, extract::State, response::Response, routing::get};
use time::Duration;
use uuid::Uuid;

use super::{Frame, show, text};
use crate::{
    activity::{self, Hour},
    alert,
    app::App,
    auth::{May, View},
    bot,
    connection::{self, ConnectionOut, Finding},
    error::Result,
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
    alerts: Vec<alert::Row>,
    attention: Vec<Attention>,
    allowed: i64,
    denied: i64,
    bars: Vec<Bar>,
}

/// One thing to do, and where to do it.
struct Attention {
    finding: Finding,
    connection: String,
    id: Uuid,
}

/// One hour of the picture; heights in its units, the y axis pointing down.
struct Bar {
    x: i64,
    allowed: i64,
    denied: i64,
    label: String,
    calls: i64,
    denials: i64,
}

async fn home(State(app): State<Arc<App>>, may: May<View>, frame: Frame) -> Result<Response> {
    let rows =
        connection::list(&app, may.user()).await?.into_iter().filter(|row| row.destroy_after.is_none());
    let connections: Vec<ConnectionOut> = rows.map(Into::into).collect();
    let hours = activity::hours(&app, may.user(), app.clock.now() - Duration::hours(24)).await?;
    show(&Home {
        frame: frame.of(&may),
        connections: connections.len(),
        healthy: connections.iter().filter(|connection| healthy(connection)).count(),
        bots: bot::list(&app, may.user()).await?,
        alerts: alert::open(&app, may.user()).await?,
        attention: attention(&connections),
        allowed: hours.iter().map(|hour| hour.allowed).sum(),
        denied: hours.iter().map(|hour| hour.denied).sum(),
        bars: bars(&hours, &app),
    })
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

/// Twenty-four columns, the newest on the right; the tallest fills the height.
fn bars(hours: &[Hour], app: &App) -> Vec<Bar> {
    let now = app.clock.now();
    let first = now - Duration::hours(23);
    let most = hours.iter().map(|hour| hour.allowed + hour.denied).max().unwrap_or(0).max(1);
    let height = |calls: i64| if calls == 0 { 0 } else { (calls * HEIGHT / most).max(2) };
    (0..24)
        .map(|index| {
            let start = hour_of(first + Duration::hours(index));
            let hour = hours.iter().find(|hour| hour_of(hour.start) == start);
            let (calls, denials) = hour.map_or((0, 0), |hour| (hour.allowed, hour.denied));
            let label = text::when(&start);
            Bar { x: index * 10, allowed: height(calls), denied: height(denials), label, calls, denials }
        })
        .collect()
}

fn hour_of(at: time::OffsetDateTime) -> time::OffsetDateTime {
    let at = at.to_offset(time::UtcOffset::UTC);
    at.replace_time(time::Time::from_hms(at.hour(), 0, 0).unwrap_or(time::Time::MIDNIGHT))
}

const HEIGHT: i64 = 60;
