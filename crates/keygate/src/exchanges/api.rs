//! `GET /api/v1/exchanges` (definitions) and the classic `GET|POST /api/settings/exchanges` (registry).

use std::sync::Arc;

use axum::{Json as Answer, extract::State};
use exchange::Definition;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Listed;
use crate::{
    app::App,
    auth::{Administer, May, View},
    error::{Problem, Result},
    http::body::Json,
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewExchangeIn {
    exchange_name: String,
}

/// What Keygate can do with an exchange, and what a key for it consists of.
#[derive(Serialize, ToSchema)]
struct ExchangeOut {
    id: String,
    name: String,
    /// `production` first; others are test environments.
    environments: Vec<String>,
    /// Members a key needs: `api_key`, `secret`, `passphrase`.
    fields: Vec<String>,
    key_types: Vec<String>,
    /// Kinds of keys that can be made here, since the exchange takes the public half: `ed25519`, `rsa`.
    own_keys: Vec<String>,
    /// Can the exchange say what a key may do?
    tells_permissions: bool,
    docs: String,
}

impl From<&Definition> for ExchangeOut {
    fn from(definition: &Definition) -> Self {
        ExchangeOut {
            id: definition.id().to_owned(),
            name: definition.name().to_owned(),
            environments: environments(definition),
            fields: words(definition.fields()),
            key_types: words(definition.key_kinds()),
            own_keys: definition.own_keys().map_or_else(Vec::new, |own| words(&own.kinds)),
            tells_permissions: definition.capabilities().permissions,
            docs: definition.docs().to_owned(),
        }
    }
}

/// The names the API uses for fields and key types are the crate's own.
fn words<T: Serialize>(items: impl IntoIterator<Item = T>) -> Vec<String> {
    let word = |item| serde_json::to_value(item).ok().and_then(|value| value.as_str().map(str::to_owned));
    items.into_iter().filter_map(word).collect()
}

/// Real money first, then the others by name.
fn environments(definition: &Definition) -> Vec<String> {
    let mut names: Vec<String> = definition.environments().map(str::to_owned).collect();
    names.sort_by_key(|name| (name != exchange::PRODUCTION, name.clone()));
    names
}

/// The exchanges keys can be added for.
#[utoipa::path(get, path = "/api/v1/exchanges", tag = "exchanges", responses((status = 200, body = Vec<ExchangeOut>)))]
async fn definitions(State(app): State<Arc<App>>, _may: May<View>) -> Answer<Vec<ExchangeOut>> {
    Answer(app.exchanges.iter().map(|definition| definition.as_ref().into()).collect())
}

/// The registry of exchanges by number.
#[utoipa::path(get, path = "/api/settings/exchanges", tag = "classic", responses((status = 200, body = Vec<Listed>)))]
async fn registry(State(app): State<Arc<App>>, may: May<View>) -> Result<Answer<Vec<Listed>>> {
    Ok(Answer(super::list(&app, may.user()).await?))
}

/// Add a name to the registry (administrators).
#[utoipa::path(post, path = "/api/settings/exchanges", tag = "classic", request_body = NewExchangeIn, responses(
    (status = 200, body = Vec<Listed>, description = "The whole list."),
    (status = 400, body = Problem, description = "The name exists."), (status = 403, body = Problem)))]
async fn add(
    State(app): State<Arc<App>>,
    may: May<Administer>,
    Json(input): Json<NewExchangeIn>,
) -> Result<Answer<Vec<Listed>>> {
    Ok(Answer(super::register(&app, &may, &input.exchange_name).await?))
}

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(definitions)).routes(routes!(registry, add))
}
