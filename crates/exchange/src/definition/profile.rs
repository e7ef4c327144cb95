//! How one family of paths is signed: the variables of the one engine in `signing`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::template::{Hole, Template};
use crate::signing::{Encoding, Hash, KeyKind, NonceKind, SecretForm};

/// A signing profile.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    /// The path prefixes this profile is for; the profile without any is for the rest.
    #[serde(default)]
    pub(crate) paths: Vec<String>,
    /// Where parameters travel.
    #[serde(rename = "scheme")]
    pub(crate) carrier: Carrier,
    /// The key types the exchange takes, each with the encoding of its signatures.
    pub(crate) keys: BTreeMap<KeyKind, Encoding>,
    /// The hash under the MAC or signature.
    pub(crate) hash: Hash,
    /// How an HMAC secret's text becomes key bytes; a credential may override it.
    #[serde(default)]
    pub(crate) secret: SecretForm,
    /// The nonce, if the scheme has one.
    pub(crate) nonce: Option<NonceKind>,
    /// Parameters set by the signer: replaced where the client has them, else inserted in front.
    #[serde(default)]
    pub(crate) inject: Vec<Inject>,
    /// What is signed.
    pub(crate) prehash: Template,
    /// Headers set by the signer.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, Template>,
    /// The parameter that carries the signature, appended last.
    pub(crate) signature_param: Option<String>,
    /// The parameter that carries the client's time. Without one a signature has no age.
    pub(crate) time: Option<String>,
    /// The parameter with which a client widens the time window.
    pub(crate) window: Option<Window>,
    /// Whether clients are known that sign the decoded text.
    #[serde(default)]
    pub(crate) signs_decoded: bool,
    /// The header that carries the payload, found when the profile is checked.
    #[serde(skip)]
    pub(crate) payload_header: Option<String>,
}

/// Where parameters and signature travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Carrier {
    /// Scheme `query`: in the query or in a form body, wherever the client put them.
    #[serde(rename = "query")]
    Form,
    /// Scheme `payload`: a JSON object, as base64 in a header and as the body.
    Payload,
}

/// A parameter set by the signer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Inject {
    pub(crate) name: String,
    pub(crate) value: Template,
}

/// The parameter with which a client sets how old its request may be, in milliseconds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Window {
    pub(crate) param: String,
    pub(crate) default_ms: u64,
    pub(crate) max_ms: u64,
}

impl Profile {
    /// Completes a profile that was read, or says why it cannot work.
    pub(crate) fn check(mut self) -> Result<Profile, &'static str> {
        let sets = [Hole::Key, Hole::NowMs, Hole::Nonce];
        let signed = [Hole::Key, Hole::NowMs, Hole::Nonce, Hole::Query, Hole::Body, Hole::Payload];
        self.headers =
            self.headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        let header_with =
            |hole| self.headers.iter().find(|(_, value)| value.has(hole)).map(|(name, _)| name.clone());
        let key_param = self.inject.iter().any(|item| item.value.has(Hole::Key));
        self.payload_header = header_with(Hole::Payload);
        if self.keys.is_empty() {
            return Err("a profile needs at least one key type");
        }
        if !self.inject.iter().all(|item| item.value.has_only(&sets)) {
            return Err("only {key}, {now_ms} and {nonce} can be injected");
        }
        if !self.prehash.has_only(&signed) {
            return Err("the prehash cannot hold its own signature");
        }
        if header_with(Hole::Signature).is_some() == self.signature_param.is_some() {
            return Err("the signature needs one place: a header or signature_param");
        }
        if header_with(Hole::Key).is_some() == key_param {
            return Err("the API key needs one place: a header or an injected parameter");
        }
        if self.inject.iter().any(|item| item.value.has(Hole::Nonce)) != self.nonce.is_some() {
            return Err("{nonce} and the kind of nonce go together");
        }
        if (self.carrier == Carrier::Payload) != self.payload_header.is_some() {
            return Err("the scheme payload needs a header with {payload}, other schemes have none");
        }
        Ok(self)
    }

    /// Whether this profile is for `path`; `None` if it is the one for the rest.
    pub(crate) fn covers(&self, path: &str) -> Option<bool> {
        let fits = || self.paths.iter().any(|prefix| path.starts_with(prefix.as_str()));
        (!self.paths.is_empty()).then(fits)
    }

    /// The parameters that belong to signing, not to the endpoint.
    pub(crate) fn own_params(&self) -> Vec<&str> {
        let injected = self.inject.iter().map(|item| item.name.as_str());
        let window = self.window.iter().map(|window| window.param.as_str());
        injected.chain(self.signature_param.as_deref()).chain(window).collect()
    }
}
