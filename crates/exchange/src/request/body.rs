//! Bodies, in the forms exchanges take.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{Allowed, Body, Document, Params, Part, Refusal, Request};
use crate::{
    Definition, Method,
    definition::{BodyForm, Profile, Scheme},
};

impl Definition {
    /// The body in the form the profile says, or the client where either will do.
    pub(super) fn read_body(
        &self,
        request: &Request,
        profile: &Profile,
        bytes: &[u8],
    ) -> Result<Body, Refusal> {
        let refuse = |reason| Refusal::new(Part::Body, reason);
        if bytes.len() > self.max_body {
            return Err(refuse("too large"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| refuse("not UTF-8"))?;
        if !text.is_empty() && request.method == Method::Get {
            return Err(refuse("a GET has no body"));
        }
        if matches!(profile.scheme, Scheme::Payload | Scheme::Envelope) {
            request.check_no_query()?;
        }
        match profile.body_form() {
            _ if profile.scheme == Scheme::Payload => read_payload(request, profile, text),
            _ if text.is_empty() => Ok(Body::Empty),
            BodyForm::Either if request.says_json() => Document::parse(text).map(Body::Json),
            BodyForm::Form | BodyForm::Either => {
                request.check_content_type("application/x-www-form-urlencoded")?;
                Params::parse(text, Part::Body, Allowed::default()).map(Body::Form)
            }
            BodyForm::Json => {
                request.check_content_type("application/json")?;
                Document::parse(text).map(Body::Json)
            }
        }
    }
}

/// JSON, either plain or as base64 in a header (and then perhaps in the body too).
fn read_payload(request: &Request, profile: &Profile, text: &str) -> Result<Body, Refusal> {
    let refuse = |reason| Refusal::new(Part::Body, reason);
    let payload = profile.payload_header().and_then(|name| request.header(name));
    if !text.is_empty() {
        request.check_content_type("application/json")?;
    }
    let Some(payload) = payload else {
        return if text.is_empty() { Ok(Body::Empty) } else { Document::parse_object(text).map(Body::Json) };
    };
    let json = BASE64_STANDARD.decode(payload).map_err(|_| refuse("the payload is not base64"))?;
    let json = String::from_utf8(json).map_err(|_| refuse("not UTF-8"))?;
    if !text.is_empty() && text != payload && text != json {
        return Err(refuse("differs from the payload in the header"));
    }
    Ok(Body::Payload(Document::parse_object(&json)?, payload.to_owned()))
}
