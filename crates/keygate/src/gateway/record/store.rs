//! Every statement of the call records.

use sqlx::types::ipnetwork::IpNetwork;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};
use uuid::Uuid;

use super::{Line, Used};
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
    if !used.is_empty() {
        touch(&mut tx, used, first.at).await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn insert(app: &App, tx: &mut Tx, lines: &[Line]) -> Result<()> {
    insert_audit(app, tx, lines).await?;
    let calls: Vec<&Line> = lines.iter().filter(|line| line.decision == "allow").collect();
    insert_calls(app, tx, &calls).await
}

/// All lines in one statement: a column is an array.
async fn insert_audit(app: &App, tx: &mut Tx, lines: &[Line]) -> Result<()> {
    let lines: Vec<&Line> = lines.iter().collect();
    sqlx::query!(
        "insert into api_key_usage_audit (id, created_at, user_id, api_key_id, operation_type, endpoint, http_method,
                ip_address, user_agent, status_code, success, error_message, request_id, phase, access_key_id, bot_id,
                exchange, symbol, class, decision, rule)
         select * from unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[],
                $8::inet[], $9::text[], $10::int[], $11::bool[], $12::text[], $13::uuid[], $14::text[], $15::uuid[],
                $16::uuid[], $17::text[], $18::text[], $19::text[], $20::text[], $21::text[])",
        &column(&lines, |_| app.clock.id()),
        &column(&lines, |line| line.at),
        &column(&lines, |line| line.user),
        &column(&lines, |line| line.api_key),
        &column(&lines, |line| if line.decision == "deny" { "deny" } else { "use" }) as &[&str],
        &column(&lines, |line| line.path.as_str()) as &[&str],
        &column(&lines, |line| line.method.as_str()) as &[&str],
        &column(&lines, |line| line.ip) as &[IpNetwork],
        &column(&lines, |line| line.agent.as_deref()) as &[Option<&str>],
        &column(&lines, |line| line.status) as &[Option<i32>],
        &column(&lines, |line| line.success) as &[Option<bool>],
        &column(&lines, |line| line.error.as_deref()) as &[Option<&str>],
        &column(&lines, |line| line.request_id),
        &column(&lines, |line| line.phase) as &[&str],
        &column(&lines, |line| line.access_key),
        &column(&lines, |line| line.bot) as &[Option<Uuid>],
        &column(&lines, |line| line.exchange.as_str()) as &[&str],
        &column(&lines, |line| line.symbol.as_deref()) as &[Option<&str>],
        &column(&lines, |line| line.class) as &[&str],
        &column(&lines, |line| line.decision) as &[&str],
        &column(&lines, |line| line.rule.as_deref()) as &[Option<&str>]
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn insert_calls(app: &App, tx: &mut Tx, lines: &[&Line]) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into exchange_api_calls (id, connection_id, user_id, endpoint, method, parameters, status_code,
                response_time_ms, success, error_message, ip_address, user_agent, created_at, request_id, phase)
         select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::json[], $7::int[],
                $8::int[], $9::bool[], $10::text[], $11::text[], $12::text[], $13::timestamp[], $14::uuid[], $15::text[])",
        &column(lines, |_| app.clock.id()),
        &column(lines, |line| line.connection),
        &column(lines, |line| line.user),
        &column(lines, |line| line.path.as_str()) as &[&str],
        &column(lines, |line| line.method.as_str()) as &[&str],
        &column(lines, |line| line.summary.clone()) as &[Option<serde_json::Value>],
        &column(lines, |line| line.status) as &[Option<i32>],
        &column(lines, |line| line.took_ms) as &[Option<i32>],
        &column(lines, |line| line.success) as &[Option<bool>],
        &column(lines, |line| line.error.as_deref()) as &[Option<&str>],
        &column(lines, |line| line.ip.ip().to_string()),
        &column(lines, |line| line.agent.as_deref()) as &[Option<&str>],
        &column(lines, |line| without_zone(line.at)),
        &column(lines, |line| line.request_id),
        &column(lines, |line| line.phase) as &[&str]
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// One value of each line.
fn column<'l, T>(lines: &[&'l Line], value: impl Fn(&'l Line) -> T) -> Vec<T> {
    lines.iter().map(|line| value(line)).collect()
}

fn without_zone(at: OffsetDateTime) -> PrimitiveDateTime {
    let at = at.to_offset(UtcOffset::UTC);
    PrimitiveDateTime::new(at.date(), at.time())
}

/// Connections, then keys, then access keys, each in the order of their ids: whoever changes several of these rows
/// locks them in this order, or two of them could wait for each other.
async fn touch(tx: &mut Tx, used: &[Used], at: OffsetDateTime) -> Result<()> {
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

pub async fn forget_signatures(app: &App) -> Result<()> {
    let mut tx = app.db.service().await?;
    sqlx::query!("delete from keygate.used_signature where forget_after < $1", app.clock.now())
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}
