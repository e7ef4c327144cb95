//! One transaction for many users: entries of a user in the order they came.

use std::{borrow::Cow, collections::HashSet};

use uuid::Uuid;

use super::{
    Entry, Intent, Outcome, OwnIntent, Verdict,
    doubt::{take_back, unheard_of},
    held::held,
    opened::{Opened, Opening},
    store::{self, Kept},
    written::Written,
};
use crate::{
    app::App,
    db::{self, Batch, Tx},
    gateway::record::Line,
};

pub(super) type OfUser = (Uuid, Vec<Entry>);

/// Why nothing was written.
enum Trouble {
    Before(db::Error),
    /// Its answer was lost: perhaps everything was.
    AtCommit(db::Error),
}

/// Writes all of it, or as much as can be written: if one user's entries stand in the way they are taken out by
/// halving; if somebody else has locked what is a user's, that user waits no longer; if the database is away nothing is
/// written.
pub(super) async fn settle(app: &App, lane: usize, mut users: Vec<OfUser>) {
    match commit(app, lane, &users).await {
        Ok(verdicts) => announce(users, verdicts),
        Err(Trouble::AtCommit(error)) => {
            take_back(app, &users);
            fail(app, users, &error);
        }
        Err(Trouble::Before(error)) if error.is_unavailable() => fail(app, users, &error),
        Err(Trouble::Before(error)) if error.may_pass() && users.len() == 1 => fail(app, users, &error),
        Err(Trouble::Before(error)) if error.may_pass() => {
            for own in users {
                Box::pin(settle(app, lane, vec![own])).await;
            }
        }
        Err(Trouble::Before(error)) => match halves(&mut users) {
            Some(rest) => {
                Box::pin(settle(app, lane, users)).await;
                Box::pin(settle(app, lane, rest)).await;
            }
            None => fail(app, users, &error),
        },
    }
}

async fn commit(app: &App, lane: usize, users: &[OfUser]) -> Result<Vec<Verdict>, Trouble> {
    let (batch, verdicts) = written(app, lane, users).await.map_err(Trouble::Before)?;
    batch.commit().await.map_err(Trouble::AtCommit)?;
    Ok(verdicts)
}

async fn written(app: &App, lane: usize, users: &[OfUser]) -> Result<(Batch, Vec<Verdict>), db::Error> {
    let first = users.first().map_or_else(Uuid::nil, |(user, _)| *user);
    let mut batch = app.db.lane(lane, first).await?;
    let sheet = Sheet::new(app, &mut batch, users).await?;
    let verdicts = sheet.write(app, batch.all()).await?;
    Ok((batch, verdicts))
}

/// Tells everybody who waits.
fn announce(users: Vec<OfUser>, verdicts: Vec<Verdict>) {
    let mut verdicts = verdicts.into_iter();
    for entry in users.into_iter().flat_map(|(_, entries)| entries) {
        match entry {
            Entry::Intent(intent) => {
                // a call that does not wait any more has died with its process
                let _ = verdicts.next().map(|verdict| intent.answer.send(verdict));
            }
            Entry::TakeBack(own) => {
                let _ = verdicts.next().map(|verdict| own.answer.send(verdict));
            }
            Entry::Outcome(outcome) => {
                let _ = outcome.answer.map(|answer| answer.send(()));
            }
            Entry::Sent { .. } | Entry::Flush(_) => {}
        }
    }
}

/// Intents are refused. Outcomes are tried again while the database is away, or busy with others; one that it does not take is
/// lost, and the reservation stays open until the exchange is asked.
fn fail(app: &App, users: Vec<OfUser>, error: &db::Error) {
    tracing::error!(%error, "calls that move money cannot be recorded");
    let mut outcomes = Vec::new();
    for entry in users.into_iter().flat_map(|(_, entries)| entries) {
        match entry {
            Entry::Intent(intent) => {
                let _ = intent.answer.send(Verdict::Failed(error.to_string()));
            }
            Entry::TakeBack(own) => {
                let _ = own.answer.send(Verdict::Failed(error.to_string()));
            }
            Entry::Outcome(outcome) => outcomes.push(outcome),
            Entry::Sent { .. } | Entry::Flush(_) => {}
        }
    }
    for outcome in outcomes {
        match error.may_pass() {
            true => app.gate.ledger.again(outcome),
            false => {
                tracing::error!(request_id = %outcome.line.request_id, "an outcome could not be recorded")
            }
        }
    }
}

/// The second half of the users, or of the entries of the only one.
fn halves(users: &mut Vec<OfUser>) -> Option<Vec<OfUser>> {
    if users.len() > 1 {
        return Some(users.split_off(users.len() / 2));
    }
    let (user, entries) = users.first_mut().filter(|(_, entries)| entries.len() > 1)?;
    let rest = entries.split_off(entries.len() / 2);
    Some(vec![(*user, rest)])
}

/// What the entries come to: decided with everything locked, then written.
struct Sheet<'e> {
    users: Vec<Uuid>,
    opened: Opened,
    held: Vec<&'e Intent>,
    lines: Vec<Cow<'e, Line>>,
    sent: Vec<Uuid>,
    confirmed: Vec<Uuid>,
    /// Calls that may have been on record, and are not.
    unheard_of: HashSet<Uuid>,
    verdicts: Vec<Verdict>,
}

