//! Checking what a client signed with its virtual pair.

use std::{borrow::Cow, fmt};

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{SHA256, digest},
};

use super::{
    Credentials, Hash, NonceKind,
    draft::Draft,
    prehash::{Address, Stamped, Texts},
    token::{self, Token},
};
use crate::{
    Definition, Request, SignLevel,
    definition::{Claim, Hole, Place, Profile, TokenShape, Values},
    moment::read_ms,
    request::{Body, Params},
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
    /// are signed alike: there the body counts too.
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

/// The longest a client's request may be old, or ahead, whatever window it asks for.
const MAX_WINDOW_MS: u64 = 30_000;
/// The longest life of a token, from `nbf` to `exp`.
const MAX_TOKEN_MS: u64 = 120_000;

impl Definition {
    /// The API key a client put where the endpoint wants it. `None` for class `public`, where the exchange wants
    /// none: some clients (python-binance) send their key with every call and sign none of these.
    pub fn presented_key<'r>(&self, request: &'r Request) -> Option<Cow<'r, str>> {
        if request.level == SignLevel::Unsigned {
            return None;
        }
        self.profiles_of(&request.path).find_map(|profile| presented(profile, request, &Hole::Key))
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
        if request.level == SignLevel::Unsigned {
            return Err(VerifyError::Missing);
        }
        let profile = self.profile(&request.path, pair.kind()).ok_or(VerifyError::BadSignature)?;
        let key = presented(profile, request, &Hole::Key).ok_or(VerifyError::Missing)?;
        let signature = presented(profile, request, &Hole::Signature).ok_or(VerifyError::Missing)?;
        if key != pair.api_key || !passphrase_holds(profile, request, pair) {
            return Err(VerifyError::BadSignature);
        }
        let check = Check { profile, request, pair, addresses: self.addresses(profile, request) };
        let proof = match &profile.token {
            Some(shape) => check.token(shape, &signature),
            None => check.signature(&signature),
        };
        let proof = proof.ok_or(VerifyError::BadSignature)?;
        let (timestamp_ms, replayable_until_ms) = check_age(profile, request, now_ms)?;
        Ok(Verified { timestamp_ms, replayable_until_ms, signature_id: identity(profile, request, proof) })
    }

    /// What the client may have taken for the address: the one it called, or the exchange's own.
    fn addresses(&self, profile: &Profile, request: &Request) -> Vec<Address> {
        let called = Address { host: request.called.host.clone(), prefix: request.called.prefix.clone() };
        if profile.signs(&Hole::Host) {
            let own = self.hosts(request.group(), &request.path).into_iter();
            let own = own.map(|host| Address { host, prefix: String::new() });
            return std::iter::once(called).filter(|called| !called.host.is_empty()).chain(own).collect();
        }
        let own = Address::default();
        match profile.signs(&Hole::Path) && !called.prefix.is_empty() {
            true => vec![own, Address { host: String::new(), ..called }],
            false => vec![own],
        }
    }
}

/// What the replay store knows a request by.
fn identity(profile: &Profile, request: &Request, proof: Vec<u8>) -> [u8; 32] {
    let mut text = proof;
    if profile.signs_bodies_alike()
        && let Some(document) = request.json()
    {
        text.extend(document.text().as_bytes());
    }
    let mut identity = [0; 32];
    identity.copy_from_slice(digest(&SHA256, &text).as_ref());
    identity
}

/// One request against one pair.
struct Check<'a> {
    profile: &'a Profile,
    request: &'a Request,
    pair: &'a Credentials,
    addresses: Vec<Address>,
}

impl Check<'_> {
    /// The signature's bytes if it holds.
    fn signature(&self, text: &str) -> Option<Vec<u8>> {
        let Check { profile, request, pair, .. } = self;
        let signature = profile.keys.get(&pair.kind())?.read(text)?;
        let stamped = self.stamped(profile.hash);
        let holds = self.drafts().into_iter().any(|draft| {
            let Some(texts) = Texts::new(profile, request, &draft) else { return false };
            self.addresses.iter().any(|address| {
                let values = texts.values(request, &draft, &stamped, address, pair);
                let message = profile.prehash.bytes(&values);
                pair.key.verify(profile.hash, pair.form(profile), &message, &signature)
            })
        });
        holds.then_some(signature)
    }

    /// What the token signs if it holds. Its algorithm may only choose among the hashes of the pair's kind of key.
    fn token(&self, shape: &TokenShape, text: &str) -> Option<Vec<u8>> {
        let Check { profile, request, pair, .. } = self;
        let token = Token::read(text)?;
        let named = token.header.get("alg")?;
        let hash = [Hash::Sha256, Hash::Sha512]
            .into_iter()
            .find(|hash| token::algorithm(pair.kind(), *hash) == named)?;
        if !pair.key.verify(hash, pair.form(profile), token.signed.as_bytes(), &token.signature) {
            return None;
        }
        let draft = self.drafts().pop()?;
        let texts = Texts::new(profile, request, &draft)?;
        let stamped = self.stamped(hash);
        let fits = self.addresses.iter().any(|address| {
            claims_hold(shape, &token, &texts.values(request, &draft, &stamped, address, pair))
        });
        fits.then(|| token.signed.as_bytes().to_vec())
    }

    /// The client's own time and nonce.
    fn stamped(&self, hash: Hash) -> Stamped {
        let text = |hole| presented(self.profile, self.request, &hole).unwrap_or_default().into_owned();
        let window = self.profile.window.as_ref().map(|window| window.name.to_ascii_lowercase());
        let asked = window.and_then(|name| self.request.header(&name)).unwrap_or_default().to_owned();
        Stamped {
            time: text(Hole::Time),
            expiry: text(Hole::Expiry),
            nonce: text(Hole::Nonce),
            window: asked,
            passphrase_mac: String::new(),
            algorithm: token::algorithm(self.pair.kind(), hash),
        }
    }

    /// The texts a client may have signed: as sent and, where clients are known to do so, as decoded.
    fn drafts(&self) -> Vec<Draft> {
        let Check { profile, request, .. } = self;
        let signature = profile.signature_param.as_deref().unwrap_or_default();
        let empty = Params::default();
        let (form, body, payload) = match &request.body {
            Body::Empty => (&empty, String::new(), ""),
            Body::Form(params) => (params, params.without(&[signature]), ""),
            Body::Json(document) => (&empty, document.text().to_owned(), ""),
            Body::Payload(_, payload) => (&empty, String::new(), payload.as_str()),
        };
        if profile.payload_header().is_some() && payload.is_empty() {
            return Vec::new();
        }
        let draft = |query, body| Draft { query, body, payload: payload.to_owned(), ..Draft::default() };
        let mut drafts = vec![draft(request.query.without(&[signature]), body)];
        if profile.signs_decoded {
            let decoded = request.query.decoded(signature).zip(form.decoded(signature));
            drafts.extend(decoded.map(|(query, body)| draft(query, body)));
        }
        drafts
    }
}

