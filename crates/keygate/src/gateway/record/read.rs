//! Records of reads: they may be a moment late, and their place is kept before anything is sent.

use std::time::Duration;

use exchange::ExchangeError;

use super::{
    Line,
    line::{line, with_outcome},
    refused,
    writer::Room,
};
use crate::{
    gateway::{Account, Call, Denial},
    upstream::{Answer, Failure},
};

/// A read under way. It has its place in the queue of records before it is sent, so that it is on record whatever
/// becomes of its task: dropped in the middle, because the client went away, it says that nobody knows the outcome.
pub struct Read<'c> {
    call: &'c Call<'c>,
    account: &'c Account,
    room: Option<Room<'c>>,
}

impl<'c> Read<'c> {
    /// Waits for a place while the queue is full.
    pub async fn begin(call: &'c Call<'c>, account: &'c Account) -> Self {
        Read { call, account, room: call.app.gate.records.room().await }
    }

    pub async fn end(
        mut self,
        outcome: &Result<Answer, Failure>,
        error: Option<ExchangeError>,
        took: Duration,
    ) {
        let line = with_outcome(line(self.call, self.account, "event"), outcome, error, took);
        let used = Some(self.account.used(self.call.client.ip));
        match self.room.take() {
            Some(room) => room.fill(line, used),
            None => self.call.app.gate.records.push(self.call.app, line, used).await,
        }
    }

    /// Nothing left us, and this is why.
    pub async fn refuse(mut self, denial: &Denial) {
        let line = refused(line(self.call, self.account, "event"), denial.rule, &denial.text);
        match self.room.take() {
            Some(room) => room.fill(line, None),
            None => self.call.app.gate.records.push(self.call.app, line, None).await,
        }
    }
}

impl Drop for Read<'_> {
    fn drop(&mut self) {
        let Some(room) = self.room.take() else { return };
        let error = Some("outcome unknown: the client went away".to_owned());
        room.fill(
            Line { error, ..line(self.call, self.account, "event") },
            Some(self.account.used(self.call.client.ip)),
        );
    }
}

/// The answer to a read that came over a stream: recorded a moment later.
pub async fn later(
    call: &Call<'_>,
    account: &Account,
    outcome: &Result<Answer, Failure>,
    error: Option<ExchangeError>,
    took: Duration,
) {
    let line = with_outcome(line(call, account, "event"), outcome, error, took);
    call.app.gate.records.push(call.app, line, Some(account.used(call.client.ip))).await;
}
