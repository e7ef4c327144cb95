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

/// What can go: whole beginnings of chains, verified, and covered by a checkpoint.
pub struct Prunable {
    ends: Vec<(Uuid, Log, Head)>,
    pub records: i64,
}

/// Everything is verified first: deleting must not be a way to hide. What is found instead is no longer what was written.
/// Refused when the newest checkpoint is older than what would go, because then nobody could say that it was there.
pub async fn prunable(
    settings: &Settings,
    keys: &Keys,
    checkpoints: &Path,
    before: OffsetDateTime,
) -> Result<Result<Prunable, Vec<Finding>>, Fatal> {
    let report = verify(settings, keys, checkpoints, &Scope::default()).await?;
    if !report.findings.is_empty() {
        return Ok(Err(report.findings));
    }
    let mut reader = reader(settings).await?;
    let mut all = Prunable { ends: Vec::new(), records: 0 };
    for (user, log) in heads(&mut reader).await?.into_keys() {
        let Some((end, records)) = last_before(&mut reader, user, log, before).await? else { continue };
        if report.covered.get(&(user, log)).is_none_or(|covered| covered.seq < end.seq) {
            let what =
                format!("checkpoint {} does not cover all records before that date", report.checkpoint);
            return Err(Fatal::new(what, "choose an earlier date, or wait a minute for the next checkpoint"));
        }
        all.ends.push((user, log, end));
        all.records += records;
    }
    Ok(Ok(all))
}

/// One transaction: all chains or none. How many rows went.
pub async fn prune(
    settings: &Settings,
    keys: &Keys,
    prunable: &Prunable,
    clock: &Clock,
) -> Result<i64, Fatal> {
    let mut boot = Boot::connect(settings).await?;
    let gone = delete(&mut boot, keys, &prunable.ends, clock.now()).await?;
    boot.close().await?;
    Ok(gone)
}

/// The last row before the first one that stays, and how many there are up to it.
async fn last_before(
    reader: &mut PgConnection,
    user: Uuid,
    log: Log,
    before: OffsetDateTime,
) -> Result<Option<(Head, i64)>, db::Error> {
    let statement = format!(
        "select chain_seq, chain_mac, count(*) over () from {0} where user_id = $1 and chain_seq > 0 and chain_seq < coalesce(
             (select min(chain_seq) from {0} where user_id = $1 and chain_seq > 0 and created_at >= $2), $3)
         order by chain_seq desc limit 1",
        log.name()
    );
    let last = sqlx::query_as::<_, (i64, Vec<u8>, i64)>(AssertSqlSafe(statement));
    let row = last.bind(user).bind(before).bind(i64::MAX).fetch_optional(reader).await?;
    Ok(row.map(|(seq, mac, rows)| (Head { seq, mac: mac.try_into().unwrap_or_default() }, rows)))
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
