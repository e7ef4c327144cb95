//! `/api/v1/auth/*`, `/api/v1/users/me` and `/api/v1/admin/users`.

use std::sync::Arc;

use axum::{Extension, Json as Answer, extract::State};
use http::StatusCode;
use seal::SecretText;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{NewUser, StepUp, Tokens, User};
use crate::{
    app::App,
    auth::{Administer, Client, Manage, May, Origin, Role, Via, View, token},
    error::{Problem, Result},
    http::body::{Id, Json},
    idempotency::ShownOnce,
};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SetupIn {
    /// The part of the setup link after `#`.
    #[schema(value_type = String)]
    token: SecretText,
    email: String,
    name: String,
    #[schema(value_type = String, format = Password)]
    password: SecretText,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RegisterIn {
    email: String,
    name: String,
    #[schema(value_type = String, format = Password)]
    password: SecretText,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AccountIn {
    email: String,
    name: String,
    /// Of the new account.
    #[schema(value_type = String, format = Password)]
    password: SecretText,
    /// Your own.
    #[schema(value_type = Option<String>, format = Password)]
    your_password: Option<SecretText>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReactivateIn {
    /// Your password.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<SecretText>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordIn {
    /// The one there is.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<SecretText>,
    /// At least 12 characters.
    #[schema(value_type = String, format = Password)]
    new_password: SecretText,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LoginIn {
    email: String,
    #[schema(value_type = String, format = Password)]
    password: SecretText,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RefreshIn {
    #[schema(value_type = String)]
    refresh_token: SecretText,
}

#[derive(Serialize, ToSchema)]
struct TokensOut {
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds until the access token ends.
    expires_in: i64,
    /// Good for one use; trade it at `/api/v1/auth/refresh`.
    refresh_token: String,
}

#[derive(Serialize, ToSchema)]
struct MeOut {
    id: Uuid,
    email: String,
    name: String,
    role: Role,
}

impl From<Tokens> for TokensOut {
    fn from(tokens: Tokens) -> Self {
        TokensOut {
            access_token: tokens.access,
            token_type: "Bearer",
            expires_in: token::LIFE_SECONDS,
            refresh_token: tokens.refresh.expose().to_owned(),
        }
    }
}

/// Make the owner's account with the one-time setup link.
#[utoipa::path(post, path = "/api/v1/auth/setup", tag = "auth", request_body = SetupIn, security(()), responses(
    (status = 201, body = TokensOut), (status = 403, body = Problem, description = "The link is used, expired or wrong.")))]
async fn set_up(
    State(app): State<Arc<App>>,
    Json(input): Json<SetupIn>,
) -> Result<(StatusCode, Answer<TokensOut>)> {
    let new = NewUser::parse(&input.email, &input.name, input.password)?;
    let owner = super::set_up(&app, &input.token, new).await?;
    Ok((StatusCode::CREATED, Answer(super::open_tokens(&app, owner).await?.into())))
}

/// Make an account, when registration is open.
#[utoipa::path(post, path = "/api/v1/auth/register", tag = "auth", request_body = RegisterIn, security(()), responses(
    (status = 201, body = TokensOut), (status = 403, body = Problem, description = "Registration is closed."),
    (status = 409, body = Problem, description = "There is an account with this e-mail.")))]
async fn register(
    State(app): State<Arc<App>>,
    Json(input): Json<RegisterIn>,
) -> Result<(StatusCode, Answer<TokensOut>)> {
    let new = NewUser::parse(&input.email, &input.name, input.password)?;
    let user = super::register(&app, new).await?;
    Ok((StatusCode::CREATED, Answer(super::open_tokens(&app, user).await?.into())))
}

/// Sign in with e-mail and password.
#[utoipa::path(post, path = "/api/v1/auth/login", tag = "auth", request_body = LoginIn, security(()), responses(
    (status = 200, body = TokensOut), (status = 401, body = Problem, description = "E-mail or password is wrong."),
    (status = 403, body = Problem, description = "The account is not active."),
    (status = 429, body = Problem, description = "Too many attempts; see Retry-After.")))]
async fn login(
    State(app): State<Arc<App>>,
    client: Client,
    origin: Origin,
    Json(input): Json<LoginIn>,
) -> Result<Answer<TokensOut>> {
    let user = super::sign_in(&app, &input.email, input.password, &client, &origin, None).await?;
    Ok(Answer(super::open_tokens(&app, user).await?.into()))
}

/// Trade a refresh token for new tokens. Using one twice ends the whole sign-in.
#[utoipa::path(post, path = "/api/v1/auth/refresh", tag = "auth", request_body = RefreshIn, security(()), responses(
    (status = 200, body = TokensOut), (status = 401, body = Problem)))]
async fn refresh(State(app): State<Arc<App>>, Json(input): Json<RefreshIn>) -> Result<Answer<TokensOut>> {
    Ok(Answer(super::refresh(&app, &input.refresh_token).await?.into()))
}

