//! The session of a stream where the exchange signs only the log-in: it is opened with the real key once a virtual pair
//! has logged on here, and from then on each frame is decided here and sent as it came.

use std::{sync::Arc, time::Duration, time::Instant};

use exchange::{Answer as Dialect, BadFrame, ErrorKind, ExchangeError, Frame, Part};
use futures_util::{SinkExt, StreamExt};
use http::StatusCode;
use tokio_tungstenite::tungstenite::protocol::Message;

use super::{
    end::End,
    relay::{Connection, Error, Far},
};
use crate::{
    gateway::{Account, Call, Denial, answer, market::Asked, queue::Rank, record},
    http::RequestId,
    upstream::Failure,
};

impl Connection<'_> {
    /// Reads a frame; where it names a market by a number that is not known yet, after asking the exchange.
    pub(super) async fn read(&mut self, text: &str) -> Result<Frame, BadFrame> {
        match self.definition.frame_with(&self.path, text, &self.markets) {
            Err(bad) if bad.refusal.part == Part::Market && self.since_ms.is_some() => {
                self.learn_markets().await;
                self.definition.frame_with(&self.path, text, &self.markets)
            }
            read => read,
        }
    }

    /// Opens the session at the exchange, unless it is open. The real key is opened here, signs once and is dropped.
    pub(super) async fn log_in(&mut self, call: &Call<'_>, account: &Arc<Account>) -> Result<(), Denial> {
        if self.logged_in.is_some() {
            return self.in_session(account);
        }
        let environment = account.connection.environment.clone();
        let place = call.place(&environment, Some(account));
        let mut turn = self.app.gate.queues.turn(self.app, place).await?;
        self.reach(&environment, Some(account.whose())).await?;
        let now_ms = turn.stamp(self.app, account.options()).await?.now_ms;
        let credentials = account.real_key(self.app, self.definition)?;
        let text = self.definition.sign_login(&self.path, &credentials, now_ms).map_err(Denial::down)?;
        drop(credentials);
        self.hide(account.real_public_key().to_owned());
        match self.ask_exchange(text).await {
            Ok(Ok(())) => self.logged_in = Some(account.connection.api_key),
            Ok(Err(error)) => {
                self.upstream = None;
                if error.kind == ErrorKind::BadTimestamp {
                    self.app.gate.queues.doubt_time(self.app, self.definition, &environment).await;
                }
                return Err(self.no_entry(&error));
            }
            Err(failure) => {
                self.upstream = None;
                return Err(answer::undelivered(failure, RequestId(self.app.clock.id())));
            }
        }
        Ok(())
    }

    /// The exchange's words may repeat the key. What passes by itself may be tried again.
    fn no_entry(&self, error: &ExchangeError) -> Denial {
        let kind = match error.kind {
            ErrorKind::RateLimited => Dialect::RateLimited { retry_after: None },
            ErrorKind::BadTimestamp => Dialect::Down,
            _ => Dialect::Denied,
        };
        let text = format!("the exchange did not let the key behind this connection log in ({})", error.code);
        Denial { kind, rule: "exchange-login", text: self.clean(&text) }
    }

    async fn ask_exchange(&mut self, text: String) -> Result<Result<(), ExchangeError>, Failure> {
        let patience = Duration::from_millis(self.app.config.gateway.timeout_ms);
        let not_sent = |why: &str| Failure::NotSent(why.to_owned());
        let Some(far) = &mut self.upstream else { return Err(not_sent("not connected")) };
        let (definition, path) = (self.definition, self.path.as_str());
        tokio::select! {
            answer = far.ask(text, |message| definition.login_answer(path, message)) => answer,
            () = tokio::time::sleep(patience) => Err(not_sent("the exchange did not answer the log-in in time")),
            () = self.bound.is_over() => Err(not_sent("the stream is over")),
        }
    }

    /// Whether the session at the exchange is open, and with the key that this account has now.
    pub(super) fn in_session(&self, account: &Account) -> Result<(), Denial> {
        match self.logged_in {
            Some(own) if own == account.connection.api_key => Ok(()),
            Some(_) => Err(Denial::denied(
                "exchange-login",
                "the key behind this stream is another one now; connect anew",
            )),
            None => Err(Denial::unknown_key("log in first")),
        }
    }

    /// Begins or ends a subscription. It has no answer of its own, so it is on record as sent.
    pub(super) async fn listen(&mut self, frame: &Frame) -> Result<(), End> {
        let call = self.call(frame.request().clone());
        let admitted = match self.prove(&call, frame).await {
            Ok((account, _)) => self.in_session(&account).map(|()| account),
            Err(denial) => Err(denial),
        };
        match admitted {
            Ok(account) => {
                record::listens(&call, &account).await;
                self.pending.listens(frame.id());
                self.tell_exchange(frame.text().to_owned()).await
            }
            Err(denial) => self.refuse(frame.id(), frame.method(), &denial).await,
        }
    }

    /// Asks the exchange for its markets. Public lists are kept, and what is not there now is not asked for again soon.
    async fn learn_markets(&mut self) {
        if self.markets_since.is_some_and(|since| since.elapsed() < ASK_AGAIN) {
            return;
        }
        self.markets_since = Some(Instant::now());
        let environment = self.upstream.as_ref().map(|far| far.environment.clone());
        let Some((environment, request)) = environment.zip(self.definition.market_numbers(&self.path)) else {
            return;
        };
        let (call, definition) = (self.call(request), self.definition);
        tokio::select! {
            answer = call.public_answer(&environment, Rank::Read) => {
                if let Ok(Asked { outcome: Ok(answer), error: None }) = answer && answer.status == StatusCode::OK {
                    self.markets = definition.read_market_numbers(&self.path, &answer.body);
                }
            }
            () = self.bound.is_over() => {}
        }
    }
}

impl Far {
    /// Says something and waits for the message that answers it: what the definition makes of it.
    pub async fn ask<T>(&mut self, text: String, read: impl Fn(&str) -> Option<T>) -> Result<T, Failure> {
        let broken = |error: Error| Failure::NotSent(error.to_string());
        self.socket.send(Message::text(text)).await.map_err(broken)?;
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    if let Some(answer) = read(&text) {
                        return Ok(answer);
                    }
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Err(error)) => return Err(broken(error)),
                Some(Ok(_)) | None => return Err(Failure::NotSent("the exchange hung up".to_owned())),
            }
        }
    }
}

/// A market that is listed anew is known after this.
const ASK_AGAIN: Duration = Duration::from_secs(10);
