//! Keys that end: their owners hear of it a month and a week before, so that no bot stands still unexpectedly.

use uuid::Uuid;

use super::store;
use crate::{
    alert::{self, Alert, Kind},
    app::App,
    error::Result,
    page::text,
};

pub async fn announce(app: &App) -> Result<()> {
    for (user, key, days) in store::ending(app).await? {
        // what is in the way of one stops no other
        if let Err(error) = tell(app, user, key, days).await {
            tracing::error!(%error, access_key_id = %key, "the owner of a key could not be told that it ends");
        }
    }
    Ok(())
}

async fn tell(app: &App, user: Uuid, key: Uuid, days: i16) -> Result<()> {
    let mut tx = app.db.user(user).await?;
    // revoked meanwhile, or told by another replica
    let Some(ending) = store::note_told(&mut tx, key, days).await? else { return Ok(()) };
    let whose =
        ending.bot.map_or_else(|| "Your personal key".to_owned(), |bot| format!("The key of bot {bot},"));
    let what = format!(
        "{whose} {} ends on {}. What uses it stops then: make a new one before.",
        ending.prefix,
        text::when(&ending.expires_at)
    );
    let alert = Alert {
        kind: Kind::KeyEnds,
        subject: &format!("{}/{days}", ending.prefix),
        text: &what,
        connection: ending.connection,
        request: None,
    };
    alert::raise(app, &mut tx, &alert).await?;
    Ok(tx.commit().await?)
}
