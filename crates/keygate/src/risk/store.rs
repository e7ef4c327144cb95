//! Every statement about the history of access keys and their suspension.

use std::{collections::BTreeMap, net::IpAddr};

use sqlx::types::ipnetwork::IpNetwork;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    known::{Kind, Trait},
    pace::{CLASSES, Hour},
};
use crate::{
    alert,
    app::App,
    db::Tx,
    error::{Error, Result},
};

/// What is stored of one access key.
pub struct Stored {
    pub traits: Vec<Trait>,
    pub hours: Vec<Hour>,
    /// Where it was used last, and when.
    pub last: Option<(IpAddr, OffsetDateTime)>,
    /// When its owner last said that an unusual call was theirs.
    pub vouched_at: Option<OffsetDateTime>,
}

/// An access key that stands still, or did.
pub struct Row {
    pub id: Uuid,
    pub access_key_id: Uuid,
    pub key_prefix: String,
    pub bot_id: Option<Uuid>,
    pub bot_name: Option<String>,
    pub connection_id: Uuid,
    pub request_id: Uuid,
    pub address: IpNetwork,
    pub country: Option<String>,
    pub agent: Option<String>,
    pub score: i32,
    pub reasons: Vec<String>,
    pub suspended_at: OffsetDateTime,
    pub confirmed_at: Option<OffsetDateTime>,
    pub revoked_at: Option<OffsetDateTime>,
}

impl Row {
    /// A key that is revoked stands still for good, and nobody needs to look at it.
    pub fn is_in_force(&self) -> bool {
        self.confirmed_at.is_none() && self.revoked_at.is_none()
    }
}

/// The call that was too much.
pub struct Suspended<'a> {
    pub user: Uuid,
    pub access_key: Uuid,
    pub connection: Uuid,
    pub request: Uuid,
    pub address: IpNetwork,
    pub country: Option<&'a str>,
    pub agent: Option<&'a str>,
    pub score: i32,
    pub reasons: &'a [&'static str],
}

pub async fn load(app: &App, user: Uuid, key: Uuid, now: OffsetDateTime) -> Result<Stored> {
    let mut tx = app.db.signer(user).await?;
    let traits = traits(&mut tx, key).await?;
    let key_row = sqlx::query!(
        r#"select last_used_at, last_used_address,
                  (select max(confirmed_at) from keygate.suspension where access_key_id = $1) as "vouched_at?"
           from access_keys where id = $1"#,
        key
    )
    .fetch_optional(&mut *tx)
    .await?;
    let hours = hours_of(&mut tx, key, now).await?;
    tx.commit().await?;
    let vouched_at = key_row.as_ref().and_then(|row| row.vouched_at);
    let last = key_row.and_then(|row| Some((row.last_used_address?.ip(), row.last_used_at?)));
    Ok(Stored { traits, hours, last, vouched_at })
}

/// Of addresses and networks the latest are enough: who has that many is not told by them.
async fn traits(tx: &mut Tx, key: Uuid) -> Result<Vec<Trait>> {
    let rows = sqlx::query!(
        r#"select kind as "kind!", value as "value!", news_until as "news_until!", is_far as "is_far!" from keygate.known_origin
           where access_key_id = $1 and kind not in ('address', 'network')
           union all
           (select kind, value, news_until, is_far from keygate.known_origin
            where access_key_id = $1 and kind in ('address', 'network') order by first_seen_at desc limit 2000)"#,
        key
    )
    .fetch_all(&mut **tx)
    .await?;
    let own = |kind, value, news_until, is_far| Trait { kind, value, news_until, is_far };
    let rows = rows.into_iter();
    Ok(rows
        .filter_map(|row| Some(own(Kind::named(&row.kind)?, row.value, row.news_until, row.is_far)))
        .collect())
}

pub async fn hours(app: &App, user: Uuid, key: Uuid, now: OffsetDateTime) -> Result<Vec<Hour>> {
    let mut tx = app.db.signer(user).await?;
    let hours = hours_of(&mut tx, key, now).await?;
    tx.commit().await?;
    Ok(hours)
}

async fn hours_of(tx: &mut Tx, key: Uuid, now: OffsetDateTime) -> Result<Vec<Hour>> {
    let rows = sqlx::query!(
        "select starts_at, calls, minutes from keygate.busy_hour
         where access_key_id = $1 and starts_at > $2 order by starts_at",
        key,
        now - PAST
    )
    .fetch_all(&mut **tx)
    .await?;
    let hour = |starts_at: OffsetDateTime, calls: i32, minutes: Vec<i32>| {
        let mut own = [0; CLASSES];
        own.iter_mut().zip(minutes).for_each(|(own, count)| *own = u32::try_from(count).unwrap_or(0));
        Hour {
            number: starts_at.unix_timestamp().div_euclid(3600),
            calls: u32::try_from(calls).unwrap_or(0),
            minutes: own,
        }
    };
    Ok(rows.into_iter().map(|row| hour(row.starts_at, row.calls, row.minutes)).collect())
}

