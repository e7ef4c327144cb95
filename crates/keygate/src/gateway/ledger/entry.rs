//! What waits in the queue of the ledger.

use tokio::sync::oneshot;
use uuid::Uuid;

use super::{Became, Verdict, Wanted, opened::Caller};
use crate::gateway::{credential::Proof, record::Line, spend::Ask};

pub(super) enum Entry {
    Intent(Box<Intent>),
    TakeBack(Box<OwnIntent>),
    /// The call leaves now.
    Sent {
        user: Uuid,
        request: Uuid,
    },
    Outcome(Box<Outcome>),
    /// Say when everything before this is written.
    Flush(oneshot::Sender<()>),
}

pub(super) struct Intent {
    pub line: Line,
    pub proof: Option<Proof>,
    pub ask: Ask,
    pub answer: oneshot::Sender<Verdict>,
}

/// A cancellation of Keygate's own: nothing to set aside, and nobody's signature.
pub(super) struct OwnIntent {
    pub line: Line,
    pub answer: oneshot::Sender<Verdict>,
}

pub(super) struct Outcome {
    pub line: Line,
    pub became: Became,
    /// Which order of a batch; all of them without it.
    pub place: Option<i16>,
    /// Whether its intent is on record is not known: without one it says nothing.
    pub is_doubtful: bool,
    pub answer: Option<oneshot::Sender<()>>,
}

impl Intent {
    /// The access key that signed it, and how.
    pub fn signed(&self) -> Option<(Uuid, &Proof)> {
        self.line.access_key.zip(self.proof.as_ref())
    }

    pub fn caller(&self) -> Caller {
        Caller {
            user: self.line.user,
            access_key: self.line.access_key,
            signature: self.proof.as_ref().map(|proof| proof.signature_id),
        }
    }

    pub fn wanted(&self) -> Wanted<'_> {
        Wanted { connection: self.line.connection, at: self.line.at, ask: &self.ask }
    }
}

impl Entry {
    pub fn user(&self) -> Option<Uuid> {
        match self {
            Entry::Intent(intent) => Some(intent.line.user),
            Entry::TakeBack(own) => Some(own.line.user),
            Entry::Sent { user, .. } => Some(*user),
            Entry::Outcome(outcome) => Some(outcome.line.user),
            Entry::Flush(_) => None,
        }
    }

    /// Whether nobody waits for it.
    pub fn can_wait(&self) -> bool {
        match self {
            Entry::Sent { .. } => true,
            Entry::Outcome(outcome) => outcome.answer.is_none(),
            Entry::Intent(_) | Entry::TakeBack(_) | Entry::Flush(_) => false,
        }
    }

    pub fn line(&self) -> Option<&Line> {
        match self {
            Entry::Intent(intent) => Some(&intent.line),
            Entry::TakeBack(own) => Some(&own.line),
            Entry::Outcome(outcome) => Some(&outcome.line),
            Entry::Sent { .. } | Entry::Flush(_) => None,
        }
    }

    /// The connection it sends something over.
    pub fn sends(&self) -> Option<Uuid> {
        match self {
            Entry::Intent(intent) => Some(intent.line.connection),
            Entry::TakeBack(own) => Some(own.line.connection),
            Entry::Outcome(_) | Entry::Sent { .. } | Entry::Flush(_) => None,
        }
    }

    pub fn as_intent(&self) -> Option<&Intent> {
        match self {
            Entry::Intent(intent) => Some(intent),
            _ => None,
        }
    }

    /// What is put on record before it leaves.
    pub fn intended(&self) -> Option<&Line> {
        match self {
            Entry::Intent(intent) => Some(&intent.line),
            Entry::TakeBack(own) => Some(&own.line),
            Entry::Outcome(_) | Entry::Sent { .. } | Entry::Flush(_) => None,
        }
    }

    pub fn as_outcome(&self) -> Option<&Outcome> {
        match self {
            Entry::Outcome(outcome) => Some(outcome),
            _ => None,
        }
    }
}

impl Outcome {
    /// A yes to a whole call, from whoever sent it. All others may change windows, or meet its owner who settles it.
    pub fn gives_nothing_back(&self) -> bool {
        self.became == Became::Confirmed && self.place.is_none()
    }
}
