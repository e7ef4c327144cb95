//! Connections: accounts at exchanges, each with the sealed key it signs with.
//!
//! Always holds: a key is verified at the exchange before anything is stored; key, connection and default
//! permissions are made in one transaction; secrets are sealed to their row and are never shown again; a
//! deleted connection signs nothing at once and is destroyed after seven days.

use exchange::{Credentials, Definition, Field, Options, Typed};
use rust_decimal::Decimal;
use seal::SecretText;
use time::Duration;
use uuid::Uuid;

use crate::{
    app::App,
    audit::Difference,
    auth::Origin,
    error::{Code, Error, Result},
    gateway::queue::Whose,
};

mod api;
mod delete;
pub mod own_key;
mod page;
pub mod probe;
pub mod secrets;
mod store;
mod view;

pub use api::{PermissionsIn, parse_label, routes};
pub use delete::{Deletion, delete, destroy_due, preview, restore};
pub use page::pages;
pub use probe::Verified;
use probe::{At, Only, Stored};
pub use store::Row;
pub use view::{ConnectionOut, Finding};

/// A key as its owner hands it over, checked for form only.
pub struct NewConnection {
    pub exchange: String,
    pub environment: String,
    pub name: String,
    pub label: Option<String>,
    pub key: ExchangeKey,
    /// The waiting key whose secret this is; used up when the connection is stored.
    pub own_key: Option<Uuid>,
    pub allow: Allow,
    /// The owner has read that the key may withdraw and wants it all the same.
    pub accept_withdraw: bool,
}

/// An exchange's own key. The secret half is on its way into the vault and nowhere else.
pub struct ExchangeKey {
    pub api_key: String,
    pub secret: SecretText,
    pub passphrase: Option<SecretText>,
    /// How this very secret is used, where the exchange and its clients disagree; found out by asking.
    pub options: Options,
}

/// What bots of this connection may do; reading is always allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allow {
    pub trade: bool,
    pub withdraw: bool,
    pub transfer: bool,
}

/// Verifies the key at its exchange, then stores key, connection and permissions together. No network
/// call happens inside the transaction; if we die before it commits, nothing is stored.
pub async fn add(app: &App, user: Uuid, mut new: NewConnection, request: &Origin) -> Result<Row> {
    let definition = check_exchange(app, &new.exchange, &new.environment)?;
    new.key.check(definition)?;
    let fingerprint = secrets::fingerprint(app, &new.exchange, &new.key.api_key);
    refuse_duplicate(app, user, &new, &fingerprint).await?;
    let at = At { environment: &new.environment, stored: None, only: Only::Always };
    let verified = probe::verify(app, definition, at, &mut new.key).await;
    let verified = match new.own_key {
        Some(_) => verified.map_err(own_key::explain)?,
        None => verified?,
    };
    if verified.may_withdraw() && !new.accept_withdraw {
        return Err(Code::WithdrawAllowed.with(
            "The exchange says this key may withdraw. Switch withdrawals off for it at the exchange, \
             or send accept_withdraw: true if you really want a bot to hold such a key.",
        ));
    }
    let id = store::insert(app, user, &new, &verified, &fingerprint, request).await?;
    find(app, user, id).await
}

pub async fn list(app: &App, user: Uuid) -> Result<Vec<Row>> {
    store::list(app, user).await
}

pub async fn find(app: &App, user: Uuid, id: Uuid) -> Result<Row> {
    store::find(app, user, id).await?.ok_or_else(|| Code::NotFound.into())
}

/// The user's connections with this name, one an environment, that are not deleted.
pub async fn find_named(app: &App, user: Uuid, exchange: &str, name: &str) -> Result<Vec<Row>> {
    let mut rows = store::list(app, user).await?;
    rows.retain(|row| row.exchange == exchange && row.name == name && row.destroy_after.is_none());
    Ok(rows)
}

/// All generations of the connection's key, newest first.
pub async fn generations(app: &App, user: Uuid, id: Uuid) -> Result<Vec<store::Generation>> {
    find(app, user, id).await?;
    store::generations(app, user, id).await
}

/// Asks the exchange again what the key may do, and stores the answer whether good or bad.
pub async fn check(app: &App, user: Uuid, id: Uuid, request: &Origin) -> Result<Row> {
    let row = find(app, user, id).await?;
    row.live_key()?;
    let definition = app.exchanges.get(&row.exchange).ok_or(Code::NotFound)?;
    let mut key = secrets::open(app, user, &row).await?;
    let outcome = probe::verify(app, definition, row.at(user), &mut key).await;
    store::record_check(app, user, &row, &outcome, request).await?;
    outcome?;
    find(app, user, id).await
}

pub async fn pause(app: &App, user: Uuid, id: Uuid, request: &Origin) -> Result<Row> {
    set_status(app, user, id, "paused", request).await
}

pub async fn resume(app: &App, user: Uuid, id: Uuid, request: &Origin) -> Result<Row> {
    set_status(app, user, id, "active", request).await
}

