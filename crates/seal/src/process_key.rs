//! Secrets that a running process opens again and again: sealed anew under a key of this process alone.
//!
//! ```text
//! ct‖tag = AES-256-GCM(process key, iv, aad = context, plaintext)
//! ```
//!
//! The key is random, is made at start, is written nowhere and ends with the process; so there is no format, and no
//! rotation. The stored form needs two key derivations for each opening, this one none.

use aws_lc_rs::aead::{Aad, LessSafeKey, Nonce};
use zeroize::Zeroizing;

use crate::envelope::{IV, TAG, aes};
use crate::{OpenError, Sealed, SecretBytes, UserKey, random};

/// The key of one process. Values held under another do not open.
pub struct ProcessKey(LessSafeKey);

/// A secret in the memory of the process that holds it. Holds nothing secret without the process's key.
pub struct Held {
    iv: [u8; IV],
    /// The place it was stored at, so that no two values can be exchanged.
    context: Box<[u8]>,
    /// `ct ‖ tag`
    body: Box<[u8]>,
}

impl ProcessKey {
    /// Makes the key; once for each process.
    pub fn generate() -> Self {
        let mut key = Zeroizing::new([0; 64]);
        key[..32].copy_from_slice(random::key().expose());
        Self(aes(&key))
    }

    /// Opens a stored value with its owner's key and holds it. Another user's key, or another version of it, is refused.
    pub fn hold(&self, stored: &Sealed, user_key: &UserKey) -> Result<Held, OpenError> {
        Ok(self.seal(stored.context(), stored.open(user_key)?.expose()))
    }

    // Random IVs: a process would have to hold 2^32 values before one was likely to come twice (NIST SP 800-38D, 8.3).
    #[expect(clippy::expect_used, reason = "fails only above 64 GiB, which no caller can hold")]
    fn seal(&self, context: &[u8], plaintext: &[u8]) -> Held {
        let iv = random::array::<IV>();
        let mut body = vec![0; plaintext.len() + TAG];
        let (ciphertext, tag) = body.split_at_mut(plaintext.len());
        let nonce = Nonce::assume_unique_for_key(iv);
        self.0
            .seal_out_of_place_scatter(nonce, Aad::from(context), plaintext, ciphertext, &[], tag)
            .expect("AES-GCM seals a message of this length");
        Held { iv, context: context.into(), body: body.into() }
    }
}

impl Held {
    /// The value. Drop it when it was used.
    pub fn open(&self, key: &ProcessKey) -> Result<SecretBytes, OpenError> {
        let (ciphertext, tag) = self.body.split_last_chunk::<TAG>().ok_or(OpenError)?;
        let mut plaintext = vec![0; ciphertext.len()];
        let (nonce, context) = (Nonce::assume_unique_for_key(self.iv), Aad::from(&self.context));
        let opened = key.0.open_separate_gather(nonce, context, ciphertext, tag, &mut plaintext);
        // Made a secret even on failure, so that whatever was written is wiped.
        let plaintext = SecretBytes::from(plaintext);
        opened.map(|()| plaintext).map_err(|_| OpenError)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{Context, Keyring, MasterKey, field};

    const PLACE: Context = Context { table: "t", column: "c", row: Uuid::nil() };

    fn owner() -> UserKey {
        UserKey::create(&Keyring::new(MasterKey::generate(1)), Uuid::from_u128(1), 3).0
    }

    fn stored(owner: &UserKey, text: &[u8]) -> Sealed {
        field::read(owner.user(), &PLACE, &field::seal(owner, &PLACE, text)).unwrap()
    }

    #[test]
    fn held_value_opens_again_and_again_in_its_own_process_alone() {
        let (owner, process) = (owner(), ProcessKey::generate());
        for text in [&b"secret"[..], b"", &[7; 3300]] {
            let held = process.hold(&stored(&owner, text), &owner).unwrap();
            for _ in 0..2 {
                assert_eq!(held.open(&process).unwrap().expose(), text);
            }
            assert!(held.open(&ProcessKey::generate()).is_err());
        }
    }

    #[test]
    fn only_its_owners_key_lets_a_value_be_held() {
        let (one, process) = (owner(), ProcessKey::generate());
        assert!(process.hold(&stored(&one, b"secret"), &owner()).is_err());
    }

    #[test]
    fn changed_or_moved_value_does_not_open() {
        let (owner, process) = (owner(), ProcessKey::generate());
        let hold = || process.hold(&stored(&owner, b"secret"), &owner).unwrap();
        let changes: [fn(&mut Held); 4] = [
            |held| held.iv[0] ^= 1,
            |held| held.context[5] ^= 1,
            |held| held.body[0] ^= 1,
            |held| held.body = held.body[1..].into(),
        ];
        for change in changes {
            let mut held = hold();
            change(&mut held);
            assert!(held.open(&process).is_err());
        }
        assert_ne!(hold().iv, hold().iv);
        assert_ne!(hold().body, hold().body);
    }
}
