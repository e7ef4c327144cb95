//! The examples in the exchanges' own documents and libraries. Those that name a secret and a whole request are signed
//! here as a client's; the texts alone are signed in `src/signing/key.rs`.
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

mod support;

use std::{fs, path::Path, sync::Arc};

use exchange::{Credentials, Definition, Exchanges, Field, Options, Signed, Stamp, Typed};
use serde_json::{Value, json};
use support::{Message, builtin, files_of, secret_text, upstream};

/// An example with its exchange.
struct Example(Arc<Definition>, Value);

/// All of them, of all exchanges.
fn examples() -> Vec<Example> {
    let of = |definition: &Arc<Definition>| {
        let own = files_of(definition.id(), "published.json").into_iter();
        let id = definition.id().to_owned();
        own.map(move |example| Example(definition_then(&id, &example["then"]), example)).collect::<Vec<_>>()
    };
    Exchanges::builtin().iter().flat_map(of).collect()
}

/// An example may be of another time, when an address was another one: `then` says what the definition would have been.
fn definition_then(id: &str, then: &Value) -> Arc<Definition> {
    let (Some(from), Some(to)) = (then["from"].as_str(), then["to"].as_str()) else { return builtin(id) };
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("exchanges").join(id).join("exchange.toml");
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{id} has no {from}");
    Arc::new(Definition::parse(&text.replacen(from, to, 1)).unwrap())
}

impl Example {
    fn text(&self, name: &str) -> &str {
        self.1[name].as_str().unwrap_or_default()
    }

    fn is_mistaken(&self) -> bool {
        !self.1["mistaken"].is_null()
    }

    fn pair(&self) -> Credentials {
        let api_key = self.1["api_key"].as_str().unwrap_or("not-published");
        let secret = secret_text(&self.1["secret"]).into();
        let passphrase = self.0.fields().contains(&Field::Passphrase).then(|| "test_plain".to_owned().into());
        let typed = Typed { api_key, secret: &secret, passphrase: passphrase.as_ref() };
        Credentials::parse(&self.0, typed, Options::default()).unwrap()
    }

    /// The request as it must leave, at the example's time.
    fn signed(&self) -> Option<(Message, Signed)> {
        let message = self.1.get("request").map(Message::of)?;
        let request = message.parse(&self.0).unwrap();
        let stamp = Stamp {
            now_ms: self.1["now_ms"].as_u64().unwrap(),
            nonce: self.1["nonce"].as_str().map(str::to_owned),
        };
        let upstream = upstream(&self.0, &request).unwrap();
        Some((message, self.0.sign(&request, &upstream, &self.pair(), &stamp).unwrap()))
    }
}

/// Whether the published signature is what was added, and all that was added, to parameters or headers.
fn carries(signed: &Signed, message: &Message, signature: &str) -> bool {
    let added = format!("&signature={signature}");
    let (url, body) = (signed.url(), String::from_utf8(signed.body.clone()).unwrap());
    let sent = |own: &str, theirs: &str| own.strip_suffix(&added).unwrap_or(own) == theirs;
    let as_header = signed.headers.iter().any(|(_, value)| value == signature);
    let theirs = String::from_utf8(message.body.clone()).unwrap();
    let once = [url.ends_with(&added), body.ends_with(&added), as_header];
    sent(&url, &message.url) && sent(&body, &theirs) && once.iter().filter(|is| **is).count() == 1
}

#[test]
fn every_published_request_is_signed_as_published() {
    let mut count = 0;
    for example in examples().iter().filter(|example| !example.is_mistaken()) {
        let Some((message, signed)) = example.signed() else { continue };
        let published = example.text("signature");
        assert!(
            carries(&signed, &message, published),
            "{} {}: {}",
            example.0.id(),
            example.text("name"),
            signed.url()
        );
        count += 1;
    }
    assert!(count >= 10, "Binance 4, Gate 2, Kraken 1, KuCoin 1, MEXC 2: {count}");
}

#[test]
fn every_published_request_verifies_as_a_clients() {
    for example in examples() {
        let Some((_, signed)) = example.signed() else { continue };
        let headers: Value =
            signed.headers.iter().map(|(name, value)| (name.to_string(), json!(value))).collect();
        let body = String::from_utf8(signed.body.clone()).unwrap();
        let arrived =
            json!({"method": signed.method.as_str(), "url": signed.url(), "headers": headers, "body": body});
        let request = Message::of(&arrived).parse(&example.0).unwrap();
        let verified = example.0.verify(&request, &example.pair(), example.1["now_ms"].as_u64().unwrap());
        assert!(verified.is_ok(), "{} {}: {verified:?}", example.0.id(), example.text("name"));
    }
}

/// A mistake in a document is known as one, or it is ours.
#[test]
fn an_example_with_a_mistake_is_not_reproduced() {
    for example in examples().iter().filter(|example| example.is_mistaken()) {
        let (message, signed) = example.signed().unwrap();
        let is_made = carries(&signed, &message, example.text("signature"));
        assert!(!is_made, "{} {}", example.0.id(), example.text("name"));
    }
}

/// MEXC prints two signatures for one request and one secret; only the second is one.
#[test]
fn of_mexcs_two_signatures_the_second_is_one() {
    let all = examples();
    let named =
        |name| all.iter().find(|example| example.0.id() == "mexc" && example.text("name") == name).unwrap();
    let (example, second) = (named("example 1"), named("example 2"));
    assert!(example.is_mistaken());
    let (message, signed) = example.signed().unwrap();
    assert!(!carries(&signed, &message, example.text("signature")));
    assert_eq!(second.1["request"], example.1["request"]);
    assert!(carries(&signed, &message, second.text("signature")));
}

/// The test of KuCoin's own library signs a text; the same function makes the passphrase that is sent.
#[test]
fn kucoins_passphrase_is_sent_as_its_library_writes_it() {
    let all = examples();
    let library = all.iter().find(|example| example.text("prehash") == "test_plain").unwrap();
    let request = json!({"method": "GET", "url": "https://api.kucoin.com/api/v1/accounts", "headers": {}});
    let mut asking = library.1.clone();
    asking["request"] = request;
    asking["now_ms"] = json!(1_700_000_000_000_u64);
    let (_, signed) = Example(library.0.clone(), asking).signed().unwrap();
    let sent = signed.headers.iter().find(|(name, _)| name.as_ref() == "kc-api-passphrase").unwrap();
    assert_eq!(sent.1, library.text("signature"));
}

#[test]
fn every_example_names_its_source() {
    let all = examples();
    let mistaken = all.iter().filter(|example| example.is_mistaken()).count();
    assert!(mistaken >= 1 && all.len() - mistaken >= 15, "{mistaken} of {}", all.len());
    for example in all {
        assert!(!example.text("source").is_empty(), "{}", example.text("name"));
    }
}
