//! Every statement of the running server about the chains.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    Counts, Head, Link, Log, UseRow,
    count::{Counter, Period},
    row::{points, reasons},
};
use crate::{
    db::{self, Tx},
    error::Result,
};

/// The heads of one user's chains, locked until commit.
pub struct Heads(Vec<(Log, Head)>);

impl Heads {
    pub fn of(&self, log: Log) -> Head {
        self.0.iter().find(|(own, _)| *own == log).map_or_else(Head::default, |(_, head)| *head)
    }
}

/// Locks the chains of the user whom the transaction acts for, as the last of all its locks.
pub async fn lock(tx: &mut Tx, logs: &[Log]) -> Result<(Uuid, Heads), db::Error> {
    let names: Vec<String> = logs.iter().map(|log| log.name().to_owned()).collect();
    let rows = sqlx::query!(
        r#"select user_id as "user_id!", log as "log!", seq as "seq!", mac as "mac!" from keygate.lock_audit_heads($1)"#,
        &names
    )
    .fetch_all(&mut **tx)
    .await?;
    let user = rows.first().map(|row| row.user_id).ok_or(sqlx::Error::RowNotFound)?;
    let heads = rows.into_iter().filter_map(|row| head(&row.log, row.seq, row.mac));
    Ok((user, Heads(heads.collect())))
}

/// Locks both chains, and then counts: the counters come out as they were before, to be counted up row by row.
pub async fn lock_and_count(tx: &mut Tx, counts: &mut Counts) -> Result<(Uuid, Heads), db::Error> {
    let names: Vec<String> = Log::ALL.iter().map(|log| log.name().to_owned()).collect();
    let rows: Vec<(Counter, i32)> = counts.rows().collect();
    let found = sqlx::query!(
        r#"with head as materialized (select * from keygate.lock_audit_heads($1)),
                counted as (
                    insert into keygate.use_count as own (api_key_id, kind, starts_at, user_id, calls)
                    select k.api_key_id, k.kind, k.starts_at, (select h.user_id from head h limit 1), k.calls
                    from unnest($2::uuid[], $3::text[], $4::date[], $5::int[]) as k (api_key_id, kind, starts_at, calls)
                    on conflict (api_key_id, kind, starts_at) do update set calls = own.calls + excluded.calls
                    returning api_key_id, kind, starts_at, calls)
           select user_id, log, seq, mac, null::uuid as api_key_id, null::date as starts_at, null::int as calls from head
           union all
           select null, kind, null, null, api_key_id, starts_at, calls from counted"#,
        &names,
        &rows.iter().map(|((key, ..), _)| *key).collect::<Vec<_>>(),
        &rows.iter().map(|((_, period, _), _)| period.name().to_owned()).collect::<Vec<_>>(),
        &rows.iter().map(|((.., day), _)| *day).collect::<Vec<_>>(),
        &rows.iter().map(|(_, uses)| *uses).collect::<Vec<_>>()
    )
    .fetch_all(&mut **tx)
    .await?;
    let user = found.iter().find_map(|row| row.user_id).ok_or(sqlx::Error::RowNotFound)?;
    counts.rewind(found.iter().filter_map(|row| {
        Some(((row.api_key_id?, Period::named(row.log.as_deref()?)?, row.starts_at?), row.calls?))
    }));
    let heads = found.into_iter().filter_map(|row| head(&row.log?, row.seq?, row.mac?));
    Ok((user, Heads(heads.collect())))
}

/// How often a key was used so far; for what is no use of it.
pub async fn count(tx: &mut Tx, key: Uuid, counts: &mut Counts) -> Result<(), db::Error> {
    let rows =
        sqlx::query!("select kind, starts_at, calls from keygate.use_count where api_key_id = $1", key)
            .fetch_all(&mut **tx)
            .await?;
    counts.rewind(
        rows.into_iter().filter_map(|row| Some(((key, Period::named(&row.kind)?, row.starts_at), row.calls))),
    );
    Ok(())
}

pub async fn insert_event(tx: &mut Tx, row: &UseRow<'_>, link: &Link) -> Result<(), db::Error> {
    let reasons = reasons(row.score);
    let reasons: Option<Vec<String>> = reasons.map(|own| own.into_iter().map(str::to_owned).collect());
    sqlx::query!(
        "select keygate.record_key_event($1, $2, $3, $4, $5, p_success => $6, p_error_message => $7, p_exchange => $8,
                p_created_at => $9, p_chain_seq => $10, p_chain_key => $11, p_chain_mac => $12, p_ip_address => $13,
                p_user_agent => $14, p_device_fingerprint => $15, p_access_key_id => $16, p_bot_id => $17,
                p_daily_usage_count => $18, p_monthly_usage_count => $19, p_risk_score => $20,
                p_is_suspicious => $21, p_suspicious_reasons => $22)",
        row.id,
        row.request,
        row.api_key,
        row.operation,
        row.endpoint,
        row.success,
        row.error,
        row.exchange,
        row.at,
        link.seq,
        link.key,
        &link.mac[..],
        row.ip,
        row.agent,
        row.device,
        row.access_key,
        row.bot,
        row.count.day,
        row.count.month,
        points(row.score),
        row.score.is_suspicious(),
        reasons.as_deref()
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// One instance at a time makes a checkpoint. False: another one is at it.
pub async fn take_turn(tx: &mut PgConnection) -> Result<bool> {
    let mine =
        sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock(hashtext('keygate checkpoint')) as "mine!""#);
    Ok(mine.fetch_one(tx).await?)
}

/// All chains there are, by user and log.
pub async fn heads(tx: &mut Tx) -> Result<Vec<(Uuid, Log, Head)>> {
    let rows = sqlx::query!("select user_id, log, seq, mac from keygate.audit_head where seq > 0")
        .fetch_all(&mut **tx)
        .await?;
    let of = |user, (log, head)| (user, log, head);
    Ok(rows.into_iter().filter_map(|row| Some(of(row.user_id, head(&row.log, row.seq, row.mac)?))).collect())
}

/// How many records of the transaction's user have been chained.
pub async fn count_chained(tx: &mut Tx) -> Result<i64> {
    let count =
        sqlx::query_scalar!(r#"select coalesce(sum(seq), 0)::int8 as "count!" from keygate.audit_head"#);
    Ok(count.fetch_one(&mut **tx).await?)
}

pub async fn count_unchained(tx: &mut Tx) -> Result<i64> {
    let count = sqlx::query_scalar!(r#"select keygate.count_unchained() as "count!""#);
    Ok(count.fetch_one(&mut **tx).await?)
}

fn head(log: &str, seq: i64, mac: Vec<u8>) -> Option<(Log, Head)> {
    Some((Log::named(log)?, Head { seq, mac: mac.try_into().ok()? }))
}
