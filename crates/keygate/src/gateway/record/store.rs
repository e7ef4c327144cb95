//! Every statement of the call records.

use std::collections::BTreeMap;

use sqlx::types::ipnetwork::IpNetwork;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Line, Used, writer::Lines};
use crate::{
    app::App,
    audit::Counts,
    db::{self, Batch, Tx},
    error::Result,
    gateway::ledger::{Opening, Written},
};

/// Lines in one transaction, and the times of last use they imply. The map is in the order of the users' ids, which is the
/// order that keeps two batches from waiting for each other.
pub async fn append(app: &App, batch: &BTreeMap<Uuid, Lines>) -> Result<(), db::Error> {
    let Some(first) = batch.keys().next() else { return Ok(()) };
    let mut tx = app.db.signers(*first).await?;
    for (user, Lines { used, .. }) in batch {
        touch(&mut tx, *user, used, app.clock.now()).await?;
    }
    insert(app, tx.all(), batch).await?;
    tx.commit().await?;
    Ok(())
}

/// Both logs, each line with its links. The chains are locked until commit, so this comes last in a transaction.
async fn insert(app: &App, tx: &mut Tx, batch: &BTreeMap<Uuid, Lines>) -> Result<(), db::Error> {
    let lines: Vec<&Line> = batch.values().flat_map(|own| &own.lines).collect();
    if lines.is_empty() {
        return Ok(());
    }
    let users: Vec<Uuid> = batch.keys().copied().collect();
    let opened = Opening::of_lines(users.clone(), lines.clone()).open(tx).await?;
    Written::of_lines(users, &lines).write(app, tx, opened.chains).await
}

/// The counters that records of these lines need.
pub fn counts<'l>(lines: impl IntoIterator<Item = &'l Line>) -> Counts {
    Counts::of(lines.into_iter().map(|line| (line.api_key, line.at)))
}

/// Brings times of last use up to date.
async fn touch(tx: &mut Batch, user: Uuid, used: &[Used], at: OffsetDateTime) -> Result<(), db::Error> {
    if used.is_empty() {
        return Ok(());
    }
    let tx = tx.of(user).await?;
    let ids = |id: fn(&Used) -> Uuid| used.iter().map(id).collect::<Vec<_>>();
    sqlx::query!(
        "select keygate.touch_used($1, $2, $3, $4, $5)",
        &ids(|used| used.connection),
        &ids(|used| used.api_key),
        &ids(|used| used.access_key),
        &used.iter().map(|used| IpNetwork::from(used.address)).collect::<Vec<_>>(),
        at
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Long after they could be accepted again: another replica's clock may be behind, and this one may be set back.
pub async fn forget_signatures(app: &App) -> Result<()> {
    let long_ago = app.clock.now() - Duration::HOUR;
    let mut tx = app.db.service().await?;
    sqlx::query!("delete from keygate.used_signature where forget_after < $1", long_ago)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}
