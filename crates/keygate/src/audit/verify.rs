//! `keygate audit verify`: every chain in one snapshot of the database, against its head and the file of checkpoints.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::{Duration, Instant},
};

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use futures_util::TryStreamExt;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Head, Keys, Log,
    walk::{Copied, Walk},
};
use crate::{
    db::{self, Settings},
    error::Fatal,
};

mod file;

use file::File;

/// What is wrong, and where.
#[derive(Debug, Clone)]
pub struct Finding {
    pub user: Option<Uuid>,
    pub log: Option<Log>,
    /// The place in the chain; of a finding about checkpoints the number of the checkpoint.
    pub seq: Option<i64>,
    pub row: Option<Uuid>,
    pub text: String,
}

/// What to look at.
#[derive(Default)]
pub struct Scope {
    /// Trust everything up to this checkpoint.
    pub from: Option<u64>,
    /// Only the chains of the user with this email address.
    pub user: Option<String>,
}

#[derive(Default)]
pub struct Report {
    pub rows: u64,
    pub chains: u64,
    /// The newest one.
    pub checkpoint: u64,
    /// Rows from before the chains, of which nothing is known.
    pub unchained: i64,
    pub findings: Vec<Finding>,
    pub took: Duration,
    /// Where each chain ends by the newest checkpoint.
    pub(super) covered: BTreeMap<(Uuid, Log), Head>,
}

/// Where chains begin after pruning.
type Stubs = BTreeMap<(Uuid, Log), Head>;

/// Looks at everything. `Err` is for what cannot be looked at.
pub async fn verify(
    settings: &Settings,
    keys: &Keys,
    checkpoints: &Path,
    scope: &Scope,
) -> Result<Report, Fatal> {
    let begin = Instant::now();
    let mut report = Report::default();
    // the file first: what is written to it after the snapshot is of later rows
    let file = File::read(checkpoints, keys, scope, &mut report)?;
    let mut reader = reader(settings).await?;
    let only = match &scope.user {
        Some(email) => Some(user(&mut reader, email).await?),
        None => None,
    };
    let (heads, stubs) = (heads(&mut reader).await?, stubs(&mut reader, keys, &mut report).await?);
    for log in Log::ALL {
        let mut users = outside(&mut reader, log, &mut report).await?;
        let known = heads.keys().chain(stubs.keys()).chain(file.marks.keys());
        users.extend(known.filter(|(_, own)| *own == log).map(|(user, _)| *user));
        for user in users.into_iter().filter(|own| only.is_none_or(|user| user == *own)) {
            let place = (user, log);
            let stub = stubs.get(&place).copied().unwrap_or_default();
            let (start, from) = match file.from.get(&place) {
                Some(trusted) if trusted.seq > stub.seq => (*trusted, trusted.seq),
                _ => (stub, 0),
            };
            let marks = file.marks.get(&place).map_or(&[][..], Vec::as_slice);
            let mut walk = Walk::new(keys, user, log, start, marks);
            copy(&mut reader, user, log, from, &mut walk).await?;
            walk.end(heads.get(&place).copied());
            report.rows += walk.rows;
            report.chains += 1;
            report.findings.append(&mut walk.findings);
        }
    }
    // a server that has recorded nothing yet has nothing to sign
    let is_new = report.rows == 0 && report.unchained == 0 && heads.is_empty() && stubs.is_empty();
    if report.checkpoint == 0 && !is_new {
        let text = format!("there is no checkpoint in {}", checkpoints.display());
        report.findings.push(Finding::of_checkpoint(0, text));
    }
    if report.unchained > file.unchained {
        let text = format!(
            "{} rows claim to be from before the chains; there were {}",
            report.unchained, file.unchained
        );
        report.findings.push(Finding::of_checkpoint(1, text));
    }
    report.took = begin.elapsed();
    Ok(report)
}

/// The login that may read everything and change nothing, on one snapshot.
pub(super) async fn reader(settings: &Settings) -> Result<PgConnection, db::Error> {
    let login = settings.as_role("keygate_backup").options([("timezone", "UTC"), ("jit", "off")]);
    let mut reader = PgConnection::connect_with(&login).await?;
    sqlx::raw_sql("begin isolation level repeatable read read only").execute(&mut reader).await?;
    Ok(reader)
}

pub(super) async fn heads(reader: &mut PgConnection) -> Result<BTreeMap<(Uuid, Log), Head>, db::Error> {
    let rows = sqlx::query!("select user_id, log, seq, mac from keygate.audit_head where seq > 0")
        .fetch_all(reader)
        .await?;
    let head = |seq, mac: Vec<u8>| Head { seq, mac: mac.try_into().unwrap_or_default() };
    let rows = rows.into_iter();
    Ok(rows.filter_map(|row| Some(((row.user_id, Log::named(&row.log)?), head(row.seq, row.mac)))).collect())
}

