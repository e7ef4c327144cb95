//! `/api/settings/exchange-api-key`: one key per exchange of the numbered registry.

use std::sync::Arc;

use axum::{Json as Answer, extract::State};
use seal::SecretText;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    auth::{Manage, May, Origin, View},
    connection::{self, Allow, ExchangeKey, NewConnection, secrets},
    error::{Code, Error, Problem, Result},
    exchanges,
    http::body::{Json, Query},
    user,
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct KeyIn {
    /// Optional; must be the caller's own number.
    user_no: Option<i32>,
    exchange_id: i32,
    public_key: String,
    #[schema(value_type = String, format = Password)]
    private_key: SecretText,
    /// `production` when absent.
    environment: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct MessageOut {
    message: &'static str,
}

#[derive(Serialize, ToSchema)]
struct KeyOut {
    exchange_id: i32,
    exchange_name: String,
    public_key_masked: String,
    /// Always `********`: no part of a secret is ever shown.
    private_key_masked: &'static str,
    /// False also for a key that cannot be opened any more.
    is_active: bool,
    #[serde(with = "time::serde::rfc3339::option")]
    update_date: Option<OffsetDateTime>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// Optional; must be the caller's own number.
    user_no: Option<i32>,
}

/// Store a key for a registered exchange after verifying it there.
#[utoipa::path(post, path = "/api/settings/exchange-api-key", tag = "classic", request_body = KeyIn, responses(
    (status = 200, body = MessageOut), (status = 400, body = Problem), (status = 403, body = Problem, description = "A foreign user_no.")))]
async fn register(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    request: Origin,
    Json(input): Json<KeyIn>,
) -> Result<Answer<MessageOut>> {
    own_number_only(&app, &may.caller, input.user_no).await?;
    let listed = exchanges::find(&app, may.user(), input.exchange_id).await?;
    let (name, definition) =
        listed.ok_or_else(|| Error::field("/exchange_id", "is not a registered exchange"))?;
    let exchange = definition.ok_or_else(|| {
        Error::field("/exchange_id", format!("{name} has no definition, so no key can be verified there"))
    })?;
    let new = NewConnection {
        exchange,
        environment: input.environment.unwrap_or_else(|| "production".to_owned()),
        name: "Primary".to_owned(),
        label: None,
        key: ExchangeKey {
            api_key: input.public_key.trim().to_owned(),
            secret: input.private_key,
            passphrase: None,
            options: exchange::Options::default(),
        },
        own_key: None,
        allow: Allow::default(),
        accept_withdraw: false,
    };
    connection::add(&app, may.user(), new, &request).await?;
    Ok(Answer(MessageOut { message: "API key registered successfully." }))
}

/// The caller's keys by exchange, masked.
#[utoipa::path(get, path = "/api/settings/exchange-api-key", tag = "classic", params(ListQuery), responses(
    (status = 200, body = Vec<KeyOut>), (status = 403, body = Problem, description = "A foreign user_no.")))]
async fn list(
    State(app): State<Arc<App>>,
    may: May<View>,
    Query(query): Query<ListQuery>,
) -> Result<Answer<Vec<KeyOut>>> {
    own_number_only(&app, &may.caller, query.user_no).await?;
    let registry = exchanges::list(&app, may.user()).await?;
    let rows = connection::list(&app, may.user()).await?;
    let out = rows.into_iter().filter(|row| row.destroy_after.is_none()).filter_map(|row| {
        let listed =
            registry.iter().find(|listed| listed.definition.as_deref() == Some(row.exchange.as_str()))?;
        Some(KeyOut {
            exchange_id: listed.exchange_id,
            exchange_name: listed.exchange_name.clone(),
            public_key_masked: row.public_key.as_deref().map_or_else(|| "********".to_owned(), secrets::mask),
            private_key_masked: "********",
            is_active: row.public_key.is_some() && row.status == "active",
            update_date: row.updated_at,
        })
    });
    Ok(Answer(out.collect()))
}

/// The user comes from the credential; a number in the request may only confirm it.
async fn own_number_only(app: &App, caller: &crate::auth::Caller, user_no: Option<i32>) -> Result<()> {
    match user_no {
        Some(number) if user::number(app, caller.user).await? != number => {
            Err(Code::Forbidden
                .with("user_no is not yours. Leave it out: the user comes from your credential."))
        }
        _ => Ok(()),
    }
}

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(register, list))
}