/// Every claim that says something about the request must say the right thing; names of issuers and the like are
/// free.
fn claims_hold(shape: &TokenShape, token: &Token<'_>, values: &Values<'_>) -> bool {
    let none: &[(String, Claim)] = &[];
    let about_params = if values.params_hash.is_empty() { none } else { &shape.params_claims };
    let key = shape.header.iter().all(|(name, claim)| {
        let about_key = claim.templates().iter().any(|value| value.has(&Hole::Key));
        !about_key || token.header.get(name) == Some(values.key)
    });
    key && shape.claims.iter().chain(about_params).all(|(name, claim)| {
        claim.templates().iter().all(|value| {
            value.holes().next().is_none() || token.claim(name).contains(&value.text(values).as_str())
        })
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

/// What a client put where the signer would put a value.
fn presented<'r>(profile: &Profile, request: &'r Request, hole: &Hole) -> Option<Cow<'r, str>> {
    if let (Hole::Signature, Some(param)) = (hole, &profile.signature_param) {
        return request.param(param).map(Cow::Borrowed);
    }
    match profile.place(hole)? {
        Place::Header(name, value) => value.recover(request.header(name)?).map(Cow::Borrowed),
        Place::Param(name, value) => value.recover(request.param(name)?).map(Cow::Borrowed),
        Place::Claim(name, value) => {
            let text = presented(profile, request, &Hole::Signature)?;
            let token = Token::read(&text)?;
            Some(Cow::Owned(value.recover(token.claims.get(name)?)?.to_owned()))
        }
    }
}

/// A passphrase is sent as it is or, at KuCoin since key version 2, as a MAC.
fn passphrase_holds(profile: &Profile, request: &Request, pair: &Credentials) -> bool {
    let plain = presented(profile, request, &Hole::Passphrase);
    let Some(sent) = plain.or_else(|| presented(profile, request, &Hole::PassphraseMac)) else {
        let wants_one =
            [Hole::Passphrase, Hole::PassphraseMac].iter().any(|hole| profile.place(hole).is_some());
        return !wants_one;
    };
    let is = |own: &str| verify_slices_are_equal(sent.as_bytes(), own.as_bytes()).is_ok();
    is(pair.passphrase.expose()) || pair.passphrase_mac(profile).is_some_and(|mac| is(&mac))
}

/// The client's time and the end of its window, where the scheme has a time.
pub(super) fn check_age(
    profile: &Profile,
    request: &Request,
    now_ms: u64,
) -> Result<(Option<u64>, Option<u64>), VerifyError> {
    let nonce = presented(profile, request, &Hole::Nonce);
    if let Some(kind) = profile.nonce.filter(|_| profile.place(&Hole::Nonce).is_some()) {
        nonce.as_deref().filter(|text| kind.fits(text)).ok_or(VerifyError::StaleTimestamp)?;
    }
    let counts = profile.nonce.is_some_and(NonceKind::is_counter);
    let time = match (profile.place(&Hole::Time), counts) {
        (Some(_), _) => presented(profile, request, &Hole::Time).and_then(|text| profile.clock.read(&text)),
        (None, true) => nonce.and_then(|text| read_ms(&text)),
        (None, false) => return Ok((None, None)),
    };
    let time = time.ok_or(VerifyError::StaleTimestamp)?;
    let window = window_ms(profile, request).ok_or(VerifyError::StaleTimestamp)?;
    let expired = presented(profile, request, &Hole::Expiry).is_some_and(|expiry| {
        let expiry = profile.clock.read(&expiry).unwrap_or_default();
        expiry < now_ms || expiry > time.saturating_add(MAX_TOKEN_MS)
    });
    match time.abs_diff(now_ms) <= window && !expired {
        true => Ok((Some(time), Some(time.saturating_add(window)))),
        false => Err(VerifyError::StaleTimestamp),
    }
}

/// The client's window, at most 30 s. A window is whole or fractional milliseconds (Binance: three decimals).
fn window_ms(profile: &Profile, request: &Request) -> Option<u64> {
    let Some(window) = &profile.window else { return Some(MAX_WINDOW_MS) };
    let given = request.param(&window.name).or_else(|| request.header(&window.name.to_ascii_lowercase()));
    let asked = match given {
        None => window.default_ms,
        Some(_) => window.asked(request)?,
    };
    (asked <= window.max_ms).then_some(asked.min(MAX_WINDOW_MS))
}
