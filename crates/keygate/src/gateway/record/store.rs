//! Every statement of the call records.

use std::collections::BTreeMap;

use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};
use uuid::Uuid;

use super::{Line, Used, row::Row, writer::Lines};
use crate::{app::App, db::Tx, error::Result, gateway::credential::Proof};

/// The intent in both logs and the signature's one use, committed together. False: it was used before.
pub async fn intent(app: &App, line: &Line, proof: Option<&Proof>) -> Result<bool> {
    let mut tx = app.db.signer(line.user).await?;
    if let Some(proof) = proof {
        let forget_after = proof
            .replayable_until_ms
            .and_then(|ms| OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).ok());
        let fresh = sqlx::query!(
            "insert into keygate.used_signature (access_key_id, signature_id, user_id, used_at, forget_after)
             values ($1, $2, $3, $4, $5) on conflict do nothing",
            line.access_key,
            &proof.signature_id[..],
            line.user,
            line.at,
            forget_after
        )
        .execute(&mut *tx)
        .await?;
        if fresh.rows_affected() == 0 {
            return Ok(false);
        }
    }
    insert(app, &mut tx, std::slice::from_ref(line)).await?;
    tx.commit().await?;
    Ok(true)
}

/// Lines of one user, and the times of last use they imply.
pub async fn append(app: &App, lines: &[Line], used: &[Used]) -> Result<()> {
    let Some(first) = lines.first() else { return Ok(()) };
    let mut tx = app.db.signer(first.user).await?;
    insert(app, &mut tx, lines).await?;
    touch(&mut tx, used, first.at).await?;
    tx.commit().await?;
    Ok(())
}

/// Lines of many users in one transaction, and the times of last use they imply. The map is in the order of the
/// users' ids, which is the order that keeps two batches from waiting for each other.
pub async fn append_all(app: &App, batch: &BTreeMap<Uuid, Lines>) -> Result<()> {
    if batch.is_empty() {
        return Ok(());
    }
    let mut tx = app.db.signers().await?;
    for (user, Lines { lines, used }) in batch {
        let tx = tx.of(*user).await?;
        insert(app, tx, lines).await?;
        touch(tx, used, lines[0].at).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Both logs in one statement. What was refused is no call to an exchange.
async fn insert(app: &App, tx: &mut Tx, lines: &[Line]) -> Result<()> {
    let rows: Vec<Row<'_>> = lines.iter().map(|line| Row { id: app.clock.id(), line }).collect();
    sqlx::query!(
        "with line as materialized (select * from unnest($1::keygate.call_record[])),
              audit as (
                  insert into api_key_usage_audit (id, created_at, user_id, api_key_id, operation_type, endpoint, http_method,
                         ip_address, user_agent, status_code, success, error_message, request_id, phase, access_key_id,
                         bot_id, exchange, symbol, class, decision, rule)
                  select id, at, user_id, api_key_id, case decision when 'deny' then 'deny' else 'use' end, endpoint, method,
                         ip, agent, status, success, error, request_id, phase, access_key_id,
                         bot_id, exchange, symbol, class, decision, rule
                  from line)
         insert into exchange_api_calls (id, connection_id, user_id, endpoint, method, parameters, status_code,
                response_time_ms, success, error_message, ip_address, user_agent, created_at, request_id, phase)
         select id, connection_id, user_id, endpoint, method, summary::json, status,
                took_ms, success, error, host(ip), agent, at at time zone 'UTC', request_id, phase
         from line where decision = 'allow'",
        rows as _
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Connections, then keys, then access keys, each in the order of their ids: whoever changes several of these rows
/// locks them in this order, or two of them could wait for each other.
async fn touch(tx: &mut Tx, used: &[Used], at: OffsetDateTime) -> Result<()> {
    if used.is_empty() {
        return Ok(());
    }
    let all = |id: fn(&Used) -> Uuid| used.iter().map(id).collect::<Vec<_>>();
    sqlx::query!(
        "with mine as (select id from exchange_connections where id = any($1) order by id for no key update)
         update exchange_connections c set api_key_last_used = $2 from mine where c.id = mine.id",
        &all(|used| used.connection),
        without_zone(at)
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "with mine as (select id from api_keys where id = any($1) order by id for no key update)
         update api_keys k set last_used = $2 from mine where k.id = mine.id",
        &all(|used| used.api_key),
        at
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "with mine as (select id from access_keys where id = any($1) order by id for no key update)
         update access_keys a set last_used_at = $2 from mine where a.id = mine.id",
        &all(|used| used.access_key),
        at
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn without_zone(at: OffsetDateTime) -> PrimitiveDateTime {
    let at = at.to_offset(UtcOffset::UTC);
    PrimitiveDateTime::new(at.date(), at.time())
}

pub async fn forget_signatures(app: &App) -> Result<()> {
    let mut tx = app.db.service().await?;
    sqlx::query!("delete from keygate.used_signature where forget_after < $1", app.clock.now())
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}
