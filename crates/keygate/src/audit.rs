//! Records of what happened with a key. They are only ever added; the database grants nobody the right to change or remove
//! them, and whoever does it all the same, as its superuser or on its disk, is seen.
//!
//! Always holds: each row of both logs is one link of its user's chain, made with a key the database never has; the head of
//! the chain is locked until the row is committed; once a minute the heads are signed into a file beside the database.
//! `docs/audit.md` says what that proves.

use uuid::Uuid;

use crate::{app::App, db::Tx, error::Result, http::RequestId};

mod chain;
mod checkpoint;
mod file;
mod key;
mod prune;
mod row;
mod state;
mod store;
mod verify;
mod walk;

pub use chain::{Chain, Form, Head, Link, Log};
pub use checkpoint::Checkpoint;
pub use file::Checkpoints;
pub use key::Keys;
pub use prune::{Pruned, prune};
pub use row::{CallRow, UseRow};
pub use state::{State, Verification, state};
pub use store::lock;
pub use verify::{Finding, Report, Scope, verify};

/// One thing the management side did to a key, recorded in the transaction that does it. The last thing it does: rows that
/// it changes after this would be locked in another order than the gateway locks them.
pub async fn key_event(
    app: &App,
    tx: &mut Tx,
    request: RequestId,
    api_key: Uuid,
    operation: &str,
    exchange: &str,
    failure: Option<&str>,
) -> Result<()> {
    let (user, heads) = store::lock(tx, &[Log::Use]).await?;
    let mut chain = app.keys.audit.chain(user, Log::Use, heads.of(Log::Use));
    let row = UseRow {
        id: app.clock.id(),
        api_key,
        user,
        operation,
        endpoint: "management",
        success: Some(failure.is_none()),
        error: failure,
        request: Some(request.0),
        phase: "event",
        exchange: Some(exchange),
        ..UseRow::at(app.clock.now())
    };
    let link = chain.append(|form| row.write(form));
    store::insert_event(tx, &row, &link).await?;
    Ok(())
}

/// Once a minute: what the chains have come to, signed into the file of this instance.
pub async fn checkpoint(app: &App) -> Result<()> {
    app.checkpoints.append(app).await
}
