//! Whose a frame is, and what is on record of one that nobody may make.

use std::sync::Arc;

use exchange::{BadFrame, Frame, Part, Request};

use super::relay::Connection;
use crate::{
    gateway::{
        Account, Call, Denial,
        credential::{Presented, Proof, refusal},
        noted::Noted,
        unreadable,
    },
    http::RequestId,
    risk::Seen,
};

impl<'a> Connection<'a> {
    /// One call of this stream, from now on.
    pub(super) fn call(&self, request: Request) -> Call<'a> {
        Call {
            app: self.app,
            definition: self.definition,
            request,
            client: self.client.clone(),
            id: RequestId(self.app.clock.id()),
            begun: self.app.clock.now(),
            seen: Seen::default(),
            noted: Noted::default(),
        }
    }

    /// Why a frame goes no further that cannot be read, or whose method is not known. Where it shows whose it is, its own key or
    /// the stream's, that is on record.
    pub(super) async fn turned_away(&mut self, bad: &BadFrame) -> Denial {
        let denial = match bad.refusal.part {
            Part::Endpoint => Denial::denied("unknown-method", bad.to_string()),
            _ => unreadable(bad.to_string()),
        };
        let prefix = bad.key.clone().filter(|key| key.starts_with("kg_")).or_else(|| self.bound.prefix());
        let presented = prefix.map(|prefix| Presented::Pair { prefix });
        let call = self.call(self.definition.unread_frame(&self.path, bad));
        call.turned_away(presented, denial).await
    }

    /// Who calls, and may they: by the frame's own signature, or by the session. Denials are recorded.
    pub(super) async fn prove(
        &mut self,
        call: &Call<'_>,
        frame: &Frame,
    ) -> Result<(Arc<Account>, Option<Proof>), Denial> {
        let presented = self.presented(frame)?;
        self.bound.admits(presented.prefix())?;
        let account = call.account(&presented).await?;
        let proven = match frame.key() {
            Some(_) => self.prove_pair(frame, &account).map(Some),
            None => self.in_time(frame),
        };
        let proof = match proven {
            Ok(proof) => proof,
            Err(denial) => return Err(call.distrusted(&account, denial).await),
        };
        if let Err(denial) = self.bound.is_still(&account) {
            return Err(call.denied(&account, denial).await);
        }
        let look = call.look(&account).await?;
        match call.admit(&account, &presented, &look).await {
            Ok(()) => {
                self.keep_token(frame);
                Ok((account, proof))
            }
            Err(denial) => Err(call.denied(&account, denial).await),
        }
    }

    fn presented(&self, frame: &Frame) -> Result<Presented, Denial> {
        if let Some(token) = self.definition.frame_token(frame) {
            return self.presented_by(token);
        }
        let own = frame.key().map(str::to_owned);
        let session = || self.since_ms.and_then(|_| self.bound.prefix());
        match own.or_else(session) {
            Some(prefix) if prefix.starts_with("kg_") => Ok(Presented::Pair { prefix }),
            Some(_) => Err(Denial::unknown_key("this is not the key of a virtual pair")),
            None => Err(Denial::unknown_key("no Keygate credential was sent")),
        }
    }

    fn prove_pair(&self, frame: &Frame, account: &Account) -> Result<Proof, Denial> {
        let pair = account.virtual_pair(self.app, self.definition)?;
        let verified = self.definition.verify_frame(frame, &pair, self.now_ms()).map_err(refusal)?;
        Ok(Proof { signature_id: verified.signature_id, replayable_until_ms: verified.replayable_until_ms })
    }

    /// A frame of the session proves nothing by itself, but it may have waited too long.
    fn in_time(&self, frame: &Frame) -> Result<Option<Proof>, Denial> {
        match self.definition.frame_is_fresh(frame, self.now_ms()) {
            true => Ok(None),
            false => Err(refusal(exchange::VerifyError::StaleTimestamp)),
        }
    }
}
