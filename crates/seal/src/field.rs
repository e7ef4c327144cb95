//! Self-contained fields, for tables without room for a salt and an IV (import inbox, integration
//! tokens, virtual secrets): `kg1.<user key version>.<b64url(salt ‖ iv ‖ C ‖ ct ‖ tag)>`.

use crate::envelope::{IV, SALT, Seal};
use crate::{Context, OpenError, SecretBytes, Tier, UserKey, random, text};

/// Seals a value for its place.
pub fn seal(key: &UserKey, place: &Context, plaintext: &[u8]) -> String {
    let (salt, iv) = (random::array::<SALT>(), random::array::<IV>());
    let context = place.encode(Tier::Platform(key));
    let body = Seal { salt: &salt, iv: &iv, context: &context }.seal(key.key().expose(), plaintext);
    format(key.version(), &[&salt, &iv, &body])
}

/// Opens a value at its place.
pub fn open(key: &UserKey, place: &Context, sealed: &str) -> Result<SecretBytes, OpenError> {
    let (version, payload) = parse(sealed)?;
    Tier::Platform(key).expect_versions(version, None)?;
    let (salt, rest) = text::take::<SALT>(&payload)?;
    let (iv, body) = text::take::<IV>(rest)?;
    let context = place.encode(Tier::Platform(key));
    Seal { salt, iv, context: &context }.open(key.key().expose(), body)
}

/// The version of the user key that a `kg1` or `kg1v` text is sealed under.
pub fn user_key_version(sealed: &str) -> Result<u32, OpenError> {
    if sealed.starts_with("kg1v.") {
        return crate::vault::versions(sealed).map(|(user_key, _)| user_key);
    }
    parse(sealed).map(|(version, _)| version)
}

/// `kg1.<version>.<b64url(parts)>`
pub(crate) fn format(version: u32, parts: &[&[u8]]) -> String {
    format!("kg1.{version}.{}", text::b64url(&parts.concat()))
}

/// Splits `kg1.<version>.<payload>`.
pub(crate) fn parse(sealed: &str) -> Result<(u32, Vec<u8>), OpenError> {
    let (version, payload) =
        sealed.strip_prefix("kg1.").and_then(|rest| rest.split_once('.')).ok_or(OpenError)?;
    Ok((text::number(version)?, text::from_b64url(payload)?))
}
