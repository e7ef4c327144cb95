//! Checking what a client signed with its virtual pair.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};

use super::Credentials;
use crate::{
    Definition, Request, SignLevel,
    definition::{Carrier, Hole, Profile, Values},
    moment::read_ms,
    request::{Body, Params},
};

/// A request whose signature holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The client's time in milliseconds since 1970; `None` where the scheme signs no time (Coinone v2.1).
    pub timestamp_ms: Option<u64>,
    /// Until when the signature would be accepted again, so until when the replay store must remember it;
    /// `None` means for ever: as long as the access key lives.
    pub replayable_until_ms: Option<u64>,
    /// SHA-256 of the signature's bytes: one value however the signature was written. Unique per access key.
    pub signature_id: [u8; 32],
}

/// Why a client's signature is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifyError {
    /// No signature, or not all that belongs to it, was given; also for endpoints that take the key alone,
    /// where nothing proves who calls.
    Missing,
    /// The signature does not fit the request, or the key in it is another one.
    BadSignature,
    /// The signature fits, but its time is outside the window, or its nonce has the wrong form.
    StaleTimestamp,
}

/// The longest a client's request may be old, or ahead, whatever window it asks for.
const MAX_WINDOW_MS: u64 = 30_000;

impl Definition {
    /// The API key a client put where the endpoint wants it. `None` for class `public`, where the exchange wants
    /// none: some clients (python-binance) send their key with every call and sign none of these.
    pub fn presented_key<'r>(&self, request: &'r Request) -> Option<&'r str> {
        if request.level == SignLevel::Unsigned {
            return None;
        }
        let profile = self.profile_for(&request.path);
        let in_header = profile.headers.iter().find(|(_, value)| value.has(Hole::Key));
        if let Some((name, value)) = in_header {
            return value.recover(request.header(name)?);
        }
        let item = profile.inject.iter().find(|item| item.value.has(Hole::Key))?;
        item.value.recover(request.param(&item.name)?)
    }

    /// Checks that `request` was signed with `pair`, with the client's own time and nonce.
    ///
    /// What the signature covers is the exchange's choice: Binance query and body, Coinone the body; neither
    /// method nor path. The comparison is in constant time. `now_ms`: milliseconds since 1970.
    pub fn verify(
        &self,
        request: &Request,
        pair: &Credentials,
        now_ms: u64,
    ) -> Result<Verified, VerifyError> {
        let profile = self.profile_for(&request.path);
        let presented = self.presented_key(request).ok_or(VerifyError::Missing)?;
        let signature = presented_signature(profile, request).ok_or(VerifyError::Missing)?;
        let encoding = profile.keys.get(&pair.kind()).ok_or(VerifyError::BadSignature)?;
        let signature = encoding.read(signature).ok_or(VerifyError::BadSignature)?;
        let holds = presented == pair.api_key
            && prehashes(profile, request, presented)
                .iter()
                .any(|text| pair.key.verify(profile.hash, pair.form(profile), text.as_bytes(), &signature));
        if !holds {
            return Err(VerifyError::BadSignature);
        }
        let (timestamp_ms, replayable_until_ms) = check_age(profile, request, now_ms)?;
        let mut signature_id = [0; 32];
        signature_id.copy_from_slice(digest(&SHA256, &signature).as_ref());
        Ok(Verified { timestamp_ms, replayable_until_ms, signature_id })
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            VerifyError::Missing => "the request is not signed",
            VerifyError::BadSignature => "the signature does not fit the request",
            VerifyError::StaleTimestamp => "the time or nonce of the request is not acceptable",
        })
    }
}

impl std::error::Error for VerifyError {}

fn presented_signature<'r>(profile: &Profile, request: &'r Request) -> Option<&'r str> {
    if let Some(param) = &profile.signature_param {
        return request.param(param);
    }
    let (name, value) = profile.headers.iter().find(|(_, value)| value.has(Hole::Signature))?;
    value.recover(request.header(name)?)
}

/// The texts a client may have signed: as sent and, where clients are known to do so, as decoded.
fn prehashes(profile: &Profile, request: &Request, key: &str) -> Vec<String> {
    let signature = profile.signature_param.as_deref().unwrap_or_default();
    let empty = Params::default();
    let (body, payload) = match &request.body {
        Body::Empty | Body::Json(_) => (&empty, ""),
        Body::Form(params) => (params, ""),
        Body::Payload(_, payload) => (&empty, payload.as_str()),
    };
    if profile.carrier == Carrier::Payload && payload.is_empty() {
        return Vec::new();
    }
    let now_ms = profile.time.as_deref().and_then(|name| request.param(name)).unwrap_or_default();
    let nonce = nonce_param(profile).and_then(|name| request.param(name)).unwrap_or_default();
    let render = |query: &str, body: &str| {
        profile.prehash.render(&Values { key, now_ms, nonce, query, body, payload, signature: "" })
    };
    let mut texts = vec![render(&request.query.without(&[signature]), &body.without(&[signature]))];
    if profile.signs_decoded {
        let decoded = request.query.decoded(signature).zip(body.decoded(signature));
        texts.extend(decoded.map(|(query, body)| render(&query, &body)));
    }
    texts
}

fn nonce_param(profile: &Profile) -> Option<&str> {
    profile.inject.iter().find(|item| item.value.has(Hole::Nonce)).map(|item| item.name.as_str())
}

/// The client's time and the end of its window, where the scheme has a time.
fn check_age(
    profile: &Profile,
    request: &Request,
    now_ms: u64,
) -> Result<(Option<u64>, Option<u64>), VerifyError> {
    if let Some((kind, name)) = profile.nonce.zip(nonce_param(profile)) {
        request.param(name).filter(|text| kind.fits(text)).ok_or(VerifyError::StaleTimestamp)?;
    }
    let Some(param) = &profile.time else { return Ok((None, None)) };
    let time = request.param(param).and_then(read_ms).ok_or(VerifyError::StaleTimestamp)?;
    let window = window_ms(profile, request).ok_or(VerifyError::StaleTimestamp)?;
    match time.abs_diff(now_ms) <= window {
        true => Ok((Some(time), Some(time.saturating_add(window)))),
        false => Err(VerifyError::StaleTimestamp),
    }
}

/// The client's window, at most 30 s. A window is whole or fractional milliseconds (Binance: three decimals).
fn window_ms(profile: &Profile, request: &Request) -> Option<u64> {
    let Some(window) = &profile.window else { return Some(MAX_WINDOW_MS) };
    let asked = match request.param(&window.param) {
        None => window.default_ms,
        Some(text) => text.split('.').next()?.parse().ok()?,
    };
    (asked <= window.max_ms).then_some(asked.min(MAX_WINDOW_MS))
}
