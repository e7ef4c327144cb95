//! Signing and sending: the last steps of a call. The real secret is opened here, signs once and is
//! dropped; what was signed is sent byte for byte, to the host of the definition, once.

use std::time::Instant;

use axum::response::Response;
use exchange::{KeyKind, Signed, Stamp};

use super::{Account, Call, Denial, answer, credential::Proof, record};
use crate::upstream::Outgoing;

impl Call<'_> {
    /// Reads: the record may be a moment late.
    pub(super) async fn off_record(&self, account: &Account) -> Result<Response, Denial> {
        let started = Instant::now();
        let (signed, known) = self.signed(account).await?;
        let outcome = self.app.upstream.send(signed).await;
        record::later(self, account, &outcome, started.elapsed()).await;
        answer::pass(self.definition, outcome, &known, self.id)
    }

    /// Calls that move money: the intent is committed before the signature exists, the outcome after. If we
    /// die in between, the intent without an outcome says so.
    pub(super) async fn on_record(
        &self,
        account: &Account,
        proof: Option<Proof>,
    ) -> Result<Response, Denial> {
        record::intent(self, account, proof.as_ref()).await?;
        let started = Instant::now();
        let (signed, known) = match self.signed(account).await {
            Ok(signed) => signed,
            Err(denial) => {
                record::not_sent(self, account, &denial).await;
                return Err(denial);
            }
        };
        let outcome = self.app.upstream.send(signed).await;
        record::outcome(self, account, &outcome, started.elapsed()).await;
        answer::pass(self.definition, outcome, &known, self.id)
    }

    /// The signed request, ready to leave, and the values no answer may repeat.
    async fn signed(&self, account: &Account) -> Result<(Outgoing, Vec<String>), Denial> {
        let upstream = self.upstream(&account.connection.environment)?;
        let key = account.real_key(self.app)?;
        let credentials = key.credentials(self.definition).map_err(Denial::down)?;
        let stamp = self.stamp(account, credentials.kind()).await;
        let signed =
            self.definition.sign(&self.request, &upstream, &credentials, &stamp).map_err(Denial::down)?;
        Ok((outgoing(signed)?, vec![key.api_key]))
    }

    /// Time and nonce. A counting nonce rises strictly per key.
    async fn stamp(&self, account: &Account, kind: KeyKind) -> Stamp {
        let now_ms = u64::try_from(self.app.clock.now_ms()).unwrap_or(0);
        let Some(kind) = self.definition.nonce_kind(&self.request, kind) else {
            return Stamp { now_ms, nonce: None };
        };
        let natural = kind.text(now_ms, seal::random::array());
        if !kind.is_counter() {
            return Stamp { now_ms, nonce: Some(natural) };
        }
        let mut nonces = self.app.gate.nonces.lock().await;
        let last = nonces.entry(account.connection.api_key).or_default();
        *last = natural.parse::<u64>().unwrap_or(now_ms).max(*last + 1);
        Stamp { now_ms, nonce: Some(last.to_string()) }
    }
}

pub fn outgoing(signed: Signed) -> Result<Outgoing, Denial> {
    Outgoing::try_from(signed).map_err(Denial::down)
}
