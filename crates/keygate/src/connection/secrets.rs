//! Sealing a connection's key into its rows, and opening it again for the moment of use. A key stands in
//! two rows: its generation in `api_keys`, and the copy the connection signs with. Each copy is sealed to
//! its own place, so a row that is swapped or moved does not open.

use exchange::Options;
use seal::{Context, SecretBytes, SecretText, Tier, UserKey, connection, row};
use uuid::Uuid;

use super::{ExchangeKey, Row};
use crate::{
    app::App,
    error::{Error, Result},
    key_ring,
};

/// Tells whether a key is in the vault already, without opening any.
pub fn fingerprint(app: &App, exchange: &str, api_key: &str) -> String {
    seal::mac::fingerprint(&app.keys.fingerprint, format!("{exchange}\0{api_key}").as_bytes())
}

/// The columns of a generation.
pub struct SealedKey {
    pub salt: String,
    pub api_key: row::Field,
    pub secret: row::Field,
    pub passphrase: Option<row::Field>,
}

/// The columns of a connection.
pub struct SealedConnection {
    pub salt: Vec<u8>,
    pub api_key: Vec<u8>,
    pub secret: Vec<u8>,
    pub passphrase: Option<Vec<u8>>,
    /// Not secret: how the secret is used. Stands beside the sealed columns.
    pub options: Options,
}

pub fn seal_key(user_key: &UserKey, id: Uuid, key: &ExchangeKey) -> SealedKey {
    let sealer = row::Row::new(user_key, "api_keys", id);
    SealedKey {
        salt: sealer.salt(),
        api_key: sealer.seal("encrypted_api_key", key.api_key.as_bytes()),
        secret: sealer.seal("encrypted_secret", key.secret.expose().as_bytes()),
        passphrase: key
            .passphrase
            .as_ref()
            .map(|text| sealer.seal("encrypted_passphrase", text.expose().as_bytes())),
    }
}

pub fn seal_connection(user_key: &UserKey, id: Uuid, key: &ExchangeKey) -> SealedConnection {
    let sealer = connection::Row::new(Tier::Platform(user_key), TABLE, id);
    SealedConnection {
        salt: sealer.salt().to_vec(),
        api_key: sealer.seal("encrypted_api_key", key.api_key.as_bytes()),
        secret: sealer.seal("encrypted_secret_key", key.secret.expose().as_bytes()),
        passphrase: key
            .passphrase
            .as_ref()
            .map(|text| sealer.seal("encrypted_passphrase", text.expose().as_bytes())),
        options: key.options,
    }
}

/// Opens the whole key of a connection, for one call to the exchange.
pub async fn open(app: &App, user: Uuid, row: &Row) -> Result<ExchangeKey> {
    let mut tx = app.db.user(user).await?;
    let user_key = key_ring::user_key(app, &mut tx, user).await?;
    tx.commit().await?;
    open_with(&user_key, row.id, &row.sealed).map_err(Error::internal)
}

pub fn open_with(
    user_key: &UserKey,
    id: Uuid,
    sealed: &SealedConnection,
) -> Result<ExchangeKey, seal::OpenError> {
    let field = |column, bytes: &[u8]| open_field(user_key, id, column, bytes, &sealed.salt)?.into_text();
    let passphrase =
        sealed.passphrase.as_deref().map(|bytes| field("encrypted_passphrase", bytes)).transpose()?;
    Ok(ExchangeKey {
        api_key: public_key(user_key, id, sealed)?,
        secret: field("encrypted_secret_key", &sealed.secret)?,
        passphrase,
        options: sealed.options,
    })
}

/// The options as the connection's metadata holds them; what does not parse is the default.
pub fn options(metadata: Option<serde_json::Value>) -> Options {
    metadata.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default()
}

/// The public half alone: what masked views are made of.
pub fn public_key(
    user_key: &UserKey,
    id: Uuid,
    sealed: &SealedConnection,
) -> Result<String, seal::OpenError> {
    let text: SecretText =
        open_field(user_key, id, "encrypted_api_key", &sealed.api_key, &sealed.salt)?.into_text()?;
    Ok(text.expose().to_owned())
}

/// First and last four characters of a public key; short ones show nothing.
pub fn mask(public_key: &str) -> String {
    let letters: Vec<char> = public_key.chars().collect();
    match letters.len() >= 12 {
        true => letters[..4].iter().chain(&['*'; 4]).chain(&letters[letters.len() - 4..]).collect(),
        false => "********".to_owned(),
    }
}

fn open_field(
    user_key: &UserKey,
    id: Uuid,
    column: &'static str,
    sealed: &[u8],
    salt: &[u8],
) -> Result<SecretBytes, seal::OpenError> {
    let place = Context { table: TABLE, column, row: id };
    connection::open(Tier::Platform(user_key), &place, connection::Stored { sealed, salt })
}

pub const TABLE: &str = "exchange_connections";
