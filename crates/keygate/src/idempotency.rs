//! `Idempotency-Key`: a request that is sent again under the same key is carried out once and answered twice.
//!
//! Always holds: a key is its user's own and lasts a day; the same key with another request is refused; the answer is
//! kept before it is given, sealed under the user's key; one that shows a secret is kept for ten minutes only. What failed on
//! our side, or may pass by itself, is not kept and may be tried again. A request goes on when its caller goes away; if
//! this process dies over it, its claim ends within half a minute and the request may be carried out again: it makes what
//! it makes under the same id then, so a second one of it is refused ([`NewId`]).

use std::{convert::Infallible, sync::Arc};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};
use seal::{Context, field};
use time::Duration;
use tracing::Instrument;
use uuid::Uuid;

use crate::{
    app::App,
    auth::{Manage, May},
    error::{Code, Error, Result},
    http::{MAX_BODY, PUBLIC_ROUTES, body::in_time, problem, request_id},
    key_ring,
};

mod key;
mod store;

use key::Key;
use store::{Kept, Taken};

/// The key of a request.
pub const HEADER: &str = "idempotency-key";
/// Says that an answer is the one from before.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Marks an answer whose secret is shown once: it is kept for as long as a lost answer is asked for again, and no longer.
#[derive(Clone, Copy)]
pub struct ShownOnce;

/// The id of what a request makes: the same one whenever it is carried out under the same key.
pub struct NewId(pub Uuid);

/// The right to carry a request out.
#[derive(Clone, Debug)]
struct Claim {
    user: Uuid,
    key: [u8; 32],
    id: Uuid,
    run: Uuid,
}

#[derive(Clone, Copy)]
struct Making(Uuid);

/// Is the header honoured on this route? A stored answer would not stop anything, so not on the way to panic.
pub fn is_offered(method: &Method, path: &str) -> bool {
    let changes = *method == Method::POST || *method == Method::PATCH;
    changes && path != "/api/v1/panic" && !PUBLIC_ROUTES.contains(&format!("{method} {path}").as_str())
}

/// The layer around the routes of the API.
pub async fn once(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if !request.headers().contains_key(HEADER) || !is_offered(request.method(), request.uri().path()) {
        return next.run(request).await;
    }
    hold(app, request, next).await.unwrap_or_else(IntoResponse::into_response)
}

async fn hold(app: Arc<App>, request: Request, next: Next) -> Result<Response> {
    let key = Key::of(request.headers())?;
    let (mut parts, body) = request.into_parts();
    // Who may change nothing hears so from the route itself.
    let Ok(may) = May::<Manage>::from_request_parts(&mut parts, &app).await else {
        return Ok(next.run(Request::from_parts(parts, body)).await);
    };
    let body = in_time(to_bytes(body, MAX_BODY)).await?;
    let body = body.map_err(|_| Code::BodyTooLarge.with("Send at most 64 KiB."))?;
    let wanted =
        Claim { user: may.user(), key: key.mac(&app, may.user()), id: app.clock.id(), run: app.clock.id() };
    let request_mac = key::request_mac(&app, &may, &parts, &body);
    match store::claim(&app, wanted, &request_mac).await? {
        Taken::Ours(claim) => {
            parts.extensions.insert(Making(claim.id));
            carry_out(app, claim, Request::from_parts(parts, Body::from(body)), next).await
        }
        Taken::Running => Err(Code::RequestRunning
            .with("The first request under this key is still being carried out. Ask again in a moment.")
            .retry_after(1)),
        Taken::Other => Err(Code::IdempotencyKeyReused
            .with("This key was used for another request within the last day. Take a new one.")),
        Taken::Answered { id, kept } => replay(&app, may.user(), id, kept).await,
    }
}

/// In a task of its own, so that a caller who goes away does not stop it half-way.
async fn carry_out(app: Arc<App>, claim: Claim, request: Request, next: Next) -> Result<Response> {
    let (held, keeper) = (claim.clone(), app.clone());
    let work = async move { answer(&keeper, &held, request, next).await };
    match tokio::spawn(work.in_current_span()).await {
        Ok(answered) => answered,
        Err(error) => {
            store::release(&app, &claim).await?;
            Err(Error::internal(error))
        }
    }
}

