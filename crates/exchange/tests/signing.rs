//! What leaves: which bytes are replaced, which are never touched.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

mod support;

use exchange::{
    Credentials, Definition, Exchanges, NonceKind, NonceUnit, Options, Request, SignError, Signed, Stamp,
    Typed, conformance,
};
use serde_json::{Value, json};
use support::{Message, builtin, upstream, vector};

const NOW: u64 = 1_700_000_000_123;
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

fn message(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Message {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Message { method: method.to_owned(), url: format!("https://host{target}"), headers, body: body.into() }
}

fn pair(definition: &Definition) -> Credentials {
    Credentials::parse(definition, Typed::new("REALKEY", &"s".repeat(36).into()), Options::default()).unwrap()
}

fn sign_with(definition: &Definition, request: &Request, nonce: Option<&str>) -> Result<Signed, SignError> {
    let stamp = Stamp { now_ms: NOW, nonce: nonce.map(str::to_owned) };
    definition.sign(request, &upstream(definition, request).unwrap(), &pair(definition), &stamp)
}

fn sign(message: &Message) -> Signed {
    let definition = builtin("binance");
    sign_with(&definition, &message.parse(&definition).unwrap(), None).unwrap()
}

fn header<'s>(signed: &'s Signed, name: &str) -> Option<&'s str> {
    signed.headers.iter().find(|(own, _)| own.as_ref() == name).map(|(_, value)| value.as_str())
}

/// Path and query or body up to the signature.
fn unsigned_part(text: &str) -> &str {
    text.split_once("signature=").unwrap().0
}

#[test]
fn the_signature_goes_where_the_client_put_it() {
    let in_query = sign(&message(
        "POST",
        "/api/v3/order?symbol=A&side=BUY&type=MARKET&quantity=1&timestamp=1&signature=ab",
        &[],
        "",
    ));
    assert_eq!(
        unsigned_part(&in_query.target),
        "/api/v3/order?symbol=A&side=BUY&type=MARKET&quantity=1&timestamp=1700000000123&"
    );
    assert!(in_query.body.is_empty());
    let in_body = sign(&message("DELETE", "/api/v3/order", &[FORM], "symbol=A&timestamp=1&signature=ab"));
    assert_eq!(in_body.target, "/api/v3/order");
    assert!(in_body.body.starts_with(b"symbol=A&timestamp=1700000000123&signature="));
    let mixed =
        sign(&message("DELETE", "/api/v3/order?timestamp=1&symbol=A", &[FORM], "orderId=1&signature=ab"));
    assert_eq!(mixed.target, "/api/v3/order?timestamp=1700000000123&symbol=A");
    assert!(mixed.body.starts_with(b"orderId=1&signature="));
}

#[test]
fn an_unsigned_request_is_signed_where_its_parameters_are() {
    let query = sign(&message("POST", "/sapi/v3/asset/getUserAsset?asset=BTC", &[], ""));
    assert!(
        query.target.starts_with("/sapi/v3/asset/getUserAsset?timestamp=1700000000123&asset=BTC&signature=")
    );
    let body = sign(&message("POST", "/sapi/v3/asset/getUserAsset", &[], "asset=BTC"));
    assert!(body.body.starts_with(b"timestamp=1700000000123&asset=BTC&signature="));
    let empty = sign(&message("POST", "/sapi/v3/asset/getUserAsset", &[], ""));
    assert!(empty.body.starts_with(b"timestamp=1700000000123&signature="), "POST without parameters: a form");
    assert_eq!(header(&empty, "content-type"), Some("application/x-www-form-urlencoded"));
    let get = sign(&message("GET", "/api/v3/account", &[], ""));
    assert!(get.target.starts_with("/api/v3/account?timestamp=1700000000123&signature="));
}

#[test]
fn a_body_of_our_own_has_our_type_whatever_the_client_declared() {
    let sent =
        sign(&message("POST", "/sapi/v3/asset/getUserAsset", &[("Content-Type", "application/json")], ""));
    assert_eq!(header(&sent, "content-type"), Some("application/x-www-form-urlencoded"));
    let get = sign(&message("GET", "/api/v3/account", &[("Content-Type", "application/json")], ""));
    assert_eq!(
        header(&get, "content-type"),
        Some("application/json"),
        "without a body it is the client's affair"
    );
}

#[test]
fn a_signature_in_the_middle_moves_to_the_end_and_nothing_else_moves() {
    let signed =
        sign(&message("GET", "/api/v3/account?a=%2F%2f+x&signature=ab&b=%41&timestamp=1&c=", &[], ""));
    assert_eq!(unsigned_part(&signed.target), "/api/v3/account?a=%2F%2f+x&b=%41&timestamp=1700000000123&c=&");
}

