//! Risk: how likely it is that a call is not from whoever the key was given to, and what follows.
//!
//! Always holds: a call is scored before it is decided, by what its key was used for so far; what nobody knows adds nothing and
//! stops nobody; whoever cannot prove to have the key can neither suspend it nor change what is known of it; a suspended key
//! signs nothing but cancels, on any replica, until its owner has confirmed with the password that the call was theirs.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU16, Ordering},
};

use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    app::App,
    audit::{self, Event},
    auth::{Caller, Client, Origin},
    connection,
    error::{Code, Error, Result},
    user,
};

mod alarm;
mod api;
mod device;
pub mod geo;
mod history;
mod known;
mod pace;
mod page;
mod place;
mod score;
mod store;
mod watch;

pub use alarm::{Alarm, suspend, suspicious, taken};
pub use api::routes;
pub use known::Act;
pub use page::pages;
pub use score::{Score, Signal};
pub use store::{Row, Suspended, close_alerts, is_suspended, list};
pub use watch::{Watch, device};

use known::News;

/// A call of an access key.
pub struct Use<'a> {
    pub access_key: Uuid,
    pub user: Uuid,
    pub client: &'a Client,
    pub at: OffsetDateTime,
    pub act: Option<Act>,
    /// The key was revoked or has expired.
    pub is_dead: bool,
    /// The caller has proved to hold the key.
    pub is_proven: bool,
}

/// What a look at a call has found.
pub struct Look {
    pub score: Score,
    pub device: Arc<str>,
    /// Of a caller who is not familiar yet.
    unfamiliar: Option<Box<News>>,
}

/// What a call goes on record with.
#[derive(Default)]
pub struct Seen {
    score: AtomicU16,
    device: OnceLock<Arc<str>>,
}

impl Seen {
    pub fn note(&self, look: &Look) {
        self.add(look.score);
        self.set_device(look.device.clone());
    }

    /// The first one stays: a call has one caller.
    pub fn set_device(&self, device: impl Into<Arc<str>>) {
        let _ = self.device.set(device.into());
    }

    pub fn add(&self, score: Score) {
        self.score.fetch_or(score.bits(), Ordering::Relaxed);
    }

    pub fn score(&self) -> Score {
        Score::of_bits(self.score.load(Ordering::Relaxed))
    }

    pub fn device(&self) -> Option<Arc<str>> {
        self.device.get().cloned()
    }
}

impl Clone for Seen {
    fn clone(&self) -> Seen {
        Seen { score: self.score.load(Ordering::Relaxed).into(), device: self.device.clone() }
    }
}

/// Its owner says that the call was theirs: the key signs again, and what was new about it is how it is used.
pub async fn confirm(
    app: &App,
    caller: &Caller,
    origin: &Origin,
    id: Uuid,
    password: Option<seal::SecretText>,
) -> Result<Row> {
    let row = in_force(app, caller.user, id).await?;
    let password = password.ok_or_else(|| Code::StepUpRequired.with("Send your password, as `password`."))?;
    let client = origin.client.as_ref().ok_or_else(|| Error::internal("nobody asks"))?;
    user::confirm(app, caller, password, client).await?;
    // a personal key outlives the connection where it was suspended
    let connection =
        connection::list(app, caller.user).await?.into_iter().find(|own| own.id == row.connection_id);
    let now = app.clock.now();
    let mut tx = app.db.user(caller.user).await?;
    if !store::confirm(&mut tx, caller.user, &row, now).await? {
        return Err(over());
    }
    close_alerts(app, &mut tx).await?;
    let event = Event {
        api_key: connection.as_ref().map_or(caller.user, |own| own.api_key_id),
        operation: "suspension-confirm",
        exchange: connection.as_ref().map_or("", |own| &own.exchange),
        access_key: Some(row.access_key_id),
        bot: row.bot_id,
        ..Event::default()
    };
    audit::record(app, &mut tx, origin, event).await?;
    tx.commit().await?;
    app.gate.accounts.forget(caller.user);
    app.risk.doubt(Some(caller.user));
    Ok(Row { confirmed_at: Some(now), ..row })
}

async fn in_force(app: &App, user: Uuid, id: Uuid) -> Result<Row> {
    let row = list(app, user).await?.into_iter().find(|row| row.id == id).ok_or(Code::NotFound)?;
    match row.is_in_force() {
        true => Ok(row),
        false => Err(over()),
    }
}

fn over() -> Error {
    Code::NotFound.with("This suspension is over.")
}

/// What is due from time to time.
pub async fn round(app: &Arc<App>) -> Result<()> {
    let files = app.clone();
    // files may be large
    tokio::task::spawn_blocking(move || files.risk.geo.refresh()).await.map_err(Error::internal)?;
    app.risk.keep_pace(app).await?;
    store::forget(app).await
}
