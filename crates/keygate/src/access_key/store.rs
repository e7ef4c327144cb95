//! Every statement about access keys and virtual pairs.

use std::net::IpAddr;

use seal::token::StoredAccessKey;
use sqlx::types::ipnetwork::IpNetwork;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use crate::{
    app::App,
    audit::{self, Difference, Event},
    auth::Origin,
    error::Result,
    limits::network_text,
    risk,
};

mod ending;
mod insert;

pub use ending::{ending, note_told};
pub use insert::{insert_pair, insert_personal};

/// An access key as lists show it: nothing in it opens anything.
#[derive(Debug)]
pub struct Row {
    pub id: Uuid,
    pub bot_id: Option<Uuid>,
    pub name: Option<String>,
    pub key_prefix: String,
    pub scopes: Vec<String>,
    pub created_at: OffsetDateTime,
    pub expires_at: Option<OffsetDateTime>,
    pub last_used_at: Option<OffsetDateTime>,
    pub revoked_at: Option<OffsetDateTime>,
    pub honey: bool,
    /// Calls with it may come from there only; none is anywhere.
    pub addresses: Option<Vec<IpNetwork>>,
}

impl Row {
    pub fn has_ended(&self, now: &OffsetDateTime) -> bool {
        self.expires_at.is_some_and(|end| end <= *now)
    }

    /// `10.0.0.5, 10.1.0.0/16`, or `anywhere`.
    pub fn from_where(&self) -> String {
        match &self.addresses {
            None => "anywhere".to_owned(),
            Some(list) => list.iter().map(network_text).collect::<Vec<_>>().join(", "),
        }
    }

    /// What the owner hears of it.
    pub fn news(&self, which: String) -> String {
        let may = self.scopes.join(", ");
        format!("{which} was made, {}, which may {may}. Revoke it if you did not make it.", self.key_prefix)
    }

    /// What its record says of it: there was nothing before.
    pub fn as_new(&self) -> Difference {
        let expires_at = self.expires_at.and_then(|at| at.format(&Rfc3339).ok());
        Difference::of("name", None, self.name.as_ref())
            .and("prefix", None, Some(&self.key_prefix))
            .and("scopes", None, Some(&self.scopes))
            .and("expires_at", None, expires_at)
            .and("allowed_ip_addresses", None, self.addresses.as_ref().map(|_| self.from_where()))
    }
}

/// The sealed half of a virtual pair.
pub struct VirtualKey {
    pub exchange: String,
    pub sealed_secret: Option<String>,
    pub sealed_passphrase: Option<String>,
    pub public_key_pem: Option<String>,
}

pub struct Found {
    pub id: Uuid,
    pub user: Uuid,
    pub email: String,
    pub name: String,
    pub scopes: Vec<String>,
    pub is_active: bool,
}

/// Bait, with what stands behind it.
pub struct Bait {
    pub id: Uuid,
    pub user: Uuid,
    pub bot: Uuid,
    pub connection: Uuid,
    pub api_key: Uuid,
    pub exchange: String,
}

pub async fn list(app: &App, user: Uuid, bot: Option<Uuid>) -> Result<Vec<Row>> {
    let mut tx = app.db.user(user).await?;
    let rows = sqlx::query_as!(
        Row,
        r#"select id, bot_id, name, key_prefix, scopes, created_at, expires_at, last_used_at, revoked_at, honey,
                  allowed_ip_addresses as addresses
           from access_keys where bot_id is not distinct from $1 order by created_at desc, id desc limit 200"#,
        bot
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(rows)
}

/// With a record: of the exchange key that stands behind it, or of the account. False: there is no such key.
pub async fn revoke(app: &App, user: Uuid, id: Uuid, origin: &Origin) -> Result<bool> {
    let mut tx = app.db.user(user).await?;
    let done = sqlx::query!(
        "update access_keys set revoked_at = coalesce(revoked_at, $2) where id = $1",
        id,
        app.clock.now()
    )
    .execute(&mut *tx)
    .await?;
    risk::close_alerts(app, &mut tx).await?;
    let behind = sqlx::query!(
        r#"select b.id as bot, c.api_key_id as "api_key!", c.exchange_type as exchange
           from access_keys k join bot_configs b on b.id = k.bot_id join exchange_connections c on c.id = b.connection_id
           where k.id = $1"#,
        id
    );
    let (behind, known) = (behind.fetch_optional(&mut *tx).await?, done.rows_affected() == 1);
    if let Some(behind) = behind {
        let event = Event {
            api_key: behind.api_key,
            operation: "access-key-revoke",
            exchange: &behind.exchange,
            access_key: Some(id),
            bot: Some(behind.bot),
            ..Event::default()
        };
        audit::record(app, &mut tx, origin, event).await?;
    } else if known {
        let event =
            Event { api_key: user, operation: "access-key-revoke", access_key: Some(id), ..Event::default() };
        audit::record(app, &mut tx, origin, event).await?;
    }
    tx.commit().await?;
    Ok(known)
}

/// A live personal key by the hash of its whole token, if calls with it may come from there; noted as used.
pub async fn find_personal(
    app: &App,
    key: &StoredAccessKey,
    from: IpAddr,
    now: OffsetDateTime,
) -> Result<Option<Found>> {
    let mut tx = app.db.guest().await?;
    let row = sqlx::query!(
        r#"select access_key_id as "id!", user_id as "user_id!", bot_id, scopes as "scopes!",
                  user_is_active as "is_active!", expires_at, revoked_at, allowed_ip_addresses
           from keygate.find_access_key($1)"#,
        key.hash
    )
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    let live = row.filter(|row| {
        let inside = |list: &Vec<IpNetwork>| list.iter().any(|network| network.contains(from));
        row.bot_id.is_none()
            && row.revoked_at.is_none()
            && row.expires_at.is_none_or(|end| end > now)
            && row.allowed_ip_addresses.as_ref().is_none_or(inside)
    });
    let Some(row) = live else { return Ok(None) };
    let mut tx = app.db.user(row.user_id).await?;
    sqlx::query!(
        "update access_keys set last_used_at = $2
         where id = $1 and (last_used_at is null or last_used_at < $2::timestamptz - interval '1 minute')",
        row.id,
        now
    )
    .execute(&mut *tx)
    .await?;
    let holder =
        sqlx::query!(r#"select email, coalesce(name, '') as "name!" from users where id = $1"#, row.user_id)
            .fetch_one(&mut *tx)
            .await?;
    tx.commit().await?;
    Ok(Some(Found {
        id: row.id,
        user: row.user_id,
        email: holder.email,
        name: holder.name,
        scopes: row.scopes,
        is_active: row.is_active,
    }))
}

/// Living bait with this public half.
pub async fn find_bait(app: &App, key: &StoredAccessKey) -> Result<Option<Bait>> {
    let mut tx = app.db.guest().await?;
    let found = sqlx::query!(
        r#"select access_key_id as "id!", user_id as "user!", bot_id from keygate.find_access_key_by_prefix($1)
           where honey and revoked_at is null"#,
        key.prefix
    )
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    let Some(found) = found else { return Ok(None) };
    let mut tx = app.db.user(found.user).await?;
    let bait = sqlx::query_as!(
        Bait,
        r#"select $2::uuid as "id!", $3::uuid as "user!", b.id as bot, c.id as connection, c.api_key_id as "api_key!",
                  c.exchange_type as exchange
           from bot_configs b join exchange_connections c on c.id = b.connection_id where b.id = $1"#,
        found.bot_id,
        found.id,
        found.user
    )
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(bait)
}
