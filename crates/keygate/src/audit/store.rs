//! Every statement of the running server about the chains.

use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::{
    Counts, Head, Link, Log, UseRow,
    count::Counter,
    row::{points, reasons},
};
use crate::{
    db::{self, Tx},
    error::Result,
};

/// Chains that are locked until commit, and how often keys were used so far.
pub struct Locked {
    heads: Vec<(Uuid, Log, Head)>,
    pub counts: Counts,
}

/// The same as a statement returns it: arrays, one element for each chain and one for each counter.
pub struct Chains {
    pub users: Vec<Uuid>,
    pub logs: Vec<String>,
    pub seqs: Vec<i64>,
    pub macs: Vec<Vec<u8>>,
    pub calls: Vec<i32>,
}

impl Locked {
    pub fn new(chains: Chains, mut counts: Counts) -> Locked {
        let Chains { users, logs, seqs, macs, calls } = chains;
        counts.begin(calls);
        let heads = users.into_iter().zip(logs).zip(seqs.into_iter().zip(macs));
        let heads = heads.filter_map(|((user, log), (seq, mac))| {
            head(&log, seq, mac).map(|(log, head)| (user, log, head))
        });
        Locked { heads: heads.collect(), counts }
    }

    pub fn head(&self, user: Uuid, log: Log) -> Head {
        let own = self.heads.iter().find(|(owner, own, _)| (*owner, *own) == (user, log));
        own.map_or_else(Head::default, |(.., head)| *head)
    }

    /// Whose chains they are, if they are of one user.
    pub fn user(&self) -> Uuid {
        self.heads.first().map_or(Uuid::nil(), |(user, ..)| *user)
    }
}

impl Counts {
    /// The counters as the columns of a statement.
    pub fn columns(&self) -> (Vec<Uuid>, Vec<String>, Vec<Date>) {
        columns(self.counters())
    }

    /// Those that have changed, and what they have come to.
    pub fn changed_columns(&self) -> (Vec<Uuid>, Vec<String>, Vec<Date>, Vec<i32>) {
        let (keys, periods, days) = columns(self.changed().map(|(counter, _)| counter));
        (keys, periods, days, self.changed().map(|(_, calls)| calls).collect())
    }
}

/// Locks the chains of the user whom the transaction acts for, as the last of all its locks.
pub async fn lock_chains(tx: &mut Tx, logs: &[Log], counts: Counts) -> Result<Locked, db::Error> {
    let names: Vec<String> = logs.iter().map(|log| log.name().to_owned()).collect();
    let (keys, periods, days) = counts.columns();
    let chains = sqlx::query_as!(
        Chains,
        r#"select users as "users!", logs as "logs!", seqs as "seqs!", macs as "macs!", coalesce(calls, '{}') as "calls!"
           from keygate.lock_chains($1, $2, $3, $4)"#,
        &names,
        &keys,
        &periods,
        &days
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(Locked::new(chains, counts))
}

fn columns<'c>(counters: impl Iterator<Item = &'c Counter>) -> (Vec<Uuid>, Vec<String>, Vec<Date>) {
    let (mut keys, mut periods, mut days) = (Vec::new(), Vec::new(), Vec::new());
    for (key, period, day) in counters {
        keys.push(*key);
        periods.push(period.name().to_owned());
        days.push(*day);
    }
    (keys, periods, days)
}

pub async fn insert_event(tx: &mut Tx, row: &UseRow<'_>, link: &Link) -> Result<(), db::Error> {
    let reasons = reasons(row.score);
    let reasons: Option<Vec<String>> = reasons.map(|own| own.into_iter().map(str::to_owned).collect());
    sqlx::query!(
        "select keygate.record_key_event($1, $2, $3, $4, $5, p_success => $6, p_error_message => $7, p_exchange => $8,
                p_created_at => $9, p_chain_seq => $10, p_chain_key => $11, p_chain_mac => $12, p_ip_address => $13,
                p_user_agent => $14, p_device_fingerprint => $15, p_access_key_id => $16, p_bot_id => $17,
                p_daily_usage_count => $18, p_monthly_usage_count => $19, p_risk_score => $20,
                p_is_suspicious => $21, p_suspicious_reasons => $22, p_changed => $23)",
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
        reasons.as_deref(),
        row.changed
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
