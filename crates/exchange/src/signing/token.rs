//! Signed tokens (RFC 7519, compact form) as exchanges define theirs: members in a fixed order, no spaces.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use super::{Hash, KeyKind};
use crate::{
    definition::{Claim, Hole, Template, TokenShape, Values},
    request::{Document, Json, push_quoted},
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
            Document::take(json).ok()
        };
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        Some(Token { signed, header: document(header)?, claims: document(claims)?, signature })
    }

    /// Whether it has a claim.
    pub(super) fn claims(&self, name: &str) -> bool {
        self.claims.root().get(name).is_some()
    }

    /// Whether a claim, or one of its list, is this text. Coinbase's own library says `uri` where others say `uris`.
    pub(super) fn claims_so(&self, name: &str, text: &str) -> bool {
        let root = self.claims.root();
        let named = root.get(name).or_else(|| root.get(name.strip_suffix('s')?));
        match named {
            Some(Json::Array(items)) => items.iter().any(|item| item.text() == Some(text)),
            Some(json) => json.text() == Some(text),
            None => false,
        }
    }
}

/// What is signed: header and claims. `has_params` adds the claims about parameters.
pub(super) fn unsigned(shape: &TokenShape, values: &Values<'_>, has_params: bool) -> String {
    let params: &[(String, Claim)] = if has_params { &shape.params_claims } else { &[] };
    let mut token = String::with_capacity(ROOM);
    let mut json = String::with_capacity(ROOM);
    object(&mut json, shape.header.iter(), values);
    BASE64_URL_SAFE_NO_PAD.encode_string(&json, &mut token);
    token.push('.');
    json.clear();
    object(&mut json, shape.claims.iter().chain(params), values);
    BASE64_URL_SAFE_NO_PAD.encode_string(&json, &mut token);
    token
}

/// `unsigned` with its signature.
pub(super) fn signed(mut unsigned: String, signature: &[u8]) -> String {
    unsigned.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut unsigned);
    unsigned
}

/// Room for a usual token, so that it does not grow.
const ROOM: usize = 768;

fn object<'c>(json: &mut String, members: impl Iterator<Item = &'c (String, Claim)>, values: &Values<'_>) {
    json.push('{');
    for (at, (name, claim)) in members.enumerate() {
        if at > 0 {
            json.push(',');
        }
        push_quoted(json, name);
        json.push(':');
        claim.push(json, values);
    }
    json.push('}');
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
    fn push(&self, json: &mut String, values: &Values<'_>) {
        match self {
            Claim::One(value) => push_claim(json, value, values),
            Claim::List(items) => {
                json.push('[');
                for (at, value) in items.iter().enumerate() {
                    if at > 0 {
                        json.push(',');
                    }
                    push_claim(json, value, values);
                }
                json.push(']');
            }
        }
    }
}

/// A time is a number, everything else a text.
fn push_claim(json: &mut String, value: &Template, values: &Values<'_>) {
    let text = value.text(values);
    match value.is(&Hole::Time) || value.is(&Hole::Expiry) {
        true => json.push_str(&text),
        false => push_quoted(json, &text),
    }
}
