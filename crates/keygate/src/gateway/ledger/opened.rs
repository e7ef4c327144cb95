//! What calls are decided on: read in one statement, which takes every lock of the transaction.

use std::collections::{BTreeMap, HashMap, HashSet};

use rust_decimal::Decimal;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Intent, Verdict, Wanted,
    charge::Charges,
    position::Bought,
    store::{Key, column},
};
use crate::{
    audit::{Chains, Counts, Locked},
    db::{self, Tx},
    gateway::record::{self, Line},
};

/// What is asked for.
#[derive(Default)]
pub(in crate::gateway) struct Opening<'e> {
    /// Everybody it is for, in the order of their ids.
    pub users: Vec<Uuid>,
    /// Connections that may stand still.
    pub(super) connections: Vec<Uuid>,
    /// What each asks for, and who.
    pub(super) wanted: Vec<(Uuid, Wanted<'e>)>,
    /// Whose signatures are used up.
    pub(super) signed: Vec<&'e Intent>,
    /// Windows of what is given back, and whose they are.
    pub(super) freed: BTreeMap<Key, Uuid>,
    /// What may be put on record. Without any of it the chains stay unlocked.
    pub lines: Vec<&'e Line>,
}

/// What is there, until commit.
pub(in crate::gateway) struct Opened {
    pub(super) windows: HashMap<Key, Decimal>,
    /// Purchases that looks at the accounts may not have seen.
    pub(super) bought: Vec<Bought>,
    /// Signatures that were not used before.
    pub(super) fresh: HashSet<(Uuid, [u8; 32])>,
    pub(super) stopped: Stopped,
    pub chains: Option<Locked>,
    /// Windows that are no more as they were read.
    pub(super) touched: HashSet<Key>,
}

/// Whose call it is.
pub(super) struct Caller {
    pub user: Uuid,
    /// None: Keygate itself.
    pub access_key: Option<Uuid>,
    /// What may be used once, of a call that was signed.
    pub signature: Option<[u8; 32]>,
}

/// What stands still: whose connections panic holds, `None` for everybody and for all of them, and access keys that are
/// suspended.
#[derive(Default)]
pub(super) struct Stopped {
    connections: HashSet<(Option<Uuid>, Option<Uuid>)>,
    access_keys: HashSet<Uuid>,
}

impl Opened {
    /// May it be signed? What it is granted nobody else is.
    pub(super) fn decide(&mut self, caller: &Caller, wanted: &Wanted<'_>) -> Verdict {
        if self.stopped.stops(caller.user, wanted.connection) {
            return Verdict::Stopped;
        }
        if caller.access_key.is_some_and(|key| self.stopped.suspends(key)) && !wanted.ask.takes_back {
            return Verdict::Suspended;
        }
        if let Some(signed) = caller.access_key.zip(caller.signature)
            && !self.fresh.remove(&signed)
        {
            return Verdict::Replay;
        }
        let Charges { charges, over } = wanted.charge(&self.windows);
        match wanted.refusal(&self.bought, over) {
            Some(refusal) if !wanted.ask.dry => refusal,
            refusal => {
                self.bought.extend(wanted.bought());
                charges.into_iter().for_each(|(key, amount)| self.add(key, amount));
                refusal.and_then(|refusal| refusal.rule()).map_or(Verdict::Held, Verdict::Noted)
            }
        }
    }

    /// Changes what is used of a window.
    pub(super) fn add(&mut self, key: Key, amount: Decimal) {
        *self.windows.entry(key).or_default() += amount;
        self.touched.insert(key);
    }
}

impl Stopped {
    #[cfg(any(test, feature = "fuzzing"))]
    pub fn of(connections: Vec<(Option<Uuid>, Option<Uuid>)>, access_keys: Vec<Uuid>) -> Self {
        let (connections, access_keys) =
            (connections.into_iter().collect(), access_keys.into_iter().collect());
        Stopped { connections, access_keys }
    }

    pub fn stops(&self, user: Uuid, connection: Uuid) -> bool {
        let user = Some(user);
        [(None, None), (user, None), (user, Some(connection))]
            .iter()
            .any(|own| self.connections.contains(own))
    }

    pub fn suspends(&self, access_key: Uuid) -> bool {
        self.access_keys.contains(&access_key)
    }
}

impl<'e> Opening<'e> {
    /// Nothing but records.
    pub fn of_lines(users: Vec<Uuid>, lines: Vec<&'e Line>) -> Self {
        Opening { users, lines, ..Opening::default() }
    }

