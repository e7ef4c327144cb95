//! What is signed, from the values of one request: the same for signing and for checking.

use super::{Credentials, SecretForm, draft::Draft, params};
use crate::{
    Request,
    definition::{Hole, Profile, Values},
    request::{Allowed, Params, QueryForm},
};

/// The values that differ from one signing to the next, as texts.
#[derive(Default)]
pub(super) struct Stamped {
    pub(super) time: String,
    pub(super) expiry: String,
    pub(super) nonce: String,
    pub(super) window: String,
    pub(super) passphrase_mac: String,
    pub(super) algorithm: &'static str,
}

/// The address a scheme signs: of the upstream, or as the client called us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) prefix: String,
}

/// The texts of one request that holes are filled with.
pub(super) struct Texts {
    query: String,
    params: String,
    params_hash: String,
}

impl Texts {
    /// `None` if the parameters cannot be written in the form this profile signs.
    pub(super) fn new(profile: &Profile, request: &Request, draft: &Draft) -> Option<Texts> {
        let mut texts = Texts {
            query: written(&draft.query, profile.query),
            params: String::new(),
            params_hash: String::new(),
        };
        if profile.signs(&Hole::Params) {
            texts.params = params::concatenated(request)?;
        }
        if profile.signs(&Hole::ParamsHash) {
            let joined = params::joined(request, profile.query)?;
            texts.params_hash = if joined.is_empty() { joined } else { sha512(&joined) };
        }
        Some(texts)
    }

    /// All values but the signature.
    pub(super) fn values<'a>(
        &'a self,
        request: &'a Request,
        draft: &'a Draft,
        stamped: &'a Stamped,
        address: &'a Address,
        pair: &'a Credentials,
    ) -> Values<'a> {
        Values {
            key: &pair.api_key,
            time: &stamped.time,
            expiry: &stamped.expiry,
            nonce: &stamped.nonce,
            method: request.method.as_str(),
            host: &address.host,
            prefix: &address.prefix,
            path: &request.path,
            query: &self.query,
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

fn written(query: &str, form: QueryForm) -> String {
    if form == QueryForm::Encoded || query.is_empty() {
        return query.to_owned();
    }
    let names: Vec<String> =
        query.split('&').filter_map(|piece| Some(piece.split_once('=')?.0.to_owned())).collect();
    // the text was read before, so the strictness here refuses nothing
    let allowed = Allowed { repeated: &names, equals: true };
    let params = Params::parse(query, crate::Part::Query, allowed);
    params.map_or_else(|_| query.to_owned(), |params| params.written(form).into_owned())
}

fn sha512(text: &str) -> String {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, text.as_bytes());
    data_encoding::HEXLOWER.encode(hash.as_ref())
}
