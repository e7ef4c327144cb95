//! What a client's signature proves, and what it does not.
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

mod support;

use exchange::{Class, Credentials, Definition, Options, SignLevel, Stamp, Typed, VerifyError};
use seal::SecretText;
use serde_json::Value;
use support::{Message, Vector, builtin, secret_text, upstream, vector, vectors};

/// The outcome of a client request, refused by the parser counting as refused.
fn accepted(definition: &Definition, message: &Message, pair: &Credentials, now_ms: u64) -> bool {
    message.parse(definition).is_ok_and(|request| definition.verify(&request, pair, now_ms).is_ok())
}

fn signed(vector: &Vector) -> (std::sync::Arc<Definition>, Credentials, Message) {
    let definition = builtin(vector.exchange());
    let pair = vector.credentials(&definition);
    (definition, pair, Message::of(vector.signed()))
}

/// Every way of changing one byte of a text to another printable one, of a few positions each.
fn changes(text: &str) -> Vec<String> {
    let replace = |at: usize, with: &str| format!("{}{with}{}", &text[..at], &text[at + 1..]);
    let places = text.char_indices().filter(|(_, letter)| letter.is_ascii_alphanumeric()).map(|(at, _)| at);
    places.flat_map(|at| [replace(at, ""), replace(at, "~")]).collect()
}

/// What a signature covers is the exchange's choice: query and body, but for those that a vector says to be `uncovered`.
fn covered(vector: &Vector) -> (bool, bool) {
    let uncovered = vector.0["uncovered"].as_array().cloned().unwrap_or_default();
    let known = |part: &Value| *part == "query" || *part == "body";
    assert!(uncovered.iter().all(known), "{}: {uncovered:?}", vector.id());
    let is_covered = |part: &str| uncovered.iter().all(|own| own != part);
    (is_covered("query"), is_covered("body"))
}

#[test]
fn any_changed_byte_of_query_body_and_signing_headers_is_refused() {
    let mut tried = 0;
    for vector in vectors() {
        let (definition, pair, message) = signed(&vector);
        assert!(accepted(&definition, &message, &pair, vector.now_ms()), "{}", vector.id());
        let (query_covered, body_covered) = covered(&vector);
        let mut forged = Vec::new();
        if let Some((before, query)) = message.url.split_once('?').filter(|_| query_covered) {
            forged.extend(
                changes(query)
                    .iter()
                    .map(|query| Message { url: format!("{before}?{query}"), ..message.clone() }),
            );
        }
        let body =
            if body_covered { String::from_utf8(message.body.clone()).unwrap() } else { String::new() };
        forged.extend(
            changes(&body).into_iter().map(|body| Message { body: body.into_bytes(), ..message.clone() }),
        );
        let own = vector.signing_headers();
        for (at, (name, value)) in
            message.headers.iter().enumerate().filter(|(_, (name, _))| own.contains(name))
        {
            for value in changes(value) {
                let mut headers = message.headers.clone();
                headers[at] = (name.clone(), value);
                forged.push(Message { headers, ..message.clone() });
            }
        }
        for message in &forged {
            assert!(!accepted(&definition, message, &pair, vector.now_ms()), "{}: {message:?}", vector.id());
        }
        tried += forged.len();
    }
    assert!(tried > 50_000, "{tried}");
}

/// What a vector leaves out of the test above is really not covered: it hides no mistake.
#[test]
fn what_is_said_to_be_uncovered_can_be_changed() {
    let mut tried = 0;
    for vector in vectors() {
        let (definition, pair, message) = signed(&vector);
        let holds = |message: Message| accepted(&definition, &message, &pair, vector.now_ms());
        let (query_covered, body_covered) = covered(&vector);
        let (before, query) = message.url.split_once('?').unwrap_or((&message.url, ""));
        let body = String::from_utf8(message.body.clone()).unwrap();
        let queries = changes(query).into_iter().filter(|_| !query_covered);
        let bodies = changes(&body).into_iter().filter(|_| !body_covered);
        let with_query = |query| Message { url: format!("{before}?{query}"), ..message.clone() };
        let with_body = |body: String| Message { body: body.into_bytes(), ..message.clone() };
        for others in [queries.map(with_query).collect::<Vec<_>>(), bodies.map(with_body).collect::<Vec<_>>()]
        {
            if !others.is_empty() {
                assert!(others.into_iter().any(holds), "{}", vector.id());
                tried += 1;
            }
        }
    }
    assert!(tried >= 10, "{tried}");
}

