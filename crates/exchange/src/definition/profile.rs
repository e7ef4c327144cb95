//! How one family of paths is signed: the variables of the one engine in `signing`.

mod check;

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Deserializer};

use super::{
    place::{Place, Places},
    template::{Hole, Template},
};
use crate::{
    Request,
    moment::Clock,
    request::QueryForm,
    signing::{Encoding, Hash, KeyKind, NonceKind, SecretForm},
};

/// A signing profile.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    /// The path prefixes this profile is for; a profile without any is for the rest.
    #[serde(default)]
    pub(crate) paths: Vec<String>,
    /// Where key and signature travel.
    pub(crate) scheme: Scheme,
    /// The key types the exchange takes, each with the encoding of its signatures.
    pub(crate) keys: BTreeMap<KeyKind, Encoding>,
    /// The hash under the MAC or signature.
    pub(crate) hash: Hash,
    /// How an HMAC secret's text becomes key bytes; a credential may override it.
    #[serde(default)]
    pub(crate) secret: SecretForm,
    /// The form of `{ts}`.
    #[serde(default)]
    pub(crate) clock: Clock,
    /// The nonce, if the scheme has one.
    pub(crate) nonce: Option<NonceKind>,
    /// What bodies may be; by default what the scheme's clients send.
    pub(crate) body: Option<BodyForm>,
    /// How the query is written in what is signed.
    #[serde(default)]
    pub(crate) query: QueryForm,
    /// Scheme `query`: parameters the signer adds stand in the query whatever the method is.
    #[serde(default)]
    pub(crate) always_in_query: bool,
    /// Parameters set by the signer: replaced where the client has them, else inserted.
    #[serde(default)]
    pub(crate) inject: Vec<Inject>,
    /// Parameters that belong to the client's own key and fall away.
    #[serde(default)]
    pub(crate) drop: Vec<String>,
    /// What is signed; a token is signed as a whole.
    #[serde(default)]
    pub(crate) prehash: Template,
    /// The token of the schemes `jwt`.
    pub(crate) token: Option<TokenShape>,
    /// Headers set by the signer, names in lower case.
    #[serde(default, deserialize_with = "by_name")]
    pub(crate) headers: Vec<(Arc<str>, Template)>,
    /// The parameter that carries the signature, appended last.
    pub(crate) signature_param: Option<String>,
    /// With which a client says how old its request may be.
    pub(crate) window: Option<Window>,
    /// Whether clients are known that sign the decoded text.
    #[serde(default)]
    pub(crate) signs_decoded: bool,
    /// Whether Ed25519 keys are the base64 of seed and public half instead of PEM.
    #[serde(default)]
    pub(crate) raw_keys: bool,
    /// What follows from all this and is asked for at every request.
    #[serde(skip)]
    found: Found,
}

/// Worked out once, when a profile was read.
#[derive(Clone, Debug, Default)]
struct Found {
    places: Places,
    /// What is signed.
    signed: Vec<Hole>,
    /// What is signed, stands in a header or among the parameters.
    used: Vec<Hole>,
    own_params: Vec<String>,
    signing_names: Vec<String>,
}

/// Where key and signature travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scheme {
    /// In headers; parameters stay as they are.
    Header,
    /// Among the parameters of the query or a form body, wherever the client put them.
    Query,
    /// In a JSON object, sent as base64 in a header and as the body.
    Payload,
    /// In a signed token in a header.
    Jwt,
    /// In a JSON object around the parameters.
    Envelope,
}

/// What a body may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum BodyForm {
    Form,
    Json,
    /// What the client's `content-type` says; a form if it says nothing.
    Either,
}

/// A parameter set by the signer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Inject {
    pub(crate) name: String,
    pub(crate) value: Template,
    /// Behind the client's parameters instead of in front of them.
    #[serde(default)]
    pub(crate) last: bool,
}

/// The token of a scheme `jwt`: members in their order, `[name, text with holes]`. A text that is one time is
/// written as a number.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenShape {
    pub(crate) header: Vec<(String, Claim)>,
    pub(crate) claims: Vec<(String, Claim)>,
    /// Claims of requests that have parameters.
    #[serde(default)]
    pub(crate) params_claims: Vec<(String, Claim)>,
}

/// The value of a claim.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Claim {
    One(Template),
    List(Vec<Template>),
}

/// The parameter or header with which a client sets how old its request may be, in milliseconds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Window {
    pub(crate) name: String,
    pub(crate) default_ms: u64,
    pub(crate) max_ms: u64,
}

