//! What real clients send, and the bytes that must leave: every vector, in both flows.
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

mod support;

use exchange::{Exchanges, Signed, conformance};
use serde_json::Value;
use support::{Message, builtin, vectors};

#[test]
fn every_vector_is_signed_byte_for_byte_in_every_flow() {
    let mut count = 0;
    for vector in vectors() {
        let definition = builtin(vector.exchange());
        for flow in vector.flows() {
            let signed = vector
                .sign(&definition, flow)
                .unwrap_or_else(|error| panic!("{} {flow}: {error}", vector.id()));
            assert!(
                vector.is(&definition, &signed),
                "{} {flow}: {} {:?}",
                vector.id(),
                signed.url(),
                String::from_utf8(signed.body)
            );
            count += 1;
        }
    }
    assert!(count >= 358, "181 vectors, four of python-binance with one flow: {count}");
}

#[test]
fn every_vector_is_signed_by_the_line_protocol() {
    let exchanges = Exchanges::builtin();
    for vector in vectors() {
        for flow in vector.flows() {
            let mut line = vector.0.clone();
            for other in ["request", "dummy_signed", "signed", "flows"].iter().filter(|name| **name != flow) {
                line.as_object_mut().unwrap().remove(*other);
            }
            let answer: Value = serde_json::from_str(&conformance(&exchanges, &line.to_string())).unwrap();
            assert_eq!(answer["error"], Value::Null, "{} {flow}", vector.id());
            assert_eq!(answer["id"], vector.0["id"]);
            let definition = builtin(vector.exchange());
            assert!(vector.is(&definition, &sent(&answer)), "{} {flow}: {answer}", vector.id());
        }
    }
}

/// The answer of the line protocol as a request.
fn sent(answer: &Value) -> Signed {
    let Message { method, url, headers, body } = Message::of(answer);
    let at = url.find("://").unwrap() + 3;
    let at = at + url[at..].find('/').unwrap();
    let (origin, target) = (url[..at].into(), url[at..].to_owned());
    let headers = headers.into_iter().map(|(name, value)| (name.into(), value)).collect();
    Signed { method: exchange::Method::parse(&method).unwrap(), origin, target, headers, body }
}

#[test]
fn every_signed_vector_verifies_as_a_client_request() {
    for vector in vectors() {
        let definition = builtin(vector.exchange());
        let request = Message::of(vector.signed()).parse(&definition).unwrap();
        let pair = vector.credentials(&definition);
        assert_eq!(definition.presented_key(&request).as_deref(), Some(pair.api_key()), "{}", vector.id());
        let verified = definition.verify(&request, &pair, vector.now_ms());
        assert!(verified.is_ok(), "{}: {verified:?}", vector.id());
    }
}
