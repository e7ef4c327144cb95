//! One frame of a client, from its text to the exchange: the same steps as for a request.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use exchange::{Act, Answer as Dialect, Class, Frame};
use tokio::time::timeout;

use super::{end::End, pending::Sent, relay::Connection};
use crate::gateway::{
    Account, Call, Denial, answer,
    credential::Proof,
    queue::{Rank, Seat, Turn},
    record,
    send::{DECIDED, LEAVES},
    unreadable,
};

impl<'a> Connection<'a> {
    /// Answers a frame or sends it on. An error ends the stream.
    pub(super) async fn client_said(&mut self, text: &str) -> Result<(), End> {
        let definition = self.definition;
        if definition.heartbeat(&self.path) == Some(text) {
            return self.tell(self.pong("null")).await;
        }
        let frame = match self.read(text).await {
            Ok(frame) => frame,
            Err(bad) => {
                let denial = self.turned_away(&bad).await;
                return self.refuse(&bad.id, &bad.method, &denial).await;
            }
        };
        let own = match frame.act() {
            Act::Call => return self.send_on(frame).await,
            Act::Listen => return self.listen(&frame).await,
            Act::Logon => self.log_on(&frame).await,
            Act::Status => Ok(self.told(&frame)),
            Act::Logout => Ok(self.log_out(&frame)),
            Act::Ping => Ok(self.pong(frame.id())),
        };
        match own {
            Ok(text) => self.tell(text).await,
            Err(denial) => self.refuse(frame.id(), frame.method(), &denial).await,
        }
    }

    fn pong(&self, id: &str) -> String {
        self.definition.answer_heartbeat(&self.path, id, self.now_ms())
    }

    async fn send_on(&mut self, frame: Frame) -> Result<(), End> {
        let outcome = match self.has_room(frame.id()) {
            Err(denial) => Err(denial),
            Ok(()) if frame.request().class() == Class::Public => self.public(&frame).await,
            Ok(()) => self.private(&frame).await,
        };
        match outcome {
            Ok(text) => self.tell_exchange(text).await,
            Err(denial) => self.refuse(frame.id(), frame.method(), &denial).await,
        }
    }

    /// Answers are told apart by their ids, and only so many are waited for.
    fn has_room(&self, id: &str) -> Result<(), Denial> {
        if self.pending.has(id) {
            return Err(unreadable("a frame with this id is under way"));
        }
        match self.pending.len() < IN_FLIGHT {
            true => Ok(()),
            false => Err(Denial {
                kind: Dialect::RateLimited { retry_after: None },
                rule: "in-flight",
                text: format!("{IN_FLIGHT} frames are under way; wait for answers"),
            }),
        }
    }

    /// Market data, and what is about this connection alone.
    async fn public(&mut self, frame: &Frame) -> Result<String, Denial> {
        self.app.gate.public.admit(&self.client, self.app.clock.now_ms())?;
        let environment = match &self.upstream {
            Some(open) => open.environment.clone(),
            None => self.app.gate.public_environment(self.definition).to_owned(),
        };
        self.reach(&environment, None).await?;
        self.asked = Instant::now();
        let call = self.call(frame.request().clone());
        let seat = public_turn(&call, &environment, self.bound.prefix().is_some()).await?;
        let method = frame.method().to_owned();
        let sent = Sent { call, method, account: None, environment, started: Instant::now(), seat };
        self.pending.insert(frame.id(), sent);
        Ok(frame.text().to_owned())
    }

    /// Everything with an account.
    async fn private(&mut self, frame: &Frame) -> Result<String, Denial> {
        let call = self.call(frame.request().clone());
        let (account, proof) = self.prove(&call, frame).await?;
        self.bound.bind(&account);
        if !call.request.class().moves_money() {
            return self.off_record(frame, call, account).await;
        }
        let named = self.named(frame)?;
        let call = Call { request: named.request().clone(), ..call };
        self.on_record(&named, call, account, proof).await
    }

    /// The frame with an id for each order that has none: by it the exchange can be asked what became of the order.
    fn named(&self, frame: &Frame) -> Result<Frame, Denial> {
        let random = |_| seal::random::array();
        let named = self.definition.frame_with_client_ids(frame, &self.markets, random);
        named.map_err(|refusal| unreadable(refusal.to_string()))
    }

