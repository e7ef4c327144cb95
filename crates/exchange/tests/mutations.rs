//! The vectors have teeth: every value of the signing profiles, changed, breaks one of them.
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

mod support;

use std::{fs, path::Path};

use exchange::Definition;
use support::{Message, vector, vectors};

/// What the tests demand of a definition: each vector signed and verified, and a few facts they leave open.
fn holds(definition: &Definition) -> bool {
    let signs_and_verifies =
        vectors().iter().filter(|vector| vector.exchange() == definition.id()).all(|vector| {
            let sent = vector
                .flows()
                .iter()
                .all(|flow| vector.sign(definition, flow).is_ok_and(|sent| vector.is(&sent)));
            let client = Message::of(vector.signed()).parse(definition);
            let pair = vector.credentials(definition);
            sent && client.is_ok_and(|client| {
                let late = definition.verify(&client, &pair, vector.now_ms() + 40_000).is_ok();
                let untimed = vector.id().starts_with("sv-coinone-default");
                definition.verify(&client, &pair, vector.now_ms()).is_ok() && late == untimed
            })
        });
    signs_and_verifies && facts(definition)
}

/// The window of a request that names none, the text before encoding, the secret as documented.
fn facts(definition: &Definition) -> bool {
    match definition.id() {
        "binance" => {
            let accepts = |query: &str, signed: &str, now_ms| {
                let headers = vec![("X-MBX-APIKEY".to_owned(), "key".to_owned())];
                let url = format!("https://host/api/v3/openOrders?{query}&signature={}", hmac(signed));
                let message = Message { method: "GET".to_owned(), url, headers, body: Vec::new() };
                let pair = pair(definition);
                message
                    .parse(definition)
                    .is_ok_and(|request| definition.verify(&request, &pair, now_ms).is_ok())
            };
            let query = "timestamp=1700000000000";
            accepts(query, query, 1_700_000_005_000)
                && !accepts(query, query, 1_700_000_005_001)
                && accepts(
                    "a=b+c&timestamp=1700000000000",
                    "a=b c&timestamp=1700000000000",
                    1_700_000_000_000,
                )
                && mixed_carrier(definition)
        }
        _ => ["sv-coinone-default@raw-01", "sv-coinone-v2-01"]
            .into_iter()
            .all(|id| as_documented(definition, id)),
    }
}

/// Without any option of the credential the secret has the form the documents say.
fn as_documented(definition: &Definition, id: &str) -> bool {
    let mut vector = vector(id);
    vector.0["params"] = serde_json::json!({});
    vector.sign(definition, "request").is_ok_and(|sent| vector.is(&sent))
}

/// Query first, body second, nothing between (Binance's own example of both).
fn mixed_carrier(definition: &Definition) -> bool {
    let text = ("symbol=BTCUSDT", "orderId=1&timestamp=1700000000000");
    let signature = hmac(&format!("{}{}", text.0, text.1));
    let message = Message {
        method: "DELETE".to_owned(),
        url: format!("https://host/api/v3/order?{}", text.0),
        headers: vec![("X-MBX-APIKEY".to_owned(), "key".to_owned())],
        body: format!("{}&signature={signature}", text.1).into_bytes(),
    };
    let request = message.parse(definition);
    request.is_ok_and(|request| definition.verify(&request, &pair(definition), 1_700_000_000_000).is_ok())
}

fn pair(definition: &Definition) -> exchange::Credentials {
    exchange::Credentials::parse(
        definition,
        exchange::Typed::new("key", &"secret".to_owned().into()),
        Default::default(),
    )
    .unwrap()
}

fn hmac(text: &str) -> String {
    use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
    data_encoding::HEXLOWER.encode(sign(&Key::new(HMAC_SHA256, b"secret"), text.as_bytes()).as_ref())
}

fn file(id: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("exchanges").join(id).join("exchange.toml");
    fs::read_to_string(path).unwrap()
}

