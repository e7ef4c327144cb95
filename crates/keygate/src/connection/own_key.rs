//! Keys made here, for exchanges that take their users' own public keys: the secret is born in the vault.
//!
//! Always holds: the private half is sealed before the public half is shown, and is opened only to sign; a key
//! waits seven days for the API key its exchange gives for it; it becomes one connection, once, and keeps its
//! id there, so that its records go on.

use exchange::{Definition, KeyKind, OwnKey};
use seal::SecretText;
use time::Duration;
use uuid::Uuid;

use super::check_exchange;
use crate::{
    app::App,
    auth::Origin,
    error::{Code, Error, Result},
    hardening::wipe_stack,
    http::RequestId,
    start::PRACTICE,
};

mod api;
mod store;

pub use api::routes;
pub use store::{Row, use_up};

/// A wished-for key.
pub struct NewOwnKey {
    pub exchange: String,
    pub environment: String,
    /// `ed25519` or `rsa`, as far as the exchange takes it.
    pub kind: String,
}

/// Makes a pair and seals its private half. If we die before that is committed, nobody has seen the public half.
pub async fn make(app: &App, user: Uuid, new: NewOwnKey, request: &Origin) -> Result<Row> {
    let definition = check_exchange(app, &new.exchange, &new.environment)?;
    let kind = taken_kind(definition, &new.kind)?;
    if store::list(app, user).await?.len() >= MOST_WAITING {
        return Err(Code::TooManyRequests
            .with(format!("{MOST_WAITING} keys wait already. Complete one of them, or delete one.")));
    }
    let pair = generate(kind).await?;
    store::insert(app, user, &new, &pair, request).await
}

/// The keys that wait, newest first.
pub async fn list(app: &App, user: Uuid) -> Result<Vec<Row>> {
    store::list(app, user).await
}

pub async fn find(app: &App, user: Uuid, id: Uuid) -> Result<Row> {
    store::find(app, user, id).await?.ok_or_else(|| Code::NotFound.into())
}

/// Destroys a waiting key. At the exchange its public half may still stand.
pub async fn delete(app: &App, user: Uuid, id: Uuid, request: &Origin) -> Result<()> {
    match store::delete(app, user, id, "own-key-delete", request).await? {
        true => Ok(()),
        false => Err(Code::NotFound.into()),
    }
}

/// Opens the private half of a waiting key, for the check of the API key it was given.
pub async fn open(app: &App, user: Uuid, id: Uuid, exchange: &str, environment: &str) -> Result<SecretText> {
    let row = store::find(app, user, id).await?.ok_or_else(gone)?;
    if (row.exchange.as_str(), row.environment.as_str()) != (exchange, environment) {
        let made_for = format!("was made for {} ({}): use it there", row.exchange, row.environment);
        return Err(Error::field("/own_key", made_for));
    }
    store::open(app, user, &row).await
}

/// Destroys what nobody completed in time. Runs again and again; a crash between two keys loses nothing.
pub async fn destroy_expired(app: &App) -> Result<()> {
    let request = Origin::from(RequestId(app.clock.id()));
    for (user, id) in store::expired(app).await? {
        // what is in the way of one stops no other
        match store::delete(app, user, id, "own-key-expire", &request).await {
            Ok(true) => tracing::info!(own_key_id = %id, "a key that nobody completed was destroyed"),
            Ok(false) => {}
            Err(error) => tracing::error!(%error, own_key_id = %id, "a key that expired is still there"),
        }
    }
    Ok(())
}

/// Where its public half belongs, in words.
pub fn paste(app: &App, row: &Row) -> String {
    if row.environment == PRACTICE {
        return "The demo exchange: its page /_demo/ has a field for public keys. The start of the server printed its address."
            .to_owned();
    }
    let definition = app.exchanges.get(&row.exchange);
    definition.and_then(|known| known.own_keys()).map_or_else(String::new, |own| own.paste.clone())
}

/// What a signature that does not fit means here: nobody copied a secret wrongly.
pub fn explain(error: Error) -> Error {
    match error.code {
        Code::WrongSignature => Code::WrongSignature.with(
            "The exchange gave this API key for another public key. Paste the public half shown here, and enter the \
             API key that comes for it.",
        ),
        _ => error,
    }
}

/// What waits no more, or never did, or waits for somebody else.
fn gone() -> Error {
    Error::field("/own_key", "is not a key that waits: it is used, deleted, or older than seven days")
}

fn taken_kind(definition: &Definition, wish: &str) -> Result<KeyKind> {
    let Some(own) = definition.own_keys() else {
        let detail = format!("{} takes no public keys: it makes the secret itself", definition.name());
        return Err(Error::field("/exchange", detail));
    };
    own.kinds.iter().copied().find(|kind| kind.as_str() == wish).ok_or_else(|| {
        let taken: Vec<&str> = own.kinds.iter().map(|kind| kind.as_str()).collect();
        Error::field("/kind", format!("{} takes: {}", definition.name(), taken.join(", ")))
    })
}

/// Primes take a while: not on a thread that serves others.
async fn generate(kind: KeyKind) -> Result<OwnKey> {
    let made = tokio::task::spawn_blocking(move || {
        let pair = OwnKey::make(kind, &seal::random::key());
        wipe_stack();
        pair
    });
    let pair = made.await.map_err(Error::internal)?;
    pair.ok_or_else(|| Error::internal("no pair of this kind could be made"))
}

/// How long a key waits.
const WAITS: Duration = Duration::days(7);
const MOST_WAITING: usize = 20;