#[test]
fn a_request_without_any_one_part_of_its_signature_is_refused() {
    for vector in vectors() {
        let (definition, pair, message) = signed(&vector);
        for name in &vector.signing_headers() {
            let headers = message.headers.iter().filter(|(own, _)| own != name).cloned().collect();
            let message = Message { headers, ..message.clone() };
            assert!(
                !accepted(&definition, &message, &pair, vector.now_ms()),
                "{} without {name}",
                vector.id()
            );
        }
    }
    let bare =
        Message::of(&serde_json::json!({"method": "GET", "url": "https://x/api/v3/account", "headers": {}}));
    let (definition, pair, _) = signed(&vector("sv-binance-default-01"));
    let request = bare.parse(&definition).unwrap();
    assert_eq!(definition.verify(&request, &pair, 0), Err(VerifyError::Missing));
}

/// A token of Upbit or Bithumb covers no path: without its parameters it would be good for whatever takes none.
#[test]
fn a_token_for_parameters_is_no_token_without_them() {
    let mut tried = 0;
    for vector in vectors().iter().filter(|vector| ["upbit", "bithumb"].contains(&vector.exchange())) {
        let (definition, pair, message) = signed(vector);
        let bare = |message: &Message| {
            let url = message.url.split('?').next().unwrap().to_owned();
            Message { url, body: Vec::new(), ..message.clone() }
        };
        let has_params = message.url.contains('?') || !message.body.is_empty();
        if has_params && vector.0["scheme"].as_str().unwrap().contains("jwt") {
            assert!(!accepted(&definition, &bare(&message), &pair, vector.now_ms()), "{}", vector.id());
            tried += 1;
        }
    }
    assert!(tried > 9, "{tried}");
}

/// Binance signs query and body, Coinone the body. Whoever holds such a request can send it elsewhere, once.
#[test]
fn a_signature_covers_neither_method_nor_path() {
    let uncovered = |id: &str, method: &str, path: &str| {
        let vector = vector(id);
        let (definition, pair, message) = signed(&vector);
        let query = message.url.split_once('?').map(|(_, query)| format!("?{query}")).unwrap_or_default();
        let moved =
            Message { method: method.to_owned(), url: format!("https://host{path}{query}"), ..message };
        accepted(&definition, &moved, &pair, vector.now_ms())
    };
    assert!(uncovered("sv-binance-default-02", "DELETE", "/api/v3/openOrders"));
    assert!(uncovered("sv-binance-default-03", "POST", "/api/v3/order/test"));
    assert!(uncovered("sv-coinone-default-01", "POST", "/v2.1/account/trade_fee"));
    assert!(!uncovered("sv-coinone-default-01", "POST", "/v2/account/balance"), "v2 wants a time as nonce");
    assert!(!uncovered("sv-coinone-v2-01", "POST", "/v2.1/account/balance"), "v2.1 wants a UUID as nonce");
}

#[test]
fn what_was_signed_as_one_text_cannot_be_cut_into_query_and_body_elsewhere() {
    for vector in vectors().iter().filter(|vector| vector.exchange() == "binance") {
        let (definition, pair, message) = signed(vector);
        let (address, query) = message.url.split_once('?').unwrap_or((&message.url, ""));
        let text = format!("{query}{}", String::from_utf8(message.body.clone()).unwrap());
        for cut in 1..text.len() {
            let method = "POST".to_owned();
            let (url, body) = (format!("{address}?{}", &text[..cut]), text.as_bytes()[cut..].to_vec());
            let forged = Message { method, url, body, headers: message.headers.clone() };
            assert!(!accepted(&definition, &forged, &pair, vector.now_ms()), "{} at {cut}", vector.id());
        }
    }
}

