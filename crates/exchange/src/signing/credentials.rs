//! An API key with its secret, checked as far as that is possible without asking the exchange.

use std::{fmt, sync::Arc};

use seal::SecretText;
use serde::{Deserialize, Serialize};

use super::{KeyError, KeyKind, NonceUnit, SecretForm, SigningKey};
use crate::Definition;

/// A field a user must supply to connect an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The public half, as shown at the exchange.
    ApiKey,
    /// The shared secret, or a private key in PEM.
    Secret,
    /// The passphrase chosen when the key was made, at exchanges that have one.
    Passphrase,
}

/// What a user typed.
#[derive(Clone, Copy)]
pub struct Typed<'a> {
    /// The public half as text.
    pub api_key: &'a str,
    /// As the user gave it, PEM with its armour.
    pub secret: &'a SecretText,
    /// Where the exchange has one.
    pub passphrase: Option<&'a SecretText>,
}

/// A pair out of the vault, opened for one use.
pub struct Kept {
    /// The public half.
    pub api_key: Arc<str>,
    /// The shared secret, or a private key in PEM.
    pub secret: SecretText,
    /// Where the exchange has one.
    pub passphrase: Option<SecretText>,
    /// How the secret is used.
    pub options: Options,
}

/// A usable pair, real or virtual. No Debug, no Clone; the secret is wiped when it is dropped.
pub struct Credentials {
    pub(super) api_key: Arc<str>,
    pub(super) key: SigningKey,
    pub(super) passphrase: SecretText,
    pub(super) options: Options,
}

/// Choices of one credential that override its definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// How the secret's text becomes key bytes. Coinone's documents say as it is, ccxt writes it in capitals.
    pub secret_transform: Option<SecretForm>,
    /// The algorithm of tokens. Upbit's documents have had both.
    pub jwt_alg: Option<TokenAlgorithm>,
    /// How old a signed request may be, in milliseconds, where the client does not say it.
    pub recv_window: Option<u64>,
    /// The unit of counting nonces, where this key was used with another one than the definition's.
    pub nonce_unit: Option<NonceUnit>,
}

/// The algorithms of tokens with a shared secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenAlgorithm {
    /// HMAC with SHA-256.
    HS256,
    /// HMAC with SHA-512.
    HS512,
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
    /// This exchange's keys have a passphrase, and none was given or it is no plain text of up to 128 bytes.
    BadPassphrase,
    /// This exchange's keys have no passphrase.
    NoPassphrase,
}

impl<'a> Typed<'a> {
    /// A pair of an exchange that has no passphrases.
    pub fn new(api_key: &'a str, secret: &'a SecretText) -> Typed<'a> {
        Typed { api_key, secret, passphrase: None }
    }
}

impl Credentials {
    /// Checks a pair against what the exchange takes.
    pub fn parse(
        definition: &Definition,
        typed: Typed<'_>,
        options: Options,
    ) -> Result<Credentials, CredentialError> {
        let wrong = |field, problem| CredentialError { field, problem };
        check_api_key(typed).map_err(|(field, problem)| wrong(field, problem))?;
        let key = definition
            .parse_secret(typed.secret)
            .map_err(|error| wrong(Field::Secret, CredentialProblem::BadSecret(error)))?;
        let kind = key.kind();
        if !definition.key_kinds().contains(&kind) {
            return Err(wrong(Field::Secret, CredentialProblem::KindNotTaken(kind)));
        }
        let forms = definition.secret_forms();
        if !forms.iter().any(|form| key.fits(*form)) {
            return Err(wrong(Field::Secret, CredentialProblem::BadSecret(KeyError::NotBase64)));
        }
        let passphrase = check_passphrase(definition, typed.passphrase)
            .map_err(|problem| wrong(Field::Passphrase, problem))?;
        Ok(Credentials { api_key: typed.api_key.into(), key, passphrase, options })
    }

    /// A pair out of the vault. It was checked before it went in; nothing of it is copied.
    ///
    /// Errors: the secret is none that any exchange takes.
    pub fn kept(definition: &Definition, kept: Kept) -> Result<Credentials, KeyError> {
        let Kept { api_key, secret, passphrase, options } = kept;
        let raw = definition.takes_raw_ed25519().then(|| SigningKey::parse_raw_ed25519(&secret)).flatten();
        let key = raw.map_or_else(|| SigningKey::take(secret), Ok)?;
        Ok(Credentials { api_key, key, passphrase: passphrase.unwrap_or_else(none), options })
    }

    /// A virtual pair whose secret is a private key: its public half in PEM is all that checking signatures takes.
    pub fn public(
        api_key: Arc<str>,
        public_key_pem: &str,
        passphrase: Option<SecretText>,
    ) -> Result<Credentials, KeyError> {
        let key = SigningKey::parse_public(public_key_pem).ok_or(KeyError::BrokenKey)?;
        let (passphrase, options) = (passphrase.unwrap_or_else(none), Options::default());
        Ok(Credentials { api_key, key, passphrase, options })
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
            Field::Passphrase => "passphrase",
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
            CredentialProblem::BadPassphrase => {
                write!(f, "{field} is missing or not plain text: it was chosen when the key was made")
            }
            CredentialProblem::NoPassphrase => write!(f, "{field} is not a thing this exchange's keys have"),
        }
    }
}

impl std::error::Error for CredentialError {}

impl Definition {
    /// A secret text by itself does not say what it is: base64 is a raw Ed25519 key only where the exchange says so.
    fn parse_secret(&self, secret: &SecretText) -> Result<SigningKey, KeyError> {
        match self.takes_raw_ed25519().then(|| SigningKey::parse_raw_ed25519(secret)).flatten() {
            Some(key) => Ok(key),
            None => SigningKey::parse(secret),
        }
    }
}

fn none() -> SecretText {
    String::new().into()
}

fn check_api_key(typed: Typed<'_>) -> Result<(), (Field, CredentialProblem)> {
    let api_key = typed.api_key;
    if super::pem::is_pem(api_key.as_bytes()) {
        return Err((Field::ApiKey, CredentialProblem::Swapped));
    }
    if !(1..=512).contains(&api_key.len()) || !api_key.bytes().all(|b| b.is_ascii_graphic()) {
        return Err((Field::ApiKey, CredentialProblem::BadApiKey));
    }
    match api_key.as_bytes() == typed.secret.expose().trim().as_bytes() {
        true => Err((Field::Secret, CredentialProblem::Same)),
        false => Ok(()),
    }
}

fn check_passphrase(
    definition: &Definition,
    given: Option<&SecretText>,
) -> Result<SecretText, CredentialProblem> {
    let given = given.map(SecretText::expose).filter(|text| !text.is_empty());
    match (definition.fields().contains(&Field::Passphrase), given) {
        (false, None) => Ok(none()),
        (false, Some(_)) => Err(CredentialProblem::NoPassphrase),
        (true, Some(text)) if text.len() <= 128 && text.bytes().all(|b| (b' '..=b'~').contains(&b)) => {
            Ok(text.to_owned().into())
        }
        (true, _) => Err(CredentialProblem::BadPassphrase),
    }
}
