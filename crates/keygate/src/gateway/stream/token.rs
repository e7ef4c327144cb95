//! Streams whose frames carry a token: the client's is one of ours and says who calls; what leaves carries the exchange's,
//! which was fetched here with the real key. It stays in this connection's memory, and nothing that is relayed repeats it.

use std::time::{Duration, Instant};

use exchange::{Answer as Dialect, ErrorKind, ExchangeError, Frame, FrameAnswer};
use seal::{SecretText, mac};
use uuid::Uuid;

use super::relay::Connection;
use crate::{
    gateway::{Account, Denial, answer, credential::Presented, token},
    http::RequestId,
    upstream::Failure,
};

/// The two tokens of a connection.
#[derive(Default)]
pub struct Tokens {
    /// Ours. It may grow old while the connection it was accepted on is open.
    accepted: Option<String>,
    real: Option<Real>,
}

/// The exchange's, the key that it was given to, and when a frame carried it last.
struct Real {
    text: SecretText,
    key: Uuid,
    used: Instant,
}

impl Connection<'_> {
    /// Whom a token was given to.
    pub(super) fn presented_by(&self, token: &str) -> Result<Presented, Denial> {
        let accepted = self.tokens.accepted.as_ref();
        let in_use = accepted.is_some_and(|own| mac::equal(own.as_bytes(), token.as_bytes()));
        let prefix = token::read(self.app, self.definition, token, in_use)?;
        Ok(Presented::Pair { prefix })
    }

    /// Remembers the token of a frame that was allowed.
    pub(super) fn keep_token(&mut self, frame: &Frame) {
        if let Some(token) = self.definition.frame_token(frame) {
            self.tokens.accepted = Some(token.to_owned());
        }
    }

    /// The frame with the exchange's token in the place of ours. The exchange is reached before.
    pub(super) async fn with_real_token(
        &mut self,
        frame: &Frame,
        account: &Account,
    ) -> Result<String, Denial> {
        self.reach(&account.connection.environment, Some(account.whose())).await?;
        let life = Duration::from_secs(u64::from(self.definition.token_life_s())) / 2;
        match &self.tokens.real {
            Some(real) if real.key != account.connection.api_key => {
                return Err(Denial::denied(
                    "exchange-token",
                    "the key behind this stream is another one now; connect anew",
                ));
            }
            Some(real) if real.used.elapsed() < life => {}
            _ => self.fetch_token(account).await?,
        }
        let real = self.tokens.real.as_mut().ok_or_else(|| Denial::down("a token is gone"))?;
        real.used = Instant::now();
        self.definition
            .with_token(frame, real.text.expose())
            .ok_or_else(|| Denial::down("a frame has no place for its token"))
    }

    /// Asks the exchange for a token, as a call of its own: in the key's queue, on record before it is signed.
    async fn fetch_token(&mut self, account: &Account) -> Result<(), Denial> {
        let request = self.definition.token_request();
        let call = self.call(request.ok_or_else(|| Denial::down("no request gives a token"))?);
        let sent = call.sent_on_record(account, None).await?;
        for value in sent.known {
            self.hide(value);
        }
        if let Some(error) = sent.error {
            return Err(self.no_token(&error));
        }
        let body = sent.outcome.map_err(|failure| unreachable(failure, call.id))?.body;
        let text =
            self.definition.read_token(&body).ok_or_else(|| Denial::down("an answer holds no token"))?;
        self.hide(text.expose().to_owned());
        self.hide(text.expose().replace('/', "\\/")); // as some write it in JSON
        self.tokens.real = Some(Real { text, key: account.connection.api_key, used: Instant::now() });
        Ok(())
    }

    /// A token that the exchange does not take any more is not sent again: the next frame fetches another.
    pub(super) fn reconsider_token(&mut self, answer: &FrameAnswer) {
        let refused =
            self.definition.frame_error(answer).is_some_and(|error| error.kind == ErrorKind::BadKey);
        if self.definition.takes_tokens() && refused {
            self.tokens.real = None;
        }
    }

    /// The exchange's words may repeat the key.
    fn no_token(&self, error: &ExchangeError) -> Denial {
        let kind = match error.kind {
            ErrorKind::RateLimited => Dialect::RateLimited { retry_after: None },
            ErrorKind::BadTimestamp => Dialect::Down,
            _ => Dialect::Denied,
        };
        let text = format!("the exchange gave the key behind this connection no token ({})", error.code);
        Denial { kind, rule: "exchange-token", text: self.clean(&text) }
    }
}

/// Whatever became of the request for a token: the frame that needed one was not sent.
fn unreachable(failure: Failure, id: RequestId) -> Denial {
    let (Failure::NotSent(reason) | Failure::Unknown(reason)) = failure;
    answer::undelivered(Failure::NotSent(reason), id)
}
