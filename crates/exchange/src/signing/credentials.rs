//! An API key with its secret, checked as far as that is possible without asking the exchange.

use std::fmt;

use seal::SecretText;
use serde::{Deserialize, Serialize};

use super::{KeyError, KeyKind, SecretForm, SigningKey};
use crate::Definition;

/// A field a user must supply to connect an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The public half, as shown at the exchange.
    ApiKey,
    /// The shared secret, or a private key in PEM.
    Secret,
}

/// A usable pair, real or virtual. No Debug, no Clone; the secret is wiped when it is dropped.
pub struct Credentials {
    pub(super) api_key: String,
    pub(super) key: SigningKey,
    pub(super) secret_form: Option<SecretForm>,
}

/// Choices of one credential that override its definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// How the secret's text becomes key bytes. Coinone's documents say as it is, ccxt writes it in capitals.
    pub secret_transform: Option<SecretForm>,
}

/// Why a pair cannot be used. Says which field, never what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CredentialError {
    /// The field to correct.
    pub field: Field,
    /// What is wrong with it.
    pub problem: CredentialProblem,
}

/// What is wrong with a field of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialProblem {
    /// The API key is empty, longer than 512 bytes or holds characters that no key has.
    BadApiKey,
    /// The secret stands in the API key's place.
    Swapped,
    /// Both fields hold the same text.
    Same,
    /// The secret itself.
    BadSecret(KeyError),
    /// This exchange does not take this kind of key.
    KindNotTaken(KeyKind),
}

impl Credentials {
    /// Checks a pair against what the exchange takes.
    ///
    /// `api_key`: the public half as text. `secret`: as the user gave it, PEM with its armour.
    pub fn parse(
        definition: &Definition,
        api_key: &str,
        secret: &SecretText,
        options: Options,
    ) -> Result<Credentials, CredentialError> {
        let wrong = |field, problem| Err(CredentialError { field, problem });
        if super::pem::is_pem(api_key.as_bytes()) {
            return wrong(Field::ApiKey, CredentialProblem::Swapped);
        }
        if !(1..=512).contains(&api_key.len()) || !api_key.bytes().all(|b| b.is_ascii_graphic()) {
            return wrong(Field::ApiKey, CredentialProblem::BadApiKey);
        }
        if api_key.as_bytes() == secret.expose().trim().as_bytes() {
            return wrong(Field::Secret, CredentialProblem::Same);
        }
        match SigningKey::parse(secret) {
            Err(error) => wrong(Field::Secret, CredentialProblem::BadSecret(error)),
            Ok(key) if !definition.key_kinds().contains(&key.kind()) => {
                wrong(Field::Secret, CredentialProblem::KindNotTaken(key.kind()))
            }
            Ok(key) => {
                Ok(Credentials { api_key: api_key.to_owned(), key, secret_form: options.secret_transform })
            }
        }
    }

    /// The public half.
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// What kind of key it is.
    pub fn kind(&self) -> KeyKind {
        self.key.kind()
    }
}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = match self.field {
            Field::ApiKey => "api_key",
            Field::Secret => "secret",
        };
        match self.problem {
            CredentialProblem::BadApiKey => {
                write!(f, "{field} is empty or holds characters a key does not have")
            }
            CredentialProblem::Swapped => {
                write!(f, "{field} holds a private key: key and secret are swapped")
            }
            CredentialProblem::Same => write!(f, "{field} is the same text as the API key"),
            CredentialProblem::BadSecret(error) => write!(f, "{field} {error}"),
            CredentialProblem::KindNotTaken(_) => {
                write!(f, "{field} is a kind of key this exchange does not take")
            }
        }
    }
}

impl std::error::Error for CredentialError {}