#[test]
fn another_pair_does_not_verify() {
    for vector in vectors() {
        let (definition, pair, message) = signed(&vector);
        let other = |api_key: &str, secret: SecretText, passphrase: &str| {
            let has_one = definition.fields().contains(&exchange::Field::Passphrase);
            let passphrase = has_one.then(|| passphrase.to_owned().into());
            let typed = Typed { api_key, secret: &secret, passphrase: passphrase.as_ref() };
            Credentials::parse(&definition, typed, Options::default()).unwrap()
        };
        let refused = |pair: Credentials, what: &str| {
            let accepted = accepted(&definition, &message, &pair, vector.now_ms());
            assert!(!accepted, "{} with another {what}", vector.id());
        };
        let credentials = &vector.0["credentials"];
        let secret = || SecretText::from(secret_text(&credentials["secret"]));
        let passphrase = credentials["passphrase"].as_str().unwrap_or_default();
        let strange = definition.virtual_pair(&seal::Key::filled(|key| key.fill(7))).secret;
        refused(other(pair.api_key(), strange, passphrase), "secret");
        refused(other("kg_00000000", secret(), passphrase), "key");
        if !passphrase.is_empty() {
            refused(other(pair.api_key(), secret(), "another passphrase"), "passphrase");
        }
    }
}

#[test]
fn a_signature_has_one_identity_however_it_is_written() {
    let vector = &vector("sv-binance-default-01");
    let (definition, pair, message) = signed(vector);
    let (before, signature) = message.url.split_once("signature=").unwrap();
    let upper = Message { url: format!("{before}signature={}", signature.to_uppercase()), ..message.clone() };
    let id = |message: &Message| {
        definition.verify(&message.parse(&definition).unwrap(), &pair, vector.now_ms()).unwrap().signature_id
    };
    assert_eq!(id(&message), id(&upper), "the replay store must see them as one");
}

#[test]
fn two_requests_have_two_identities_wherever_they_are_sent() {
    let mut seen = std::collections::BTreeMap::new();
    for vector in vectors() {
        let (definition, pair, message) = signed(&vector);
        let request = message.parse(&definition).unwrap();
        let id = definition.verify(&request, &pair, vector.now_ms()).unwrap().signature_id;
        let other = seen.insert(id, vector.id().to_owned());
        assert_eq!(other, None, "{}", vector.id());
    }
    let vector = vector("sv-binance-default-03");
    let (definition, pair, message) = signed(&vector);
    let id = |url: &str| {
        let request = Message { url: url.to_owned(), ..message.clone() }.parse(&definition).unwrap();
        definition.verify(&request, &pair, vector.now_ms()).unwrap().signature_id
    };
    assert_eq!(
        id("https://host/api/v3/order"),
        id("https://host/api/v3/order/test"),
        "one signature, one use"
    );
}

/// Signs a request of our own as a client would, at `time`, asking for `window`.
fn at(time: &str, window: Option<&str>) -> (Message, Credentials, std::sync::Arc<Definition>) {
    let definition = builtin("binance");
    let secret = "s".repeat(64);
    let pair = Credentials::parse(
        &definition,
        Typed::new("kg_12345678", &secret.clone().into()),
        Options::default(),
    )
    .unwrap();
    let window = window.map(|window| format!("&recvWindow={window}")).unwrap_or_default();
    let query = format!("symbol=BTCUSDT&timestamp={time}{window}");
    let url = format!("https://host/api/v3/openOrders?{query}&signature={}", hmac(&secret, &query));
    let headers = vec![("X-MBX-APIKEY".to_owned(), "kg_12345678".to_owned())];
    (Message { method: "GET".to_owned(), url, headers, body: Vec::new() }, pair, definition)
}

