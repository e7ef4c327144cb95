//! What one user's calls are decided on: read in one statement, which takes every lock of the transaction.

use std::collections::{BTreeSet, HashMap, HashSet};

use rust_decimal::Decimal;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Intent, Wanted, position::Bought, store::Key};
use crate::{
    audit::{Chains, Counts, Locked},
    db::{self, Tx},
    gateway::record::{self, Line},
};

/// What is asked for.
#[derive(Default)]
pub(super) struct Opening<'e> {
    /// Connections that may stand still.
    pub connections: Vec<Uuid>,
    pub wanted: Vec<Wanted<'e>>,
    /// Whose signatures are used up.
    pub signed: Vec<&'e Intent>,
    /// Windows of what is given back.
    pub freed: BTreeSet<Key>,
    /// What may be put on record. Without any of it the chains stay unlocked.
    pub lines: Vec<&'e Line>,
}

/// What is there, until commit.
pub(super) struct Opened {
    pub windows: HashMap<Key, Decimal>,
    /// Purchases that looks at the accounts may not have seen.
    pub bought: Vec<Bought>,
    /// Signatures that were not used before.
    pub fresh: HashSet<(Uuid, [u8; 32])>,
    pub stopped: Stopped,
    pub chains: Option<Locked>,
}

/// What stands still: connections that panic holds, `None` for all of them, and access keys that are suspended.
#[derive(Default)]
pub(super) struct Stopped {
    connections: HashSet<Option<Uuid>>,
    access_keys: HashSet<Uuid>,
}

impl Stopped {
    pub fn stops(&self, connection: Uuid) -> bool {
        self.connections.contains(&None) || self.connections.contains(&Some(connection))
    }

    pub fn suspends(&self, access_key: Uuid) -> bool {
        self.access_keys.contains(&access_key)
    }
}

impl Opening<'_> {
    /// Locks and reads, for the user whom the transaction acts for.
    pub async fn open(self, tx: &mut Tx) -> Result<Opened, db::Error> {
        let windows: Vec<Key> = self.windows().into_iter().collect();
        let signatures = Signatures::of(&self.signed);
        let (limited, since) = self.limited();
        let counts = record::store::counts(self.lines.iter().copied());
        let (counted, periods, days) = counts.columns();
        let row = sqlx::query_as!(
            Row,
            r#"select coalesce(used, '{}') as "used!: Vec<Decimal>", coalesce(fresh_signers, '{}') as "fresh_signers!",
                      coalesce(fresh_signatures, '{}') as "fresh_signatures!",
                      coalesce(stopped, '{}') as "stopped!: Vec<Option<Uuid>>", coalesce(suspended, '{}') as "suspended!",
                      coalesce(bought_by, '{}') as "bought_by!", coalesce(bought, '{}') as "bought!",
                      coalesce(bought_usd, '{}') as "bought_usd!: Vec<Decimal>", coalesce(bought_at, '{}') as "bought_at!",
                      coalesce(bought_confirmed_at, '{}') as "bought_confirmed_at!: Vec<Option<OffsetDateTime>>",
                      user_id, coalesce(logs, '{}') as "logs!", coalesce(seqs, '{}') as "seqs!",
                      coalesce(macs, '{}') as "macs!", coalesce(calls, '{}') as "calls!"
               from keygate.open_calls($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"#,
            &self.connections,
            &windows.iter().map(Key::connection).collect::<Vec<_>>(),
            &windows.iter().map(Key::kind).collect::<Vec<_>>() as &[&str],
            &windows.iter().map(Key::starts_at).collect::<Vec<_>>(),
            &signatures.signers,
            &signatures.ids,
            &signatures.used_at,
            &signatures.forget_after as &[Option<OffsetDateTime>],
            &limited,
            since,
            &counted,
            &periods,
            &days
        )
        .fetch_one(&mut **tx)
        .await?;
        Ok(row.opened(windows, counts))
    }

    /// In the order everybody locks them.
    fn windows(&self) -> BTreeSet<Key> {
        self.wanted.iter().flat_map(Wanted::keys).chain(self.freed.iter().copied()).collect()
    }

    /// Connections whose positions are limited, and the oldest look at one of them.
    fn limited(&self) -> (Vec<Uuid>, Option<OffsetDateTime>) {
        let looked =
            self.wanted.iter().filter_map(|own| Some((own.connection, own.ask.position.as_ref()?.since)));
        let (connections, since): (Vec<Uuid>, Vec<OffsetDateTime>) = looked.unzip();
        (connections, since.into_iter().min())
    }
}

/// Signatures as columns.
#[derive(Default)]
struct Signatures {
    signers: Vec<Uuid>,
    ids: Vec<Vec<u8>>,
    used_at: Vec<OffsetDateTime>,
    /// `None`: as long as the access key lives.
    forget_after: Vec<Option<OffsetDateTime>>,
}

impl Signatures {
    fn of(signed: &[&Intent]) -> Signatures {
        let forget_after =
            |ms: u64| OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).ok();
        let mut all = Signatures::default();
        for intent in signed {
            let Some((access_key, proof)) = intent.signed() else { continue };
            all.signers.push(access_key);
            all.ids.push(proof.signature_id.to_vec());
            all.used_at.push(intent.line.at);
            all.forget_after.push(proof.replayable_until_ms.and_then(forget_after));
        }
        all
    }
}

/// The statement's one row.
struct Row {
    used: Vec<Decimal>,
    fresh_signers: Vec<Uuid>,
    fresh_signatures: Vec<Vec<u8>>,
    stopped: Vec<Option<Uuid>>,
    suspended: Vec<Uuid>,
    bought_by: Vec<Uuid>,
    bought: Vec<String>,
    bought_usd: Vec<Decimal>,
    bought_at: Vec<OffsetDateTime>,
    bought_confirmed_at: Vec<Option<OffsetDateTime>>,
    user_id: Option<Uuid>,
    logs: Vec<String>,
    seqs: Vec<i64>,
    macs: Vec<Vec<u8>>,
    calls: Vec<i32>,
}

impl Row {
    fn opened(self, windows: Vec<Key>, counts: Counts) -> Opened {
        let bought = self.bought();
        let Row { used, fresh_signers, fresh_signatures, stopped, suspended, .. } = self;
        let fresh = fresh_signers
            .into_iter()
            .zip(fresh_signatures)
            .filter_map(|(signer, id)| Some((signer, id.try_into().ok()?)));
        let Row { user_id, logs, seqs, macs, calls, .. } = self;
        let chains = user_id.map(|user_id| Chains { user_id, logs, seqs, macs, calls });
        Opened {
            windows: windows.into_iter().zip(used).collect(),
            bought,
            fresh: fresh.collect(),
            stopped: Stopped {
                connections: stopped.into_iter().collect(),
                access_keys: suspended.into_iter().collect(),
            },
            chains: chains.map(|chains| Locked::new(chains, counts)),
        }
    }

    fn bought(&self) -> Vec<Bought> {
        let one = |n: usize| Bought {
            connection: self.bought_by[n],
            asset: self.bought[n].clone(),
            usd: self.bought_usd[n],
            made_at: self.bought_at[n],
            confirmed_at: self.bought_confirmed_at[n],
        };
        (0..self.bought_by.len()).map(one).collect()
    }
}
