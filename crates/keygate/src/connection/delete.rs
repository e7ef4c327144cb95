//! Taking a connection away. Its bots and their access keys go with it, and are listed before they do.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Row, store};
use crate::{
    app::App,
    auth::Origin,
    bot,
    error::{Code, Result},
    http::RequestId,
    user::StepUp,
};

/// What a deletion takes, or would take.
#[derive(Debug, Serialize, ToSchema)]
pub struct Deletion {
    pub connection_id: Uuid,
    pub name: String,
    pub bots: Vec<DeletedBot>,
    /// False for a dry run.
    pub deleted: bool,
    /// Until then the deletion can be undone.
    #[serde(with = "time::serde::rfc3339::option")]
    pub destroy_after: Option<OffsetDateTime>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DeletedBot {
    pub id: Uuid,
    pub name: String,
    pub access_keys: i64,
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_used_at: Option<OffsetDateTime>,
}

/// What would go.
pub async fn preview(app: &App, user: Uuid, row: &Row) -> Result<Deletion> {
    let bots = bot::list(app, user).await?.into_iter().filter(|bot| bot.connection_id == row.id);
    let bots = bots
        .map(|bot| DeletedBot {
            id: bot.id,
            name: bot.name,
            access_keys: bot.active_access_keys,
            last_used_at: bot.last_used_at,
        })
        .collect();
    Ok(Deletion { connection_id: row.id, name: row.name.clone(), bots, deleted: false, destroy_after: None })
}

/// Signs nothing from now on; destroyed after seven days unless restored.
pub async fn delete(app: &App, user: Uuid, row: &Row, request: &Origin) -> Result<Deletion> {
    row.live_key()?;
    let preview = preview(app, user, row).await?;
    store::mark_deleted(app, user, row, request).await?;
    app.gate.accounts.forget(user);
    Ok(Deletion { deleted: true, destroy_after: Some(app.clock.now() + super::UNDO), ..preview })
}

/// Undoes a deletion, with the password: its bots have their keys again. The connection comes back paused: its owner looks at
/// it before it signs again.
pub async fn restore(app: &App, id: Uuid, step_up: StepUp<'_>, request: &Origin) -> Result<Row> {
    let user = step_up.caller.user;
    let row = super::find(app, user, id).await?;
    let end = row.destroy_after.ok_or_else(|| Code::Duplicate.with("The connection is not deleted."))?;
    if end <= app.clock.now() {
        return Err(Code::ConnectionDeleted.with("The seven days are over; it is being destroyed."));
    }
    step_up.anew(app, WHY).await?;
    refuse_return_of_a_twin(app, user, &row).await?;
    store::unmark_deleted(app, user, &row, request).await?;
    super::find(app, user, id).await
}

/// Its key may have been added anew meanwhile; the same key in two connections would be signed with twice.
async fn refuse_return_of_a_twin(app: &App, user: Uuid, row: &Row) -> Result<()> {
    let others = store::list(app, user).await?.into_iter();
    let mut living = others.filter(|other| other.destroy_after.is_none() && other.exchange == row.exchange);
    match living.find(|other| other.public_key.is_some() && other.public_key == row.public_key) {
        None => Ok(()),
        Some(twin) => {
            Err(Code::DuplicateKey.with(format!("This key is in use again, as connection '{}'.", twin.name)))
        }
    }
}

/// Destroys what nobody restored in time. Runs again and again; a crash between two users loses nothing.
pub async fn destroy_due(app: &App) -> Result<()> {
    let request = Origin::from(RequestId(app.clock.id()));
    for (user, id) in store::destroyable(app).await? {
        // what is in the way of one stops no other
        match destroy(app, user, id, &request).await {
            Ok(()) => tracing::info!(connection_id = %id, "a deleted connection was destroyed"),
            Err(error) => tracing::error!(%error, connection_id = %id, "a deleted connection is still there"),
        }
    }
    Ok(())
}

async fn destroy(app: &App, user: Uuid, id: Uuid, request: &Origin) -> Result<()> {
    match store::find(app, user, id).await? {
        Some(row) => store::destroy(app, user, &row, request).await,
        None => Ok(()),
    }
}

const WHY: &str = "What was deleted shall come back by its owner alone. Send your password, as `password`.";
