//! Signing and sending: the last steps of a call. The real secret is opened here, signs once and is
//! dropped; what was signed is sent byte for byte, to the host of the definition, once.

use std::time::{Duration, Instant};

use axum::response::Response;
use exchange::{ExchangeError, Signed};
use time::OffsetDateTime;

use super::{
    Account, Call, Denial,
    account::Missing,
    answer,
    credential::Proof,
    decide,
    ledger::Became,
    market::Asked,
    queue::{Rank, Turn},
    record,
};
use crate::upstream::{Answer, Failure};

/// What became of a signed request.
pub(super) struct Sent {
    pub(super) outcome: Result<Answer, Failure>,
    /// The exchange's, if it answered with one.
    pub(super) error: Option<ExchangeError>,
    took: Duration,
    /// What no answer may repeat.
    pub(super) known: Vec<String>,
}

impl Sent {
    /// The page of a server in front of the exchange is no answer about money: clients would take it for one, and send
    /// again.
    fn unless_it_says_nothing(mut self) -> Sent {
        let coded = self.error.as_ref().is_some_and(|error| !error.code.is_empty());
        if self.outcome.is_ok() && !coded {
            self.outcome = Err(Failure::Unknown("the answer is not in the exchange's own words".to_owned()));
        }
        self
    }
}

