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

use super::{Scope, State, Stop, Sweep, note};
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
    /// A box that is ticked is there.
    #[serde(default)]
    cancel_orders: String,
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
    let state = super::show(app, &may.caller).await?;
    Ok(Page { frame: frame.of(may), problems, state, connections })
}

async fn stop(
    Shared(app): Shared<Arc<App>>,
    may: May<Manage>,
    request: Origin,
    Posted(input): Posted<StopIn>,
) -> Result<Response> {
    let (reason, cancel_orders) = (note(&input.reason), !input.cancel_orders.is_empty());
    let stop = Stop { scope: scope(&input.scope), reason: reason.as_deref(), cancel_orders };
    let is_one = matches!(stop.scope, Scope::Connection(_));
    super::start(&app, &may.caller, stop, &request).await?;
    Ok(go(
        "/panic",
        match (cancel_orders, is_one) {
            (true, _) => TAKEN_BACK,
            (false, true) => "Signing with this connection has stopped.",
            (false, false) => "All signing has stopped.",
        },
    ))
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
        Ok(state) => Ok(go("/panic", &goes_on(&state))),
        Err(error) => show_again(&error, &page(&app, &may, frame, Problems::of(&error)).await?),
    }
}

/// After the end of one stop others may be in force, and hold the same programs.
fn goes_on(state: &State) -> String {
    let left: Vec<String> = state.in_force.iter().map(super::Row::name).collect();
    match left.is_empty() {
        true => "Signing goes on.".to_owned(),
        false => format!("This stop has ended. Still stopped: {}.", left.join(", ")),
    }
}

/// What is not understood stops everything of the caller's: better too much than too little.
fn scope(text: &str) -> Scope {
    match text {
        "site" => Scope::Site,
        text => text.parse().map_or(Scope::Own, Scope::Connection),
    }
}

const TAKEN_BACK: &str =
    "All signing has stopped. Open orders are being taken back; below stands how far that is.";

impl Sweep {
    fn in_words(&self) -> String {
        match (self.state(), self.found) {
            ("waiting", _) => "waits for its turn".to_owned(),
            ("running", _) => "is being looked at".to_owned(),
            (_, 0) if self.problem.is_none() => "no open orders".to_owned(),
            (_, found) => {
                let gone = if self.gone > 0 { format!(", {} gone before", self.gone) } else { String::new() };
                format!("{found} found, {} taken back{gone}", self.cancelled)
            }
        }
    }
}

impl Page {
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
