//! The connection to the exchange: opened by the first frame that needs it, within the exchange's budget of connections.
//! And who may keep a stream open without ever having shown a key.

use std::time::Duration;

use super::{
    end::End,
    relay::{Connection, Far},
};
use crate::{
    gateway::{Denial, answer, queue::Whose},
    http::RequestId,
    upstream::Failure,
};

impl Connection<'_> {
    /// Makes sure that there is a connection to the exchange, in this environment. `whose`: the key that was proven.
    pub(super) async fn reach(&mut self, environment: &str, whose: Option<Whose>) -> Result<(), Denial> {
        if self.upstream.as_ref().is_some_and(|open| open.environment == environment) {
            return Ok(());
        }
        if !self.pending.is_empty() {
            return Err(Denial::denied(
                "environment",
                "other frames of this connection are under way elsewhere",
            ));
        }
        let place = self.definition.stream_upstream(environment, &self.path).ok_or_else(|| {
            Denial::denied(
                "no-upstream",
                format!("this stream does not exist in the environment '{environment}'"),
            )
        })?;
        self.app.gate.queues.open(self.definition, environment, whose, self.app.clock.now_ms())?;
        let opened = tokio::select! {
            opened = self.app.upstream.open(&place, &self.target) => opened,
            () = self.bound.is_over() => Err(Failure::NotSent("the stream is over".to_owned())),
        };
        let id = RequestId(self.app.clock.id());
        let socket = opened.map_err(|failure| answer::undelivered(failure, id))?;
        self.upstream = Some(Far::new(environment, socket));
        Ok(())
    }

    /// Ends a stream that never showed a key and asks for nothing, or that asks for what is public when all places for
    /// that are taken.
    pub(super) fn may_stay(&mut self) -> Result<(), End> {
        if self.bound.prefix().is_some() {
            self.keyless = None;
            return Ok(());
        }
        let patience = Duration::from_millis(self.app.config.gateway.stream_idle_ms);
        if self.asked.elapsed() > patience {
            return Err(End::NoKey);
        }
        if self.opened.elapsed() > patience && self.keyless.is_none() {
            self.keyless = Some(self.app.gate.streams.without_key().ok_or(End::NoKey)?);
        }
        Ok(())
    }
}
