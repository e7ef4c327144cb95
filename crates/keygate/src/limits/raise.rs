//! The owner hears of every step of a limit that is raised: asked for, in force, taken back. With the last of them the alert that
//! it was asked for is over.

use time::OffsetDateTime;
use uuid::Uuid;

use super::{Patch, store};
use crate::{
    alert::{self, Alert, Kind},
    app::App,
    db::Tx,
    error::Result,
    http::RequestId,
    page::text,
};

/// Which connection's limits are raised, and by which request.
pub struct Raise<'a> {
    pub app: &'a App,
    pub connection: Uuid,
    pub name: &'a str,
    pub request: RequestId,
}

impl Raise<'_> {
    pub async fn requested(&self, tx: &mut Tx, members: &Patch, at: OffsetDateTime) -> Result<()> {
        let what = format!(
            "Connection {} will let more through from {} on: {}. Take it back on its limits page if you did not ask for it.",
            self.name,
            text::when(&at),
            named(members)
        );
        self.tell(tx, Kind::RaiseRequested, members, &what).await
    }

    pub async fn done(&self, tx: &mut Tx, members: &Patch) -> Result<()> {
        let what = format!("Connection {} lets more through now: {}.", self.name, named(members));
        self.tell(tx, Kind::Raised, members, &what).await?;
        self.close_requests(tx).await
    }

    pub async fn cancelled(&self, tx: &mut Tx, members: &Patch) -> Result<()> {
        let what = format!("Connection {} keeps its limits; taken back: {}.", self.name, named(members));
        self.tell(tx, Kind::RaiseCancelled, members, &what).await?;
        self.close_requests(tx).await
    }

    /// An alert may be about several limits: it stays while one of them waits.
    async fn close_requests(&self, tx: &mut Tx) -> Result<()> {
        let pending = store::load_pending(tx, self.connection).await?;
        let own = format!("{}/", self.connection);
        for subject in alert::subjects(tx, Kind::RaiseRequested, self.connection).await? {
            let Some(names) = subject.strip_prefix(&own) else { continue };
            let waits = |name: &str| pending.iter().any(|own| own.member == name);
            let is_cut = names.ends_with('…') && !pending.is_empty();
            if !is_cut && !names.split(',').any(waits) {
                alert::close(self.app, tx, Kind::RaiseRequested, &subject).await?;
            }
        }
        Ok(())
    }

    async fn tell(&self, tx: &mut Tx, kind: Kind, members: &Patch, text: &str) -> Result<()> {
        let names = members.keys().map(String::as_str).collect::<Vec<_>>().join(",");
        let alert = Alert {
            kind,
            subject: &cut(&format!("{}/{names}", self.connection), 200),
            text: &cut(text, 1000),
            connection: Some(self.connection),
            request: Some(self.request.0),
        };
        Ok(alert::raise(self.app, tx, &alert).await?)
    }
}

/// `max_leverage 5, can_transfer yes`
fn named(members: &Patch) -> String {
    let all = members.iter().map(|(member, new)| format!("{member} {}", text::value(new, "no limit")));
    all.collect::<Vec<_>>().join(", ")
}

/// A list of markets can be long.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most - 1).chain(['…']).collect(),
    }
}
