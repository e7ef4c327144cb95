//! `keygate audit prune`: deletes what is old, whole beginnings of chains only, and leaves a signed stub of each.

use std::path::Path;

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Finding, Head, Keys, Log, Scope, verify,
    verify::{heads, reader, stub},
};
use crate::{
    clock::Clock,
    db::{self, Boot, Settings},
    error::Fatal,
};

/// What became of it.
pub enum Pruned {
    /// So many rows went.
    Done(i64),
    /// Nothing went: what is there is no longer what was written.
    Broken(Vec<Finding>),
}

/// Everything is verified first: deleting must not be a way to hide. Refused when the newest checkpoint is older than
/// what would go, because then nobody could say that it was there. One transaction: all chains or none.
pub async fn prune(
    settings: &Settings,
    keys: &Keys,
    checkpoints: &Path,
    before: OffsetDateTime,
    clock: &Clock,
) -> Result<Pruned, Fatal> {
    let report = verify(settings, keys, checkpoints, &Scope::default()).await?;
    if !report.findings.is_empty() {
        return Ok(Pruned::Broken(report.findings));
    }
    let mut reader = reader(settings).await?;
    let mut ends = Vec::new();
    for (user, log) in heads(&mut reader).await?.into_keys() {
        let Some(end) = last_before(&mut reader, user, log, before).await? else { continue };
        if report.covered.get(&(user, log)).is_none_or(|covered| covered.seq < end.seq) {
            let what =
                format!("checkpoint {} does not cover all records before that date", report.checkpoint);
            return Err(Fatal::new(what, "choose an earlier date, or wait a minute for the next checkpoint"));
        }
        ends.push((user, log, end));
    }
    let mut boot = Boot::connect(settings).await?;
    let gone = delete(&mut boot, keys, &ends, clock.now()).await?;
    boot.close().await?;
    Ok(Pruned::Done(gone))
}

/// The last row before the first one that stays.
async fn last_before(
    reader: &mut PgConnection,
    user: Uuid,
    log: Log,
    before: OffsetDateTime,
) -> Result<Option<Head>, db::Error> {
    let statement = format!(
        "select chain_seq, chain_mac from {0} where user_id = $1 and chain_seq > 0 and chain_seq < coalesce(
             (select min(chain_seq) from {0} where user_id = $1 and chain_seq > 0 and created_at >= $2), $3)
         order by chain_seq desc limit 1",
        log.name()
    );
    let last = sqlx::query_as::<_, (i64, Vec<u8>)>(AssertSqlSafe(statement));
    let row = last.bind(user).bind(before).bind(i64::MAX).fetch_optional(reader).await?;
    Ok(row.map(|(seq, mac)| Head { seq, mac: mac.try_into().unwrap_or_default() }))
}

async fn delete(
    boot: &mut PgConnection,
    keys: &Keys,
    ends: &[(Uuid, Log, Head)],
    now: OffsetDateTime,
) -> Result<i64, db::Error> {
    let key = keys.signing();
    let mut tx = boot.begin().await?;
    let mut gone = 0;
    for (user, log, end) in ends {
        let signature = key.sign(&stub(*user, *log, end, now));
        gone += sqlx::query_scalar!(
            r#"select keygate.prune_audit($1, $2, $3, $4, $5, $6, $7) as "gone!""#,
            user,
            log.name(),
            end.seq,
            &end.mac[..],
            now,
            key.id(),
            &signature[..]
        )
        .fetch_one(&mut *tx)
        .await?;
    }
    tx.commit().await?;
    Ok(gone)
}
