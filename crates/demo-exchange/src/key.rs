//! The keys an exchange knows, found by their public half.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::check;
use crate::config::{Credential, Key, Permission, Venue};
use crate::floor::{AccountId, Floor};
use crate::request::Signer;

#[derive(Default)]
pub(crate) struct Keys(BTreeMap<String, Entry>);

/// A key and the account it opens.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) account: AccountId,
    pub(crate) account_name: String,
    pub(crate) key: Key,
}

impl Keys {
    /// The keys of every customer of a floor.
    pub(crate) fn of(venue: &Venue, floor: &Floor) -> Self {
        let mut keys = Self::default();
        for (account, (name, id)) in venue.accounts.iter().zip(floor.customers()) {
            for key in &account.keys {
                keys.insert(id, name, key.clone());
            }
        }
        keys
    }

    pub(crate) fn insert(&mut self, account: AccountId, account_name: &str, key: Key) {
        let entry = Entry { account, account_name: account_name.to_owned(), key };
        self.0.insert(entry.key.api_key.clone(), entry);
    }

    pub(crate) fn get(&self, api_key: &str) -> Option<&Entry> {
        self.0.get(api_key)
    }

    pub(crate) fn get_mut(&mut self, api_key: &str) -> Option<&mut Key> {
        self.0.get_mut(api_key).map(|entry| &mut entry.key)
    }

    pub(crate) fn remove(&mut self, api_key: &str) -> bool {
        self.0.remove(api_key).is_some()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.0.values()
    }
}

impl Entry {
    /// The shared secret, if the key has one.
    pub(crate) fn secret(&self) -> Option<&str> {
        match &self.key.credential {
            Credential::Hmac(secret) => Some(secret),
            _ => None,
        }
    }

    /// The MAC of a message under the shared secret.
    pub(crate) fn mac(&self, algorithm: check::Algorithm, message: &[u8]) -> Option<Vec<u8>> {
        Some(check::mac(algorithm, self.secret()?.as_bytes(), message))
    }

    pub(crate) fn may(&self, permission: Permission) -> bool {
        self.key.permissions.contains(&permission)
    }

    pub(crate) fn admits(&self, peer: IpAddr) -> bool {
        self.key.ips.is_empty() || self.key.ips.contains(&peer)
    }

    pub(crate) fn signer(&self, exchange: &'static str) -> Signer {
        Signer { exchange, account: self.account_name.clone(), key: self.key.name.clone() }
    }
}
