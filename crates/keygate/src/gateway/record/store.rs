//! Every statement of the call records.

use std::collections::BTreeSet;

use sqlx::types::ipnetwork::IpNetwork;
use time::PrimitiveDateTime;
use uuid::Uuid;

use super::{Line, Used};
use crate::{app::App, db::Tx, error::Result, gateway::credential::Proof};

/// The intent in both logs and the signature's one use, committed together. False: it was used before.
pub async fn intent(app: &App, line: &Line, proof: Option<&Proof>) -> Result<bool> {
    let mut tx = app.db.signer(line.user).await?;
    if let Some(proof) = proof {
        let forget_after = proof
            .replayable_until_ms
            .and_then(|ms| time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).ok());
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

async fn insert(app: &App, tx: &mut Tx, lines: &[Line]) -> Result<()> {
    for line in lines {
        insert_audit(tx, app.clock.id(), line).await?;
        if line.decision == "allow" {
            insert_call(tx, app.clock.id(), line).await?;
        }
    }
    Ok(())
}

async fn insert_audit(tx: &mut Tx, id: Uuid, line: &Line) -> Result<()> {
    sqlx::query!(
        "insert into api_key_usage_audit (id, created_at, user_id, api_key_id, operation_type, endpoint, http_method,
                ip_address, user_agent, status_code, success, error_message, request_id, phase, access_key_id, bot_id,
                exchange, symbol, class, decision, rule)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)",
        id,
        line.at,
        line.user,
        line.api_key,
        if line.decision == "deny" { "deny" } else { "use" },
        line.path,
        line.method,
        line.ip as IpNetwork,
        line.agent,
        line.status,
        line.success,
        line.error,
        line.request_id,
        line.phase,
        line.access_key,
        line.bot,
        line.exchange,
        line.symbol,
        line.class,
        line.decision,
        line.rule
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn insert_call(tx: &mut Tx, id: Uuid, line: &Line) -> Result<()> {
    let at = line.at.to_offset(time::UtcOffset::UTC);
    sqlx::query!(
        "insert into exchange_api_calls (id, connection_id, user_id, endpoint, method, parameters, status_code,
                response_time_ms, success, error_message, ip_address, user_agent, created_at, request_id, phase)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        id,
        line.connection,
        line.user,
        line.path,
        line.method,
        line.summary,
        line.status,
        line.took_ms,
        line.success,
        line.error,
        line.ip.ip().to_string(),
        line.agent,
        PrimitiveDateTime::new(at.date(), at.time()),
        line.request_id,
        line.phase
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Connections, then keys, then access keys, each in the order of their ids: whoever changes several of these rows
/// locks them in this order, or two of them could wait for each other.
async fn touch(tx: &mut Tx, used: &[Used], at: time::OffsetDateTime) -> Result<()> {
    let at_utc = at.to_offset(time::UtcOffset::UTC);
    let at_utc = PrimitiveDateTime::new(at_utc.date(), at_utc.time());
    for connection in sorted(used, |used| used.connection) {
        sqlx::query!(
            "update exchange_connections set api_key_last_used = $2 where id = $1",
            connection,
            at_utc
        )
        .execute(&mut **tx)
        .await?;
    }
    for api_key in sorted(used, |used| used.api_key) {
        sqlx::query!("update api_keys set last_used = $2 where id = $1", api_key, at)
            .execute(&mut **tx)
            .await?;
    }
    for access_key in sorted(used, |used| used.access_key) {
        sqlx::query!("update access_keys set last_used_at = $2 where id = $1", access_key, at)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

fn sorted(used: &[Used], id: impl Fn(&Used) -> Uuid) -> BTreeSet<Uuid> {
    used.iter().map(id).collect()
}

pub async fn forget_signatures(app: &App) -> Result<()> {
    let mut tx = app.db.service().await?;
    sqlx::query!("delete from keygate.used_signature where forget_after < $1", app.clock.now())
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}
