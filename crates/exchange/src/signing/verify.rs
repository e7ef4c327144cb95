//! Checking what a client signed with its virtual pair.

use std::{borrow::Cow, fmt};

use aws_lc_rs::digest::{SHA256, digest};

use super::{
    Credentials, Hash,
    draft::Draft,
    prehash::{Address, Stamped, Texts},
    sent::{Sent, in_request},
    token::{self, Token},
};
use crate::{
    Definition, Request, SignLevel,
    definition::{Claim, Hole, Place, Profile, TokenShape, Values},
    request::Body,
};

/// A request whose signature holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The client's time in milliseconds since 1970; `None` where the scheme signs no time (Coinone v2.1, Upbit).
    pub timestamp_ms: Option<u64>,
    /// Until when the signature would be accepted again, so until when the replay store must remember it;
    /// `None` means for ever: as long as the access key lives.
    pub replayable_until_ms: Option<u64>,
    /// SHA-256 of the signature's bytes, or of what a token signs: one value however the signature was written.
    /// Unique per access key. Where a signature covers whole seconds and not the body (HTX), two orders of one second
    /// are signed alike: there the names and values of the body count too, however they are written.
    pub signature_id: [u8; 32],
}

/// Why a client's signature is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifyError {
    /// No signature, or not all that belongs to it, was given; also for endpoints that take the key alone,
    /// where nothing proves who calls.
    Missing,
    /// The signature does not fit the request, or the key or passphrase in it is another one.
    BadSignature,
    /// The signature fits, but its time is outside the window, or its nonce has the wrong form.
    StaleTimestamp,
}

impl Definition {
    /// The API key a client put where the endpoint wants it. `None` for class `public`, where the exchange wants
    /// none: some clients (python-binance) send their key with every call and sign none of these.
    pub fn presented_key<'r>(&self, request: &'r Request) -> Option<Cow<'r, str>> {
        if request.endpoint.level == SignLevel::Unsigned {
            return None;
        }
        self.profiles_of(&request.path).find_map(|profile| match profile.place(&Hole::Key)? {
            Place::Claim(..) => Sent::of(profile, request).value(&Hole::Key).map(|key| key.to_owned().into()),
            place => in_request(place, request).map(Cow::Borrowed),
        })
    }

    /// Checks that `request` was signed with `pair`, with the client's own time and nonce.
    ///
    /// What the signature covers is the exchange's choice: see the crate's documentation. The comparison is in
    /// constant time. `now_ms`: milliseconds since 1970.
    pub fn verify(
        &self,
        request: &Request,
        pair: &Credentials,
        now_ms: u64,
    ) -> Result<Verified, VerifyError> {
        if request.endpoint.level == SignLevel::Unsigned {
            return Err(VerifyError::Missing);
        }
        let profile = self.profile(&request.path, pair.kind()).ok_or(VerifyError::BadSignature)?;
        let sent = Sent::of(profile, request);
        let key = sent.value(&Hole::Key).ok_or(VerifyError::Missing)?;
        let signature = sent.value(&Hole::Signature).ok_or(VerifyError::Missing)?;
        if key != pair.api_key() || !sent.passphrase_holds(pair) {
            return Err(VerifyError::BadSignature);
        }
        let check = Check { definition: self, sent: &sent, pair };
        let proof = match &profile.token {
            Some(shape) => check.token(shape),
            None => check.signature(signature),
        };
        let proof = proof.ok_or(VerifyError::BadSignature)?;
        let (timestamp_ms, replayable_until_ms) = sent.check_age(now_ms)?;
        Ok(Verified { timestamp_ms, replayable_until_ms, signature_id: identity(profile, request, &proof) })
    }
}

/// What the replay store knows a request by.
fn identity(profile: &Profile, request: &Request, proof: &[u8]) -> [u8; 32] {
    match request.json().filter(|_| profile.signs_bodies_alike()) {
        Some(document) => sha256(&[proof, document.root().canonical().as_bytes()].concat()),
        None => sha256(proof),
    }
}

