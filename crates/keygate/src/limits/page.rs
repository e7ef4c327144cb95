//! `/connections/{id}/limits`: the limits in words, the form that changes them, and what is on its way.

use std::{collections::HashMap, sync::Arc};

use askama::Template;
use axum::{
    Router,
    extract::State as Shared,
    response::Response,
    routing::{get, post},
};
use seal::SecretText;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    Delay, Patch, Pending, State, TEMPLATES, Usage, Wish,
    form::{patch, shown},
    replay::would_have,
    template,
};
use crate::{
    app::App,
    auth::{Client, Manage, May, Origin, Permission, View},
    connection,
    error::Result,
    gateway::{preview::Preview, replay::Report},
    http::body::Id,
    page::{Frame, Posted, Problems, filled, go, show as show_page, show_again},
    unsettled,
};

mod trying;
mod waiting;

pub fn pages() -> Router<Arc<App>> {
    Router::new()
        .route("/connections/{id}/limits", get(one).post(change))
        .route("/connections/{id}/limits/template", post(use_template))
        .route("/connections/{id}/limits/cancel", post(cancel))
        .route("/connections/{id}/limits/replay", post(replay))
        .merge(trying::pages())
        .merge(waiting::pages())
}

#[derive(Template)]
#[template(path = "limits.html")]
struct Page {
    frame: Frame,
    problems: Problems,
    id: Uuid,
    name: String,
    sentences: Vec<String>,
    dry_run: bool,
    pending: Vec<Pending>,
    /// How long what lets more through waits, on every connection.
    delay: Delay,
    /// What stands in the form that changes it.
    hours: String,
    /// What stands in the form, by the names of the limits.
    given: HashMap<String, String>,
    templates: &'static [template::Template],
    usage: Vec<Usage>,
    /// Calls of which nobody knows what became.
    unsettled: i64,
    /// What stands in the form that tries something.
    trying: trying::TryIn,
    /// What would be decided about it.
    tried: Option<Preview>,
    /// What the limits in the form would have made of the past.
    replayed: Option<Report>,
}

/// A form posts texts; a ticked box is there, an empty field means no limit.
#[derive(Deserialize)]
struct ChangeIn {
    #[serde(default)]
    password: Option<SecretText>,
    #[serde(flatten)]
    given: HashMap<String, String>,
}

#[derive(Deserialize)]
struct TemplateIn {
    template: String,
    #[serde(default)]
    password: Option<SecretText>,
}

#[derive(Deserialize)]
struct CancelIn {
    member: String,
}

async fn one(Shared(app): Shared<Arc<App>>, may: May<View>, Id(id): Id, frame: Frame) -> Result<Response> {
    show_page(&page(&app, &may, id, frame, Problems::default(), None).await?)
}

async fn page<P: Permission>(
    app: &App,
    may: &May<P>,
    id: Uuid,
    frame: Frame,
    problems: Problems,
    given: Option<HashMap<String, String>>,
) -> Result<Page> {
    let row = connection::find(app, may.user(), id).await?;
    let State { limits, pending, usage } = super::show(app, may.user(), id).await?;
    let delay = super::delay(app, may.user()).await?;
    Ok(Page {
        frame: frame.of(may),
        problems,
        id,
        name: row.name,
        sentences: limits.sentences(),
        dry_run: limits.dry_run,
        pending,
        hours: delay.hours(),
        delay,
        given: given.unwrap_or_else(|| limits.members().iter().filter_map(shown).collect()),
        templates: &TEMPLATES,
        usage,
        unsettled: unsettled::count(app, may.user(), Some(id)).await?,
        trying: trying::TryIn::default(),
        tried: None,
        replayed: None,
    })
}

async fn change(
    Shared(app): Shared<Arc<App>>,
    may: May<Manage>,
    client: Client,
    request: Origin,
    Id(id): Id,
    frame: Frame,
    Posted(input): Posted<ChangeIn>,
) -> Result<Response> {
    let wish = Wish { caller: &may.caller, client: &client, password: filled(input.password), request };
    let changed = match differing(&app, may.user(), id, &input.given).await {
        Ok(patch) => super::change(&app, id, &patch, wish).await,
        Err(error) => Err(error),
    };
    match changed {
        Ok(state) => Ok(go(&address(id), told(&state))),
        Err(error) => {
            let page = page(&app, &may, id, frame, Problems::of(&error), Some(input.given)).await?;
            show_again(&error, &page)
        }
    }
}

/// What the form changes. It always holds all fields: what stands in it as it is in force leaves alone what waits.
async fn differing(app: &App, user: Uuid, id: Uuid, given: &HashMap<String, String>) -> Result<Patch> {
    let limits = super::show(app, user, id).await?.limits;
    Ok(limits.difference(&limits.with(&patch(given))?))
}

async fn use_template(
    Shared(app): Shared<Arc<App>>,
    may: May<Manage>,
    client: Client,
    request: Origin,
    Id(id): Id,
    frame: Frame,
    Posted(input): Posted<TemplateIn>,
) -> Result<Response> {
    let patch = template::Template::find(&input.template).map_or_else(Patch::new, |own| (own.patch)());
    let wish = Wish { caller: &may.caller, client: &client, password: filled(input.password), request };
    match super::change(&app, id, &patch, wish).await {
        Ok(state) => Ok(go(&address(id), told(&state))),
        Err(error) => show_again(&error, &page(&app, &may, id, frame, Problems::of(&error), None).await?),
    }
}

async fn cancel(
    Shared(app): Shared<Arc<App>>,
    may: May<Manage>,
    request: Origin,
    Id(id): Id,
    Posted(input): Posted<CancelIn>,
) -> Result<Response> {
    super::cancel(&app, may.user(), id, Some(&input.member), &request).await?;
    Ok(go(&address(id), "Taken back. The limit stays as it is."))
}

/// The form as it stands, tried on the past and not saved.
async fn replay(
    Shared(app): Shared<Arc<App>>,
    may: May<View>,
    Id(id): Id,
    frame: Frame,
    Posted(input): Posted<ChangeIn>,
) -> Result<Response> {
    let replayed = would_have(&app, may.user(), id, &patch(&input.given)).await;
    let problems = replayed.as_ref().err().map(Problems::of).unwrap_or_default();
    let page = page(&app, &may, id, frame, problems, Some(input.given)).await?;
    match replayed {
        Ok(report) => show_page(&Page { replayed: Some(report), ..page }),
        Err(error) => show_again(&error, &page),
    }
}

impl Page {
    fn value(&self, name: &str) -> &str {
        self.given.get(name).map_or("", String::as_str)
    }

    fn ticked(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }
}

impl Pending {
    /// Its new value as a person writes it.
    fn shown(&self) -> String {
        match shown((&self.member, &self.value)) {
            Some((_, text)) if !text.is_empty() => text,
            _ => "no limit".to_owned(),
        }
    }
}

fn told(state: &State) -> &'static str {
    match state.pending.is_empty() {
        true => "Saved. The limits are in force.",
        false => "Saved. What lets more through waits; below stands until when, and you can take it back.",
    }
}

fn address(id: Uuid) -> String {
    format!("/connections/{id}/limits")
}
