//! `/panic`: one button stops, and the page says what stands still and what was signed last.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::State as Shared,
    response::Response,
    routing::{get, post},
};
use seal::SecretText;
use serde::Deserialize;

use super::{Scope, State};
use crate::{
    app::App,
    auth::{Client, Manage, May, Origin, Permission, View},
    connection,
    error::Result,
    page::{Frame, Posted, Problems, go, show as show_page, show_again},
};

pub fn pages() -> Router<Arc<App>> {
    Router::new().route("/panic", get(one).post(stop)).route("/panic/resume", post(resume))
}

#[derive(Template)]
#[template(path = "panic.html")]
struct Page {
    frame: Frame,
    problems: Problems,
    state: State,
    connections: Vec<connection::Row>,
}

#[derive(Deserialize)]
struct StopIn {
    #[serde(default)]
    scope: String,
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
struct ResumeIn {
    scope: String,
    #[serde(default)]
    password: Option<SecretText>,
}

async fn one(Shared(app): Shared<Arc<App>>, may: May<View>, frame: Frame) -> Result<Response> {
    show_page(&page(&app, &may, frame, Problems::default()).await?)
}

async fn page<P: Permission>(app: &App, may: &May<P>, frame: Frame, problems: Problems) -> Result<Page> {
    let connections = connection::list(app, may.user()).await?;
    let state = super::show(app, may.user()).await?;
    Ok(Page { frame: frame.of(may), problems, state, connections })
}

async fn stop(
    Shared(app): Shared<Arc<App>>,
    may: May<Manage>,
    request: Origin,
    Posted(input): Posted<StopIn>,
) -> Result<Response> {
    let reason = Some(input.reason.trim()).filter(|reason| !reason.is_empty() && reason.len() <= 500);
    super::start(&app, &may.caller, scope(&input.scope), reason, &request).await?;
    Ok(go("/panic", "All signing has stopped."))
}

async fn resume(
    Shared(app): Shared<Arc<App>>,
    may: May<Manage>,
    client: Client,
    request: Origin,
    frame: Frame,
    Posted(input): Posted<ResumeIn>,
) -> Result<Response> {
    let password = input.password.filter(|password| !password.expose().is_empty());
    match super::end(&app, &may.caller, &client, scope(&input.scope), password, &request).await {
        Ok(_) => Ok(go("/panic", "Signing goes on.")),
        Err(error) => show_again(&error, &page(&app, &may, frame, Problems::of(&error)).await?),
    }
}

/// What is not understood stops everything of the caller's: better too much than too little.
fn scope(text: &str) -> Scope {
    match text {
        "site" => Scope::Site,
        text => text.parse().map_or(Scope::Own, Scope::Connection),
    }
}

impl Page {
    fn name(&self, row: &super::Row) -> String {
        match row.scope() {
            Scope::Site => "Everybody on this site".to_owned(),
            Scope::Own => "All your programs".to_owned(),
            Scope::Connection(id) => {
                let own = self.connections.iter().find(|connection| connection.id == id);
                own.map_or_else(|| id.to_string(), |own| format!("Connection {}", own.name))
            }
        }
    }

    fn value(&self, row: &super::Row) -> String {
        match row.scope() {
            Scope::Site => "site".to_owned(),
            Scope::Own => "own".to_owned(),
            Scope::Connection(id) => id.to_string(),
        }
    }

    fn may_resume(&self, row: &super::Row) -> bool {
        row.scope() != Scope::Site || self.administers()
    }

    fn administers(&self) -> bool {
        self.frame.person.as_ref().is_some_and(|person| person.role.administers())
    }
}
