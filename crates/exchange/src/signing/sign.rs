//! Signing outbound: the client's parameters with the real key, time, nonce and signature.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{Credentials, KeyKind, NonceKind, SecretForm};
use crate::{
    Definition, Method, Request, SignLevel, Upstream,
    definition::{Carrier, Hole, Profile, Values},
    request::{Body, Document, Params},
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
    pub origin: String,
    /// Path and query: `/api/v3/order?symbol=...`
    pub target: String,
    /// All headers to send.
    pub headers: Vec<(String, String)>,
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
    /// The cryptography library refused.
    Failed,
}

impl Signed {
    /// Origin and target: the absolute URL.
    pub fn url(&self) -> String {
        format!("{}{}", self.origin, self.target)
    }
}

/// What leaves, before it has a signature.
struct Draft {
    query: String,
    body: String,
    payload: String,
    content_type: Option<&'static str>,
    signature_in_body: bool,
}

impl Definition {
    /// The kind of nonce the stamp must bring to sign `request`; `None` if it needs none.
    pub fn nonce_kind(&self, request: &Request) -> Option<NonceKind> {
        self.profile_for(&request.path).nonce.filter(|_| request.level == SignLevel::Signed)
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
        match request.level {
            SignLevel::Unsigned => Ok(self.unsigned(request, upstream)),
            SignLevel::KeyOnly => Ok(self.key_only(request, upstream, credentials)),
            SignLevel::Signed => self.signed(request, upstream, credentials, stamp),
        }
    }

    /// A public request as it must leave: without the client's key and, if it signed, its signature.
    pub fn unsigned(&self, request: &Request, upstream: &Upstream) -> Signed {
        let draft = self.plain_draft(request);
        self.assemble(request, upstream, draft, Vec::new())
    }

    fn key_only(&self, request: &Request, upstream: &Upstream, credentials: &Credentials) -> Signed {
        let values = Values { key: &credentials.api_key, ..Values::default() };
        let profile = self.profile_for(&request.path);
        let headers = profile.headers.iter().filter(|(_, value)| value.has_only(&[Hole::Key]));
        let headers = headers.map(|(name, value)| (name.clone(), value.render(&values))).collect();
        self.assemble(request, upstream, self.plain_draft(request), headers)
    }

    fn signed(
        &self,
        request: &Request,
        upstream: &Upstream,
        credentials: &Credentials,
        stamp: &Stamp,
    ) -> Result<Signed, SignError> {
        let profile = self.profile_for(&request.path);
        let kind = credentials.kind();
        let encoding = *profile.keys.get(&kind).ok_or(SignError::KeyKind(kind))?;
        let nonce = stamp.nonce.as_deref().unwrap_or_default();
        if let Some(kind) = profile.nonce.filter(|kind| !kind.fits(nonce)) {
            return Err(SignError::Nonce(kind));
        }
        let now_ms = stamp.now_ms.to_string();
        let values = Values { key: &credentials.api_key, now_ms: &now_ms, nonce, ..Values::default() };
        let mut draft = fill(profile, request, &values);
        let prehash = profile.prehash.render(&draft.values(&values, ""));
        let signature = credentials.sign(profile, &prehash).ok_or(SignError::Failed)?;
        let signature = encoding.write(&signature);
        let values = draft.values(&values, &signature);
        let headers =
            profile.headers.iter().map(|(name, value)| (name.clone(), value.render(&values))).collect();
        draft.place(profile, &signature);
        Ok(self.assemble(request, upstream, draft, headers))
    }

    /// The client's texts without what it signed with.
    fn plain_draft(&self, request: &Request) -> Draft {
        let profile = self.profile_for(&request.path);
        let signed = profile.signature_param.as_deref().filter(|name| request.param(name).is_some());
        let mut names: Vec<&str> = Vec::new();
        if let Some(signature) = signed {
            names.push(signature);
            names.extend(profile.inject.iter().map(|item| item.name.as_str()));
        }
        let (body, content_type) = match &request.body {
            Body::Empty => (String::new(), None),
            Body::Form(params) => (params.without(&names), Some(FORM)),
            Body::Json(document) | Body::Payload(document, _) => (document.text().to_owned(), Some(JSON)),
        };
        let query = request.query.without(&names);
        Draft { query, body, payload: String::new(), content_type, signature_in_body: false }
    }

