//! The master key: wrapped by the root provider, and never stored otherwise.

use crate::keyring::with_kid;
use crate::root::Root;
use crate::{Key, KeyError, OpenError, RootError, context, mac, random};

/// A platform master key and its number.
pub struct MasterKey {
    kid: u32,
    key: Key,
}

/// A master key as a row of `keygate.keyring` holds it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WrappedMasterKey {
    /// The key's number.
    pub kid: u32,
    /// [`Root::id`] of the provider that wrapped it.
    pub provider: String,
    /// What the provider returned.
    pub wrapped: Vec<u8>,
    /// The first 8 bytes of `HMAC-SHA-256(key, "kcv")`.
    pub kcv: [u8; 8],
}

impl MasterKey {
    /// A fresh key.
    pub fn generate(kid: u32) -> Self {
        Self { kid, key: random::key() }
    }

    /// The key's number.
    pub fn kid(&self) -> u32 {
        self.kid
    }

    /// Wraps the key by the root provider.
    pub fn wrap(&self, root: &dyn Root) -> Result<WrappedMasterKey, RootError> {
        let wrapped = root.wrap(&place(self.kid), self.key.expose())?;
        Ok(WrappedMasterKey { kid: self.kid, provider: root.id().to_owned(), wrapped, kcv: self.kcv() })
    }

    /// Unwraps a row of the keyring. A root key other than the one that wrapped it, or a check
    /// value that does not fit, is [`KeyError::WrongRootKey`]: refuse to start.
    pub fn unwrap(root: &dyn Root, row: &WrappedMasterKey) -> Result<Self, KeyError> {
        let key = root.unwrap(&place(row.kid), &row.wrapped).map_err(|error| match error {
            RootError::Refused => KeyError::WrongRootKey,
            other => KeyError::Root(other),
        })?;
        let master = Self { kid: row.kid, key: key.into_key().map_err(|OpenError| KeyError::WrongRootKey)? };
        if mac::equal(&master.kcv(), &row.kcv) { Ok(master) } else { Err(KeyError::WrongRootKey) }
    }

    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    fn kcv(&self) -> [u8; 8] {
        let mut kcv = [0; 8];
        kcv.copy_from_slice(&mac::sign(&self.key, b"kcv")[..8]);
        kcv
    }
}

/// `"kg1" ‖ L("keyring") ‖ u32 kid`
fn place(kid: u32) -> Vec<u8> {
    with_kid(context::start("keyring"), kid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SecretBytes;
    use crate::root::LocalRoot;

    #[test]
    fn a_wrong_root_key_is_told_from_other_failures() {
        let (root, other) = (LocalRoot::generate().0, LocalRoot::generate().0);
        let row = MasterKey::generate(1).wrap(&root).unwrap();
        assert_eq!(MasterKey::unwrap(&root, &row).ok().unwrap().kid(), 1);
        assert_eq!(MasterKey::unwrap(&other, &row).err(), Some(KeyError::WrongRootKey));
        let sealed = MasterKey::unwrap(&Away, &row).err();
        assert_eq!(sealed, Some(KeyError::Root(RootError::Unavailable("no answer".to_owned()))));
    }

    /// A provider that authenticates nothing is still caught by the check value.
    #[test]
    fn the_check_value_alone_catches_a_wrong_key() {
        let row = MasterKey::generate(1).wrap(&Plain([1; 32])).unwrap();
        assert!(MasterKey::unwrap(&Plain([1; 32]), &row).is_ok());
        assert_eq!(MasterKey::unwrap(&Plain([2; 32]), &row).err(), Some(KeyError::WrongRootKey));
        let row = WrappedMasterKey { wrapped: row.wrapped[..31].to_vec(), ..row };
        assert_eq!(MasterKey::unwrap(&Plain([1; 32]), &row).err(), Some(KeyError::WrongRootKey));
    }

    #[test]
    fn the_stored_row_names_provider_and_check_value() {
        let root = LocalRoot::generate().0;
        let master = MasterKey::generate(9);
        let row = master.wrap(&root).unwrap();
        assert_eq!((row.kid, row.provider.as_str()), (9, root.id()));
        assert_eq!(row.kcv, mac::sign(&master.key, b"kcv")[..8]);
    }

    /// A provider that does not answer.
    struct Away;

    impl Root for Away {
        fn id(&self) -> &str {
            "away"
        }

        fn wrap(&self, _: &[u8], _: &[u8]) -> Result<Vec<u8>, RootError> {
            self.health().map(|()| Vec::new())
        }

        fn unwrap(&self, _: &[u8], _: &[u8]) -> Result<SecretBytes, RootError> {
            self.health().map(|()| Vec::new().into())
        }

        fn health(&self) -> Result<(), RootError> {
            Err(RootError::Unavailable("no answer".to_owned()))
        }
    }

    /// A provider that only masks.
    struct Plain([u8; 32]);

    impl Root for Plain {
        fn id(&self) -> &str {
            "plain"
        }

        fn wrap(&self, _: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, RootError> {
            Ok(plaintext.iter().zip(self.0).map(|(byte, mask)| byte ^ mask).collect())
        }

        fn unwrap(&self, aad: &[u8], wrapped: &[u8]) -> Result<SecretBytes, RootError> {
            self.wrap(aad, wrapped).map(SecretBytes::from)
        }

        fn health(&self) -> Result<(), RootError> {
            Ok(())
        }
    }
}
