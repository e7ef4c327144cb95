//! The two keys of an account as they rest in the cache: all that is not secret ready for use, the secrets sealed under the key
//! of this process. Each is opened for one request, and dropped.

use std::sync::Arc;

use exchange::{Credentials, Definition, Kept, Options};
use seal::{Context, Held, OpenError, ProcessKey, SecretBytes, SecretText, UserKey, connection, field};
use uuid::Uuid;

use crate::{
    connection::{
        ExchangeKey,
        secrets::{self, SealedConnection},
    },
    gateway::Denial,
};

/// The virtual pair of an access key, to check signatures with.
pub struct KeptPair {
    public_key: Arc<str>,
    passphrase: Option<Held>,
    private: Private,
}

/// What is kept of its private half.
enum Private {
    Nothing,
    Secret(Held),
    /// The secret is a private key that nobody keeps; its public half checks signatures.
    PublicPem(String),
}

/// The columns of a virtual pair.
#[derive(Default)]
pub struct StoredPair {
    pub secret: Option<String>,
    pub passphrase: Option<String>,
    pub public_key_pem: Option<String>,
}

/// The real key of a connection, to sign with.
pub struct KeptConnection {
    api_key: Arc<str>,
    secret: Held,
    passphrase: Option<Held>,
    options: Options,
}

impl KeptPair {
    /// Takes the columns apart, to be held by this process.
    pub fn read(
        (process, user_key): (&ProcessKey, &UserKey),
        access_key: Uuid,
        public_key: &str,
        stored: StoredPair,
    ) -> Result<Self, OpenError> {
        let held = |column, text: Option<String>| {
            let place = Context { table: "virtual_key", column, row: access_key };
            let hold = |text: String| process.hold(&field::read(user_key.user(), &place, &text)?, user_key);
            text.map(hold).transpose()
        };
        let private = match (stored.public_key_pem, held("secret", stored.secret)?) {
            (Some(pem), _) => Private::PublicPem(pem),
            (None, Some(secret)) => Private::Secret(secret),
            (None, None) => Private::Nothing,
        };
        Ok(KeptPair {
            public_key: public_key.into(),
            passphrase: held("passphrase", stored.passphrase)?,
            private,
        })
    }

    /// The pair, to check one signature.
    pub fn open(&self, process: &ProcessKey, definition: &Definition) -> Result<Credentials, Denial> {
        let passphrase = self.passphrase.as_ref().map(|held| text(process, held)).transpose()?;
        let api_key = self.public_key.clone();
        let opened = match &self.private {
            Private::Nothing => {
                return Err(Denial::unknown_key("this access key has no pair for this exchange"));
            }
            Private::PublicPem(pem) => Credentials::public(api_key, pem, passphrase),
            Private::Secret(held) => {
                let (secret, options) = (text(process, held)?, Options::default());
                Credentials::kept(definition, Kept { api_key, secret, passphrase, options })
            }
        };
        opened.map_err(Denial::down)
    }
}

impl KeptConnection {
    /// Takes the columns apart, to be held by this process, and opens the public half.
    pub fn read(
        (process, user_key): (&ProcessKey, &UserKey),
        id: Uuid,
        sealed: &SealedConnection,
    ) -> Result<Self, OpenError> {
        let field = |column, bytes: &[u8]| {
            let place = Context { table: secrets::TABLE, column, row: id };
            let stored = connection::Stored { sealed: bytes, salt: &sealed.salt };
            process.hold(&connection::read(user_key.user(), &place, stored)?, user_key)
        };
        let passphrase = sealed.passphrase.as_deref().map(|bytes| field("encrypted_passphrase", bytes));
        Ok(KeptConnection {
            api_key: secrets::public_key(user_key, id, sealed)?.into(),
            secret: field("encrypted_secret_key", &sealed.secret)?,
            passphrase: passphrase.transpose()?,
            options: sealed.options,
        })
    }

    /// The key, for one signature.
    pub fn open(&self, process: &ProcessKey, definition: &Definition) -> Result<Credentials, Denial> {
        let kept = Kept {
            api_key: self.api_key.clone(),
            secret: text(process, &self.secret)?,
            passphrase: self.passphrase.as_ref().map(|held| text(process, held)).transpose()?,
            options: self.options,
        };
        Credentials::kept(definition, kept).map_err(Denial::down)
    }

    /// The key, for questions of the gateway's own.
    pub fn exchange_key(&self, process: &ProcessKey) -> Result<ExchangeKey, Denial> {
        Ok(ExchangeKey {
            api_key: self.api_key.to_string(),
            secret: text(process, &self.secret)?,
            passphrase: self.passphrase.as_ref().map(|held| text(process, held)).transpose()?,
            options: self.options,
        })
    }

    /// The public half.
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// How the secret is used.
    pub fn options(&self) -> &Options {
        &self.options
    }
}

fn text(process: &ProcessKey, held: &Held) -> Result<SecretText, Denial> {
    held.open(process).and_then(SecretBytes::into_text).map_err(Denial::down)
}
