//! The credential of a call: a virtual pair in the exchange's own place, `X-Keygate-Key`, or
//! `Authorization: Bearer kg_…`. Exactly one; where the exchange's own field holds a virtual key, its
//! signature must hold, and there is no falling back to a bearer form.

use exchange::{Definition, Request};
use http::{HeaderMap, header::AUTHORIZATION};
use seal::token::StoredAccessKey;

use super::{Call, Denial, account::Account};

pub enum Presented {
    /// The public half of a virtual pair; the signature of the request has to prove the rest.
    Pair { prefix: String },
    /// A whole token, and for a personal key the connection it asks for.
    Token { key: StoredAccessKey, connection: Option<String> },
}

/// What a proven signature leaves for the replay store.
pub struct Proof {
    pub signature_id: [u8; 32],
    pub replayable_until_ms: Option<u64>,
}

impl Presented {
    pub(super) fn find(
        definition: &Definition,
        request: &Request,
        headers: &HeaderMap,
    ) -> Result<Option<Self>, Denial> {
        let own = Presented::of_pair(definition, request);
        let header = one(headers, "x-keygate-key")?;
        let bearer = one(headers, AUTHORIZATION.as_str())?
            .and_then(|text| text.split_once(' '))
            .filter(|(scheme, token)| {
                scheme.eq_ignore_ascii_case("bearer") && token.trim().starts_with("kg_")
            })
            .map(|(_, token)| token.trim());
        let connection = one(headers, "x-keygate-connection")?.map(str::to_owned);
        match (own, header, bearer) {
            (None, None, None) => Ok(None),
            (own @ Some(_), None, None) => Ok(own),
            (None, Some(token), None) | (None, None, Some(token)) => {
                let key = StoredAccessKey::parse(token)
                    .map_err(|_| Denial::unknown_key("this is not an access key"))?;
                Ok(Some(Presented::Token { key, connection }))
            }
            _ => Err(Denial::denied("one-credential", "send exactly one Keygate credential")),
        }
    }

    /// What stands in the exchange's own place for a key.
    pub(super) fn of_pair(definition: &Definition, request: &Request) -> Option<Self> {
        let key = definition.presented_key(request).filter(|key| key.starts_with("kg_"))?;
        Some(Presented::Pair { prefix: key.into_owned() })
    }

    pub fn prefix(&self) -> &str {
        match self {
            Presented::Pair { prefix } => prefix,
            Presented::Token { key, .. } => &key.prefix,
        }
    }

    /// Of a whole token.
    pub fn hash(&self) -> Option<&str> {
        match self {
            Presented::Pair { .. } => None,
            Presented::Token { key, .. } => Some(&key.hash),
        }
    }

    pub fn connection(&self) -> Option<&str> {
        match self {
            Presented::Pair { .. } => None,
            Presented::Token { connection, .. } => connection.as_deref(),
        }
    }
}

impl Call<'_> {
    /// The caller is who the credential says: the pair signed this very request, or the token's hash fits.
    pub(super) fn prove(&self, presented: &Presented, account: &Account) -> Result<Option<Proof>, Denial> {
        match presented {
            Presented::Token { key, .. } => {
                match seal::mac::equal(key.hash.as_bytes(), account.key_hash.as_bytes()) {
                    true => Ok(None),
                    false => Err(Denial::unknown()),
                }
            }
            Presented::Pair { .. } => self.prove_pair(account).map(Some),
        }
    }

    fn prove_pair(&self, account: &Account) -> Result<Proof, Denial> {
        let pair = account.virtual_pair(self.app, self.definition)?;
        let now = u64::try_from(self.app.clock.now_ms()).unwrap_or(0);
        let verified = self.definition.verify(&self.request, &pair, now).map_err(refusal)?;
        Ok(Proof { signature_id: verified.signature_id, replayable_until_ms: verified.replayable_until_ms })
    }
}

/// Why a signature is not accepted, in our words.
pub(super) fn refusal(error: exchange::VerifyError) -> Denial {
    use exchange::VerifyError::{BadSignature, Missing, StaleTimestamp};
    let (kind, rule, text) = match error {
        BadSignature => {
            (exchange::Answer::BadSignature, "bad-signature", "the signature of the virtual pair is wrong")
        }
        Missing => (exchange::Answer::BadSignature, "no-signature", "sign the request with the virtual pair"),
        StaleTimestamp => (
            exchange::Answer::BadTimestamp,
            "stale",
            "the request is too old, or this machine's clock is off",
        ),
    };
    Denial { kind, rule, text: text.to_owned() }
}

/// A header's one value; twice is a contradiction.
fn one<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, Denial> {
    let mut values = headers.get_all(name).into_iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => match value.to_str() {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(Denial::denied("one-credential", format!("the header {name} is not readable"))),
        },
        _ => Err(Denial::denied("one-credential", format!("the header {name} came twice"))),
    }
}