    fn assemble(
        &self,
        request: &Request,
        upstream: &Upstream,
        draft: Draft,
        own: Vec<(String, String)>,
    ) -> Signed {
        // A body of our own making has our type; a client's body was checked to be what its header says.
        let ours = draft.content_type.filter(|_| request.body == Body::Empty && !draft.body.is_empty());
        let missing = draft.content_type.filter(|_| !draft.body.is_empty() && request.header(TYPE).is_none());
        let passed = request.headers.iter().filter(|(name, _)| self.request_headers.contains(name));
        let passed = passed.filter(|(name, _)| ours.is_none() || name != TYPE);
        let mut headers = own;
        headers.extend(passed.chain(&upstream.headers).cloned());
        headers.extend(ours.or(missing).map(|content_type| (TYPE.to_owned(), content_type.to_owned())));
        let target = match draft.query.as_str() {
            "" => request.path.clone(),
            query => format!("{}?{query}", request.path),
        };
        Signed {
            method: request.method,
            origin: upstream.origin().to_owned(),
            target,
            headers,
            body: draft.body.into_bytes(),
        }
    }
}

impl Draft {
    fn values<'a>(&'a self, own: &Values<'a>, signature: &'a str) -> Values<'a> {
        Values { query: &self.query, body: &self.body, payload: &self.payload, signature, ..*own }
    }

    /// Puts the signature where it belongs if that is a parameter, and the payload where it is the body.
    fn place(&mut self, profile: &Profile, signature: &str) {
        if let Some(param) = &profile.signature_param {
            let text = if self.signature_in_body { &mut self.body } else { &mut self.query };
            let separator = if text.is_empty() { "" } else { "&" };
            text.push_str(&format!("{separator}{param}={}", escape(signature)));
        }
        if profile.carrier == Carrier::Payload {
            self.body = std::mem::take(&mut self.payload);
        }
    }
}

impl Credentials {
    pub(super) fn form(&self, profile: &Profile) -> SecretForm {
        self.secret_form.unwrap_or(profile.secret)
    }

    fn sign(&self, profile: &Profile, prehash: &str) -> Option<Vec<u8>> {
        self.key.sign(profile.hash, self.form(profile), prehash.as_bytes())
    }
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SignError::KeyKind(_) => "the exchange does not take this kind of key here",
            SignError::Nonce(_) => "the endpoint needs a nonce of its own kind",
            SignError::Failed => "the signature could not be made",
        })
    }
}

impl std::error::Error for SignError {}

const TYPE: &str = "content-type";
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// Puts the signer's parameters in, the client's signature out.
fn fill(profile: &Profile, request: &Request, values: &Values<'_>) -> Draft {
    let settings: Vec<(&str, String)> =
        profile.inject.iter().map(|item| (item.name.as_str(), item.value.render(values))).collect();
    match profile.carrier {
        Carrier::Form => fill_form(profile, request, &settings),
        Carrier::Payload => {
            let json = match &request.body {
                Body::Json(document) | Body::Payload(document, _) => document.with(&settings),
                Body::Empty | Body::Form(_) => Document::empty().with(&settings),
            };
            let payload = BASE64_STANDARD.encode(&json);
            let query = request.query.text().to_owned();
            Draft { query, body: json, payload, content_type: Some(JSON), signature_in_body: false }
        }
    }
}

fn fill_form(profile: &Profile, request: &Request, settings: &[(&str, String)]) -> Draft {
    let empty = Params::default();
    let body = match &request.body {
        Body::Form(params) => params,
        _ => &empty,
    };
    let signature = profile.signature_param.as_deref();
    let in_body = signs_in_body(request, body, signature);
    let (set_in_query, set_in_body): (Vec<_>, Vec<_>) = settings
        .iter()
        .cloned()
        .partition(|(name, _)| request.query.get(name).is_some() || (body.get(name).is_none() && !in_body));
    Draft {
        query: request.query.with(&set_in_query, signature),
        body: body.with(&set_in_body, signature),
        payload: String::new(),
        content_type: Some(FORM),
        signature_in_body: in_body,
    }
}

/// Where the client signed; else where its parameters are; else by method.
fn signs_in_body(request: &Request, body: &Params, signature: Option<&str>) -> bool {
    let signed = |params: &Params| signature.is_some_and(|name| params.get(name).is_some());
    match (signed(&request.query), signed(body)) {
        (true, _) => false,
        (_, true) => true,
        _ if !body.text().is_empty() => true,
        _ if !request.query.text().is_empty() => false,
        _ => matches!(request.method, Method::Post | Method::Put),
    }
}

/// Percent-encodes what base64 has beyond letters and digits.
fn escape(signature: &str) -> String {
    signature.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}
