//! The session of a stream: a virtual pair that signed once speaks for the frames that name no key. It is ours; the
//! exchange never hears of it, and gets every frame signed.

use exchange::{Frame, Session};

use super::relay::Connection;
use crate::gateway::Denial;

impl Connection<'_> {
    /// Proves the pair and gives the connection to it.
    pub(super) async fn log_on(&mut self, frame: &Frame) -> Result<String, Denial> {
        let call = self.call(frame.request().clone());
        let (account, proof) = self.prove(&call, frame).await?;
        let Some(proof) = proof else {
            return Err(Denial::denied("no-signature", "a log-on is signed with the virtual pair"));
        };
        if let Err(denial) = crate::gateway::record::logon(&call, &account, proof).await {
            return Err(call.denied(&account, denial).await);
        }
        self.bound.bind(&account);
        if self.definition.logs_in(&self.path)
            && let Err(denial) = self.log_in(&call, &account).await
        {
            return Err(call.denied(&account, denial).await);
        }
        self.since_ms = Some(self.app.clock.now_ms());
        Ok(self.told(frame))
    }

    pub(super) fn log_out(&mut self, frame: &Frame) -> String {
        self.since_ms = None;
        self.told(frame)
    }

    /// What the session is now.
    pub(super) fn told(&self, frame: &Frame) -> String {
        let key = self.bound.prefix();
        let session = Session {
            key: key.as_deref().zip(self.since_ms),
            connected_ms: self.connected_ms,
            now_ms: self.app.clock.now_ms(),
        };
        self.definition.tell_session(session, frame)
    }
}
