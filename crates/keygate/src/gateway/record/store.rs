//! Every statement of the call records.

use std::collections::BTreeMap;

use sqlx::types::ipnetwork::IpNetwork;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Line, Used, row::Row, writer::Lines};
use crate::{
    app::App,
    audit::{self, Counts, Locked, Log},
    db::{self, Tx},
    error::Result,
};

/// Lines of one user, and the times of last use they imply.
pub async fn append(app: &App, user: Uuid, lines: &[Line], used: &[Used]) -> Result<()> {
    let mut tx = app.db.signer(user).await?;
    touch(&mut tx, used, app.clock.now()).await?;
    insert(app, &mut tx, &lines.iter().collect::<Vec<_>>()).await?;
    tx.commit().await?;
    Ok(())
}

/// Lines of many users in one transaction, and the times of last use they imply. The map is in the order of the
/// users' ids, which is the order that keeps two batches from waiting for each other.
pub async fn append_all(app: &App, batch: &BTreeMap<Uuid, Lines>) -> Result<()> {
    let Some(first) = batch.keys().next() else { return Ok(()) };
    let mut tx = app.db.signers(*first).await?;
    for (user, Lines { lines, used }) in batch {
        let tx = tx.of(*user).await?;
        touch(tx, used, app.clock.now()).await?;
        insert(app, tx, &lines.iter().collect::<Vec<_>>()).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Both logs, each line with its links. The chains are locked until commit, so this comes last in a transaction.
async fn insert(app: &App, tx: &mut Tx, lines: &[&Line]) -> Result<(), db::Error> {
    if lines.is_empty() {
        return Ok(());
    }
    let chains = audit::lock_chains(tx, &Log::ALL, counts(lines.iter().copied())).await?;
    append_to(app, tx, chains, lines).await
}

/// The counters that records of these lines need.
pub fn counts<'l>(lines: impl IntoIterator<Item = &'l Line>) -> Counts {
    Counts::of(lines.into_iter().map(|line| (line.api_key, line.at)))
}

/// Both logs and the counters in one statement. What was refused is no call to an exchange.
pub async fn append_to<'l>(
    app: &App,
    tx: &mut Tx,
    mut locked: Locked,
    lines: &[&'l Line],
) -> Result<(), db::Error> {
    let mut chains = Log::ALL.map(|log| app.keys.audit.chain(locked.user, log, locked.head(log)));
    let row = |line: &&'l Line| {
        let count = locked.counts.step(line.api_key, line.at, line.uses());
        Row::new(app.clock.id(), line, count, &mut chains)
    };
    let rows: Vec<Row<'_>> = lines.iter().map(row).collect();
    let (keys, periods, days, calls) = locked.counts.changed_columns();
    sqlx::query!(
        "with line as materialized (select * from unnest($1::keygate.call_record[])),
              counted as (
                  insert into keygate.use_count (api_key_id, kind, starts_at, user_id, calls)
                  select k.api_key_id, k.kind, k.starts_at, $6, k.calls
                  from unnest($2::uuid[], $3::text[], $4::date[], $5::int[]) as k (api_key_id, kind, starts_at, calls)
                  on conflict (api_key_id, kind, starts_at) do update set calls = excluded.calls),
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
        rows as _,
        &keys,
        &periods,
        &days,
        &calls,
        locked.user
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Brings times of last use up to date.
async fn touch(tx: &mut Tx, used: &[Used], at: OffsetDateTime) -> Result<(), db::Error> {
    if used.is_empty() {
        return Ok(());
    }
    let ids = |id: fn(&Used) -> Uuid| used.iter().map(id).collect::<Vec<_>>();
    sqlx::query!(
        "select keygate.touch_used($1, $2, $3, $4, $5)",
        &ids(|used| used.connection),
        &ids(|used| used.api_key),
        &ids(|used| used.access_key),
        &used.iter().map(|used| IpNetwork::from(used.address)).collect::<Vec<_>>(),
        at
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub async fn forget_signatures(app: &App) -> Result<()> {
    let mut tx = app.db.service().await?;
    sqlx::query!("delete from keygate.used_signature where forget_after < $1", app.clock.now())
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}