fn hmac(secret: &str, text: &str) -> String {
    use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
    data_encoding::HEXLOWER.encode(sign(&Key::new(HMAC_SHA256, secret.as_bytes()), text.as_bytes()).as_ref())
}

#[test]
fn a_request_is_valid_for_the_window_it_asks_for_and_30_seconds_at_most() {
    let outcome = |time: &str, window, now_ms| {
        let (message, pair, definition) = at(time, window);
        definition.verify(&message.parse(&definition).unwrap(), &pair, now_ms)
    };
    let t = 1_700_000_000_000;
    let ok = |window, now_ms| outcome("1700000000000", window, now_ms).is_ok();
    assert!(ok(None, t + 5_000) && !ok(None, t + 5_001), "the default is 5 s");
    assert!(ok(None, t - 5_000) && !ok(None, t - 5_001), "the future as well");
    assert!(ok(Some("1000"), t + 1_000) && !ok(Some("1000"), t + 1_001));
    assert!(ok(Some("60000"), t + 30_000) && !ok(Some("60000"), t + 30_001), "30 s at most");
    assert!(ok(Some("1000.5"), t + 1_000), "Binance allows fractions");
    for window in ["60001", "-1", "1e9", "abc", ""] {
        assert!(!ok(Some(window), t), "{window}");
    }
    let verified = outcome("1700000000000", Some("10000"), t).unwrap();
    assert_eq!((verified.timestamp_ms, verified.replayable_until_ms), (Some(t), Some(t + 10_000)));
    assert_eq!(outcome("1700000000000000", None, t).unwrap().timestamp_ms, Some(t), "microseconds");
    assert_eq!(outcome("1600000000000", None, t), Err(VerifyError::StaleTimestamp));
    assert_eq!(outcome("now", None, t), Err(VerifyError::StaleTimestamp));
}

#[test]
fn coinone_v21_has_no_time_so_its_signatures_are_remembered_for_ever() {
    let vector = vector("sv-coinone-default-01");
    let (definition, pair, message) = signed(&vector);
    let request = message.parse(&definition).unwrap();
    let verified = definition.verify(&request, &pair, vector.now_ms() + 10_000_000_000).unwrap();
    assert_eq!((verified.timestamp_ms, verified.replayable_until_ms), (None, None));
}

#[test]
fn coinone_v2_reads_the_time_from_its_nonce() {
    let vector = vector("sv-coinone-v2-01");
    let (definition, pair, message) = signed(&vector);
    let request = message.parse(&definition).unwrap();
    assert_eq!(
        definition.verify(&request, &pair, 1_700_001_891_000).unwrap().timestamp_ms,
        Some(1_700_001_891_000)
    );
    let late = definition.verify(&request, &pair, 1_700_001_891_000 + 30_001);
    assert_eq!(late, Err(VerifyError::StaleTimestamp));
}

