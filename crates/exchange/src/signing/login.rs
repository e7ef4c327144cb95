//! Log-ins on streams with a session: what a client signed with its virtual pair, and the gateway's own.

use aws_lc_rs::constant_time::verify_slices_are_equal;

use super::{Credentials, SignError, Verified, VerifyError, verify::proven};
use crate::{
    Definition, Frame,
    definition::{Login, LoginPart, LoginStream},
    request::quote,
};

/// How old a log-in may be, or ahead; and how far ahead the end of its life.
const WINDOW_MS: u64 = 30_000;
/// How long a log-in of the gateway's own may be used.
const LIFE_MS: u64 = 10_000;

impl Definition {
    pub(super) fn verify_login(
        &self,
        stream: &LoginStream,
        frame: &Frame,
        pair: &Credentials,
        now_ms: u64,
    ) -> Result<Verified, VerifyError> {
        let login = &stream.login;
        let given = |part| frame.log_in.as_ref().and_then(|own| own.get(part)).ok_or(VerifyError::Missing);
        let time = given(LoginPart::Time).or_else(|_| given(LoginPart::Expiry))?;
        let profile = self.profile(frame.request.path(), pair.kind()).ok_or(VerifyError::BadSignature)?;
        let signature_id = proven(profile, pair, given(LoginPart::Signature)?, &login.signed_text(time))?;
        let passphrase = given(LoginPart::Passphrase).unwrap_or_default().as_bytes();
        let known = verify_slices_are_equal(passphrase, pair.passphrase.expose().as_bytes()).is_ok();
        if !known || given(LoginPart::Key)? != pair.api_key() {
            return Err(VerifyError::BadSignature);
        }
        let (timestamp_ms, until_ms) = check_time(login, time, now_ms).ok_or(VerifyError::StaleTimestamp)?;
        Ok(Verified { timestamp_ms, replayable_until_ms: Some(until_ms), signature_id })
    }

    /// The frame that logs in at the exchange on the stream at `path`, with the real key. It holds the passphrase: it goes
    /// nowhere else.
    pub fn sign_login(
        &self,
        path: &str,
        credentials: &Credentials,
        now_ms: u64,
    ) -> Result<String, SignError> {
        let stream = self.login_stream(path).ok_or(SignError::Params)?;
        let (login, kind) = (&stream.login, credentials.kind());
        let profile = self.profile(path, kind).ok_or(SignError::KeyKind(kind))?;
        let ends = login.has(LoginPart::Expiry);
        let time = login.clock.text(if ends { now_ms.saturating_add(LIFE_MS) } else { now_ms });
        let text = login.signed_text(&time);
        let signature = credentials.key.sign(profile.hash, credentials.form(profile), text.as_bytes());
        let (signature, encoding) = signature.zip(profile.keys.get(&kind)).ok_or(SignError::Failed)?;
        let params = login.params(|part| match part {
            LoginPart::Key => credentials.api_key().to_owned(),
            LoginPart::Passphrase => credentials.passphrase.expose().to_owned(),
            LoginPart::Time | LoginPart::Expiry => time.clone(),
            LoginPart::Signature => encoding.write(&signature),
        });
        let (method, name) = (quote(&stream.members.method), quote(&stream.members.params));
        Ok(format!("{{{method}:{},{name}:{params}}}", quote(&login.method)))
    }
}

/// When a log-in was signed, if it says so, and until when it could be used again; `None` if it cannot be used now. A time
/// has one spelling.
fn check_time(login: &Login, time: &str, now_ms: u64) -> Option<(Option<u64>, u64)> {
    let at = login.clock.read(time).filter(|at| login.clock.text(*at) == time)?;
    match login.has(LoginPart::Expiry) {
        true => (at > now_ms && at - now_ms <= WINDOW_MS).then_some((None, at)),
        false => (at.abs_diff(now_ms) <= WINDOW_MS).then_some((Some(at), at.saturating_add(WINDOW_MS))),
    }
}
