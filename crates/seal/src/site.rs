//! Keys of the site itself (`site_api_keys`), which belong to no user and are sealed by the root
//! provider: `kms1.<provider id>.<b64url(what the provider returned)>`.

use uuid::Uuid;

use crate::root::Root;
use crate::{KeyError, OpenError, RootError, SecretBytes, context, text};

/// Which site key: the row, the column and the provider the key is for (`openai`, ...).
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// The row's id.
    pub row: Uuid,
    /// The column's name.
    pub column: &'static str,
    /// The row's `provider`: a value moved to another provider's row no longer opens.
    pub provider: &'a str,
}

/// Seals a site key by the root provider.
pub fn seal(root: &dyn Root, site: &Site<'_>, plaintext: &[u8]) -> Result<String, RootError> {
    let wrapped = root.wrap(&site.encode(), plaintext)?;
    Ok(format!("kms1.{}.{}", root.id(), text::b64url(&wrapped)))
}

/// Opens a site key. One sealed by another root key is [`KeyError::WrongRootKey`].
pub fn open(root: &dyn Root, site: &Site<'_>, sealed: &str) -> Result<SecretBytes, KeyError> {
    let (id, payload) =
        sealed.strip_prefix("kms1.").and_then(|rest| rest.rsplit_once('.')).ok_or(OpenError)?;
    let wrapped = text::from_b64url(payload)?;
    if id != root.id() {
        return Err(KeyError::WrongRootKey);
    }
    root.unwrap(&site.encode(), &wrapped).map_err(|error| match error {
        RootError::Refused => KeyError::Open,
        other => KeyError::Root(other),
    })
}

impl Site<'_> {
    /// `"kg1" ‖ L("site_api_keys") ‖ L(column) ‖ row ‖ L(provider)`
    fn encode(&self) -> Vec<u8> {
        let mut bytes = context::start("site_api_keys");
        context::push_sized(&mut bytes, self.column.as_bytes());
        bytes.extend_from_slice(self.row.as_bytes());
        context::push_sized(&mut bytes, self.provider.as_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::LocalRoot;

    const SITE: Site<'static> = Site { row: Uuid::nil(), column: "encrypted_key", provider: "openai" };

    #[test]
    fn a_wrong_root_key_is_told_from_tampering() {
        let (root, other) = (LocalRoot::generate().0, LocalRoot::generate().0);
        let sealed = seal(&root, &SITE, b"sk-secret").unwrap();
        assert_eq!(open(&root, &SITE, &sealed).ok().unwrap().expose(), b"sk-secret");
        assert_eq!(open(&other, &SITE, &sealed).err(), Some(KeyError::WrongRootKey));
        let renamed = sealed.replace(root.id(), other.id());
        assert_eq!(open(&other, &SITE, &renamed).err(), Some(KeyError::Open));
    }

    #[test]
    fn a_provider_name_may_contain_dots() {
        let root = Dotted(LocalRoot::generate().0);
        let sealed = seal(&root, &SITE, b"sk-secret").unwrap();
        assert_eq!(open(&root, &SITE, &sealed).ok().unwrap().expose(), b"sk-secret");
    }

    struct Dotted(LocalRoot);

    impl Root for Dotted {
        fn id(&self) -> &str {
            "gcpkms:projects/example.org/keys/1"
        }

        fn wrap(&self, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, RootError> {
            self.0.wrap(aad, plaintext)
        }

        fn unwrap(&self, aad: &[u8], wrapped: &[u8]) -> Result<SecretBytes, RootError> {
            self.0.unwrap(aad, wrapped)
        }

        fn health(&self) -> Result<(), RootError> {
            self.0.health()
        }
    }
}
