//! Panic: all signing stops, for a connection, for all of a user, or for the whole site.
//!
//! Always holds: whoever is signed in may stop what is theirs, without a second question; a second after the stop is
//! committed nothing is signed on any replica, and what moves money looks at the database itself; starting again needs
//! the password. Open orders may be taken back after that, by Keygate itself (`gateway/sweep`).

use std::sync::Arc;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    app::App,
    audit::{self, Event},
    auth::{Caller, Client, Origin},
    connection,
    db::Tx,
    error::{Code, Result},
    gateway::sweep,
    user,
};

mod api;
mod page;
mod store;

pub use api::routes;
pub use page::pages;
pub use store::{Last, Row, Sum, Sweep, holds, in_force, stands_still};

/// What stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The programs of one connection.
    Connection(Uuid),
    /// Everything of the caller's.
    Own,
    /// Everybody's. Only for administrators.
    Site,
}

/// What is in force, and the last call that was signed: the proof that nothing came after.
pub struct State {
    pub in_force: Vec<Row>,
    pub last_signed: Option<Last>,
    /// What becomes of the caller's open orders, where that was asked for.
    pub sweeps: Vec<Sweep>,
    /// The same of everybody, for whoever runs the site and has stopped it.
    pub everybody: Option<Sum>,
}

/// What a stop is to be.
pub struct Stop<'a> {
    pub scope: Scope,
    pub reason: Option<&'a str>,
    /// Take back open orders, once nothing is signed any more.
    pub cancel_orders: bool,
}

/// What was typed as the reason, as far as it can be stored: a note is no reason to refuse a stop.
fn note(text: &str) -> Option<String> {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let note: String = plain.trim().chars().take(LONGEST_NOTE).collect();
    (!note.is_empty()).then_some(note)
}

pub async fn show(app: &App, caller: &Caller) -> Result<State> {
    let in_force = store::in_force(app, caller.user).await?;
    let asked = in_force.iter().any(|row| row.cancel_asked_at.is_some());
    let sums = in_force.iter().any(|row| row.user_id.is_none() && row.cancel_asked_at.is_some());
    Ok(State {
        last_signed: store::last_signed(app, caller.user).await?,
        sweeps: if asked { store::sweeps(app, caller.user).await? } else { Vec::new() },
        everybody: match sums && caller.role.administers() {
            true => Some(store::sum(app, caller.user).await?),
            false => None,
        },
        in_force,
    })
}

/// Stops. A second time changes nothing, but may ask for the open orders once more.
pub async fn start(app: &Arc<App>, caller: &Caller, stop: Stop<'_>, request: &Origin) -> Result<State> {
    let scope = stop.scope;
    may_stop(app, caller, scope).await?;
    let subject = subject(app, caller.user, scope).await?;
    let started = store::insert(app, &subject, &stop, request).await?;
    match scope {
        Scope::Site => app.gate.accounts.forget_all(),
        Scope::Own | Scope::Connection(_) => app.gate.accounts.forget(caller.user),
    }
    if started {
        tracing::warn!(user = %caller.user, ?scope, "all signing was stopped");
    }
    if stop.cancel_orders {
        tokio::spawn(sweep::round(app.clone()));
    }
    // what was on its way when the stop was committed is in the answer
    app.gate.ledger.flush().await;
    app.gate.records.flush().await;
    show(app, caller).await
}

/// Starts again, with the password.
pub async fn end(
    app: &App,
    caller: &Caller,
    client: &Client,
    scope: Scope,
    password: Option<seal::SecretText>,
    request: &Origin,
) -> Result<State> {
    may_stop(app, caller, scope).await?;
    let password = password.ok_or_else(|| Code::StepUpRequired.with("Send your password, as `password`."))?;
    user::confirm(app, caller, password, client).await?;
    if !store::end(app, &subject(app, caller.user, scope).await?, scope, request).await? {
        return Err(Code::NotFound.with("Nothing of that stands still."));
    }
    match scope {
        Scope::Site => app.gate.accounts.forget_all(),
        Scope::Own | Scope::Connection(_) => app.gate.accounts.forget(caller.user),
    }
    show(app, caller).await
}

async fn may_stop(app: &App, caller: &Caller, scope: Scope) -> Result<()> {
    match scope {
        Scope::Site if !caller.role.administers() => Err(Code::Forbidden.with("This is for administrators.")),
        Scope::Connection(id) => connection::find(app, caller.user, id).await.map(drop),
        Scope::Site | Scope::Own => Ok(()),
    }
}

/// Whose record a stop stands in: that of every key that stands still, as far as they are the caller's, and that of the
/// account if all of them do.
struct Subject {
    user: Uuid,
    is_account: bool,
    keys: Vec<connection::Row>,
}

async fn subject(app: &App, user: Uuid, scope: Scope) -> Result<Subject> {
    let mut keys = connection::list(app, user).await?;
    if let Scope::Connection(id) = scope {
        keys.retain(|row| row.id == id);
    }
    Ok(Subject { user, is_account: !matches!(scope, Scope::Connection(_)), keys })
}

impl Subject {
    async fn record(&self, app: &App, tx: &mut Tx, operation: &str, request: &Origin) -> Result<()> {
        if self.is_account {
            let event = Event { api_key: self.user, operation, ..Event::default() };
            audit::record(app, tx, request, event).await?;
        }
        for row in &self.keys {
            audit::key_event(app, tx, request, row.api_key_id, operation, &row.exchange, None).await?;
        }
        Ok(())
    }
}

impl State {
    /// What becomes of the orders of one stop, connection by connection.
    pub fn sweeps_of(&self, row: &Row) -> impl Iterator<Item = &Sweep> {
        self.sweeps.iter().filter(move |own| own.panic_id == row.id)
    }

    /// Everybody's, if the stop is the site's.
    pub fn everybody_of(&self, row: &Row) -> Option<&Sum> {
        self.everybody.as_ref().filter(|_| row.user_id.is_none())
    }

    /// Whether nothing of a stop's orders is under way any more.
    pub fn is_finished(&self, row: &Row) -> bool {
        let everybody = self.everybody_of(row);
        self.sweeps_of(row).all(|own| own.ended_at.is_some())
            && everybody.is_none_or(|sum| sum.ended == sum.connections)
    }
}

impl Row {
    pub fn scope(&self) -> Scope {
        match (self.user_id, self.connection_id) {
            (None, _) => Scope::Site,
            (Some(_), None) => Scope::Own,
            (Some(_), Some(connection)) => Scope::Connection(connection),
        }
    }

    pub fn since(&self) -> OffsetDateTime {
        self.started_at
    }

    /// What stands still, for people.
    pub fn name(&self) -> String {
        match self.scope() {
            Scope::Site => "Everybody on this site".to_owned(),
            Scope::Own => "All your programs".to_owned(),
            Scope::Connection(id) => {
                self.connection.as_ref().map_or_else(|| id.to_string(), |own| format!("Connection {own}"))
            }
        }
    }
}

const LONGEST_NOTE: usize = 500;
