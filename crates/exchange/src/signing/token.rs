//! Signed tokens (RFC 7519, compact form) as exchanges define theirs: members in a fixed order, no spaces.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use super::{Hash, KeyKind};
use crate::{
    definition::{Claim, Hole, Template, TokenShape, Values},
    request::{Document, Json, quote},
};

/// A token a client made. Only its form was checked.
pub(super) struct Token<'t> {
    /// Header and claims as they are signed.
    pub(super) signed: &'t str,
    pub(super) header: Document,
    pub(super) claims: Document,
    pub(super) signature: Vec<u8>,
}

impl<'t> Token<'t> {
    /// Reads the three parts, strictly.
    pub(super) fn read(text: &'t str) -> Option<Token<'t>> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let document = |part: &str| {
            let json = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()?;
            Document::parse(&json).ok()
        };
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        Some(Token { signed, header: document(header)?, claims: document(claims)?, signature })
    }

    /// The texts of a claim, one or a list. Coinbase's own library says `uri` where others say `uris`.
    pub(super) fn claim(&self, name: &str) -> Vec<&str> {
        let root = self.claims.root();
        match root.get(name).or_else(|| root.get(name.strip_suffix('s')?)) {
            Some(Json::Array(items)) => items.iter().filter_map(Json::text).collect(),
            Some(json) => json.text().into_iter().collect(),
            None => Vec::new(),
        }
    }
}

/// What is signed: header and claims. `has_params` adds the claims about parameters.
pub(super) fn unsigned(shape: &TokenShape, values: &Values<'_>, has_params: bool) -> String {
    let params: &[(String, Claim)] = if has_params { &shape.params_claims } else { &[] };
    let part = |members: &mut dyn Iterator<Item = &(String, Claim)>| {
        let members: Vec<_> =
            members.map(|(name, claim)| format!("{}:{}", quote(name), claim.json(values))).collect();
        BASE64_URL_SAFE_NO_PAD.encode(format!("{{{}}}", members.join(",")))
    };
    format!("{}.{}", part(&mut shape.header.iter()), part(&mut shape.claims.iter().chain(params)))
}

pub(super) fn signed(unsigned: &str, signature: &[u8]) -> String {
    format!("{unsigned}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

/// The name of an algorithm (RFC 7518, section 3.1; RFC 8037).
pub(super) fn algorithm(kind: KeyKind, hash: Hash) -> &'static str {
    match (kind, hash) {
        (KeyKind::Hmac, Hash::Sha256) => "HS256",
        (KeyKind::Hmac, Hash::Sha384) => "HS384",
        (KeyKind::Hmac, Hash::Sha512) => "HS512",
        (KeyKind::Rsa, Hash::Sha256) => "RS256",
        (KeyKind::Rsa, Hash::Sha384) => "RS384",
        (KeyKind::Rsa, Hash::Sha512) => "RS512",
        (KeyKind::Ed25519, _) => "EdDSA",
        (KeyKind::Es256, _) => "ES256",
    }
}

impl Claim {
    fn json(&self, values: &Values<'_>) -> String {
        let one = |value: &Template| {
            let text = value.text(values);
            match value.is(&Hole::Time) || value.is(&Hole::Expiry) {
                true => text,
                false => quote(&text),
            }
        };
        match self {
            Claim::One(value) => one(value),
            Claim::List(values) => format!("[{}]", values.iter().map(one).collect::<Vec<_>>().join(",")),
        }
    }
}