async fn stubs(reader: &mut PgConnection, keys: &Keys, report: &mut Report) -> Result<Stubs, db::Error> {
    let rows =
        sqlx::query!("select user_id, log, seq, mac, pruned_at, key_id, signature from keygate.audit_stub")
            .fetch_all(reader)
            .await?;
    let mut stubs = Stubs::new();
    for row in rows {
        let Some(log) = Log::named(&row.log) else { continue };
        let head = Head { seq: row.seq, mac: row.mac.try_into().unwrap_or_default() };
        let message = stub(row.user_id, log, &head, row.pruned_at);
        let key = keys.public_key(&row.key_id).unwrap_or_default();
        match UnparsedPublicKey::new(&ED25519, key).verify(&message, &row.signature) {
            Ok(()) => drop(stubs.insert((row.user_id, log), head)),
            Err(_) => report.findings.push(Finding {
                user: Some(row.user_id),
                log: Some(log),
                seq: Some(head.seq),
                row: None,
                text: "the stub of what was deleted for its age has a wrong signature".to_owned(),
            }),
        }
    }
    Ok(stubs)
}

/// Whose row it is and where it stands is not to be told: only a superuser can have written it.
const OUTSIDE: &str = "chain_seq is null or chain_seq < 0 or user_id is null";

/// What the signature of a stub is over.
pub(super) fn stub(user: Uuid, log: Log, head: &Head, pruned_at: OffsetDateTime) -> Vec<u8> {
    let micros = (pruned_at.unix_timestamp_nanos() / 1000) as i64;
    let mut message = b"kg1/audit-stub".to_vec();
    message.extend_from_slice(user.as_bytes());
    message.extend_from_slice(log.name().as_bytes());
    message.extend_from_slice(&head.seq.to_be_bytes());
    message.extend_from_slice(&head.mac);
    message.extend_from_slice(&micros.to_be_bytes());
    message
}

/// Everybody with rows in this log; and rows that are in no chain.
async fn outside(
    reader: &mut PgConnection,
    log: Log,
    report: &mut Report,
) -> Result<BTreeSet<Uuid>, db::Error> {
    let survey = format!(
        "select user_id, count(*) filter (where chain_seq = 0) as old,
                count(*) filter (where {OUTSIDE}) as outside from {} group by user_id",
        log.name()
    );
    let mut users = BTreeSet::new();
    let mut outside = 0;
    let survey = sqlx::query_as::<_, (Option<Uuid>, i64, i64)>(AssertSqlSafe(survey));
    for (user, old, strange) in survey.fetch_all(&mut *reader).await? {
        users.extend(user);
        report.unchained += old;
        outside += strange;
    }
    if outside > 0 {
        let list = format!("select id, user_id, chain_seq from {} where {OUTSIDE} limit 1000", log.name());
        let list = sqlx::query_as::<_, (Option<Uuid>, Option<Uuid>, Option<i64>)>(AssertSqlSafe(list));
        for (row, user, seq) in list.fetch_all(reader).await? {
            let text = "was not written by Keygate: it is in no chain".to_owned();
            report.findings.push(Finding { user, log: Some(log), seq, row, text });
        }
    }
    Ok(users)
}

async fn user(reader: &mut PgConnection, email: &str) -> Result<Uuid, Fatal> {
    let id = sqlx::query_scalar!("select id from users where email = lower($1)", email);
    let id = id.fetch_optional(reader).await.map_err(db::Error::from)?;
    id.ok_or_else(|| Fatal {
        exit: 5,
        ..Fatal::new(format!("there is no user {email}"), "see `keygate user list`")
    })
}

async fn copy(
    reader: &mut PgConnection,
    user: Uuid,
    log: Log,
    from: i64,
    walk: &mut Walk<'_>,
) -> Result<(), Fatal> {
    let statement = format!(
        "copy (select chain_seq, chain_key, chain_mac, {} from {} where user_id = '{user}' and chain_seq > 0 \
         and chain_seq > {from} order by user_id, chain_seq) to stdout (format binary)",
        log.columns(),
        log.name()
    );
    let mut copied = Copied::default();
    let mut chunks = reader.copy_out_raw(&statement).await.map_err(db::Error::from)?;
    while let Some(chunk) = chunks.try_next().await.map_err(db::Error::from)? {
        copied
            .push(&chunk, |sent| walk.row(sent))
            .ok_or_else(|| Fatal::new("PostgreSQL sent what is no COPY in the binary form", ""))?;
    }
    Ok(())
}

impl Finding {
    fn of_checkpoint(number: u64, text: String) -> Finding {
        Finding { user: None, log: None, seq: i64::try_from(number).ok(), row: None, text }
    }

    pub fn json(&self) -> Value {
        let log = self.log.map_or("checkpoints", Log::name);
        json!({"log": log, "user": self.user, "seq": self.seq, "row": self.row, "finding": self.text})
    }
}
