//! Every statement about users and how they sign in. All of them go through the keysmith's functions: no
//! application role may read or write these tables itself.

use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::Email;
use crate::{
    app::App,
    audit::{self, Event},
    auth::{Caller, Client, Origin, Via},
    error::Result,
    http::RequestId,
};

mod accounts;

pub use accounts::{make_user_for, raise_stamp, set_active, set_password};

#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub struct User {
    pub id: Uuid,
    pub user_no: i32,
    pub email: String,
    pub name: String,
    pub role: String,
    pub is_active: bool,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_login_at: Option<OffsetDateTime>,
}

pub struct Login {
    pub user: Uuid,
    pub password_hash: String,
    pub is_active: bool,
}

pub struct Trade {
    pub outcome: String,
    pub user: Uuid,
    pub family: Uuid,
    pub stamp: i32,
    pub is_active: bool,
}

pub async fn is_set_up(app: &App) -> Result<bool> {
    let mut tx = app.db.guest().await?;
    let yes = sqlx::query_scalar!(r#"select keygate.has_owner() as "yes!""#).fetch_one(&mut *tx).await?;
    tx.commit().await?;
    Ok(yes)
}

/// The same question on the boot connection.
pub async fn owner_exists(boot: &mut PgConnection) -> Result<bool> {
    Ok(sqlx::query_scalar!(r#"select not keygate.lacks_owner() as "yes!""#).fetch_one(boot).await?)
}

pub async fn make_setup_link(
    boot: &mut PgConnection,
    link: &str,
    now: OffsetDateTime,
    life: Duration,
) -> Result<()> {
    sqlx::query!("select keygate.make_setup_link($1, $2, $3)", link, now, now + life).execute(boot).await?;
    Ok(())
}

pub async fn setup_link_is_open(app: &App, link: &str) -> Result<bool> {
    let mut tx = app.db.guest().await?;
    let open =
        sqlx::query_scalar!(r#"select keygate.setup_link_is_open($1, $2) as "open!""#, link, app.clock.now())
            .fetch_one(&mut *tx)
            .await?;
    tx.commit().await?;
    Ok(open)
}

pub async fn make_owner(
    app: &App,
    link: &str,
    id: Uuid,
    email: &Email,
    name: &str,
    hash: &str,
) -> Result<bool> {
    let mut tx = app.db.guest().await?;
    let made = sqlx::query_scalar!(
        r#"select keygate.make_owner($1, $2, $3, $4, $5, $6) as "made!""#,
        link,
        id,
        email.text(),
        name,
        hash,
        app.clock.now()
    )
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(made)
}

pub async fn make_user(app: &App, id: Uuid, email: &Email, name: &str, hash: &str) -> Result<()> {
    let mut tx = app.db.guest().await?;
    sqlx::query!(
        "select keygate.make_user($1, $2, $3, $4, $5)",
        id,
        email.text(),
        name,
        hash,
        app.clock.now()
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

pub async fn find_login(app: &App, email: &Email) -> Result<Option<Login>> {
    let mut tx = app.db.guest().await?;
    let row = sqlx::query!(
        r#"select id as "user_id!", password_hash as "password_hash!", is_active as "is_active!"
           from keygate.find_login($1)"#,
        email.text()
    )
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(row.map(|row| Login { user: row.user_id, password_hash: row.password_hash, is_active: row.is_active }))
}

pub async fn charge_login(app: &App, bucket: &[u8], allowed: i32) -> Result<Option<i32>> {
    let mut tx = app.db.guest().await?;
    let wait = sqlx::query_scalar!(
        "select keygate.charge_login($1, $2, interval '15 minutes', $3)",
        bucket,
        allowed,
        app.clock.now()
    )
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(wait)
}

pub async fn clear_login(app: &App, buckets: &[Vec<u8>]) -> Result<()> {
    let mut tx = app.db.guest().await?;
    sqlx::query!("select keygate.clear_login($1)", buckets).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(())
}

pub async fn knows_device(app: &App, device: &str, user: Uuid) -> Result<bool> {
    let mut tx = app.db.guest().await?;
    let known = sqlx::query_scalar!(r#"select keygate.knows_device($1, $2) as "known!""#, device, user)
        .fetch_one(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(known)
}

/// Notes the login, on the record too, and stores a stronger hash when there is one.
pub async fn signed_in(app: &App, user: Uuid, better_hash: Option<&str>, origin: &Origin) -> Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.user(user).await?;
    sqlx::query!("select keygate.signed_in($1, $2)", now, better_hash).execute(&mut *tx).await?;
    let event = Event { api_key: user, operation: "sign-in", ..Event::default() };
    audit::record(app, &mut tx, origin, event).await?;
    tx.commit().await?;
    Ok(())
}

/// Somebody who is signed in gave a wrong password: on the record, as a stolen sign-in is where passwords are guessed.
pub async fn guessed(app: &App, caller: &Caller, client: &Client) -> Result<()> {
    let origin = Origin { request: RequestId(app.clock.id()), client: Some(client.clone()) };
    let access_key = match caller.via {
        Via::AccessKey { id, .. } => Some(id),
        Via::Session { .. } | Via::Token { .. } => None,
    };
    let event = Event {
        api_key: caller.user,
        operation: "password-wrong",
        failure: Some("the password was wrong"),
        access_key,
        ..Event::default()
    };
    let mut tx = app.db.user(caller.user).await?;
    audit::record(app, &mut tx, &origin, event).await?;
    tx.commit().await?;
    Ok(())
}

pub async fn remember_device(app: &App, user: Uuid, device: &str) -> Result<()> {
    let mut tx = app.db.user(user).await?;
    sqlx::query!("select keygate.remember_device($1, $2)", device, app.clock.now()).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(())
}

/// What is over of signing in.
pub async fn forget_sign_ins(app: &App) -> Result<()> {
    let mut tx = app.db.service().await?;
    sqlx::query!("select keygate.forget_sign_ins($1)", app.clock.now()).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(())
}

pub async fn open_family(
    app: &App,
    family: Uuid,
    user: Uuid,
    token: &str,
    idle: Duration,
    absolute: Duration,
) -> Result<i32> {
    let now = app.clock.now();
    let mut tx = app.db.user(user).await?;
    let stamp = sqlx::query_scalar!(
        r#"select keygate.open_family($1, $2, $3, $4, $5) as "stamp!""#,
        family,
        token,
        now,
        now + idle,
        now + absolute
    )
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(stamp)
}

pub async fn trade_refresh(app: &App, old: &str, new: &str, idle: Duration) -> Result<Trade> {
    let now = app.clock.now();
    let mut tx = app.db.guest().await?;
    let row = sqlx::query!(
        r#"select outcome as "outcome!", user_id, family_id, stamp, is_active
           from keygate.trade_refresh($1, $2, $3, $4)"#,
        old,
        new,
        now,
        now + idle
    )
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Trade {
        outcome: row.outcome,
        user: row.user_id.unwrap_or_default(),
        family: row.family_id.unwrap_or_default(),
        stamp: row.stamp.unwrap_or_default(),
        is_active: row.is_active.unwrap_or(false),
    })
}

pub async fn revoke_family(app: &App, user: Uuid, family: Uuid) -> Result<()> {
    let mut tx = app.db.user(user).await?;
    sqlx::query!("select keygate.revoke_family($1, $2, 'signed out')", family, app.clock.now())
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

pub async fn number(app: &App, user: Uuid) -> Result<i32> {
    let mut tx = app.db.user(user).await?;
    let number =
        sqlx::query_scalar!("select user_no from users where id = $1", user).fetch_one(&mut *tx).await?;
    tx.commit().await?;
    Ok(number)
}

pub async fn list(app: &App, actor: Uuid) -> Result<Vec<User>> {
    let mut tx = app.db.admin(actor).await?;
    let users = sqlx::query_as!(
        User,
        r#"select id as "id!", user_no as "user_no!", email as "email!", coalesce(name, '') as "name!",
                  role as "role!", is_active as "is_active!", created_at as "created_at!", last_login_at
           from keygate.list_users()"#
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(users)
}
