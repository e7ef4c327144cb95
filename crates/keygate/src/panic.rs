//! Panic: all signing stops, for a connection, for all of a user, or for the whole site.
//!
//! Always holds: whoever is signed in may stop what is theirs, without a second question; a second after the stop is
//! committed nothing is signed on any replica, and what moves money looks at the database itself; starting again needs
//! the password.

use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    app::App,
    audit,
    auth::{Caller, Client, Origin},
    connection,
    error::{Code, Error, Result},
    user,
};

mod api;
mod page;
mod store;

pub use api::routes;
pub use page::pages;
pub use store::{Last, Row, holds};

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
}

pub async fn show(app: &App, user: Uuid) -> Result<State> {
    Ok(State {
        in_force: store::in_force(app, user).await?,
        last_signed: store::last_signed(app, user).await?,
    })
}

/// Stops. A second time changes nothing.
pub async fn start(
    app: &App,
    caller: &Caller,
    scope: Scope,
    reason: Option<&str>,
    request: &Origin,
) -> Result<State> {
    may_stop(app, caller, scope).await?;
    let started = store::insert(app, caller.user, scope, reason).await?;
    match scope {
        Scope::Site => app.gate.accounts.forget_all(),
        Scope::Own | Scope::Connection(_) => app.gate.accounts.forget(caller.user),
    }
    if started {
        record(app, caller.user, scope, "panic", request).await?;
        tracing::warn!(user = %caller.user, ?scope, "all signing was stopped");
    }
    // what was on its way when the stop was committed is in the answer
    app.gate.ledger.flush().await;
    app.gate.records.flush().await;
    show(app, caller.user).await
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
    if !store::end(app, caller.user, scope).await? {
        return Err(Code::NotFound.with("Nothing of that stands still."));
    }
    match scope {
        Scope::Site => app.gate.accounts.forget_all(),
        Scope::Own | Scope::Connection(_) => app.gate.accounts.forget(caller.user),
    }
    record(app, caller.user, scope, "panic-ended", request).await?;
    show(app, caller.user).await
}

async fn may_stop(app: &App, caller: &Caller, scope: Scope) -> Result<()> {
    match scope {
        Scope::Site if !caller.role.administers() => Err(Code::Forbidden.with("This is for administrators.")),
        Scope::Connection(id) => connection::find(app, caller.user, id).await.map(drop),
        Scope::Site | Scope::Own => Ok(()),
    }
}

/// In the record of every key that stands still, as far as they are the caller's.
async fn record(app: &App, user: Uuid, scope: Scope, operation: &str, request: &Origin) -> Result<()> {
    let mut tx = app.db.user(user).await?;
    for row in connection::list(app, user).await? {
        if scope == Scope::Connection(row.id) || !matches!(scope, Scope::Connection(_)) {
            audit::key_event(app, &mut tx, request, row.api_key_id, operation, &row.exchange, None).await?;
        }
    }
    tx.commit().await.map_err(Error::from)
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
}
