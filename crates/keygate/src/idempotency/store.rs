//! Every statement about idempotency keys.

use http::{HeaderValue, StatusCode};
use seal::mac;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{CLAIM, Claim, KEPT};
use crate::{
    app::App,
    db::Tx,
    error::{Code, Result},
};

/// What is known of a key.
pub enum Taken {
    /// Nothing, or nobody is at it any more: the caller may carry its request out.
    Ours(Claim),
    Running,
    /// Of another request.
    Other,
    Answered {
        id: Uuid,
        kept: Kept,
    },
}

/// An answer; its body sealed, or gone.
pub struct Kept {
    pub status: StatusCode,
    pub content_type: Option<HeaderValue>,
    pub answer: Option<String>,
    pub until: OffsetDateTime,
}

/// One caller of many gets the claim: the others wait for its row and then find it taken.
pub async fn claim(app: &App, wanted: Claim, request_mac: &[u8; 32]) -> Result<Taken> {
    let mut tx = app.db.user(wanted.user).await?;
    let ours = take(app, &mut tx, &wanted, request_mac).await?;
    let taken = match ours {
        Some(id) => Taken::Ours(Claim { id, ..wanted }),
        None => look(&mut tx, &wanted, request_mac).await?,
    };
    tx.commit().await?;
    Ok(taken)
}

/// A key that is a day old is a new one; one whose process has died goes on under the id it had.
async fn take(app: &App, tx: &mut Tx, wanted: &Claim, request_mac: &[u8; 32]) -> Result<Option<Uuid>> {
    let now = app.clock.now();
    Ok(sqlx::query_scalar!(
        "insert into keygate.idempotency_key as own (user_id, key_mac, id, request_mac, started_at, run, claimed_until)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (user_id, key_mac) do update set
             id = case when own.started_at <= $8 then excluded.id else own.id end,
             started_at = case when own.started_at <= $8 then excluded.started_at else own.started_at end,
             request_mac = excluded.request_mac, run = excluded.run, claimed_until = excluded.claimed_until,
             status = null, content_type = null, answer = null, answer_until = null
         where own.started_at <= $8
            or (own.status is null and own.claimed_until <= $5 and own.request_mac = excluded.request_mac)
         returning id",
        wanted.user,
        &wanted.key[..],
        wanted.id,
        &request_mac[..],
        now,
        wanted.run,
        now + CLAIM,
        now - KEPT
    )
    .fetch_optional(&mut **tx)
    .await?)
}

async fn look(tx: &mut Tx, wanted: &Claim, request_mac: &[u8; 32]) -> Result<Taken> {
    let row = sqlx::query!(
        "select id, request_mac, status, content_type, answer, answer_until from keygate.idempotency_key
         where user_id = $1 and key_mac = $2",
        wanted.user,
        &wanted.key[..]
    )
    .fetch_optional(&mut **tx)
    .await?;
    // Given back just now: it was not carried out, and asking again is right.
    let Some(row) = row else { return Ok(Taken::Running) };
    if !mac::equal(&row.request_mac, request_mac) {
        return Ok(Taken::Other);
    }
    let Some((status, until)) = row.status.zip(row.answer_until) else { return Ok(Taken::Running) };
    let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    Ok(Taken::Answered {
        id: row.id,
        kept: Kept {
            status: status.ok_or(Code::Internal)?,
            content_type: row.content_type.and_then(|text| HeaderValue::from_str(&text).ok()),
            answer: row.answer,
            until,
        },
    })
}

pub async fn renew(app: &App, claim: &Claim) -> Result<()> {
    let mut tx = app.db.user(claim.user).await?;
    sqlx::query!(
        "update keygate.idempotency_key set claimed_until = $4
         where user_id = $1 and key_mac = $2 and run = $3 and status is null",
        claim.user,
        &claim.key[..],
        claim.run,
        app.clock.now() + CLAIM
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

/// The answer stands, unless somebody else has taken the claim over meanwhile.
pub async fn finish(tx: &mut Tx, claim: &Claim, kept: &Kept) -> Result<()> {
    sqlx::query!(
        "update keygate.idempotency_key set status = $4, content_type = $5, answer = $6, answer_until = $7
         where user_id = $1 and key_mac = $2 and run = $3 and status is null",
        claim.user,
        &claim.key[..],
        claim.run,
        i16::try_from(kept.status.as_u16()).unwrap_or_default(),
        kept.content_type.as_ref().and_then(|kind| kind.to_str().ok()),
        kept.answer,
        kept.until
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// As if the request had never been sent.
pub async fn release(app: &App, claim: &Claim) -> Result<()> {
    let mut tx = app.db.user(claim.user).await?;
    sqlx::query!(
        "delete from keygate.idempotency_key where user_id = $1 and key_mac = $2 and run = $3 and status is null",
        claim.user,
        &claim.key[..],
        claim.run
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

pub async fn forget(app: &App) -> Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.service().await?;
    sqlx::query!("delete from keygate.idempotency_key where started_at <= $1", now - KEPT)
        .execute(&mut *tx)
        .await?;
    sqlx::query!("update keygate.idempotency_key set answer = null where answer_until <= $1", now)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}
