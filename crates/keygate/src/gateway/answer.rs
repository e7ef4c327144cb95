//! What the bot gets: the exchange's answer as it came, or ours in the exchange's own dialect, so that
//! client libraries raise the right error and stop or retry as they should.

use axum::{
    body::{Body, Bytes},
    response::Response,
};
use exchange::{Answer as Dialect, Definition, DialectResponse};
use http::{HeaderName, HeaderValue, StatusCode, header};
use memchr::memmem;

use super::Denial;
use crate::{
    http::RequestId,
    upstream::{Answer, Failure},
};

/// The exchange's answer: status, body and rate headers unchanged. What the exchange repeats of the real
/// key is blanked out.
pub fn pass(
    definition: &Definition,
    outcome: Result<Answer, Failure>,
    known: &[String],
    id: RequestId,
) -> Result<Response, Denial> {
    let answer = match outcome {
        Ok(answer) => answer,
        Err(failure) => return Err(undelivered(failure, id)),
    };
    let mut response = Response::new(Body::from(scrub(answer.body, known)));
    *response.status_mut() = answer.status;
    response.headers_mut().reserve(USUAL_HEADERS);
    for (name, value) in answer.headers.iter().filter(|(name, _)| passes(definition, name)) {
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value))
        {
            response.headers_mut().append(name, value);
        }
    }
    if let Some(age) = answer.age {
        response.headers_mut().insert(header::AGE, HeaderValue::from(age));
    }
    Ok(response)
}

fn passes(definition: &Definition, name: &str) -> bool {
    let own = [header::CONTENT_TYPE, header::CONTENT_ENCODING, header::AGE];
    own.iter().any(|own| name.eq_ignore_ascii_case(own.as_str())) || definition.passes_response_header(name)
}

/// A refusal in the exchange's dialect. Its text begins with `Keygate:` and names the rule.
pub fn refuse(definition: &Definition, denial: &Denial, id: RequestId) -> Response {
    let text = format!("{} [{}]", denial.text, denial.rule);
    let DialectResponse { status, headers, body } = definition.answer(denial.kind, &text, &id.0.to_string());
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(&value))
        {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert("keygate-problem", HeaderValue::from_static(denial.rule));
    response
}

/// A success of our own, in the exchange's words.
pub(super) fn json(body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(super) fn undelivered(failure: Failure, id: RequestId) -> Denial {
    match failure {
        Failure::NotSent(reason) => {
            tracing::warn!(reason, request_id = %id.0, "an exchange cannot be reached");
            Denial {
                kind: Dialect::Down,
                rule: "exchange-unreachable",
                text: "the exchange cannot be reached; nothing was sent".into(),
            }
        }
        Failure::Unknown(reason) => {
            tracing::warn!(reason, request_id = %id.0, "the outcome of a call is unknown");
            Denial {
                kind: Dialect::OutcomeUnknown,
                rule: "outcome-unknown",
                text: "the exchange did not answer; ask it what became of this before trying again".into(),
            }
        }
    }
}

/// Replaces known values by as many asterisks, so that lengths stay what the headers say.
pub(super) fn scrub(body: Bytes, known: &[String]) -> Bytes {
    let mut body = body;
    for value in known.iter().filter(|value| value.len() >= 8) {
        let needle = value.as_bytes();
        if memmem::find(&body, needle).is_some() {
            let mut bytes = body.to_vec();
            while let Some(at) = memmem::find(&bytes, needle) {
                bytes[at..at + needle.len()].fill(b'*');
            }
            body = Bytes::from(bytes);
        }
    }
    body
}

/// The exchange's that are passed on, and our own.
const USUAL_HEADERS: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_key_is_blanked_out_and_the_length_stays() {
        let body = Bytes::from_static(b"{\"msg\":\"bad key REALKEY123 and REALKEY123\"}");
        let clean = scrub(body.clone(), &["REALKEY123".to_owned()]);
        assert_eq!(clean.len(), body.len());
        assert!(!clean.windows(10).any(|window| window == b"REALKEY123"));
    }
}