async fn answer(app: &App, claim: &Claim, request: Request, next: Next) -> Result<Response> {
    let id = request_id::of(&request);
    let mut response = run(app, claim, request, next).await;
    if let Some(error) = response.extensions_mut().remove::<Error>() {
        response = problem(&error, &id);
    }
    let secret = response.extensions().get::<ShownOnce>().is_some();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, LONGEST_ANSWER).await.map_err(Error::internal)?;
    let kept = match is_final(parts.status) {
        true => keep(app, claim, &parts, &body, secret).await,
        false => store::release(app, claim).await,
    };
    if let Err(error) = kept {
        tracing::error!(%error, "an answer could not be kept; its request may be carried out again");
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

/// As long as it takes, the claim is renewed.
async fn run(app: &App, claim: &Claim, request: Request, next: Next) -> Response {
    let mut answering = std::pin::pin!(next.run(request));
    loop {
        tokio::select! {
            response = &mut answering => return response,
            () = tokio::time::sleep(RENEWAL) => {
                if let Err(error) = store::renew(app, claim).await {
                    tracing::warn!(%error, "the claim of a request could not be renewed");
                }
            }
        }
    }
}

/// Neither our own failures nor what may pass without the request being another one.
fn is_final(status: StatusCode) -> bool {
    !status.is_server_error()
        && ![StatusCode::UNAUTHORIZED, StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS]
            .contains(&status)
}

async fn keep(
    app: &App,
    claim: &Claim,
    parts: &http::response::Parts,
    body: &Bytes,
    secret: bool,
) -> Result<()> {
    let mut tx = app.db.user(claim.user).await?;
    let user_key = key_ring::user_key(app, &mut tx, claim.user).await?;
    let kept = Kept {
        status: parts.status,
        content_type: parts.headers.get(header::CONTENT_TYPE).cloned(),
        answer: Some(field::seal(&user_key, &place(claim.id), body)),
        until: app.clock.now() + if secret { SECRETS_KEPT } else { KEPT },
    };
    store::finish(&mut tx, claim, &kept).await?;
    tx.commit().await?;
    Ok(())
}

async fn replay(app: &App, user: Uuid, id: Uuid, kept: Kept) -> Result<Response> {
    let over = kept.until <= app.clock.now();
    let Some(sealed) = kept.answer.filter(|_| !over) else {
        return Err(Code::AnswerGone.with(
            "The request was carried out, and its answer showed a secret, so it is not kept any longer. \
             If the secret was lost, revoke what was made and make a new one under another key.",
        ));
    };
    let mut tx = app.db.user(user).await?;
    let user_key = key_ring::user_key(app, &mut tx, user).await?;
    tx.commit().await?;
    let body = field::open(&user_key, &place(id), &sealed)?;
    let mut response = Response::new(Body::from(body.expose().to_vec()));
    *response.status_mut() = kept.status;
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response.headers_mut().extend(kept.content_type.map(|kind| (header::CONTENT_TYPE, kind)));
    Ok(response)
}

/// Forgets keys that are a day old, and answers that show a secret once they are ten minutes old.
pub async fn forget(app: &App) -> Result<()> {
    store::forget(app).await
}

fn place(id: Uuid) -> Context {
    Context { table: "idempotency_key", column: "answer", row: id }
}

impl FromRequestParts<Arc<App>> for NewId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        Ok(NewId(parts.extensions.get::<Making>().map_or_else(|| app.clock.id(), |making| making.0)))
    }
}

const KEPT: Duration = Duration::DAY;
const SECRETS_KEPT: Duration = Duration::minutes(10);
/// A process that has died over a request holds its key for so long.
const CLAIM: Duration = Duration::seconds(30);
const RENEWAL: std::time::Duration = std::time::Duration::from_secs(10);
const LONGEST_ANSWER: usize = 1024 * 1024;
