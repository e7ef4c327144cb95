//! Records of what happened with a key. They are only ever added; the database grants nobody the right to change or remove
//! them, and whoever does it all the same, as its superuser or on its disk, is seen.
//!
//! Always holds: each row of both logs is one link of its user's chain, made with a key the database never has; the head of
//! the chain is locked until the row is committed; once a minute the heads are signed into a file beside the database.
//! `docs/audit.md` says what that proves.

use uuid::Uuid;

use crate::{
    app::App,
    auth::{Client, Origin},
    db::Tx,
    error::Result,
    risk::{self, Score},
};

mod api;
mod chain;
mod checkpoint;
mod count;
mod difference;
mod file;
mod key;
mod prune;
mod row;
mod state;
mod store;
mod verify;
mod walk;

pub use api::routes;
pub use chain::{Chain, Form, Head, Link, Log};
pub use checkpoint::Checkpoint;
pub use count::{Count, Counts};
pub use difference::Difference;
pub use file::Checkpoints;
pub use key::Keys;
pub use prune::{Prunable, prunable, prune};
pub use row::{CallRow, UseRow, points, reasons};
pub use state::{State, Verification, state};
pub use store::{Chains, Locked, lock_chains};
pub use verify::{Finding, Report, Scope, verify};

/// One thing the management side did to a key, recorded in the transaction that does it. The last thing it does: rows that
/// it changes after this would be locked in another order than the gateway locks them.
pub async fn key_event(
    app: &App,
    tx: &mut Tx,
    origin: impl Into<Origin>,
    api_key: Uuid,
    operation: &str,
    exchange: &str,
    failure: Option<&str>,
) -> Result<()> {
    let event = Event { api_key, operation, exchange, failure, ..Event::default() };
    record(app, tx, &origin.into(), event).await
}

/// Something that was done to a key.
#[derive(Default)]
pub struct Event<'a> {
    pub api_key: Uuid,
    pub operation: &'a str,
    pub exchange: &'a str,
    pub failure: Option<&'a str>,
    /// What programs show for it, if it was done to that.
    pub access_key: Option<Uuid>,
    pub bot: Option<Uuid>,
    pub changed: Difference,
    pub score: Score,
}

/// The same, of an access key or a bot.
pub async fn record(app: &App, tx: &mut Tx, origin: &Origin, event: Event<'_>) -> Result<()> {
    let client = origin.client.as_ref();
    let changed = event.changed.text();
    let device = client.map(|client| risk::device(app, client));
    let at = app.clock.now();
    let mut locked = lock_chains(tx, &[Log::Use], Counts::of([(event.api_key, at)])).await?;
    let user = locked.user();
    let mut chain = app.keys.audit.chain(user, Log::Use, locked.head(user, Log::Use));
    let row = UseRow {
        id: app.clock.id(),
        api_key: event.api_key,
        user,
        operation: event.operation,
        endpoint: "management",
        ip: client.map(Client::network),
        agent: client.and_then(|client| client.agent.as_deref()),
        device: device.as_deref(),
        success: Some(event.failure.is_none()),
        error: event.failure,
        request: Some(origin.request.0),
        phase: "event",
        access_key: event.access_key,
        bot: event.bot,
        exchange: Some(event.exchange),
        score: event.score,
        changed: changed.as_deref(),
        count: locked.counts.step(event.api_key, at, 0),
        ..UseRow::at(at)
    };
    let link = chain.append(|form| row.write(form));
    store::insert_event(tx, &row, &link).await?;
    Ok(())
}

/// Once a minute: what the chains have come to, signed into the file of this instance.
pub async fn checkpoint(app: &App) -> Result<()> {
    app.checkpoints.append(app).await
}
