//! Every statement of the call records.

use std::collections::BTreeMap;

use sqlx::types::ipnetwork::IpNetwork;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};
use uuid::Uuid;

use super::{Line, Used, row::Row, writer::Lines};
use crate::{
    app::App,
    audit::{self, Counts, Log},
    db::{self, Tx},
    error::Result,
};

/// Lines of one user, and the times of last use they imply.
pub async fn append(app: &App, lines: &[Line], used: &[Used]) -> Result<()> {
    let Some(first) = lines.first() else { return Ok(()) };
    let mut tx = app.db.signer(first.user).await?;
    touch(&mut tx, used, first.at).await?;
    insert(app, &mut tx, &lines.iter().collect::<Vec<_>>()).await?;
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
        touch(tx, used, lines[0].at).await?;
        insert(app, tx, &lines.iter().collect::<Vec<_>>()).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Both logs in one statement, each line with its links. What was refused is no call to an exchange. The chains are locked
/// until commit, so this comes last in a transaction.
pub async fn insert<'l>(app: &App, tx: &mut Tx, lines: &[&'l Line]) -> Result<(), db::Error> {
    if lines.is_empty() {
        return Ok(());
    }
    let mut counts = Counts::default();
    lines.iter().for_each(|line| counts.add(line.api_key, line.at, line.uses()));
    let (user, heads) = audit::lock_and_count(tx, &mut counts).await?;
    let mut chains = Log::ALL.map(|log| app.keys.audit.chain(user, log, heads.of(log)));
    let row = |line: &&'l Line| {
        let count = counts.step(line.api_key, line.at, line.uses());
        Row::new(app.clock.id(), line, count, &mut chains)
    };
    let rows: Vec<Row<'_>> = lines.iter().map(row).collect();
    sqlx::query!(
        "with line as materialized (select * from unnest($1::keygate.call_record[])),
              audit as (
                  insert into api_key_usage_audit (id, created_at, user_id, api_key_id, operation_type, endpoint, http_method,
                         ip_address, user_agent, status_code, success, error_message, request_id, phase, access_key_id,
                         bot_id, exchange, symbol, class, decision, rule, device_fingerprint, daily_usage_count,
                         monthly_usage_count, risk_score, is_suspicious, suspicious_reasons, chain_seq, chain_key, chain_mac)
                  select id, at, user_id, api_key_id, case decision when 'deny' then 'deny' else 'use' end, endpoint, method,
                         ip, agent, status, success, error, request_id, phase, access_key_id,
                         bot_id, exchange, symbol, class, decision, rule, device, daily,
                         monthly, score, suspicious, reasons, use_seq, chain_key, use_mac
                  from line)
         insert into exchange_api_calls (id, connection_id, user_id, endpoint, method, parameters, status_code,
                response_time_ms, success, error_message, ip_address, user_agent, created_at, request_id, phase,
                chain_seq, chain_key, chain_mac)
         select id, connection_id, user_id, endpoint, method, summary::json, status,
                took_ms, success, error, address, agent, at at time zone 'UTC', request_id, phase,
                call_seq, chain_key, call_mac
         from line where decision = 'allow'",
        rows as _
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Connections, then keys, then access keys, each in the order of their ids: whoever changes several of these rows
/// locks them in this order, or two of them could wait for each other.
pub async fn touch(tx: &mut Tx, used: &[Used], at: OffsetDateTime) -> Result<(), db::Error> {
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
         update access_keys a set last_used_at = $2, last_used_address = k.address
         from mine join (select distinct on (id) id, address
                         from unnest($1::uuid[], $3::inet[]) with ordinality as k (id, address, n)
                         order by id, n desc) k on k.id = mine.id
         where a.id = mine.id",
        &all(|used| used.access_key),
        at,
        &used.iter().map(|used| IpNetwork::from(used.address)).collect::<Vec<_>>()
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
