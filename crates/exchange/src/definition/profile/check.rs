//! Whether a profile can work.

use super::{Place, Profile, Scheme};
use crate::definition::Hole;

impl Profile {
    pub(super) fn check_places(&self) -> Result<(), &'static str> {
        let places = |hole: &Hole| {
            let headers = self.headers.iter().filter(|(_, value)| value.has(hole)).count();
            let params = self.inject.iter().filter(|item| item.value.has(hole)).count();
            headers + params
        };
        let signatures = places(&Hole::Signature) + usize::from(self.signature_param.is_some());
        if self.keys.is_empty() {
            return Err("a profile needs at least one key type");
        }
        if signatures != 1 {
            return Err("the signature needs one place: a header, signature_param or an injected parameter");
        }
        if places(&Hole::Key) + usize::from(matches!(self.place(&Hole::Key), Some(Place::Claim(..)))) != 1 {
            return Err("the API key needs one place: a header, an injected parameter or a claim");
        }
        if (self.place(&Hole::Nonce).is_some() || self.token_header_has(&Hole::Nonce)) != self.nonce.is_some()
        {
            return Err("{nonce} and the kind of nonce go together");
        }
        if (self.scheme == Scheme::Payload) != self.headers.iter().any(|(_, value)| value.has(&Hole::Payload))
        {
            return Err("the scheme payload needs a header with {payload}, other schemes have none");
        }
        if (self.scheme == Scheme::Jwt) != self.token.is_some() {
            return Err("the scheme jwt needs a token, other schemes have none");
        }
        Ok(())
    }

    pub(super) fn check_holes(&self) -> Result<(), &'static str> {
        let injected = [Hole::Key, Hole::Time, Hole::Nonce, Hole::Path, Hole::Window, Hole::Signature];
        if !self.inject.iter().all(|item| item.value.has_only(&injected)) {
            return Err("only {key}, {ts}, {nonce}, {path}, {window} and {signature} can be injected");
        }
        if self.inject.iter().any(|item| item.value.has(&Hole::Signature)) && self.scheme != Scheme::Envelope
        {
            return Err("only the scheme envelope injects its {signature}");
        }
        if self.prehash.has(&Hole::Signature) {
            return Err("the prehash cannot hold its own signature");
        }
        if self.headers.iter().any(|(_, value)| value.has(&Hole::NonceBodyHash)) {
            return Err("{sha256:nonce+body} is not text");
        }
        if self.prehash.holes().next().is_none() && self.token.is_none() {
            return Err("what is signed needs a prehash or a token");
        }
        self.check_filled()
    }

    /// A hole that nothing fills would be signed as an empty text.
    fn check_filled(&self) -> Result<(), &'static str> {
        if self.uses(&Hole::Window) && self.window.is_none() {
            return Err("{window} needs a window");
        }
        if self.uses(&Hole::Payload) && self.scheme != Scheme::Payload {
            return Err("{payload} needs the scheme payload");
        }
        match self.uses(&Hole::Params) && self.scheme != Scheme::Envelope {
            true => Err("{params} needs the scheme envelope"),
            false => Ok(()),
        }
    }
}