/// What the replay store knows a signature by, if it is the pair's for this text.
pub(super) fn proven(
    profile: &Profile,
    pair: &Credentials,
    signature: &str,
    text: &str,
) -> Result<[u8; 32], VerifyError> {
    let signature = profile.keys.get(&pair.kind()).and_then(|encoding| encoding.read(signature));
    let signature = signature.ok_or(VerifyError::BadSignature)?;
    match pair.key.verify(profile.hash, pair.form(profile), text.as_bytes(), &signature) {
        true => Ok(sha256(&signature)),
        false => Err(VerifyError::BadSignature),
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

/// One request against one pair.
struct Check<'a> {
    definition: &'a Definition,
    sent: &'a Sent<'a>,
    pair: &'a Credentials,
}

impl<'a> Check<'a> {
    /// The signature's bytes if it holds.
    fn signature(&self, text: &str) -> Option<Cow<'a, [u8]>> {
        let Sent { profile, request, .. } = *self.sent;
        if profile.payload_header().is_some() && !matches!(request.body, Body::Payload(..)) {
            return None;
        }
        let signature = profile.keys.get(&self.pair.kind())?.read(text)?;
        let stamped = self.stamped(profile.hash);
        let texts = Texts::new(profile, request)?;
        let signed = |draft: &Draft<'_>| {
            self.any_address(|address| {
                let values = texts.values(request, draft, &stamped, address, self.pair);
                let message = profile.prehash.bytes(&values);
                self.pair.key.verify(profile.hash, self.pair.form(profile), &message, &signature)
            })
        };
        let as_decoded = || profile.signs_decoded.then(|| Draft::as_decoded(profile, request)).flatten();
        let holds = signed(&Draft::as_sent(profile, request)) || as_decoded().is_some_and(|own| signed(&own));
        holds.then_some(Cow::Owned(signature))
    }

    /// What the token signs if it holds. Its algorithm may only choose among the hashes of the pair's kind of key.
    fn token(&self, shape: &TokenShape) -> Option<Cow<'a, [u8]>> {
        let Sent { profile, request, token } = self.sent;
        let token = token.as_ref()?;
        let named = token.header.get("alg")?;
        let hash = [Hash::Sha256, Hash::Sha512]
            .into_iter()
            .find(|hash| token::algorithm(self.pair.kind(), *hash) == named)?;
        let form = self.pair.form(profile);
        if !self.pair.key.verify(hash, form, token.signed.as_bytes(), &token.signature) {
            return None;
        }
        let draft = Draft::as_sent(profile, request);
        let texts = Texts::new(profile, request)?;
        let stamped = self.stamped(hash);
        let fits = self.any_address(|address| {
            claims_hold(shape, token, &texts.values(request, &draft, &stamped, address, self.pair))
        });
        fits.then_some(Cow::Borrowed(token.signed.as_bytes()))
    }

    /// Whether it fits what the client may have taken for the address: the one it called, or the exchange's own.
    fn any_address(&self, fits: impl FnMut(Address<'_>) -> bool) -> bool {
        let Sent { profile, request, .. } = self.sent;
        let (host, prefix) = request.called.parts();
        if profile.signs(&Hole::Host) {
            let called = Some(Address { host, prefix }).filter(|called| !called.host.is_empty());
            let own = self.definition.hosts(request.group(), &request.path);
            return called.into_iter().chain(own.map(|host| Address { host, prefix: "" })).any(fits);
        }
        let prefixed = profile.signs(&Hole::Path) && !prefix.is_empty();
        let prefixed = prefixed.then_some(Address { host: "", prefix });
        std::iter::once(Address::default()).chain(prefixed).any(fits)
    }

    /// The client's own time and nonce.
    fn stamped(&self, hash: Hash) -> Stamped<'a> {
        let Sent { profile, request, .. } = *self.sent;
        let text = |hole| Cow::Borrowed(self.sent.value(&hole).unwrap_or_default());
        let window = profile.window.as_ref().and_then(|window| request.header(&window.name));
        Stamped {
            time: text(Hole::Time),
            expiry: text(Hole::Expiry),
            nonce: text(Hole::Nonce),
            window: window.unwrap_or_default().into(),
            passphrase_mac: String::new(),
            algorithm: token::algorithm(self.pair.kind(), hash),
        }
    }
}

/// Every claim that says something about the request must say the right thing; names of issuers and the like are
/// free.
fn claims_hold(shape: &TokenShape, token: &Token<'_>, values: &Values<'_>) -> bool {
    let none: &[(String, Claim)] = &[];
    let has_params = !values.params_hash.is_empty();
    // whoever has a token for some parameters must not be able to send it without any, and to another endpoint
    if !has_params && shape.params_claims.iter().any(|(name, _)| token.claims(name)) {
        return false;
    }
    let about_params = if has_params { &shape.params_claims } else { none };
    let key = shape.header.iter().all(|(name, claim)| {
        let about_key = claim.templates().iter().any(|value| value.has(&Hole::Key));
        !about_key || token.header.get(name) == Some(values.key)
    });
    key && shape.claims.iter().chain(about_params).all(|(name, claim)| {
        claim
            .templates()
            .iter()
            .all(|value| value.holes().next().is_none() || token.claims_so(name, &value.text(values)))
    })
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
