//! Calls of which nobody knows whether they are on record: the answer to their commit was lost.

use std::collections::HashSet;

use uuid::Uuid;

use super::{Became, Entry, Outcome, batch::OfUser, store};
use crate::{
    app::App,
    db::{self, Batch},
    gateway::record::Line,
};

/// Calls that may be on record are not sent: what they set aside is free again, as soon as the database can be told.
pub(super) fn take_back(app: &App, users: &[OfUser]) {
    let entries = users.iter().flat_map(|(_, entries)| entries);
    for line in entries.filter_map(Entry::intended) {
        let error = Some("not sent: whether it is on record was not known in time".to_owned());
        let line = Line { phase: "outcome", success: Some(false), error, ..line.clone() };
        let outcome =
            Outcome { line, became: Became::Rejected, place: None, is_doubtful: true, answer: None };
        app.gate.ledger.again(Box::new(outcome));
    }
}

/// Of the doubtful outcomes those without an intent. The chains are locked: whatever was being committed is there by now.
pub(super) async fn unheard_of(batch: &mut Batch, users: &[OfUser]) -> Result<HashSet<Uuid>, db::Error> {
    let mut unheard_of = HashSet::new();
    for (user, own) in users {
        let doubtful = own.iter().filter_map(Entry::as_outcome).filter(|outcome| outcome.is_doubtful);
        let requests: Vec<Uuid> = doubtful.map(|outcome| outcome.line.request_id).collect();
        if !requests.is_empty() {
            let known = store::intended(batch.of(*user).await?, &requests).await?;
            unheard_of.extend(requests.into_iter().filter(|request| !known.contains(request)));
        }
    }
    Ok(unheard_of)
}