impl Call<'_> {
    /// Reads: the record may be a moment late, but its place is kept before anything is sent.
    pub(super) async fn off_record(&self, account: &Account) -> Result<Response, Denial> {
        let record = record::Read::begin(self, account).await;
        let sent = match self.is_public() {
            true => Box::pin(self.sent_without_key(&account.connection.environment)).await,
            false => self.sent_in_turn(account).await,
        };
        let sent = match sent {
            Ok(sent) => sent,
            Err(denial) => {
                record.refuse(&denial).await;
                return Err(denial);
            }
        };
        record.end(&sent.outcome, sent.error, sent.took).await;
        answer::pass(self.definition, sent.outcome, &sent.known, self.id)
    }

    async fn sent_in_turn(&self, account: &Account) -> Result<Sent, Denial> {
        let turn = self.turn(account).await?;
        self.send(account, turn, None).await
    }

    /// Calls that move money: the intent is committed before the signature exists, the outcome after. If we
    /// die in between, the intent without an outcome says so.
    pub(super) async fn on_record(
        &self,
        account: &Account,
        proof: Option<Proof>,
    ) -> Result<Response, Denial> {
        let sent = self.sent_on_record(account, proof).await?;
        let sent = match record::became(self, &sent.outcome, sent.error.as_ref()) {
            Became::Unknown => sent.unless_it_says_nothing(),
            Became::Confirmed | Became::Rejected => sent,
        };
        answer::pass(self.definition, sent.outcome, &sent.known, self.id)
            .map_err(|denial| self.by_its_id(denial))
    }

    /// The same with the answer for the gateway itself.
    pub(super) async fn sent_on_record(
        &self,
        account: &Account,
        proof: Option<Proof>,
    ) -> Result<Sent, Denial> {
        let ready = match self.weighed(account).await {
            Ok(ask) => self.turn(account).await.map(|turn| (turn, ask)),
            Err(denial) => Err(denial),
        };
        let ready =
            ready.and_then(|ready| self.since(ready.1.decided_by(self.begun), DECIDED).map(|()| ready));
        let (turn, ask) = match ready {
            Ok(ready) => ready,
            Err(denial) => return Err(self.denied(account, denial).await),
        };
        let can_be_asked = ask.can_be_asked();
        let recorded = self.app.clock.now();
        record::intent(self, account, proof, ask).await?;
        let sent = match self.send(account, turn, Some(recorded)).await {
            Ok(sent) => sent,
            Err(denial) => {
                record::not_sent(self, account, &denial).await;
                return Err(denial);
            }
        };
        match can_be_asked {
            true => {
                record::outcome_of_order(self, account, &sent.outcome, sent.error.clone(), sent.took).await
            }
            false => record::outcome(self, account, &sent.outcome, sent.error.clone(), sent.took).await,
        }
        Ok(sent)
    }

    /// When nobody knows what became of an order or withdrawal, the bot needs its id to ask.
    pub(super) fn by_its_id(&self, denial: Denial) -> Denial {
        let ids: Vec<&str> = self.request.client_ids().iter().flatten().map(String::as_str).collect();
        let what = if self.request.class() == exchange::Class::Withdraw { "withdrawal" } else { "order" };
        match denial.kind == exchange::Answer::OutcomeUnknown && !ids.is_empty() {
            true => Denial {
                text: format!("{}; its client {what} id is {}", denial.text, ids.join(", ")),
                ..denial
            },
            false => denial,
        }
    }

    /// Waits in the account's queue.
    pub(super) async fn turn<'a>(&'a self, account: &'a Account) -> Result<Turn<'a>, Denial> {
        let environment = &account.connection.environment;
        Ok(self.app.gate.queues.turn(self.app, self.place(environment, Some(account))).await?)
    }

    /// Signs and sends; an error means that nothing left us.
    async fn send(
        &self,
        account: &Account,
        mut turn: Turn<'_>,
        recorded: Option<OffsetDateTime>,
    ) -> Result<Sent, Denial> {
        let started = Instant::now();
        let place = self.upstream(&account.connection.environment)?;
        // what takes long comes first: nothing waits between the last look and the socket
        let way = self.app.upstream.reach(place.origin()).await;
        let (signed, known) = self.signed(account, &mut turn).await?;
        if let Some(recorded) = recorded {
            self.since(recorded, LEAVES)?;
        }
        self.still(account).await?;
        let outcome = match way {
            Ok(way) => {
                if self.request.class().moves_money() {
                    self.app.gate.ledger.sent(account.user, self.id.0);
                }
                self.app.upstream.carry(way, &signed).await
            }
            Err(failure) => Err(failure),
        };
        let error = self.error(&outcome);
        turn.end(self.app, &outcome, error.as_ref().map(|error| error.kind)).await;
        Ok(Sent { outcome, error, took: started.elapsed(), known })
    }

    /// What was decided holds for a moment; what is on record leaves within another, or never: after [`LAST_ARRIVAL`] it would
    /// be given back although it is still to come. A cancellation sets nothing aside and is given more time, but not for ever:
    /// one of all orders would take back what was placed since.
    ///
    /// [`LAST_ARRIVAL`]: super::ledger::LAST_ARRIVAL
    pub(super) fn since(&self, then: OffsetDateTime, most: time::Duration) -> Result<(), Denial> {
        let (then, most) = if self.takes_back() { (self.begun, LEAVES) } else { (then, most) };
        match (self.app.clock.now() - then).abs() <= most {
            true => Ok(()),
            false => Err(Denial::down("a call took too long before it could be sent")),
        }
    }

    /// Whoever stopped everything, or took the key away, while a call waited shall not see it leave.
    pub(super) async fn still(&self, account: &Account) -> Result<(), Denial> {
        if (self.app.clock.now() - self.begun).abs() < NEW {
            return Ok(());
        }
        let now = match self.app.gate.accounts.again(self.app, account, self.definition).await {
            Ok(now) if now.whose() == account.whose() => now,
            Err(Missing::Denied(denial)) => return Err(denial),
            Ok(_) | Err(Missing::Bait(_)) => return Err(Denial::unknown()),
        };
        decide::still(self.whence(), self.request.class(), &now)?;
        self.in_force(&now)
    }

    async fn sent_without_key(&self, environment: &str) -> Result<Sent, Denial> {
        let started = Instant::now();
        let Asked { outcome, error } = self.public_answer(environment, Rank::Read).await?;
        Ok(Sent { outcome, error, took: started.elapsed(), known: Vec::new() })
    }

    /// The signed request, ready to leave, and the values no answer may repeat.
    async fn signed(&self, account: &Account, turn: &mut Turn<'_>) -> Result<(Signed, Vec<String>), Denial> {
        let upstream = self.upstream(&account.connection.environment)?;
        let stamp = turn.stamp(self.app, account.options()).await?;
        let key = account.real_key(self.app, self.definition)?;
        let signed = self.definition.sign(&self.request, &upstream, &key, &stamp).map_err(Denial::down)?;
        Ok((signed, vec![account.real_public_key().to_owned()]))
    }

    pub(super) fn error(&self, outcome: &Result<Answer, Failure>) -> Option<ExchangeError> {
        let answer = outcome.as_ref().ok()?;
        self.definition.read_error(answer.status.as_u16(), &answer.body)
    }
}

/// From when a call was taken up to its record: what it was decided by, limits and prices, is no older.
pub(super) const DECIDED: time::Duration = time::Duration::seconds(10);
/// So long a decision is new: notice of a change takes longer.
const NEW: time::Duration = time::Duration::milliseconds(100);
/// From the record to the exchange; of a cancellation from when it was taken up.
pub(super) const LEAVES: time::Duration = time::Duration::seconds(30);
