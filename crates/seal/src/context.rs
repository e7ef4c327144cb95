//! The place a value is sealed for. It goes into the key derivation and into the authenticated
//! data, so that a value which is moved elsewhere no longer opens.

use uuid::Uuid;

use crate::{OpenError, Secret, UserKey, VaultKey};

/// A cell of a table. Names are those of the database and are part of the format: renaming a
/// column means sealing its values again. The user and the key version come from the key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Context {
    /// The table's name.
    pub table: &'static str,
    /// The column's name.
    pub column: &'static str,
    /// The row's id, chosen before sealing.
    pub row: Uuid,
}

/// Which keys a value is sealed under.
#[derive(Clone, Copy)]
pub enum Tier<'k> {
    /// The user's platform key alone: can be opened without the user.
    Platform(&'k UserKey),
    /// The platform key and the vault key: can be opened while the vault is unlocked.
    Vault(&'k UserKey, &'k VaultKey),
}

impl Context {
    /// `"kg1" ‖ L(table) ‖ L(column) ‖ user ‖ row ‖ u32 user key version [‖ u32 vault key version]`
    pub(crate) fn encode(&self, tier: Tier<'_>) -> Vec<u8> {
        let user_key = tier.user_key();
        let mut bytes = self.of_user(user_key.user(), user_key.version());
        if let Tier::Vault(_, vault_key) = tier {
            bytes.extend_from_slice(&vault_key.version().to_be_bytes());
        }
        bytes
    }

    /// The same of the platform tier, without the key.
    pub(crate) fn of_user(&self, user: Uuid, user_key_version: u32) -> Vec<u8> {
        let mut bytes = start(self.table);
        push_sized(&mut bytes, self.column.as_bytes());
        bytes.extend_from_slice(user.as_bytes());
        bytes.extend_from_slice(self.row.as_bytes());
        bytes.extend_from_slice(&user_key_version.to_be_bytes());
        bytes
    }
}

impl<'k> Tier<'k> {
    /// The platform key of either tier.
    pub(crate) fn user_key(self) -> &'k UserKey {
        match self {
            Self::Platform(user_key) | Self::Vault(user_key, _) => user_key,
        }
    }

    /// Refuses a value whose prefix names other key versions.
    pub(crate) fn expect_versions(self, user_key: u32, vault_key: Option<u32>) -> Result<(), OpenError> {
        let own = match self {
            Self::Platform(own) => (own.version(), None),
            Self::Vault(own, vault) => (own.version(), Some(vault.version())),
        };
        if own == (user_key, vault_key) { Ok(()) } else { Err(OpenError) }
    }

    /// Input key material: `UK`, or `UK ‖ VK`.
    pub(crate) fn with_material<R>(self, use_it: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            Self::Platform(user_key) => use_it(user_key.key().expose()),
            Self::Vault(user_key, vault_key) => {
                let both = Secret::<[u8; 64]>::filled(|both| {
                    both[..32].copy_from_slice(user_key.key().expose());
                    both[32..].copy_from_slice(vault_key.key().expose());
                });
                use_it(both.expose())
            }
        }
    }
}

/// `"kg1" ‖ L(table)`: how every context begins.
pub(crate) fn start(table: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128);
    bytes.extend_from_slice(b"kg1");
    push_sized(&mut bytes, table.as_bytes());
    bytes
}

/// Appends `L(part)`: the length as u16, then the part. Names and ids are far below 64 KiB.
pub(crate) fn push_sized(bytes: &mut Vec<u8>, part: &[u8]) {
    let length = u16::try_from(part.len()).unwrap_or(u16::MAX);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(part);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Keyring, MasterKey};

    #[test]
    fn a_context_is_written_as_documented() {
        let keyring = Keyring::new(MasterKey::generate(1));
        let (user_key, _) = UserKey::create(&keyring, Uuid::from_u128(0x11), 0x0102_0304);
        let vault_key = VaultKey::generate(5);
        let place = Context { table: "ab", column: "cde", row: Uuid::from_u128(0x22) };
        let mut expected = b"kg1\x00\x02ab\x00\x03cde".to_vec();
        expected.extend([[0; 15].as_slice(), &[0x11], &[0; 15], &[0x22], &[1, 2, 3, 4]].concat());
        assert_eq!(place.encode(Tier::Platform(&user_key)), expected);
        expected.extend([0, 0, 0, 5]);
        assert_eq!(place.encode(Tier::Vault(&user_key, &vault_key)), expected);
    }
}