/// What is changed, and into what. The n-th occurrence counts from 0.
const MUTATIONS: &[(&str, &str, &str, usize)] = &[
    ("binance", r#""/api/" = "https://api.binance.com""#, r#""/api/" = "https://api1.binance.com""#, 0),
    ("binance", r#""/sapi/" = "https://api.binance.com""#, r#""/sapi/" = "https://fapi.binance.com""#, 0),
    ("binance", r#""/fapi/" = "https://fapi.binance.com""#, r#""/fapi/" = "https://dapi.binance.com""#, 0),
    ("binance", r#"headers = ["content-type", "#, r#"headers = ["#, 0),
    ("binance", r#"scheme = "query""#, r#"scheme = "payload""#, 0),
    ("binance", r#"hmac = "hex""#, r#"hmac = "base64""#, 0),
    ("binance", r#"rsa = "base64""#, r#"rsa = "hex""#, 0),
    ("binance", r#"ed25519 = "base64""#, r#"ed25519 = "hex""#, 0),
    ("binance", r#"hash = "sha256""#, r#"hash = "sha512""#, 0),
    ("binance", r#"prehash = "{query}{body}""#, r#"prehash = "{body}{query}""#, 0),
    ("binance", r#"prehash = "{query}{body}""#, r#"prehash = "{query}&{body}""#, 0),
    ("binance", r#"prehash = "{query}{body}""#, r#"prehash = "{query}""#, 0),
    ("binance", r#"prehash = "{query}{body}""#, r#"prehash = "{body}""#, 0),
    ("binance", r#"prehash = "{query}{body}""#, r#"prehash = "{key}{query}{body}""#, 0),
    ("binance", r#"name = "timestamp""#, r#"name = "time""#, 0),
    ("binance", r#"value = "{ts}""#, r#"value = "0{ts}""#, 0),
    ("binance", r#"signature_param = "signature""#, r#"signature_param = "sign""#, 0),
    ("binance", r#""X-MBX-APIKEY" = "{key}""#, r#""X-MBX-KEY" = "{key}""#, 0),
    ("binance", r#""X-MBX-APIKEY" = "{key}""#, r#""X-MBX-APIKEY" = "k{key}""#, 0),
    ("binance", r#"name = "recvWindow""#, r#"name = "window""#, 0),
    ("binance", "default_ms = 5000", "default_ms = 6000", 0),
    ("binance", "max_ms = 60000", "max_ms = 1000", 0),
    ("binance", "signs_decoded = true", "signs_decoded = false", 0),
    ("coinone", r#""/" = "https://api.coinone.co.kr""#, r#""/" = "https://coinone.co.kr""#, 0),
    ("coinone", r#"scheme = "payload""#, r#"scheme = "query""#, 0),
    ("coinone", r#"hmac = "hex""#, r#"hmac = "base64""#, 0),
    ("coinone", r#"hmac = "hex""#, r#"hmac = "base64""#, 1),
    ("coinone", r#"hash = "sha512""#, r#"hash = "sha256""#, 0),
    ("coinone", r#"hash = "sha512""#, r#"hash = "sha256""#, 1),
    ("coinone", r#"secret = "utf8""#, r#"secret = "upper""#, 0),
    ("coinone", r#"secret = "upper""#, r#"secret = "utf8""#, 0),
    ("coinone", r#"nonce = "uuid4""#, r#"nonce = "seconds""#, 0),
    ("coinone", r#"nonce = "seconds""#, r#"nonce = "uuid4""#, 0),
    ("coinone", r#"paths = ["/v2/"]"#, r#"paths = ["/v2.1/"]"#, 0),
    ("coinone", r#"name = "access_token""#, r#"name = "token""#, 0),
    ("coinone", r#"name = "access_token""#, r#"name = "token""#, 1),
    ("coinone", r#"name = "nonce""#, r#"name = "once""#, 0),
    (
        "coinone",
        r#"{ name = "access_token", value = "{key}" }, { name = "nonce", value = "{nonce}" }"#,
        r#"{ name = "nonce", value = "{nonce}" }, { name = "access_token", value = "{key}" }"#,
        0,
    ),
    ("coinone", r#"prehash = "{payload}""#, r#"prehash = "{body}""#, 0),
    ("coinone", r#"prehash = "{payload}""#, r#"prehash = "{key}{payload}""#, 1),
    ("coinone", r#""X-COINONE-PAYLOAD" = "{payload}""#, r#""X-PAYLOAD" = "{payload}""#, 0),
    ("coinone", r#""X-COINONE-SIGNATURE" = "{signature}""#, r#""X-SIGNATURE" = "{signature}""#, 0),
    ("coinone", r#""X-COINONE-SIGNATURE" = "{signature}""#, r#""X-COINONE-SIGNATURE" = "v1 {signature}""#, 1),
];

#[test]
fn every_changed_value_of_a_signing_profile_is_noticed() {
    let mut readable = 0;
    for (id, from, to, nth) in MUTATIONS {
        let text = file(id);
        let (at, _) =
            text.match_indices(from).nth(*nth).unwrap_or_else(|| panic!("{id} has no {from} ({nth})"));
        let mutant = Definition::parse(&format!("{}{to}{}", &text[..at], &text[at + from.len()..]));
        readable += usize::from(mutant.is_ok());
        let noticed = !mutant.is_ok_and(|definition| holds(&definition));
        assert!(noticed, "{id}: {from} -> {to} ({nth}) breaks nothing");
    }
    assert!(readable > 30, "most mutants must fail on the vectors, not on being read: {readable}");
}

#[test]
fn the_unchanged_definitions_hold() {
    for id in ["binance", "coinone"] {
        assert!(holds(&Definition::parse(&file(id)).unwrap()), "{id}");
    }
}