impl Profile {
    /// Completes a profile that was read, or says why it cannot work.
    pub(crate) fn check(mut self) -> Result<Profile, &'static str> {
        self.found = Found {
            places: Places::of(&self),
            signed: self.signed_holes().cloned().collect(),
            used: self.signed_holes().chain(self.sent_holes()).cloned().collect(),
            own_params: self.own_names().map(str::to_owned).collect(),
            signing_names: self.own_names().chain(self.members()).map(str::to_owned).collect(),
        };
        self.check_places()?;
        self.check_holes()?;
        Ok(self)
    }

    /// Whether the value stands anywhere: in what is signed, in a header or among the parameters.
    pub(crate) fn uses(&self, hole: &Hole) -> bool {
        self.found.used.contains(hole)
    }

    /// Where a value stands that is read back from requests; the first place counts.
    pub(crate) fn place(&self, hole: &Hole) -> Option<Place<'_>> {
        self.found.places.get(self, hole)
    }

    /// The header that carries the payload.
    pub(crate) fn payload_header(&self) -> Option<&str> {
        match self.place(&Hole::Payload) {
            Some(Place::Header(name, _)) => Some(name),
            _ => None,
        }
    }

    /// Whether this profile is for `path`; `None` if it is one for the rest.
    pub(crate) fn covers(&self, path: &str) -> Option<bool> {
        let fits = || self.paths.iter().any(|prefix| path.starts_with(prefix.as_str()));
        (!self.paths.is_empty()).then(fits)
    }

    /// Whether the header of the token has a value. None is read back from there.
    fn token_header_has(&self, hole: &Hole) -> bool {
        let claims = self.token.iter().flat_map(|token| &token.header);
        claims.flat_map(|(_, claim)| claim.templates()).any(|value| value.has(hole))
    }

    /// What bodies may be.
    pub(crate) fn body_form(&self) -> BodyForm {
        self.body.unwrap_or(match self.scheme {
            Scheme::Query => BodyForm::Form,
            Scheme::Header | Scheme::Payload | Scheme::Jwt | Scheme::Envelope => BodyForm::Json,
        })
    }

    /// Whether what is signed holds this value.
    pub(crate) fn signs(&self, hole: &Hole) -> bool {
        self.found.signed.contains(hole)
    }

    fn signed_holes(&self) -> impl Iterator<Item = &Hole> {
        let token = self.token.iter().flat_map(|token| token.claims.iter().chain(&token.params_claims));
        let claims = token.flat_map(|(_, claim)| claim.templates());
        self.prehash.holes().chain(claims.flat_map(Template::holes))
    }

    fn sent_holes(&self) -> impl Iterator<Item = &Hole> {
        let injected = self.inject.iter().map(|item| &item.value);
        injected.chain(self.headers.iter().map(|(_, value)| value)).flat_map(Template::holes)
    }

    /// Whether two requests of the same second that differ in their bodies have the same signature.
    pub(crate) fn signs_bodies_alike(&self) -> bool {
        let covered = [Hole::Body, Hole::BodyHash, Hole::Nonce].iter().any(|hole| self.signs(hole));
        self.clock == Clock::UtcS && !covered
    }

    /// The parameters that belong to signing, not to the endpoint.
    pub(crate) fn own_params(&self) -> &[String] {
        &self.found.own_params
    }

    fn own_names(&self) -> impl Iterator<Item = &str> {
        let injected = self.inject.iter().map(|item| item.name.as_str());
        let window = self.window.iter().map(|window| window.name.as_str());
        let dropped = self.drop.iter().map(String::as_str);
        injected.chain(self.signature_param.as_deref()).chain(window).chain(dropped)
    }

    /// The names in a request that are signing's, also those an envelope puts around the parameters.
    pub(crate) fn signing_names(&self) -> &[String] {
        &self.found.signing_names
    }

    fn members(&self) -> impl Iterator<Item = &str> {
        self.prehash.holes().filter_map(|hole| match hole {
            Hole::Member(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The headers that belong to signing, in lower case.
    pub(crate) fn own_headers(&self) -> impl Iterator<Item = String> {
        let window = self.window.iter().map(|window| window.name.to_ascii_lowercase());
        self.headers.iter().map(|(name, _)| (**name).to_owned()).chain(window)
    }
}

/// Headers in the order of their names, which are the same in any case.
fn by_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(Arc<str>, Template)>, D::Error> {
    let headers = BTreeMap::<String, Template>::deserialize(deserializer)?.into_iter();
    let lower: BTreeMap<_, _> = headers.map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    Ok(lower.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

impl Window {
    /// What the client says, as it says it.
    pub(crate) fn given<'r>(&self, request: &'r Request) -> Option<&'r str> {
        request.param(&self.name).or_else(|| request.header(&self.name))
    }

    /// What the client asks for, in whole milliseconds; `None` if it asks for nothing that is a number.
    pub(crate) fn asked(&self, request: &Request) -> Option<u64> {
        self.given(request)?.split('.').next()?.parse().ok()
    }
}

impl Claim {
    /// The texts it is made of.
    pub(crate) fn templates(&self) -> &[Template] {
        match self {
            Claim::One(value) => std::slice::from_ref(value),
            Claim::List(values) => values,
        }
    }
}
