//! Signing outbound: the client's parameters with the real key, time, nonce and signature.

use std::{fmt, sync::Arc};

use super::{
    Credentials, Hash, KeyKind, NonceKind, Options, TokenAlgorithm,
    draft::Draft,
    prehash::{Address, Stamped, Texts},
    token,
};
use crate::{
    Definition, Method, Request, SignLevel, Upstream,
    definition::{Hole, Profile, Values},
    request::Body,
};

/// What changes from one signing to the next.
#[derive(Clone, Debug, Default)]
pub struct Stamp {
    /// Milliseconds since 1970, corrected by the offset of the exchange's clock.
    pub now_ms: u64,
    /// The nonce where [`Definition::nonce_kind`] names one; ignored elsewhere.
    pub nonce: Option<String>,
}

/// A request as it must leave. Header names are lower case; `content-length` and `host` are the sender's.
/// No Debug: it holds the real API key and a live signature.
pub struct Signed {
    /// The client's method.
    pub method: Method,
    /// `https://api.binance.com`
    pub origin: Arc<str>,
    /// Path and query: `/api/v3/order?symbol=...`
    pub target: String,
    /// All headers to send.
    pub headers: Vec<(Arc<str>, String)>,
    /// The body, empty for none.
    pub body: Vec<u8>,
}

/// Why a request cannot be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignError {
    /// The exchange does not take this kind of key for this path.
    KeyKind(KeyKind),
    /// The path wants a nonce of this kind, and the stamp has none or one of another form.
    Nonce(NonceKind),
    /// The parameters cannot be written in the form the exchange signs.
    Params,
    /// The cryptography library refused.
    Failed,
}

impl Signed {
    /// Origin and target: the absolute URL.
    pub fn url(&self) -> String {
        format!("{}{}", self.origin, self.target)
    }
}

impl Definition {
    /// The kind of nonce the stamp must bring to sign `request` with a key of these options; `None` if it needs none.
    pub fn nonce_kind(&self, request: &Request, options: &Options) -> Option<NonceKind> {
        let signed = request.endpoint.level == SignLevel::Signed;
        let kind = self.profiles_of(&request.path).find_map(|profile| profile.nonce).filter(|_| signed)?;
        let own = options.nonce_unit.filter(|_| kind.is_counter());
        Some(own.map_or(kind, NonceKind::from))
    }

    /// Rebuilds a request for `upstream` with everything the endpoint wants to see of the key.
    ///
    /// The client's own key, time, nonce and signature are replaced where they stand; what is missing is put
    /// in front, the signature last. All other bytes stay. Endpoints of class `public` get no key at all.
    pub fn sign(
        &self,
        request: &Request,
        upstream: &Upstream,
        credentials: &Credentials,
        stamp: &Stamp,
    ) -> Result<Signed, SignError> {
        match request.endpoint.level {
            SignLevel::Unsigned => Ok(self.unsigned(request, upstream)),
            SignLevel::KeyOnly => Ok(self.key_only(request, upstream, credentials)),
            SignLevel::Signed => self.signed(request, upstream, credentials, stamp),
        }
    }

    /// A public request as it must leave: without the client's key and, if it signed, its signature.
    pub fn unsigned(&self, request: &Request, upstream: &Upstream) -> Signed {
        let draft = Draft::plain(self.first_profile(&request.path), request);
        self.assemble(request, upstream, draft, Vec::new())
    }

    fn key_only(&self, request: &Request, upstream: &Upstream, credentials: &Credentials) -> Signed {
        let values = Values { key: &credentials.api_key, ..Values::default() };
        let profile = self.first_profile(&request.path);
        let headers = profile.headers.iter().filter(|(_, value)| value.has_only(&[Hole::Key]));
        let headers = headers.map(|(name, value)| (name.clone(), value.text(&values))).collect();
        self.assemble(request, upstream, Draft::plain(profile, request), headers)
    }

    fn signed(
        &self,
        request: &Request,
        upstream: &Upstream,
        credentials: &Credentials,
        stamp: &Stamp,
    ) -> Result<Signed, SignError> {
        let kind = credentials.kind();
        let profile = self.profile(&request.path, kind).ok_or(SignError::KeyKind(kind))?;
        let stamped = stamped(profile, request, credentials, stamp)?;
        let address = Address { host: upstream.host(), prefix: "" };
        let injected = Values {
            key: &credentials.api_key,
            time: &stamped.time,
            nonce: &stamped.nonce,
            path: &request.path,
            window: &stamped.window,
            ..Values::default()
        };
        let mut draft = Draft::fill(profile, request, &injected);
        let texts = Texts::new(profile, request).ok_or(SignError::Params)?;
        let values = texts.values(request, &draft, &stamped, address, credentials);
        let signature = signature(profile, credentials, &values).ok_or(SignError::Failed)?;
        let values = Values { signature: &signature, ..values };
        let mut headers = Vec::with_capacity(profile.headers.len() + USUAL);
        headers.extend(profile.headers.iter().map(|(name, value)| (name.clone(), value.text(&values))));
        if profile.inject.iter().any(|item| item.value.has(&Hole::Signature)) {
            draft = Draft::fill(profile, request, &Values { signature: &signature, ..injected });
        }
        draft.place(profile, &signature);
        Ok(self.assemble(request, upstream, draft, headers))
    }

