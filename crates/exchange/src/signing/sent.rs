//! What a client put where the signer would put a value: its key, time, nonce and signature, and whether it is fresh.

use aws_lc_rs::constant_time::verify_slices_are_equal;

use super::{Credentials, NonceKind, VerifyError, token::Token};
use crate::{
    Request,
    definition::{Hole, Place, Profile},
    moment::read_ms,
};

/// The longest a client's request may be old, or ahead, whatever window it asks for.
const MAX_WINDOW_MS: u64 = 30_000;
/// The longest life of a token, from `nbf` to `exp`.
const MAX_TOKEN_MS: u64 = 120_000;

/// A request, and what its client put where the signer would put a value.
pub(super) struct Sent<'r> {
    pub(super) profile: &'r Profile,
    pub(super) request: &'r Request,
    /// The token of schemes that have one, if it can be read.
    pub(super) token: Option<Token<'r>>,
}

impl<'r> Sent<'r> {
    pub(super) fn of(profile: &'r Profile, request: &'r Request) -> Sent<'r> {
        let token = profile.token.as_ref().and_then(|_| Token::read(signature(profile, request)?));
        Sent { profile, request, token }
    }

    pub(super) fn value(&self, hole: &Hole) -> Option<&str> {
        match self.profile.place(hole) {
            _ if *hole == Hole::Signature => signature(self.profile, self.request),
            Some(Place::Claim(name, value)) => value.recover(self.token.as_ref()?.claims.get(name)?),
            place => in_request(place?, self.request),
        }
    }

    /// A passphrase is sent as it is or, at KuCoin since key version 2, as a MAC.
    pub(super) fn passphrase_holds(&self, pair: &Credentials) -> bool {
        let holes = [Hole::Passphrase, Hole::PassphraseMac];
        let Some(sent) = holes.iter().find_map(|hole| self.value(hole)) else {
            return holes.iter().all(|hole| self.profile.place(hole).is_none());
        };
        let is = |own: &str| verify_slices_are_equal(sent.as_bytes(), own.as_bytes()).is_ok();
        is(pair.passphrase.expose()) || pair.passphrase_mac(self.profile).is_some_and(|mac| is(&mac))
    }

    /// The client's time and the end of its window, where the scheme has a time.
    pub(super) fn check_age(&self, now_ms: u64) -> Result<(Option<u64>, Option<u64>), VerifyError> {
        let profile = self.profile;
        let nonce = self.value(&Hole::Nonce);
        if let Some(kind) = profile.nonce.filter(|_| profile.place(&Hole::Nonce).is_some()) {
            nonce.filter(|text| kind.fits(text)).ok_or(VerifyError::StaleTimestamp)?;
        }
        let counts = profile.nonce.is_some_and(NonceKind::is_counter);
        let time = match (profile.place(&Hole::Time), counts) {
            (Some(_), _) => self.value(&Hole::Time).and_then(|text| profile.clock.read(text)),
            (None, true) => nonce.and_then(read_ms),
            (None, false) => return Ok((None, None)),
        };
        let time = time.ok_or(VerifyError::StaleTimestamp)?;
        let window = window_ms(profile, self.request).ok_or(VerifyError::StaleTimestamp)?;
        let expired = self.value(&Hole::Expiry).is_some_and(|expiry| {
            let expiry = profile.clock.read(expiry).unwrap_or_default();
            expiry < now_ms || expiry > time.saturating_add(MAX_TOKEN_MS)
        });
        match time.abs_diff(now_ms) <= window && !expired {
            true => Ok((Some(time), Some(time.saturating_add(window)))),
            false => Err(VerifyError::StaleTimestamp),
        }
    }
}

/// The signature, or the whole token.
fn signature<'r>(profile: &'r Profile, request: &'r Request) -> Option<&'r str> {
    match &profile.signature_param {
        Some(param) => request.param(param),
        None => in_request(profile.place(&Hole::Signature)?, request),
    }
}

/// What stands in a header or parameter.
pub(super) fn in_request<'r>(place: Place<'_>, request: &'r Request) -> Option<&'r str> {
    match place {
        Place::Header(name, value) => value.recover(request.header(name)?),
        Place::Param(name, value) => value.recover(request.param(name)?),
        Place::Claim(..) => None,
    }
}

/// Whether a request is as old as it may be.
pub(super) fn check_age(
    profile: &Profile,
    request: &Request,
    now_ms: u64,
) -> Result<(Option<u64>, Option<u64>), VerifyError> {
    Sent::of(profile, request).check_age(now_ms)
}

/// The client's window, at most 30 s. A window is whole or fractional milliseconds (Binance: three decimals).
fn window_ms(profile: &Profile, request: &Request) -> Option<u64> {
    let Some(window) = &profile.window else { return Some(MAX_WINDOW_MS) };
    let asked = match window.given(request) {
        None => window.default_ms,
        Some(_) => window.asked(request)?,
    };
    (asked <= window.max_ms).then_some(asked.min(MAX_WINDOW_MS))
}
