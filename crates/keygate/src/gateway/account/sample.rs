//! An account as it is loaded, without a database.

#![allow(clippy::expect_used, reason = "for the tests and the fuzz target alone")]

use std::sync::LazyLock;

use seal::{Keyring, MasterKey, ProcessKey, UserKey};
use uuid::Uuid;

use super::{Account, Connection, KeptConnection, KeptPair, StoredPair};
use crate::{
    connection::{
        ExchangeKey,
        secrets::{SealedConnection, seal_connection},
    },
    limits::Limits,
};

/// Nobody's in particular, in use and with every right.
pub fn account(limits: Limits) -> Account {
    let Sealed { process, user_key, connection } = &*SEALED;
    let keys = (process, user_key);
    Account {
        access_key: Uuid::from_u128(2),
        key_prefix: PREFIX.to_owned(),
        key_hash: String::new(),
        user: USER,
        user_is_active: true,
        scopes: ["read", "trade", "transfer", "withdraw"].map(str::to_owned).to_vec(),
        expires_at: None,
        revoked: false,
        allowed_addresses: None,
        bot: None,
        connection: Connection {
            id: CONNECTION,
            api_key: Uuid::from_u128(4),
            environment: exchange::PRODUCTION.to_owned(),
            status: "active".to_owned(),
            key: KeptConnection::read(keys, CONNECTION, connection).expect("it was sealed below"),
        },
        named: None,
        limits,
        stopped: false,
        suspended: false,
        pair: KeptPair::read(keys, Uuid::from_u128(2), PREFIX, StoredPair::default())
            .expect("nothing to open"),
    }
}

struct Sealed {
    process: ProcessKey,
    user_key: UserKey,
    connection: SealedConnection,
}

static SEALED: LazyLock<Sealed> = LazyLock::new(|| {
    let (user_key, _) = UserKey::create(&Keyring::new(MasterKey::generate(1)), USER, 1);
    let (api_key, secret) = ("KEY".to_owned(), "SECRET".to_owned().into());
    let key = ExchangeKey { api_key, secret, passphrase: None, options: exchange::Options::default() };
    let connection = seal_connection(&user_key, CONNECTION, &key);
    Sealed { process: ProcessKey::generate(), user_key, connection }
});

const PREFIX: &str = "kg_decision";
const USER: Uuid = Uuid::from_u128(1);
pub const CONNECTION: Uuid = Uuid::from_u128(3);