#[test]
fn only_listed_headers_leave() {
    let headers = [
        ("User-Agent", "ccxt"),
        ("Accept", "*/*"),
        ("X-MBX-TIME-UNIT", "MICROSECOND"),
        ("X-MBX-APIKEY", "kg_12345678"),
        ("Cookie", "a=b"),
        ("Authorization", "Bearer kg_x"),
        ("X-Keygate-Key", "kg_x"),
        ("X-Forwarded-For", "1.2.3.4"),
        ("Host", "keygate.example"),
        ("Connection", "close"),
        ("Accept-Encoding", "gzip"),
        ("Referer", "x"),
    ];
    let signed = sign(&message("GET", "/api/v3/account", &headers, ""));
    let mut names: Vec<_> = signed.headers.iter().map(|(name, _)| name.as_ref()).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "user-agent", "x-mbx-apikey", "x-mbx-time-unit"]);
    assert_eq!(header(&signed, "x-mbx-apikey"), Some("REALKEY"));
}

#[test]
fn a_public_call_leaves_without_key_time_and_signature() {
    let plain = message("GET", "/api/v3/ticker/price?symbol=BTCUSDT", &[("X-MBX-APIKEY", "kg_12345678")], "");
    let signed = message(
        "GET",
        "/api/v3/ticker/price?timestamp=1&symbol=BTCUSDT&signature=ab",
        &[("X-MBX-APIKEY", "kg_12345678")],
        "",
    );
    for message in [plain, signed] {
        let definition = builtin("binance");
        let request = message.parse(&definition).unwrap();
        assert_eq!(definition.presented_key(&request), None, "nobody is asked for a key");
        let sent = sign(&message);
        assert_eq!(sent.target, "/api/v3/ticker/price?symbol=BTCUSDT");
        assert_eq!(header(&sent, "x-mbx-apikey"), None);
    }
}

#[test]
fn a_key_only_call_leaves_with_the_key_alone() {
    let sent =
        sign(&message("PUT", "/api/v3/userDataStream?listenKey=abc&timestamp=1&signature=ab", &[], ""));
    assert_eq!(sent.target, "/api/v3/userDataStream?listenKey=abc");
    assert_eq!(header(&sent, "x-mbx-apikey"), Some("REALKEY"));
}

#[test]
fn json_keeps_its_text_around_the_replaced_fields() {
    let definition = builtin("coinone");
    let body = "{ \"price\" : 1.50,\n\"access_token\":\"kg_12345678\", \"e\":\"\\u00e9\\/\", \"nonce\":\"x\", \"list\":[1, 2.0] }";
    let request = message("POST", "/v2.1/order/info", &[], body).parse(&definition).unwrap();
    let nonce = "11111111-2222-4333-8444-555555555555";
    let sent = sign_with(&definition, &request, Some(nonce)).unwrap();
    let text =
        String::from_utf8(base64::Engine::decode(&base64::prelude::BASE64_STANDARD, &sent.body).unwrap())
            .unwrap();
    assert_eq!(text, body.replace("kg_12345678", "REALKEY").replace("\"x\"", &format!("\"{nonce}\"")));
    assert_eq!(header(&sent, "x-coinone-payload").unwrap().as_bytes(), sent.body);
    assert_eq!(header(&sent, "content-type"), Some("application/json"));
}

