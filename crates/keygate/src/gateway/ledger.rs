//! What moves money, written down before it happens: one queue, and one transaction for many who wait in it.
//!
//! Always holds: the use of a signature, what a call sets aside and its intent are committed together, before
//! anything is signed; a window never lets through more than its limit, on all replicas together, because whoever adds to
//! it holds its row until commit; what was set aside is given back once, and only when the exchange said no or never
//! heard of it.

use std::time::Duration;

use rust_decimal::Decimal;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::{
    Denial, caution,
    credential::Proof,
    exposure::Excess,
    record::Line,
    spend::{Ask, Cap},
    sweep::TakeBack,
};
use crate::{app::App, db};

mod batch;
mod became;
mod charge;
mod doubt;
mod entry;
mod held;
mod lease;
mod opened;
mod past;
mod position;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod sample;
mod store;
mod window;
mod writer;
mod written;

pub use became::Became;
use charge::Wanted;
use entry::{Entry, Intent, Outcome, OwnIntent};
pub(super) use lease::{Share, lease};
pub(super) use past::Past;
pub use store::forget_windows;
pub use window::Window;
pub use writer::Writer;
pub(super) use written::Written;

use opened::Opened;
pub(super) use opened::Opening;

/// The sending end; cheap to clone.
#[derive(Clone)]
pub struct Ledger {
    sender: mpsc::Sender<Entry>,
}

/// May the call be signed?
#[derive(Debug)]
pub(super) enum Verdict {
    /// It is on record, and its money is set aside.
    Held,
    /// This signature was used before.
    Replay,
    /// A window has no room for it; so much is left in it.
    Over { cap: Cap, left: Decimal },
    /// It would lead to too much of an asset.
    Position(Excess),
    /// The owner, or whoever runs this site, has stopped all signing.
    Stopped,
    /// The key was used in an unusual way, and its owner has not confirmed it.
    Suspended,
    /// There is no room for it by this rule, and it is held all the same: a dry run.
    Noted(&'static str),
    /// Nothing stands still, so there is nothing for Keygate itself to take back.
    Moving,
    /// The database did not take it.
    Failed(String),
}

impl Verdict {
    /// The rule that refuses.
    fn rule(&self) -> Option<&'static str> {
        match self {
            Verdict::Over { cap, .. } => Some(cap.rule),
            Verdict::Position(_) => Some("max-position"),
            _ => None,
        }
    }

    /// What its owner reads; nothing if the call may be signed.
    pub(super) fn denial(self, wanted: Decimal) -> Option<Denial> {
        match self {
            Verdict::Held | Verdict::Noted(_) => None,
            Verdict::Failed(error) => Some(Denial::down(error)),
            Verdict::Replay => {
                Some(Denial::denied("replay", "this signed request was used already; sign it anew"))
            }
            Verdict::Over { cap, left } => Some(cap.denial(wanted, left)),
            Verdict::Position(excess) => Some(excess.denial()),
            Verdict::Suspended => Some(caution::suspended()),
            Verdict::Stopped => {
                Some(Denial::denied("panic", "all signing is stopped until its owner starts it again"))
            }
            Verdict::Moving => Some(Denial::denied("panic-ended", "signing goes on")),
        }
    }
}

pub fn ledger() -> (Ledger, Writer) {
    let (sender, receiver) = mpsc::channel(CAPACITY);
    (Ledger { sender }, Writer::new(receiver))
}

impl Ledger {
    /// Waits until the intent is committed or refused.
    pub(super) async fn intent(&self, line: Line, proof: Option<Proof>, ask: Ask) -> Verdict {
        let gone = || Verdict::Failed("the ledger is closed".to_owned());
        let (answer, verdict) = oneshot::channel();
        let intent = Box::new(Intent { line, proof, ask, answer });
        match self.sender.send(Entry::Intent(intent)).await {
            Ok(()) => verdict.await.unwrap_or_else(|_| gone()),
            Err(_) => gone(),
        }
    }

    /// Puts a cancellation of Keygate's own on record; [`Verdict::Held`] only while its connection stands still. An order
    /// cannot come this way: a [`TakeBack`] is a cancellation.
    pub(super) async fn take_back(&self, line: Line, _errand: &TakeBack) -> Verdict {
        let gone = || Verdict::Failed("the ledger is closed".to_owned());
        let (answer, verdict) = oneshot::channel();
        match self.sender.send(Entry::TakeBack(Box::new(OwnIntent { line, answer }))).await {
            Ok(()) => verdict.await.unwrap_or_else(|_| gone()),
            Err(_) => gone(),
        }
    }

    /// Notes that a call leaves now. Only a help for whoever looks: what is reserved may have left as well.
    pub(super) fn sent(&self, user: Uuid, request: Uuid) {
        // a full queue has more important things to write
        let _ = self.sender.try_send(Entry::Sent { user, request });
    }

    /// Adds what became of a call, and waits until it is on record, or until the database does not take it now.
    pub(super) async fn outcome(&self, line: Line, became: Became, place: Option<i16>) {
        let (answer, written) = oneshot::channel();
        self.enqueue(Outcome { line, became, place, is_doubtful: false, answer: Some(answer) }).await;
        let _ = written.await;
    }

    /// Adds that the exchange said yes to what it can be asked about if this is lost.
    pub(super) async fn confirmed_soon(&self, line: Line) {
        let became = Became::Confirmed;
        self.enqueue(Outcome { line, became, place: None, is_doubtful: false, answer: None }).await;
    }

    async fn enqueue(&self, outcome: Outcome) {
        if self.sender.send(Entry::Outcome(Box::new(outcome))).await.is_err() {
            tracing::error!("an outcome came after the ledger was closed");
        }
    }

    /// Writes an outcome later: the exchange has done its part, whatever the database does now. Nobody waits for it.
    fn again(&self, mut outcome: Box<Outcome>) {
        outcome.answer = None;
        let sender = self.sender.clone();
        tokio::spawn(async move {
            tokio::time::sleep(PAUSE).await;
            let _ = sender.send(Entry::Outcome(outcome)).await;
        });
    }

    /// Waits until everything so far is written.
    pub async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.sender.send(Entry::Flush(done)).await.is_ok() {
            let _ = written.await;
        }
    }
}

/// What would be decided about this now. The windows are locked as for a call, and nothing is kept.
pub(super) async fn preview(
    app: &App,
    user: Uuid,
    connection: Uuid,
    ask: &Ask,
) -> Result<Verdict, db::Error> {
    let wanted = Wanted { connection, at: app.clock.now(), ask };
    let mut tx = app.db.signer(user).await?;
    let opening = Opening {
        users: vec![user],
        connections: vec![connection],
        wanted: vec![(user, wanted)],
        ..Opening::default()
    };
    let Opened { windows, bought, stopped, .. } = opening.open(&mut tx).await?;
    tx.rollback().await?;
    if stopped.stops(user, connection) {
        return Ok(Verdict::Stopped);
    }
    let over = wanted.charge(&windows).over;
    Ok(wanted.refusal(&bought, over).unwrap_or(Verdict::Held))
}

/// Exchanges take a request for a minute after it was signed at most. An order whose answer was lost and that is not there by
/// then will not come: until this has passed it counts, and it is never given back.
pub const LAST_ARRIVAL: time::Duration = time::Duration::minutes(2);
/// Before an outcome that could not be written is tried again.
const PAUSE: Duration = Duration::from_millis(500);
const CAPACITY: usize = 8192;