    /// Locks and reads.
    pub async fn open(self, tx: &mut Tx) -> Result<Opened, db::Error> {
        let (windows, owners): (Vec<Key>, Vec<Uuid>) = self.windows().into_iter().unzip();
        let signatures = Signatures::of(&self.signed);
        let (limited, since) = self.limited();
        let counts = record::store::counts(self.lines.iter().copied());
        let (counted, periods, days) = counts.columns();
        let row = sqlx::query_as!(
            Row,
            r#"select coalesce(used, '{}') as "used!: Vec<Decimal>", coalesce(fresh_signers, '{}') as "fresh_signers!",
                      coalesce(fresh_signatures, '{}') as "fresh_signatures!",
                      coalesce(stopped_users, '{}') as "stopped_users!: Vec<Option<Uuid>>",
                      coalesce(stopped, '{}') as "stopped!: Vec<Option<Uuid>>", coalesce(suspended, '{}') as "suspended!",
                      coalesce(bought_by, '{}') as "bought_by!", coalesce(bought, '{}') as "bought!",
                      coalesce(bought_usd, '{}') as "bought_usd!: Vec<Decimal>", coalesce(bought_at, '{}') as "bought_at!",
                      coalesce(bought_confirmed_at, '{}') as "bought_confirmed_at!: Vec<Option<OffsetDateTime>>",
                      coalesce(users, '{}') as "users!", coalesce(logs, '{}') as "logs!", coalesce(seqs, '{}') as "seqs!",
                      coalesce(macs, '{}') as "macs!", coalesce(calls, '{}') as "calls!"
               from keygate.open_calls($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"#,
            &tx.contexts(&self.users),
            &self.connections,
            &column(&windows, Key::connection),
            &self.places(&owners),
            &column(&windows, Key::kind) as &[&str],
            &column(&windows, Key::starts_at),
            &signatures.signers,
            &self.places(&signatures.users),
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

    /// In the order everybody locks them, each with its owner.
    fn windows(&self) -> BTreeMap<Key, Uuid> {
        let mut windows = self.freed.clone();
        for (user, wanted) in &self.wanted {
            windows.extend(wanted.keys().map(|key| (key, *user)));
        }
        windows
    }

    /// Which of the users they are, as PostgreSQL counts.
    fn places(&self, owners: &[Uuid]) -> Vec<i32> {
        let place =
            |owner: &Uuid| self.users.iter().position(|user| user == owner).map_or(0, |place| place + 1);
        owners.iter().map(|owner| i32::try_from(place(owner)).unwrap_or(0)).collect()
    }

    /// Connections whose positions are limited, and the oldest look at one of them.
    fn limited(&self) -> (Vec<Uuid>, Option<OffsetDateTime>) {
        let looked = self
            .wanted
            .iter()
            .filter_map(|(_, own)| Some((own.connection, own.ask.position.as_ref()?.since)));
        let (connections, since): (Vec<Uuid>, Vec<OffsetDateTime>) = looked.unzip();
        (connections, since.into_iter().min())
    }
}

/// Signatures as columns.
#[derive(Default)]
struct Signatures {
    signers: Vec<Uuid>,
    users: Vec<Uuid>,
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
            all.users.push(intent.line.user);
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
    stopped_users: Vec<Option<Uuid>>,
    stopped: Vec<Option<Uuid>>,
    suspended: Vec<Uuid>,
    bought_by: Vec<Uuid>,
    bought: Vec<String>,
    bought_usd: Vec<Decimal>,
    bought_at: Vec<OffsetDateTime>,
    bought_confirmed_at: Vec<Option<OffsetDateTime>>,
    users: Vec<Uuid>,
    logs: Vec<String>,
    seqs: Vec<i64>,
    macs: Vec<Vec<u8>>,
    calls: Vec<i32>,
}

impl Row {
    fn opened(self, windows: Vec<Key>, counts: Counts) -> Opened {
        let bought = self.bought();
        let Row { used, fresh_signers, fresh_signatures, stopped_users, stopped, suspended, .. } = self;
        let fresh = fresh_signers
            .into_iter()
            .zip(fresh_signatures)
            .filter_map(|(signer, id)| Some((signer, id.try_into().ok()?)));
        let Row { users, logs, seqs, macs, calls, .. } = self;
        let chains = (!users.is_empty()).then_some(Chains { users, logs, seqs, macs, calls });
        Opened {
            windows: windows.into_iter().zip(used).collect(),
            bought,
            fresh: fresh.collect(),
            stopped: Stopped {
                connections: stopped_users.into_iter().zip(stopped).collect(),
                access_keys: suspended.into_iter().collect(),
            },
            chains: chains.map(|chains| Locked::new(chains, counts)),
            touched: HashSet::new(),
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
