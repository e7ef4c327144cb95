//! The keys of the evidence, none of which is ever in the database unsealed.

use aws_lc_rs::hmac;
use seal::{Purpose, ServiceKey, SigningKey};
use uuid::Uuid;

use super::chain::{Chain, ChainKey, Head, Log};

/// Versions of the service key and of the key of checkpoints, the newest of each last. Only the newest makes anything.
pub struct Keys {
    services: Vec<ServiceKey>,
    signing: Vec<SigningKey>,
}

impl Keys {
    /// At least one of each, oldest first.
    pub fn new(services: Vec<ServiceKey>, signing: Vec<SigningKey>) -> Keys {
        Keys { services, signing }
    }

    pub fn chain(&self, user: Uuid, log: Log, head: Head) -> Chain {
        Chain::new(newest(&self.services), user, log, head)
    }

    /// The key of a chain as it was under this version of the service key.
    pub fn chain_key(&self, version: i32, user: Uuid, log: Log) -> Option<ChainKey> {
        let service = self.services.iter().find(|own| i64::from(own.version()) == i64::from(version))?;
        Some(ChainKey::new(service, user, log))
    }

    /// What signs checkpoints and stubs.
    pub fn signing(&self) -> &SigningKey {
        newest(&self.signing)
    }

    /// Ids and public keys of all that have signed.
    pub fn public(&self) -> impl Iterator<Item = (&str, [u8; 32])> {
        self.signing.iter().map(|key| (key.id(), key.public_key()))
    }

    pub fn public_key(&self, id: &str) -> Option<[u8; 32]> {
        self.public().find(|(own, _)| *own == id).map(|(_, key)| key)
    }
}

pub(super) fn mac_key(service: &ServiceKey, user: Uuid) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, service.derive_for(Purpose::Audit, user).expose())
}

#[expect(clippy::expect_used, reason = "the key ring makes one of each before there is anything to sign")]
fn newest<K>(keys: &[K]) -> &K {
    keys.last().expect("a key")
}