pub async fn change(app: &App, user: Uuid, id: Uuid, change: Change, request: &Origin) -> Result<Row> {
    let row = find(app, user, id).await?;
    row.live_key()?;
    store::update(app, user, &row, &change, request).await?;
    app.gate.accounts.forget(user);
    find(app, user, id).await
}

/// What a change sets; absent members stay as they are.
#[derive(Default)]
pub struct Change {
    pub name: Option<String>,
    pub label: Option<String>,
    pub is_default: Option<bool>,
}

impl Change {
    /// What it changes of a connection.
    fn of(&self, row: &Row) -> Difference {
        let name = self.name.as_ref().unwrap_or(&row.name);
        let label = self.label.as_ref().or(row.label.as_ref());
        let is_default = self.is_default.unwrap_or(row.is_default);
        Difference::of("name", &row.name, name).and("label", row.label.as_ref(), label).and(
            "is_default",
            row.is_default,
            is_default,
        )
    }
}

/// What the account holds, asked for at the exchange.
pub async fn balances(app: &App, user: Uuid, row: &Row) -> Result<Vec<Holding>> {
    let definition = app.exchanges.get(&row.exchange).ok_or(Code::NotFound)?;
    let key = secrets::open(app, user, row).await?;
    probe::balances(app, definition, row.at(user), &key).await
}

/// One asset of an account.
pub struct Holding {
    pub asset: String,
    pub free: Decimal,
    pub used: Decimal,
    /// Null when the exchange names no price.
    pub usd_value: Option<Decimal>,
}

impl Row {
    /// The key it signs with, unless the connection is deleted.
    pub fn live_key(&self) -> Result<Uuid> {
        match self.destroy_after {
            None => Ok(self.api_key_id),
            Some(_) => Err(Code::ConnectionDeleted.with("Restore the connection first.")),
        }
    }

    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// Where its key is used.
    pub fn at(&self, user: Uuid) -> At<'_> {
        let whose = Whose { user, api_key: self.api_key_id };
        let stored = Stored { whose, connection: self.id };
        At { environment: &self.environment, stored: Some(stored), only: Only::Always }
    }
}

impl ExchangeKey {
    /// The form of each part, as far as it can be told without asking the exchange.
    pub fn check(&self, definition: &Definition) -> Result<()> {
        self.credentials(definition).map(drop)
    }

    /// The key ready to sign.
    pub fn credentials(&self, definition: &Definition) -> Result<Credentials> {
        let typed =
            Typed { api_key: &self.api_key, secret: &self.secret, passphrase: self.passphrase.as_ref() };
        Credentials::parse(definition, typed, self.options).map_err(|error| {
            let pointer = match error.field {
                Field::ApiKey => "/api_key",
                Field::Secret => "/secret",
                Field::Passphrase => "/passphrase",
            };
            Error::field(pointer, error.to_string())
        })
    }
}

pub fn parse_name(name: Option<&str>) -> Result<String> {
    let name = name.map_or("Primary", str::trim);
    match !name.is_empty() && name.chars().count() <= 100 && !name.chars().any(char::is_control) {
        true => Ok(name.to_owned()),
        false => Err(Error::field("/name", "needs 1 to 100 characters")),
    }
}

async fn refuse_duplicate(app: &App, user: Uuid, new: &NewConnection, fingerprint: &str) -> Result<()> {
    match store::twin(app, user, new, fingerprint).await? {
        None => Ok(()),
        Some(twin) if twin.same_key => Err(Code::DuplicateKey
            .with(format!("This key is in the vault already, as connection '{}'.", twin.name))),
        Some(twin) => Err(Code::DuplicateKey.with(format!(
            "API key already exists for this exchange: connection '{}'. Choose another name, or delete it first.",
            twin.name
        ))),
    }
}

async fn set_status(app: &App, user: Uuid, id: Uuid, status: &str, request: &Origin) -> Result<Row> {
    let row = find(app, user, id).await?;
    row.live_key()?;
    store::set_status(app, user, &row, status, request).await?;
    app.gate.accounts.forget(user);
    find(app, user, id).await
}

/// The definition, if there is such an exchange with such an environment.
fn check_exchange<'a>(app: &'a App, exchange: &str, environment: &str) -> Result<&'a Definition> {
    let definition = app.exchanges.get(exchange).ok_or_else(|| unknown_exchange(app))?;
    match definition.environments().any(|known| known == environment) {
        true => Ok(definition),
        false => Err(Error::field("/environment", "is not an environment of this exchange")),
    }
}

fn unknown_exchange(app: &App) -> Error {
    let known: Vec<&str> = app.exchanges.iter().map(|definition| definition.id()).collect();
    Error::field("/exchange", format!("is not an exchange Keygate knows; known: {}", known.join(", ")))
}

/// How long a deleted connection can be restored.
pub const UNDO: Duration = Duration::days(7);
