//! `/access-keys`: the personal key, made once, shown once, revoked.

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
use time::OffsetDateTime;

use super::{Bounds, NewPersonal, PERSONAL_DAYS, PERSONAL_SCOPES, Row};
use crate::{
    app::App,
    auth::{Client, Manage, May, Origin, Permission, View},
    error::Result,
    http::body::Id,
    page::{Frame, Posted, Problems, filled, go, show, show_again},
    user::{StepUp, is_fresh},
};

pub fn pages() -> Router<Arc<App>> {
    Router::new()
        .route("/access-keys", get(list).post(create))
        .route("/access-keys/{id}/revoke", post(revoke))
}

#[derive(Template)]
#[template(path = "access_keys.html")]
struct Keys {
    frame: Frame,
    problems: Problems,
    keys: Vec<Row>,
    now: OffsetDateTime,
    given: NewIn,
    /// The last sign-in is too long ago to make a key that may do more than read.
    asks_password: bool,
}

#[derive(Template)]
#[template(path = "access_key_new.html")]
struct Once {
    frame: Frame,
    token: SecretText,
    scopes: String,
}

#[derive(Deserialize)]
struct NewIn {
    name: String,
    read: Option<String>,
    manage: Option<String>,
    trade: Option<String>,
    expires_in_days: String,
    #[serde(default)]
    allowed_ip_addresses: String,
    #[serde(default)]
    password: Option<SecretText>,
}

#[derive(Deserialize)]
struct Nothing {}

async fn list(State(app): State<Arc<App>>, may: May<View>, frame: Frame) -> Result<Response> {
    show(&keys(&app, &may, frame, Problems::default(), NewIn::suggested()).await?)
}

async fn keys<P: Permission>(
    app: &App,
    may: &May<P>,
    frame: Frame,
    problems: Problems,
    given: NewIn,
) -> Result<Keys> {
    let keys = super::list(app, may.user(), None).await?;
    let asks_password = !is_fresh(app, &may.caller) || super::is_at_work(app, may.user()).await?;
    Ok(Keys { frame: frame.of(may), problems, keys, now: app.clock.now(), given, asks_password })
}

/// A reload asks again, and meets the rule of one active key: the first is not shown twice.
async fn create(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    client: Client,
    origin: Origin,
    frame: Frame,
    Posted(mut input): Posted<NewIn>,
) -> Result<Response> {
    let step_up = StepUp { caller: &may.caller, client: &client, password: filled(input.password.take()) };
    let made = match input.parse(&app) {
        Ok(new) => super::create_personal(&app, new, step_up, &origin).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(issued) => {
            let scopes = issued.row.scopes.join(", ");
            show(&Once { frame: frame.of(&may), token: issued.token, scopes })
        }
        Err(error) => show_again(&error, &keys(&app, &may, frame, Problems::of(&error), input).await?),
    }
}

async fn revoke(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    Id(id): Id,
    origin: Origin,
    _form: Posted<Nothing>,
) -> Result<Response> {
    super::revoke(&app, may.user(), id, &origin).await?;
    Ok(go("/access-keys", "Revoked. Calls with it are refused from now on."))
}

impl NewIn {
    fn suggested() -> Self {
        NewIn {
            name: String::new(),
            read: Some("on".to_owned()),
            manage: None,
            trade: None,
            expires_in_days: PERSONAL_DAYS.to_string(),
            allowed_ip_addresses: String::new(),
            password: None,
        }
    }

    fn parse(&self, app: &App) -> Result<NewPersonal> {
        let scopes = self.scopes().into_iter().filter(|(_, _, ticked)| *ticked);
        let scopes = scopes.map(|(scope, _, _)| scope.to_owned()).collect();
        let bounds = Bounds::of_form(app, &self.expires_in_days, &self.allowed_ip_addresses)?;
        NewPersonal::parse(Some(self.name.clone()), scopes, bounds)
    }

    /// Each scope, what it lets its holder do, and whether it is ticked.
    fn scopes(&self) -> [(&'static str, &'static str, bool); 3] {
        let [read, manage, trade] = PERSONAL_SCOPES;
        [
            (read, "look at connections, bots and activity", self.read.is_some()),
            (manage, "add, change and delete them", self.manage.is_some()),
            (trade, "call exchanges through the gate", self.trade.is_some()),
        ]
    }
}
