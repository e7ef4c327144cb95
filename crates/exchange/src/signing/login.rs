//! Log-ins on streams with a session: what a client signed with its virtual pair, and the gateway's own.

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{SHA256, digest},
};

use super::{Credentials, SignError, Verified, VerifyError};
use crate::{
    Definition, Frame,
    definition::{LoginStream, fill},
    request::quote,
};

/// How old a log-in may be, or ahead.
const WINDOW_MS: u64 = 30_000;

impl Definition {
    pub(super) fn verify_login(
        &self,
        stream: &LoginStream,
        frame: &Frame,
        pair: &Credentials,
        now_ms: u64,
    ) -> Result<Verified, VerifyError> {
        let login = &stream.login;
        let given = |name: &str| frame.params.text_of(name).ok_or(VerifyError::Missing);
        let (key, time) = (given(&login.key)?, given(&login.time)?);
        let profile = self.profile(frame.request.path(), pair.kind()).ok_or(VerifyError::BadSignature)?;
        let encoding = profile.keys.get(&pair.kind()).ok_or(VerifyError::BadSignature)?;
        let signature = encoding.read(given(&login.signature)?).ok_or(VerifyError::BadSignature)?;
        let text = fill(&login.signs, &[("{ts}", time)]);
        let holds = pair.key.verify(profile.hash, pair.form(profile), text.as_bytes(), &signature);
        let passphrase = given(&login.passphrase)?.as_bytes();
        let known = verify_slices_are_equal(passphrase, pair.passphrase.expose().as_bytes()).is_ok();
        if !holds || !known || key != pair.api_key {
            return Err(VerifyError::BadSignature);
        }
        let at = login.clock.read(time).filter(|at| login.clock.text(*at) == time);
        let at = at.filter(|at| at.abs_diff(now_ms) <= WINDOW_MS).ok_or(VerifyError::StaleTimestamp)?;
        let mut signature_id = [0; 32];
        signature_id.copy_from_slice(digest(&SHA256, &signature).as_ref());
        let replayable_until_ms = Some(at.saturating_add(WINDOW_MS));
        Ok(Verified { timestamp_ms: Some(at), replayable_until_ms, signature_id })
    }

    /// The frame that logs in at the exchange, with the real key. It holds the passphrase: it goes nowhere else.
    pub fn sign_login(&self, credentials: &Credentials, now_ms: u64) -> Result<String, SignError> {
        let stream = self.login_stream.as_ref().ok_or(SignError::Params)?;
        let (login, kind) = (&stream.login, credentials.kind());
        let path = stream.paths.first().ok_or(SignError::Params)?;
        let profile = self.profile(path, kind).ok_or(SignError::KeyKind(kind))?;
        let time = login.clock.text(now_ms);
        let text = fill(&login.signs, &[("{ts}", &time)]);
        let signature = credentials.key.sign(profile.hash, credentials.form(profile), text.as_bytes());
        let (signature, encoding) = signature.zip(profile.keys.get(&kind)).ok_or(SignError::Failed)?;
        let members = [
            (&login.key, credentials.api_key.as_str()),
            (&login.passphrase, credentials.passphrase.expose()),
            (&login.time, time.as_str()),
            (&login.signature, &encoding.write(&signature)),
        ];
        let members = members.map(|(name, value)| format!("{}:{}", quote(name), quote(value))).join(",");
        let (method, params) = (quote(&stream.members.method), quote(&stream.members.params));
        Ok(format!("{{{method}:{},{params}:[{{{members}}}]}}", quote(&login.method)))
    }
}