/// python-binance signs `a b/c` and sends `a+b%2Fc`.
#[test]
fn the_text_before_encoding_may_be_signed_only_if_it_cannot_mean_anything_else() {
    let definition = builtin("binance");
    let secret = "s".repeat(64);
    let pair = Credentials::parse(
        &definition,
        Typed::new("kg_12345678", &secret.clone().into()),
        Options::default(),
    )
    .unwrap();
    let verifies = |signed: &str, sent: &str| {
        let tail = "&timestamp=1700000000000";
        let body = format!("{sent}{tail}&signature={}", hmac(&secret, &format!("{signed}{tail}")));
        let headers = vec![
            ("X-MBX-APIKEY".to_owned(), "kg_12345678".to_owned()),
            ("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
        ];
        let url = "https://host/sapi/v1/asset/transfer".to_owned();
        let message = Message { method: "POST".to_owned(), url, headers, body: body.into_bytes() };
        accepted(&definition, &message, &pair, 1_700_000_000_000)
    };
    assert!(verifies("a=b c/d", "a=b+c%2Fd"));
    assert!(verifies("a=b c/d", "a=b%20c%2Fd"));
    assert!(verifies("a=é", "a=%C3%A9"));
    assert!(verifies("a=b%26c", "a=b%26c"), "the wire form always");
    assert!(!verifies("a=b&c=d", "a=b%26c%3Dd"), "would also fit two parameters");
    assert!(!verifies("a=b%26c", "a=b%2526c"), "would also fit b&c");
    assert!(!verifies("a=b+c", "a=b%2Bc"), "would also fit b c");
}

/// Where only the key is sent, nothing proves who calls.
#[test]
fn a_key_alone_verifies_nothing() {
    let definition = builtin("binance");
    let pair = Credentials::parse(
        &definition,
        Typed::new("kg_12345678", &"s".repeat(64).into()),
        Options::default(),
    )
    .unwrap();
    let headers = vec![("X-MBX-APIKEY".to_owned(), "kg_12345678".to_owned())];
    let url = "https://host/api/v3/userDataStream".to_owned();
    let request =
        Message { method: "POST".to_owned(), url, headers, body: Vec::new() }.parse(&definition).unwrap();
    assert_eq!((request.class(), request.sign_level()), (Class::Session, SignLevel::KeyOnly));
    assert_eq!(definition.presented_key(&request).as_deref(), Some("kg_12345678"));
    assert_eq!(definition.verify(&request, &pair, 0), Err(VerifyError::Missing));
}

/// A virtual HMAC pair in front of a real RSA or Ed25519 key, as the gateway does it.
#[test]
fn what_verified_as_virtual_leaves_with_the_real_key_and_no_trace_of_the_virtual_one() {
    for vector in vectors().iter().filter(|vector| vector.exchange() == "binance") {
        let definition = builtin("binance");
        let (message, pair, _) = at("1700000000000", Some("10000"));
        let request = message.parse(&definition).unwrap();
        let verified = definition.verify(&request, &pair, 1_700_000_000_000).unwrap();
        assert_eq!(verified.timestamp_ms, Some(1_700_000_000_000));
        let real = vector.credentials(&definition);
        let stamp = Stamp { now_ms: 1_700_000_000_777, nonce: None };
        let sent =
            definition.sign(&request, &upstream(&definition, &request).unwrap(), &real, &stamp).unwrap();
        let old = message.url.split_once("signature=").unwrap().1;
        let shown = format!("{} {:?}", sent.url(), sent.headers);
        assert!(
            !shown.contains("kg_") && !shown.contains(old) && !shown.contains("1700000000000"),
            "{shown}"
        );
        assert!(sent.target.starts_with(
            "/api/v3/openOrders?symbol=BTCUSDT&timestamp=1700000000777&recvWindow=10000&signature="
        ));
        assert!(sent.headers.contains(&("x-mbx-apikey".into(), real.api_key().to_owned())));
    }
}

#[test]
fn two_orders_of_one_second_are_two_where_the_signature_does_not_cover_the_body() {
    let vector = vector("sv-htx-default-03");
    let (definition, pair, message) = signed(&vector);
    let id = |body: &[u8]| {
        let request = Message { body: body.to_vec(), ..message.clone() }.parse(&definition).unwrap();
        definition.verify(&request, &pair, vector.now_ms()).unwrap().signature_id
    };
    let order = |amount: &str| {
        let order =
            r#"{"symbol":"btcusdt","account-id":"1","type":"buy-limit","price":"1","amount":"AMOUNT"}"#;
        order.replace("AMOUNT", amount).into_bytes()
    };
    assert_eq!(id(&order("1")), id(&order("1")), "the same order again is a replay");
    assert_ne!(id(&order("1")), id(&order("2")));
    let again =
        r#" {"account-id" : 1, "price":"1","symbol":"\u0062tcusdt","type":"buy-limit","amount": "1"}"#;
    assert_eq!(
        id(again.as_bytes()),
        id(&order("1")),
        "the same order written in another way is a replay too"
    );
}
