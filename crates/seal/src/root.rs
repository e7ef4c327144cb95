//! The root provider: wraps master keys and the site's own keys, and never sees user data. It is
//! called at boot, at rotation and for site keys only, so it may be slow or away.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroize as _;

use crate::envelope::{IV, SALT, Seal, hkdf};
use crate::{Key, OpenError, RootError, SecretBytes, SecretText, random, text};

/// What a key-management service, a security module or a local key offers.
pub trait Root: Send + Sync {
    /// A stable, printable name of provider and key; it is stored with what was wrapped.
    fn id(&self) -> &str;

    /// Encrypts and authenticates a small secret together with `aad`.
    fn wrap(&self, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, RootError>;

    /// Undoes [`Root::wrap`]. [`RootError::Refused`] means a wrong key, other `aad` or tampering;
    /// anything that may pass is [`RootError::Unavailable`].
    fn unwrap(&self, aad: &[u8], wrapped: &[u8]) -> Result<SecretBytes, RootError>;

    /// Whether the provider answers now.
    fn health(&self) -> Result<(), RootError>;
}

/// A root key held by this process, read from a file or the environment.
pub struct LocalRoot {
    id: String,
    key: Key,
}

impl LocalRoot {
    /// Reads 32 bytes of standard base64; one trailing line break is allowed. A key of 32 equal
    /// bytes is a placeholder and refused.
    pub fn parse(encoded: &str) -> Result<Self, RootError> {
        let line = encoded.strip_suffix('\n').unwrap_or(encoded);
        let line = line.strip_suffix('\r').unwrap_or(line);
        let bytes = STANDARD.decode(line).map_err(|_| RootError::Malformed)?;
        let key = SecretBytes::from(bytes).into_key().map_err(|OpenError| RootError::Malformed)?;
        if key.expose().iter().all(|byte| *byte == key.expose()[0]) {
            return Err(RootError::Malformed);
        }
        Ok(Self::new(key))
    }

    /// A fresh root key, and the text to write to its file.
    pub fn generate() -> (Self, SecretText) {
        let key = random::key();
        let mut encoded = text::b64(key.expose());
        let file = SecretText::from(format!("{encoded}\n"));
        encoded.zeroize();
        (Self::new(key), file)
    }

    fn new(key: Key) -> Self {
        let mut name = [0; 8];
        hkdf(&[], key.expose(), &[b"kg1/root-id"], &mut name);
        Self { id: format!("local:{}", text::hex(&name)), key }
    }
}

impl Root for LocalRoot {
    /// `local:` and sixteen hex digits that tell root keys apart.
    fn id(&self) -> &str {
        &self.id
    }

    /// `salt ‖ iv ‖ C ‖ ct ‖ tag`
    fn wrap(&self, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, RootError> {
        let (salt, iv) = (random::array::<SALT>(), random::array::<IV>());
        let body = Seal { salt: &salt, iv: &iv, context: aad }.seal(self.key.expose(), plaintext);
        Ok([&salt[..], &iv, &body].concat())
    }

    fn unwrap(&self, aad: &[u8], wrapped: &[u8]) -> Result<SecretBytes, RootError> {
        let open = || {
            let (salt, rest) = text::take::<SALT>(wrapped)?;
            let (iv, body) = text::take::<IV>(rest)?;
            Seal { salt, iv, context: aad }.open(self.key.expose(), body)
        };
        open().map_err(|OpenError| RootError::Refused)
    }

    fn health(&self) -> Result<(), RootError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_file_parses_to_the_same_key() {
        let (root, file) = LocalRoot::generate();
        let again = LocalRoot::parse(file.expose()).ok().unwrap();
        let wrapped = root.wrap(b"aad", b"secret").unwrap();
        assert_eq!(again.unwrap(b"aad", &wrapped).ok().unwrap().expose(), b"secret");
        assert_eq!(again.id(), root.id());
        assert_eq!(file.expose().len(), 45);
    }

    #[test]
    fn line_ends_of_any_system_are_allowed_once() {
        let (_, file) = LocalRoot::generate();
        let key = file.expose().trim_end();
        for good in [key.to_owned(), format!("{key}\n"), format!("{key}\r\n")] {
            assert!(LocalRoot::parse(&good).is_ok());
        }
        for bad in [format!("{key}\n\n"), format!(" {key}"), format!("{key} "), format!("{key}{key}")] {
            assert!(LocalRoot::parse(&bad).is_err());
        }
    }

    #[test]
    fn a_malformed_key_is_refused_without_repeating_it() {
        for length in [0, 1, 16, 31, 33, 64] {
            let encoded = text::b64(&random::array::<64>()[..length]);
            let error = LocalRoot::parse(&encoded).err().unwrap();
            assert_eq!(error, RootError::Malformed);
            assert!(encoded.is_empty() || !format!("{error} {error:?}").contains(&encoded));
        }
        for placeholder in [[0; 32], [0xff; 32]] {
            assert_eq!(LocalRoot::parse(&text::b64(&placeholder)).err(), Some(RootError::Malformed));
        }
    }

    #[test]
    fn ids_tell_root_keys_apart() {
        let (one, two) = (LocalRoot::generate().0, LocalRoot::generate().0);
        assert_ne!(one.id(), two.id());
        assert_eq!((one.id().len(), one.health()), ("local:0123456789abcdef".len(), Ok(())));
    }

    #[test]
    fn a_root_can_be_any_provider() {
        let roots: Vec<Box<dyn Root>> = vec![Box::new(LocalRoot::generate().0)];
        let wrapped = roots[0].wrap(b"", b"").unwrap();
        assert!(roots[0].unwrap(b"", &wrapped).ok().unwrap().expose().is_empty());
    }
}
