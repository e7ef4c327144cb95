//! What is signed, from the values of one request: the same for signing and for checking.

use std::borrow::Cow;

use super::{Credentials, SecretForm, draft::Draft, params};
use crate::{
    Request,
    definition::{Hole, Profile, Values},
};

/// The values that differ from one signing to the next, as texts.
#[derive(Default)]
pub(super) struct Stamped<'a> {
    pub(super) time: Cow<'a, str>,
    pub(super) expiry: Cow<'a, str>,
    pub(super) nonce: Cow<'a, str>,
    pub(super) window: Cow<'a, str>,
    pub(super) passphrase_mac: String,
    pub(super) algorithm: &'static str,
}

/// The address a scheme signs: of the upstream, or as the client called us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Address<'a> {
    pub(super) host: &'a str,
    pub(super) prefix: &'a str,
}

/// What is signed of a request's parameters, beside the texts that are sent.
#[derive(Default)]
pub(super) struct Texts {
    params: String,
    params_hash: String,
}

impl Texts {
    /// `None` if the parameters cannot be written in the form this profile signs.
    pub(super) fn new(profile: &Profile, request: &Request) -> Option<Texts> {
        let mut texts = Texts::default();
        if profile.signs(&Hole::Params) {
            texts.params = params::concatenated(request)?;
        }
        if profile.signs(&Hole::ParamsHash) {
            let joined = params::joined(request, profile.query)?;
            texts.params_hash = if joined.is_empty() { String::new() } else { sha512(&joined) };
        }
        Some(texts)
    }

    /// All values but the signature.
    pub(super) fn values<'a>(
        &'a self,
        request: &'a Request,
        draft: &'a Draft<'_>,
        stamped: &'a Stamped<'_>,
        address: Address<'a>,
        pair: &'a Credentials,
    ) -> Values<'a> {
        Values {
            key: &pair.api_key,
            time: &stamped.time,
            expiry: &stamped.expiry,
            nonce: &stamped.nonce,
            method: request.method.as_str(),
            host: address.host,
            prefix: address.prefix,
            path: &request.path,
            query: draft.signed_query(),
            body: &draft.body,
            payload: &draft.payload,
            content_type: draft.content_type(request),
            passphrase: pair.passphrase.expose(),
            passphrase_mac: &stamped.passphrase_mac,
            window: &stamped.window,
            document: request.json().map(|document| document.root()),
            params: &self.params,
            params_hash: &self.params_hash,
            algorithm: stamped.algorithm,
            signature: "",
        }
    }
}

impl Credentials {
    pub(super) fn form(&self, profile: &Profile) -> SecretForm {
        self.options.secret_transform.unwrap_or(profile.secret)
    }
}

fn sha512(text: &str) -> String {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, text.as_bytes());
    data_encoding::HEXLOWER.encode(hash.as_ref())
}
