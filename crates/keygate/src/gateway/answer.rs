//! What the bot gets: the exchange's answer as it came, or ours in the exchange's own dialect, so that
//! client libraries raise the right error and stop or retry as they should.

use axum::{
    body::{Body, Bytes},
    response::Response,
};
use exchange::{Answer as Dialect, Definition, DialectResponse};
use http::{HeaderName, HeaderValue, StatusCode, header};

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
    for (name, value) in &answer.headers {
        if *name == header::CONTENT_TYPE
            || *name == header::CONTENT_ENCODING
            || *name == header::AGE
            || definition.passes_response_header(name.as_str())
        {
            response.headers_mut().append(name.clone(), value.clone());
        }
    }
    Ok(response)
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
        if find(&body, needle).is_some() {
            let mut bytes = body.to_vec();
            while let Some(at) = find(&bytes, needle) {
                bytes[at..at + needle.len()].fill(b'*');
            }
            body = Bytes::from(bytes);
        }
    }
    body
}

/// Where `needle` begins. Nearly every window is told by its first byte, which costs no call.
fn find(body: &[u8], needle: &[u8]) -> Option<usize> {
    body.windows(needle.len()).position(|window| window[0] == needle[0] && window == needle)
}

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
