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
            let Ok(pair) = vector.parse_credentials(definition) else { return false };
            let sent = vector
                .flows()
                .iter()
                .all(|flow| vector.sign(definition, flow).is_ok_and(|sent| vector.is(definition, &sent)));
            let client = Message::of(vector.signed()).parse(definition);
            sent && client.is_ok_and(|client| {
                let late = definition.verify(&client, &pair, vector.now_ms() + 40_000).is_ok();
                let timeless = vector.0["timeless"] == true;
                definition.verify(&client, &pair, vector.now_ms()).is_ok() && late == timeless
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
        "coinone" => ["sv-coinone-default@raw-01", "sv-coinone-v2-01"]
            .into_iter()
            .all(|id| as_documented(definition, id)),
        _ => true,
    }
}

/// Without any option of the credential the secret has the form the documents say.
fn as_documented(definition: &Definition, id: &str) -> bool {
    let mut vector = vector(id);
    vector.0["params"] = serde_json::json!({});
    vector.sign(definition, "request").is_ok_and(|sent| vector.is(definition, &sent))
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

/// The lines of an exchange's `mutants.txt`: `from => to`, and `#2` for the second place.
fn mutants(id: &str) -> Vec<(String, String, usize)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("exchanges").join(id).join("mutants.txt");
    let text = fs::read_to_string(path).unwrap();
    let parse = |line: &str| {
        let (from, to) = line.split_once(" => ").or(line.strip_suffix(" =>").map(|from| (from, ""))).unwrap();
        match to.rsplit_once(" #") {
            Some((to, nth)) if nth.parse::<usize>().is_ok() => {
                (from.to_owned(), to.to_owned(), nth.parse::<usize>().unwrap() - 1)
            }
            _ => (from.to_owned(), to.to_owned(), 0),
        }
    };
    text.lines().map(parse).collect()
}

#[test]
fn every_changed_value_of_a_signing_profile_is_noticed() {
    let (mut readable, mut tried) = (0, 0);
    for definition in exchange::Exchanges::builtin().iter() {
        let id = definition.id();
        let text = file(id);
        assert!(mutants(id).len() >= 8, "{id}");
        for (from, to, nth) in mutants(id) {
            let (at, _) =
                text.match_indices(&from).nth(nth).unwrap_or_else(|| panic!("{id} has no {from} ({nth})"));
            let mutant = Definition::parse(&format!("{}{to}{}", &text[..at], &text[at + from.len()..]));
            readable += usize::from(mutant.is_ok());
            tried += 1;
            let noticed = !mutant.is_ok_and(|definition| holds(&definition));
            assert!(noticed, "{id}: {from} -> {to} ({nth}) breaks nothing");
        }
    }
    assert!(
        readable * 3 > tried * 2,
        "most must fail on the vectors, not on being read: {readable} of {tried}"
    );
}

#[test]
fn the_unchanged_definitions_hold() {
    for definition in exchange::Exchanges::builtin().iter() {
        assert!(holds(&Definition::parse(&file(definition.id())).unwrap()), "{}", definition.id());
    }
}