impl<'e> Sheet<'e> {
    async fn new(app: &App, batch: &mut Batch, users: &'e [OfUser]) -> Result<Self, db::Error> {
        let entries = || users.iter().flat_map(|(_, entries)| entries);
        let outcomes = || entries().filter_map(Entry::as_outcome);
        let mut released = Vec::new();
        for (user, own) in users {
            let may_free = |outcome: &&Outcome| !outcome.gives_nothing_back();
            let own: Vec<&Outcome> = own.iter().filter_map(Entry::as_outcome).filter(may_free).collect();
            if !own.is_empty() {
                let tx = batch.of(*user).await?;
                released.extend(store::change_states(tx, &own, app.clock.now()).await?);
            }
        }
        let opened = Opening::of(users, &released).open(batch.all()).await?;
        let unheard_of = unheard_of(batch, users).await?;
        let sure = outcomes().filter(|outcome| outcome.gives_nothing_back());
        let confirmed = sure.map(|outcome| outcome.line.request_id).collect();
        let mut sheet = Sheet {
            users: users.iter().map(|(user, _)| *user).collect(),
            opened,
            held: Vec::new(),
            lines: Vec::new(),
            sent: Vec::new(),
            confirmed,
            unheard_of,
            verdicts: Vec::new(),
        };
        released.iter().for_each(|kept| sheet.release(kept));
        entries().for_each(|entry| sheet.enter(entry));
        // what was answered already is settled
        let is_answered = |request: &Uuid| outcomes().any(|outcome| outcome.line.request_id == *request);
        sheet.sent.retain(|request| !is_answered(request));
        Ok(sheet)
    }

    fn enter(&mut self, entry: &'e Entry) {
        match entry {
            Entry::Intent(intent) => {
                let verdict = self.opened.decide(&intent.caller(), &intent.wanted());
                match verdict {
                    Verdict::Held => self.hold(intent, Cow::Borrowed(&intent.line)),
                    Verdict::Noted(rule) => {
                        let rule = intent.line.rule.or(Some(rule));
                        self.hold(intent, Cow::Owned(Line { rule, ..intent.line.clone() }));
                    }
                    _ => {}
                }
                self.verdicts.push(verdict);
            }
            Entry::TakeBack(own) => {
                let verdict = self.take_back(own);
                if matches!(verdict, Verdict::Held) {
                    self.lines.push(Cow::Borrowed(&own.line));
                }
                self.verdicts.push(verdict);
            }
            Entry::Sent { request, .. } => self.sent.push(*request),
            Entry::Outcome(outcome) if self.unheard_of.contains(&outcome.line.request_id) => {}
            Entry::Outcome(outcome) => self.lines.push(Cow::Borrowed(&outcome.line)),
            Entry::Flush(_) => {}
        }
    }

    /// Only while everything stands still: then programs cannot take their orders back themselves.
    fn take_back(&self, own: &OwnIntent) -> Verdict {
        match self.opened.stopped.stops(own.line.user, own.line.connection) {
            true => Verdict::Held,
            false => Verdict::Moving,
        }
    }

    fn hold(&mut self, intent: &'e Intent, line: Cow<'e, Line>) {
        self.held.push(intent);
        self.lines.push(line);
    }

    /// Gives back what was counted. Withdrawals of an older version may have had a worth and not been counted.
    fn release(&mut self, kept: &Kept) {
        for key in kept.keys() {
            let used = self.opened.windows.get(&key).copied().unwrap_or_default();
            self.opened.add(key, -kept.usd.min(used));
        }
    }

    async fn write(self, app: &App, tx: &mut Tx) -> Result<Vec<Verdict>, db::Error> {
        let windows = &self.opened.windows;
        let lines: Vec<&Line> = self.lines.iter().map(Cow::as_ref).collect();
        let written = Written {
            users: self.users,
            windows: self.opened.touched.iter().map(|key| (*key, windows[key])).collect(),
            held: self.held.iter().flat_map(|intent| held(intent)).collect(),
            sent: self.sent,
            confirmed: self.confirmed,
            lines: &lines,
        };
        written.write(app, tx, self.opened.chains).await?;
        Ok(self.verdicts)
    }
}

impl<'e> Opening<'e> {
    fn of(users: &'e [OfUser], released: &[Kept]) -> Self {
        let entries = || users.iter().flat_map(|(_, entries)| entries);
        let signed: Vec<&Intent> = entries().filter_map(Entry::as_intent).collect();
        Opening {
            users: users.iter().map(|(user, _)| *user).collect(),
            connections: entries().filter_map(Entry::sends).collect(),
            wanted: signed.iter().map(|intent| (intent.line.user, intent.wanted())).collect(),
            signed,
            freed: released.iter().flat_map(|kept| kept.keys().map(|key| (key, kept.user))).collect(),
            lines: entries().filter_map(Entry::line).collect(),
        }
    }
}
