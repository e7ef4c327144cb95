//! Every statement of the running server about the chains.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Head, Link, Log, UseRow};
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

pub async fn insert_event(tx: &mut Tx, row: &UseRow<'_>, link: &Link) -> Result<(), db::Error> {
    sqlx::query!(
        "select keygate.record_key_event($1, $2, $3, $4, $5, p_success => $6, p_error_message => $7, p_exchange => $8,
                p_created_at => $9, p_chain_seq => $10, p_chain_key => $11, p_chain_mac => $12)",
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
        &link.mac[..]
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
