//! Randomness for keys, salts, IVs and tokens: the operating system's generator and nothing else.
//! There is no seed and no way to replace it.

use aws_lc_rs::rand;

use crate::{Key, SecretText};

/// The 62 letters and digits, in the order of base62 values.
pub(crate) const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Fills the buffer. A machine without randomness must stop rather than go on with weak keys, so
/// this cannot fail.
#[expect(clippy::expect_used, reason = "going on without randomness must not be possible")]
pub fn fill(buffer: &mut [u8]) {
    rand::fill(buffer).expect("the system random generator works");
}

/// Random bytes that are not secret: salts, IVs, nonces.
pub fn array<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

/// A fresh 256-bit key.
pub fn key() -> Key {
    Key::filled(|key| fill(key))
}

/// Secret text of `length` base62 characters, each with 5.95 bits of entropy.
pub fn base62(length: usize) -> SecretText {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let byte = array::<1>()[0] >> 2;
        // 62 and 63 are thrown away: a modulus would make some letters likelier than others.
        if let Some(&letter) = BASE62.get(usize::from(byte)) {
            text.push(char::from(letter));
        }
    }
    SecretText::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base62_has_the_asked_length_and_alphabet() {
        for length in [0, 1, 8, 32, 300] {
            let text = base62(length);
            assert_eq!(text.expose().len(), length);
            assert!(text.expose().bytes().all(|letter| BASE62.contains(&letter)));
        }
    }

    #[test]
    fn every_base62_letter_is_equally_likely() {
        let mut seen = [0_u32; 256];
        let text = base62(62_000);
        text.expose().bytes().for_each(|letter| seen[usize::from(letter)] += 1);
        // Mean 1000, deviation 31.5: a bound of six deviations fails once in ten million runs.
        for letter in BASE62 {
            let count = seen[usize::from(*letter)];
            assert!((810..1190).contains(&count), "{} came {count} times", char::from(*letter));
        }
    }

    #[test]
    fn no_two_arrays_are_equal() {
        assert_ne!(array::<32>(), array::<32>());
        assert!(!key().ct_eq(&key()));
    }
}
