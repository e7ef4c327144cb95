//! What the owner of a key must hear of: it waits in their inbox until they say that they have seen it, and stands in the log
//! of the server for whoever watches that.
//!
//! Always holds: an alert is raised in the transaction that does what it tells of; the same thing again is counted on the
//! open alert; it is closed by its owner, or with what it tells of: a raise that waited, a key that stood still.

use uuid::Uuid;

use crate::{
    app::App,
    db::{self, Tx},
};

mod api;
mod page;
mod store;

pub use api::routes;
pub use page::pages;
pub use store::{Row, close, open, subjects};

/// What kinds of things there are to hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A call with so many points of risk that somebody should look at it.
    Suspicious,
    /// A key was suspended until its owner confirms it.
    Suspended,
    /// Somebody used a key that exists only to be stolen.
    HoneyKey,
    /// Somebody asked for more than the limits allow today.
    RaiseRequested,
    /// What was asked for is in force.
    Raised,
    /// What was asked for will not happen.
    RaiseCancelled,
    /// There is a new key that may do more than read, where programs are at work already.
    NewKey,
    /// A key ends soon, and what uses it will stop.
    KeyEnds,
    /// The password was changed.
    Password,
    /// Somebody was given access to this site; the owner hears of it.
    Account,
}

/// How soon it wants to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    Urgent,
    Warning,
    Notice,
}

/// One thing to hear of.
pub struct Alert<'a> {
    pub kind: Kind,
    /// What it is about; two alerts of a kind about the same subject are one while it is open. 1 to 200 characters.
    pub subject: &'a str,
    /// One or two plain sentences for the owner, 1000 characters at most. No secrets.
    pub text: &'a str,
    pub connection: Option<Uuid>,
    pub request: Option<Uuid>,
}

/// Raises it for the user of the transaction.
pub async fn raise(app: &App, tx: &mut Tx, alert: &Alert<'_>) -> Result<(), db::Error> {
    let new = store::raise(app, tx, alert).await?;
    if new {
        tracing::warn!(
            kind = alert.kind.text(),
            severity = alert.kind.severity().text(),
            subject = alert.subject,
            request = alert.request.map(tracing::field::display),
            "an alert was raised"
        );
    }
    Ok(())
}

impl Kind {
    pub fn text(self) -> &'static str {
        match self {
            Kind::Suspicious => "suspicious",
            Kind::Suspended => "suspended",
            Kind::HoneyKey => "honey-key",
            Kind::RaiseRequested => "raise-requested",
            Kind::Raised => "raised",
            Kind::RaiseCancelled => "raise-cancelled",
            Kind::NewKey => "new-key",
            Kind::KeyEnds => "key-ends",
            Kind::Password => "password-changed",
            Kind::Account => "account",
        }
    }

    pub fn severity(self) -> Severity {
        match self {
            Kind::Suspended | Kind::HoneyKey => Severity::Urgent,
            Kind::Suspicious | Kind::RaiseRequested | Kind::KeyEnds | Kind::Password => Severity::Warning,
            Kind::Raised | Kind::RaiseCancelled | Kind::NewKey | Kind::Account => Severity::Notice,
        }
    }
}

impl Severity {
    pub fn text(self) -> &'static str {
        match self {
            Severity::Urgent => "urgent",
            Severity::Warning => "warning",
            Severity::Notice => "notice",
        }
    }
}
