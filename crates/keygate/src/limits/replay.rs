//! What changed limits would have made of the last thirty days.

use uuid::Uuid;

use super::{Patch, change::show};
use crate::{
    app::App,
    connection,
    error::Result,
    gateway::replay::{Report, replay},
};

/// With the limits in force, changed by this; the wish itself is not made.
pub async fn would_have(app: &App, user: Uuid, connection: Uuid, patch: &Patch) -> Result<Report> {
    let row = connection::find(app, user, connection).await?;
    let limits = show(app, user, connection).await?.limits.with(patch)?;
    Box::pin(replay(app, user, &row, &limits)).await
}
