//! The end of a stream: what its client still hears, and what becomes of the frames under way.

use std::time::Duration;

use exchange::Answer as Dialect;
use futures_util::{SinkExt, StreamExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::Message;

use super::{
    end::End,
    relay::{Connection, next},
};
use crate::gateway::Denial;

impl Connection<'_> {
    /// Tells the client what it will hear no more, closes its side, and then waits a moment for the outcomes of
    /// frames under way; what the exchange does not say is recorded as unknown.
    pub(super) async fn finish(mut self, end: End) {
        tracing::info!(end = end.as_str(), under_way = self.pending.len(), "a stream ends");
        if let End::Broken(reason) = &end {
            tracing::warn!(reason, "an exchange ended a stream");
        }
        if timeout(FAREWELL, self.part(&end)).await.is_err() {
            tracing::debug!("a client did not hear the end of its stream");
        }
        if end.exchange_is_there() {
            let _ = timeout(LAST_ANSWERS, self.hear_out()).await;
        }
        for sent in self.pending.drain() {
            sent.lose(end.as_str()).await;
        }
        if let Some(mut far) = self.upstream.take() {
            let _ = timeout(FAREWELL, far.socket.close(None)).await;
        }
    }

    async fn part(&mut self, end: &End) {
        let Some(close) = end.close() else { return };
        let lost = Denial {
            kind: Dialect::OutcomeUnknown,
            rule: "outcome-unknown",
            text: "the stream ended before the exchange answered; ask it what became of this".to_owned(),
        };
        let farewells: Vec<String> = self
            .pending
            .iter()
            .map(|(id, sent)| {
                self.refusal(id, &sent.method, &sent.call.by_its_id(lost.clone()), sent.call.id)
            })
            .collect();
        for text in farewells {
            let _ = self.near.send(Message::text(text)).await;
        }
        let _ = self.near.close(Some(close)).await;
        // Until the client has answered: what is closed with unread bytes may take the last words along.
        while let Some(Ok(_)) = self.near.next().await {}
    }

    async fn hear_out(&mut self) {
        while !self.pending.is_empty() {
            match next(&mut self.upstream).await {
                Some(Ok(Message::Text(text))) => self.settle(&text).await,
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                _ => return,
            }
        }
    }
}

/// For closing either side.
const FAREWELL: Duration = Duration::from_secs(1);
/// For answers to what is under way when a stream ends.
const LAST_ANSWERS: Duration = Duration::from_secs(5);
