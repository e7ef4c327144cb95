//! What the owner of a key hears of: a call that is suspicious, a key that was suspended for it, a honey key that was used.

use std::net::IpAddr;

use uuid::Uuid;

use super::{
    score::Score,
    store::{self, Suspended},
};
use crate::{
    alert::{self, Alert, Kind},
    app::App,
    db::Tx,
    error::Result,
};

/// The call that somebody should look at.
pub struct Alarm {
    pub user: Uuid,
    /// The public half of the key.
    pub key: String,
    pub connection: Uuid,
    pub request: Uuid,
    pub address: IpAddr,
    pub score: Score,
}

pub async fn suspicious(app: &App, alarm: &Alarm) -> Result<()> {
    let text = format!(
        "Access key {} was used in an unusual way from {}: {}. If it was not you, revoke it.",
        alarm.key,
        alarm.origin(app),
        alarm.why()
    );
    tell(app, alarm, Kind::Suspicious, &text).await
}

pub async fn taken(app: &App, alarm: &Alarm) -> Result<()> {
    let text = format!(
        "Honey key {} was used from {}. Nobody who came by it honestly has it: whatever lay beside it is stolen too.",
        alarm.key,
        alarm.origin(app)
    );
    tell(app, alarm, Kind::HoneyKey, &text).await
}

/// Suspends a key and says so. False: it stands still already.
pub async fn suspend(app: &App, alarm: &Alarm, own: &Suspended<'_>) -> Result<bool> {
    let mut tx = app.db.signer(alarm.user).await?;
    let is_new = store::suspend(app, &mut tx, own).await?;
    if is_new {
        let text = format!(
            "Access key {} stands still since it was used from {}: {}. Confirm that it was you on the page Suspended keys, \
             or revoke it.",
            alarm.key,
            alarm.origin(app),
            alarm.why()
        );
        raise(app, &mut tx, alarm, Kind::Suspended, &text).await?;
    }
    tx.commit().await?;
    Ok(is_new)
}

async fn tell(app: &App, alarm: &Alarm, kind: Kind, text: &str) -> Result<()> {
    let mut tx = app.db.signer(alarm.user).await?;
    raise(app, &mut tx, alarm, kind, text).await?;
    tx.commit().await?;
    Ok(())
}

async fn raise(app: &App, tx: &mut Tx, alarm: &Alarm, kind: Kind, text: &str) -> Result<()> {
    let (connection, request) = (Some(alarm.connection), Some(alarm.request));
    Ok(alert::raise(app, tx, &Alert { kind, subject: &alarm.key, text, connection, request }).await?)
}

impl Alarm {
    fn origin(&self, app: &App) -> String {
        match app.risk.geo.locate(self.address).country {
            Some(country) => format!("{} ({country})", self.address),
            None => self.address.to_string(),
        }
    }

    fn why(&self) -> String {
        let words: Vec<&str> = self.score.signals().map(|signal| signal.words()).collect();
        format!("{} ({} of 100)", words.join(", "), self.score.points())
    }
}