    /// What moves money is on record before it is signed, and pending before it leaves, so that however this ends its
    /// outcome is recorded.
    async fn on_record(
        &mut self,
        frame: &Frame,
        call: Call<'a>,
        account: Arc<Account>,
        proof: Option<Proof>,
    ) -> Result<String, Denial> {
        let patience = Duration::from_millis(self.app.config.gateway.queue_wait_ms) + WEIGHING;
        let weighed = timeout(patience, call.weighed(&account)).await;
        let ready = match weighed.unwrap_or_else(|_| Err(undecided())) {
            Ok(ask) => call.turn(&account).await.map(|turn| (ask, turn)),
            Err(denial) => Err(denial),
        };
        let ready =
            ready.and_then(|ready| call.since(ready.0.decided_by(call.begun), DECIDED).map(|()| ready));
        let (ask, mut turn) = match ready {
            Ok(ready) => ready,
            Err(denial) => return Err(call.denied(&account, denial).await),
        };
        let recorded = self.app.clock.now();
        record::intent(&call, &account, proof, ask).await?;
        let signed = self.signed(frame, &account, &mut turn).await;
        drop(turn);
        let signed = match signed.and_then(|text| call.since(recorded, LEAVES).map(|()| text)) {
            Ok(text) => call.still(&account).await.map(|()| text),
            Err(denial) => Err(denial),
        };
        match signed {
            Ok(text) => {
                self.app.gate.ledger.sent(account.user, call.id.0);
                self.pend(frame, call, account);
                Ok(text)
            }
            Err(denial) => {
                record::not_sent(&call, &account, &denial).await;
                Err(denial)
            }
        }
    }

    /// What only reads is recorded when it is answered.
    async fn off_record(
        &mut self,
        frame: &Frame,
        call: Call<'a>,
        account: Arc<Account>,
    ) -> Result<String, Denial> {
        let mut turn = match call.turn(&account).await {
            Ok(turn) => turn,
            Err(denial) => return Err(call.denied(&account, denial).await),
        };
        let signed = self.signed(frame, &account, &mut turn).await;
        drop(turn);
        let signed = match signed {
            Ok(text) => call.still(&account).await.map(|()| text),
            Err(denial) => Err(denial),
        };
        let text = match signed {
            Ok(text) => text,
            Err(denial) => return Err(call.denied(&account, denial).await),
        };
        self.pend(frame, call, account);
        Ok(text)
    }

    /// Its answer is waited for from now on.
    fn pend(&mut self, frame: &Frame, call: Call<'a>, account: Arc<Account>) {
        let (method, started) = (frame.method().to_owned(), Instant::now());
        let environment = account.connection.environment.clone();
        let sent = Sent { call, method, account: Some(account), environment, started, seat: None };
        self.pending.insert(frame.id(), sent);
    }

    /// The frame with the real key, which is opened here, signs once and is dropped. The exchange is reached before.
    async fn signed(
        &mut self,
        frame: &Frame,
        account: &Account,
        turn: &mut Turn<'_>,
    ) -> Result<String, Denial> {
        if self.definition.logs_in(&self.path) {
            return self.in_session(account).map(|()| frame.text().to_owned());
        }
        if self.definition.takes_tokens() {
            return self.with_real_token(frame, account).await;
        }
        self.reach(&account.connection.environment, Some(account.whose())).await?;
        let now_ms = turn.stamp(self.app, account.options()).await?.now_ms;
        let credentials = account.real_key(self.app, self.definition)?;
        let text = self.definition.sign_frame(frame, &credentials, now_ms).map_err(Denial::down)?;
        self.hide(account.real_public_key().to_owned());
        Ok(text)
    }

    /// From now on no message to the client repeats this.
    pub(super) fn hide(&mut self, value: String) {
        if !self.known.contains(&value) {
            self.known.push(value);
        }
    }

    /// A text of the exchange without what is hidden.
    pub(super) fn clean(&self, text: &str) -> String {
        let clean = answer::scrub(text.to_owned().into(), &self.known);
        String::from_utf8_lossy(&clean).into_owned()
    }

    pub(super) fn now_ms(&self) -> u64 {
        u64::try_from(self.app.clock.now_ms()).unwrap_or(0)
    }
}

/// Who has shown no key does not wait: what they wait for may be the answer to a frame of this very stream.
async fn public_turn(call: &Call<'_>, environment: &str, is_known: bool) -> Result<Option<Seat>, Denial> {
    let queues = &call.app.gate.queues;
    let turn = match is_known {
        true => queues.turn(call.app, call.keyless(environment, Rank::Read)).await?,
        false => queues.turn_within(call.app, call.keyless(environment, Rank::Stranger), 0).await?,
    };
    Ok(turn.into_seat())
}

/// Behind it wait the other frames of the stream, cancels among them.
fn undecided() -> Denial {
    Denial {
        kind: Dialect::Down,
        rule: "undecided",
        text: "what this may cost could not be found out in time; nothing was sent".to_owned(),
    }
}

/// How long the prices and the state of an account may be asked for, besides the wait for the exchange's budget.
const WEIGHING: Duration = Duration::from_secs(3);
/// Frames of one connection that may wait for their answers.
const IN_FLIGHT: usize = 64;