/// End this sign-in: its access and refresh tokens stop working at once.
#[utoipa::path(post, path = "/api/v1/auth/logout", tag = "auth", responses((status = 204), (status = 401, body = Problem)))]
async fn logout(State(app): State<Arc<App>>, may: May<View>) -> Result<StatusCode> {
    if let Via::Token { family, .. } = may.caller.via {
        super::sign_out(&app, may.user(), family).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Who am I?
#[utoipa::path(get, path = "/api/v1/users/me", tag = "auth", responses(
    (status = 200, body = MeOut), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn me(may: May<View>) -> Answer<MeOut> {
    let caller = may.caller;
    Answer(MeOut { id: caller.user, email: caller.email, name: caller.name, role: caller.role })
}

/// Change your password. All other sign-ins end, and so does this one: the answer is a new one. Access keys go on.
#[utoipa::path(post, path = "/api/v1/users/me/password", tag = "auth", request_body = PasswordIn, responses(
    (status = 200, body = TokensOut), (status = 400, body = Problem), (status = 401, body = Problem, description = "The password is wrong."),
    (status = 403, body = Problem, description = "`step-up-required`: the password is missing."),
    (status = 429, body = Problem, description = "Too many attempts; see Retry-After.")))]
async fn change_password(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    client: Client,
    origin: Origin,
    Json(input): Json<PasswordIn>,
) -> Result<(Extension<ShownOnce>, Answer<TokensOut>)> {
    let step_up = StepUp { caller: &may.caller, client: &client, password: input.password };
    super::change_password(&app, input.new_password, step_up, &origin).await?;
    Ok((Extension(ShownOnce), Answer(super::open_tokens(&app, may.user()).await?.into())))
}

/// End all sign-ins of yours, on every device. The answer is a new one. Access keys go on.
#[utoipa::path(post, path = "/api/v1/auth/logout-others", tag = "auth", responses(
    (status = 200, body = TokensOut), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn logout_others(
    State(app): State<Arc<App>>,
    may: May<Manage>,
    origin: Origin,
) -> Result<(Extension<ShownOnce>, Answer<TokensOut>)> {
    super::end_sign_ins(&app, &may.caller, &origin).await?;
    Ok((Extension(ShownOnce), Answer(super::open_tokens(&app, may.user()).await?.into())))
}

/// All accounts. An administrator sees accounts, never what they own.
#[utoipa::path(get, path = "/api/v1/admin/users", tag = "admin", responses(
    (status = 200, body = Vec<User>), (status = 403, body = Problem)))]
async fn list(State(app): State<Arc<App>>, may: May<Administer>) -> Result<Answer<Vec<User>>> {
    Ok(Answer(super::list(&app, may.user()).await?))
}

/// Make an account for somebody. Needs your own password.
#[utoipa::path(post, path = "/api/v1/admin/users", tag = "admin", request_body = AccountIn, responses(
    (status = 201, body = User), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem)))]
async fn create(
    State(app): State<Arc<App>>,
    may: May<Administer>,
    client: Client,
    origin: Origin,
    Json(input): Json<AccountIn>,
) -> Result<(StatusCode, Answer<User>)> {
    let new = NewUser::parse(&input.email, &input.name, input.password)?;
    let step_up = StepUp { caller: &may.caller, client: &client, password: input.your_password };
    let id = super::make_for(&app, new, step_up, &origin).await?;
    let made = super::list(&app, may.user()).await?.into_iter().find(|user| user.id == id);
    Ok((StatusCode::CREATED, Answer(made.ok_or(crate::error::Code::NotFound)?)))
}

/// End an account's access: sessions, tokens and bots stop at once. Nothing is deleted.
#[utoipa::path(post, path = "/api/v1/admin/users/{id}/deactivate", tag = "admin", params(("id" = Uuid, Path,)),
    responses((status = 200, body = User), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn deactivate(
    State(app): State<Arc<App>>,
    may: May<Administer>,
    origin: Origin,
    Id(id): Id,
) -> Result<Answer<User>> {
    Ok(Answer(super::deactivate(&app, may.user(), id, &origin).await?))
}

/// Give an account its access back. Needs your password.
#[utoipa::path(post, path = "/api/v1/admin/users/{id}/reactivate", tag = "admin", params(("id" = Uuid, Path,)),
    request_body = ReactivateIn,
    responses((status = 200, body = User), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn reactivate(
    State(app): State<Arc<App>>,
    may: May<Administer>,
    client: Client,
    origin: Origin,
    Id(id): Id,
    Json(input): Json<ReactivateIn>,
) -> Result<Answer<User>> {
    let step_up = StepUp { caller: &may.caller, client: &client, password: input.password };
    Ok(Answer(super::reactivate(&app, id, step_up, &origin).await?))
}

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(set_up))
        .routes(routes!(register))
        .routes(routes!(login))
        .routes(routes!(refresh))
        .routes(routes!(logout))
        .routes(routes!(logout_others))
        .routes(routes!(me))
        .routes(routes!(change_password))
        .routes(routes!(list, create))
        .routes(routes!(deactivate))
        .routes(routes!(reactivate))
}