#[test]
fn a_number_stays_a_number_where_a_nonce_is_replaced() {
    let definition = builtin("coinone");
    let request =
        message("POST", "/v2/account/balance", &[], r#"{"nonce":1600000000}"#).parse(&definition).unwrap();
    let sent = sign_with(&definition, &request, Some("1700000000")).unwrap();
    let text = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, &sent.body).unwrap();
    assert_eq!(text, br#"{"access_token":"REALKEY","nonce":1700000000}"#);
}

#[test]
fn the_nonce_must_have_the_kind_the_endpoint_wants() {
    let definition = builtin("coinone");
    let v21 = message("POST", "/v2.1/account/balance/all", &[], "").parse(&definition).unwrap();
    let v2 = message("POST", "/v2/account/balance", &[], "").parse(&definition).unwrap();
    assert_eq!(definition.nonce_kind(&v21, &Options::default()), Some(NonceKind::Uuid4));
    assert_eq!(definition.nonce_kind(&v2, &Options::default()), Some(NonceKind::Seconds));
    assert!(NonceKind::Seconds.is_counter() && !NonceKind::Uuid4.is_counter());
    for (request, wrong) in [
        (&v21, "1700000000"),
        (&v21, ""),
        (&v2, "11111111-2222-4333-8444-555555555555"),
        (&v21, "11111111-2222-1333-8444-555555555555"),
    ] {
        let kind = definition.nonce_kind(request, &Options::default()).unwrap();
        assert_eq!(
            sign_with(&definition, request, Some(wrong)).err(),
            Some(SignError::Nonce(kind)),
            "{wrong}"
        );
    }
    assert_eq!(sign_with(&definition, &v21, None).err(), Some(SignError::Nonce(NonceKind::Uuid4)));
    for (request, random) in [(&v21, [7; 16]), (&v2, [0; 16])] {
        let own = definition.nonce_kind(request, &Options::default()).unwrap().text(NOW, random);
        assert!(sign_with(&definition, request, Some(&own)).is_ok(), "{own}");
    }
    let binance = builtin("binance");
    let account = message("GET", "/api/v3/account", &[], "").parse(&binance).unwrap();
    assert_eq!(binance.nonce_kind(&account, &Options::default()), None);
}

#[test]
fn a_key_may_count_its_nonces_in_another_unit() {
    let kraken = builtin("kraken");
    let request = message("POST", "/0/private/BalanceEx", &[], "nonce=1").parse(&kraken).unwrap();
    let options = Options { nonce_unit: Some(NonceUnit::Nanos), ..Options::default() };
    assert_eq!(kraken.nonce_kind(&request, &options), Some(NonceKind::Nanos));
    assert_eq!(NonceKind::Nanos.count(1_700_000_000_000), Some(1_700_000_000_000_000_000));
    let finer = |kind| NonceUnit::finer_than(kind).collect::<Vec<_>>();
    assert_eq!(finer(NonceKind::Seconds), [NonceUnit::Millis, NonceUnit::Micros, NonceUnit::Nanos]);
    assert_eq!(finer(NonceKind::Micros), [NonceUnit::Nanos]);
    assert!(finer(NonceKind::Uuid4).is_empty());
}

#[test]
fn signing_twice_gives_the_same_bytes() {
    let message = message("GET", "/api/v3/account", &[], "");
    assert_eq!(sign(&message).target, sign(&message).target);
}

#[test]
fn the_line_protocol_answers_every_line_with_one_line() {
    let exchanges = Exchanges::builtin();
    let mut bad = vector("sv-binance-default-01").0;
    bad["exchange"] = json!("nowhere");
    let mut elsewhere = vector("sv-binance-default-01").0;
    elsewhere["dummy_signed"]["url"] = json!("https://evil.example/api/v3/account");
    let mut plain = elsewhere.clone();
    plain["dummy_signed"]["url"] = json!("http://api.binance.com/api/v3/account");
    let mut wrong_host = elsewhere.clone();
    wrong_host["dummy_signed"]["url"] = json!("https://fapi.binance.com/api/v3/account");
    let mut no_request = elsewhere.clone();
    no_request
        .as_object_mut()
        .unwrap()
        .retain(|name, _| !["request", "dummy_signed"].contains(&name.as_str()));
    let mut no_nonce = vector("sv-coinone-default-01").0;
    no_nonce["nonce"] = Value::Null;
    let mut broken = vector("sv-binance-rsa-01").0;
    broken["credentials"]["secret"]["body"] = json!("AAAA");
    for line in ["", "{", "[]", "null", "1", "\"text\"", "{}", "{\"id\":7}", "\u{0}", "{\"id\":\"a\nb\"}"] {
        let answer: Value = serde_json::from_str(&conformance(&exchanges, line)).unwrap();
        assert!(answer["error"].is_string(), "{line}: {answer}");
    }
    for line in [bad, elsewhere, plain, wrong_host, no_request, no_nonce, broken] {
        let answer = conformance(&exchanges, &line.to_string());
        assert!(!answer.contains('\n'));
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert!(
            answer["error"].is_string() && answer["id"] == line["id"] && answer.get("url").is_none(),
            "{answer}"
        );
    }
    let unsigned: Value = serde_json::from_str(&conformance(&exchanges, "{\"id\":7}")).unwrap();
    assert_eq!(unsigned["id"], json!(7), "the id comes back even with an error");
}

#[test]
fn the_line_protocol_takes_a_secret_as_text_too() {
    let mut line = vector("sv-binance-ed25519-01").0;
    line["credentials"]["secret"] = json!(support::secret_text(&line["credentials"]["secret"]));
    let answer: Value = serde_json::from_str(&conformance(&Exchanges::builtin(), &line.to_string())).unwrap();
    assert_eq!(answer["url"], line["signed"]["url"]);
}