    fn assemble(
        &self,
        request: &Request,
        upstream: &Upstream,
        draft: Draft<'_>,
        mut headers: Vec<(Arc<str>, String)>,
    ) -> Signed {
        // A body of our own making has our type; a client's body was checked to be what its header says.
        let ours = draft.content_type.filter(|_| request.body == Body::Empty && !draft.body.is_empty());
        let missing = draft.content_type.filter(|_| !draft.body.is_empty() && request.header(TYPE).is_none());
        let signs_type = self.first_profile(&request.path).signs(&Hole::ContentType);
        let untyped = ours.is_some() || (draft.body.is_empty() && signs_type);
        let passed = request.headers.passed().filter(|(name, _)| !untyped || &***name != TYPE);
        headers.extend(passed.map(|(name, value)| (name.clone(), value.to_owned())));
        headers.extend(upstream.headers.iter().map(|(name, value)| (name.as_str().into(), value.clone())));
        headers.extend(ours.or(missing).map(|content_type| (TYPE.into(), content_type.to_owned())));
        let mut target = String::with_capacity(request.path.len() + 1 + draft.query.len());
        target.push_str(&request.path);
        if !draft.query.is_empty() {
            target.push('?');
            target.push_str(&draft.query);
        }
        let body = draft.body.into_owned().into_bytes();
        Signed { method: request.method, origin: upstream.shared_origin(), target, headers, body }
    }
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SignError::KeyKind(_) => "the exchange does not take this kind of key here",
            SignError::Nonce(_) => "the endpoint needs a nonce of its own kind",
            SignError::Params => "the parameters have no form this exchange signs",
            SignError::Failed => "the signature could not be made",
        })
    }
}

impl std::error::Error for SignError {}

const TYPE: &str = "content-type";
/// Room for what passes on from clients and selects an environment, so that nothing has to grow.
const USUAL: usize = 8;

/// Key, time and nonce of the exchange's side, in the profile's forms.
fn stamped<'s>(
    profile: &Profile,
    request: &Request,
    credentials: &Credentials,
    stamp: &'s Stamp,
) -> Result<Stamped<'s>, SignError> {
    let nonce = stamp.nonce.as_deref().unwrap_or_default();
    if let Some(kind) = profile.nonce.filter(|kind| !kind.fits(nonce)) {
        return Err(SignError::Nonce(kind));
    }
    let used = |hole: Hole, text: &dyn Fn() -> String| match profile.uses(&hole) {
        true => text().into(),
        false => "".into(),
    };
    let window = || {
        profile.window.as_ref().map_or(String::new(), |window| {
            let default = credentials.options.recv_window.unwrap_or(window.default_ms);
            window.asked(request).unwrap_or(default).min(window.max_ms).to_string()
        })
    };
    let mac = profile.place(&Hole::PassphraseMac).map(|_| credentials.passphrase_mac(profile));
    Ok(Stamped {
        time: used(Hole::Time, &|| profile.clock.text(stamp.now_ms)),
        expiry: used(Hole::Expiry, &|| profile.clock.text(stamp.now_ms + 120_000)),
        nonce: nonce.into(),
        window: used(Hole::Window, &window),
        passphrase_mac: mac.unwrap_or(Some(String::new())).ok_or(SignError::Failed)?,
        algorithm: token::algorithm(credentials.kind(), credentials.hash(profile)),
    })
}

/// The finished signature as text, or the whole token.
fn signature(profile: &Profile, credentials: &Credentials, values: &Values<'_>) -> Option<String> {
    let (hash, form) = (credentials.hash(profile), credentials.form(profile));
    if let Some(shape) = &profile.token {
        let unsigned = token::unsigned(shape, values, !values.params_hash.is_empty());
        let signature = credentials.key.sign(hash, form, unsigned.as_bytes())?;
        return Some(token::signed(unsigned, &signature));
    }
    let signature = credentials.key.sign(hash, form, &profile.prehash.bytes(values))?;
    Some(profile.keys.get(&credentials.kind())?.write(&signature))
}

impl Credentials {
    /// The hash of a profile, unless this credential's tokens have another.
    pub(super) fn hash(&self, profile: &Profile) -> Hash {
        match self.options.jwt_alg.filter(|_| profile.token.is_some()) {
            Some(TokenAlgorithm::HS256) => Hash::Sha256,
            Some(TokenAlgorithm::HS512) => Hash::Sha512,
            None => profile.hash,
        }
    }

    /// KuCoin's passphrase of keys since version 2: base64 of HMAC-SHA256.
    pub(super) fn passphrase_mac(&self, profile: &Profile) -> Option<String> {
        let mac = self.key.sign(Hash::Sha256, self.form(profile), self.passphrase.expose().as_bytes())?;
        Some(super::Encoding::Base64.write(&mac))
    }
}