/// Remembers what is new. What another instance has remembered already stays as it is.
pub async fn remember(app: &App, user: Uuid, key: Uuid, new: &[Trait], now: OffsetDateTime) -> Result<()> {
    let mut tx = app.db.signer(user).await?;
    sqlx::query!(
        "insert into keygate.known_origin (access_key_id, kind, value, user_id, first_seen_at, news_until, is_far)
         select $1, kind, value, $2, $3, news_until, is_far
         from unnest($4::text[], $5::text[], $6::timestamptz[], $7::bool[]) as k (kind, value, news_until, is_far)
         on conflict do nothing",
        key,
        user,
        now,
        &new.iter().map(|own| own.kind.name().to_owned()).collect::<Vec<_>>(),
        &new.iter().map(|own| own.value.clone()).collect::<Vec<_>>(),
        &new.iter().map(|own| own.news_until).collect::<Vec<_>>(),
        &new.iter().map(|own| own.is_far).collect::<Vec<_>>()
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Adds counts of hours, in the order of the users' ids. A key that is gone meanwhile has no past.
pub async fn add_hours(app: &App, users: &BTreeMap<Uuid, Vec<(Uuid, Hour)>>) -> Result<()> {
    let Some(first) = users.keys().next() else { return Ok(()) };
    let mut batch = app.db.signers(*first).await?;
    for (user, hours) in users {
        let tx = batch.of(*user).await?;
        for (key, hour) in hours {
            let starts_at =
                OffsetDateTime::from_unix_timestamp(hour.number * 3600).map_err(Error::internal)?;
            sqlx::query!(
                "insert into keygate.busy_hour as own (access_key_id, starts_at, user_id, calls, minutes)
                 select id, $2, user_id, $3, $4 from access_keys where id = $1
                 on conflict (access_key_id, starts_at) do update set calls = own.calls + excluded.calls,
                    minutes = (select array_agg(a + b order by n) from unnest(own.minutes, excluded.minutes)
                               with ordinality as k (a, b, n))",
                key,
                starts_at,
                i32::try_from(hour.calls).unwrap_or(i32::MAX),
                &hour.minutes.map(|count| i32::try_from(count).unwrap_or(i32::MAX))
            )
            .execute(&mut **tx)
            .await?;
        }
    }
    batch.commit().await?;
    Ok(())
}

pub async fn forget(app: &App) -> Result<()> {
    let mut tx = app.db.service().await?;
    let now = app.clock.now();
    sqlx::query!("delete from keygate.busy_hour where starts_at < $1", now - PAST - Duration::DAY)
        .execute(&mut *tx)
        .await?;
    sqlx::query!("delete from keygate.use_count where starts_at < $1", (now - COUNTED).date())
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

pub async fn is_suspended(tx: &mut Tx, key: Uuid) -> Result<bool> {
    let held = sqlx::query_scalar!(
        r#"select exists (select from keygate.suspension where access_key_id = $1 and confirmed_at is null) as "held!""#,
        key
    );
    Ok(held.fetch_one(&mut **tx).await?)
}

/// False: it stands still already.
pub async fn suspend(app: &App, tx: &mut Tx, own: &Suspended<'_>) -> Result<bool> {
    let done = sqlx::query!(
        "insert into keygate.suspension
            (id, user_id, access_key_id, connection_id, request_id, address, country, agent, score, reasons, suspended_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing",
        app.clock.id(),
        own.user,
        own.access_key,
        own.connection,
        own.request,
        own.address,
        own.country,
        own.agent,
        own.score,
        &own.reasons.iter().map(|reason| (*reason).to_owned()).collect::<Vec<_>>(),
        app.clock.now()
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The latest first; those in force before the others.
pub async fn list(app: &App, user: Uuid) -> Result<Vec<Row>> {
    let mut tx = app.db.user(user).await?;
    let rows = sqlx::query_as!(
        Row,
        r#"select s.id, s.access_key_id, a.key_prefix, a.bot_id, b.name as "bot_name?", s.connection_id, s.request_id,
                  s.address, s.country, s.agent, s.score, s.reasons, s.suspended_at, s.confirmed_at, a.revoked_at
           from keygate.suspension s join access_keys a on a.id = s.access_key_id left join bot_configs b on b.id = a.bot_id
           order by s.confirmed_at is not null or a.revoked_at is not null, s.suspended_at desc, s.id desc limit 200"#
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(rows)
}

/// Ends a suspension; what was new about the key is how it is used from now on. False: it was over already.
pub async fn confirm(tx: &mut Tx, user: Uuid, row: &Row, now: OffsetDateTime) -> Result<bool> {
    let done = sqlx::query!(
        "update keygate.suspension set confirmed_at = $2, confirmed_by = $3 where id = $1 and confirmed_at is null",
        row.id,
        now,
        user
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "update keygate.known_origin set news_until = $2 where access_key_id = $1 and news_until > $2",
        row.access_key_id,
        now
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Closes the alerts about keys that no longer stand still, or are gone or revoked: nobody has to look at them any more.
pub async fn close_alerts(app: &App, tx: &mut Tx) -> Result<()> {
    sqlx::query!(
        "update keygate.alert set acknowledged_at = $2
         where kind = $1 and acknowledged_at is null and not exists (
             select from keygate.suspension s join access_keys a on a.id = s.access_key_id
             where a.key_prefix = alert.subject and s.confirmed_at is null and a.revoked_at is null)",
        alert::Kind::Suspended.text(),
        app.clock.now()
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Of this a key's pace is known.
const PAST: Duration = Duration::days(28);
/// A month that is over and the one before.
const COUNTED: Duration = Duration::days(62);
