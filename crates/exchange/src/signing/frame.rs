//! Frames: what a client signed with its virtual pair, and what must leave with the real key.

use super::{Credentials, SignError, Verified, VerifyError, sent::check_age, verify::proven};
use crate::{
    Act, Definition, Frame, SignLevel,
    definition::{Hole, Place, Profile},
    request::{Document, quote},
};

impl Definition {
    /// Checks that `frame` was signed with `pair`: its method is not covered, its parameters are.
    ///
    /// [`VerifyError::Missing`] also for a frame without key and signature: it belongs to a session.
    pub fn verify_frame(
        &self,
        frame: &Frame,
        pair: &Credentials,
        now_ms: u64,
    ) -> Result<Verified, VerifyError> {
        if let Some(stream) = self.login_stream(&frame.path) {
            return self.verify_login(stream, frame, pair, now_ms);
        }
        let profile = self.profile(frame.request.path(), pair.kind()).ok_or(VerifyError::BadSignature)?;
        let name = profile.signature_param.as_deref().ok_or(VerifyError::Missing)?;
        let signature = frame.params.text_of(name).ok_or(VerifyError::Missing)?;
        let key = frame.key().ok_or(VerifyError::Missing)?;
        let signature_id = proven(profile, pair, signature, &Frame::signed_text(&frame.params, profile))?;
        if key != pair.api_key() {
            return Err(VerifyError::BadSignature);
        }
        let (timestamp_ms, replayable_until_ms) = check_age(profile, &frame.request, now_ms)?;
        Ok(Verified { timestamp_ms, replayable_until_ms, signature_id })
    }

    /// Whether a frame of a session is as old as it may be; one without a time always is, unless its stream has the headers
    /// of requests.
    pub fn frame_is_fresh(&self, frame: &Frame, now_ms: u64) -> bool {
        let profile = self.first_profile(frame.request.path());
        if let Some(stream) = self.login_stream(&frame.path) {
            let timed = stream.headers.is_some() && frame.act == Act::Call;
            return !timed || check_age(profile, &frame.request, now_ms).is_ok();
        }
        let timed = time_param(profile).is_ok_and(|name| frame.params.root().get(name).is_some());
        !timed || check_age(profile, &frame.request, now_ms).is_ok()
    }

    /// The frame as it must leave: with the real key, time and signature where the client's stood, else behind its
    /// other parameters. All other bytes stay. A public frame leaves as it came, and so does one of a session at the
    /// exchange.
    pub fn sign_frame(
        &self,
        frame: &Frame,
        credentials: &Credentials,
        now_ms: u64,
    ) -> Result<String, SignError> {
        if self.logs_in(&frame.path) || frame.request.sign_level() != SignLevel::Signed {
            return Ok(frame.document.text().to_owned());
        }
        let stream = self.stream.as_ref().ok_or(SignError::Params)?;
        let kind = credentials.kind();
        let profile = self.profile(frame.request.path(), kind).ok_or(SignError::KeyKind(kind))?;
        let params = put(&frame.params, &stream.key, &quote(&credentials.api_key))?;
        let params = put(&params, time_param(profile)?, &profile.clock.text(now_ms))?;
        let text = Frame::signed_text(&params, profile);
        let signature = credentials.key.sign(profile.hash, credentials.form(profile), text.as_bytes());
        let signature = signature.zip(profile.keys.get(&kind)).ok_or(SignError::Failed)?;
        let name = profile.signature_param.as_deref().ok_or(SignError::Params)?;
        let params = put(&params, name, &quote(&signature.1.write(&signature.0)))?;
        let document = put(&frame.document, &stream.members.params, params.text())?;
        match stream.sent_as.get(&frame.method) {
            Some(name) => Ok(document.put(&stream.members.method, &quote(name))),
            None => Ok(document.text().to_owned()),
        }
    }
}

fn put(document: &Document, name: &str, json: &str) -> Result<Document, SignError> {
    Document::parse_object(&document.put(name, json)).map_err(|_| SignError::Params)
}

fn time_param(profile: &Profile) -> Result<&str, SignError> {
    match profile.place(&Hole::Time) {
        Some(Place::Param(name, _)) => Ok(name),
        _ => Err(SignError::Params),
    }
}
