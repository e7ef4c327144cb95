//! Frames of a stream whose log-in alone is signed: read strictly, by the rules of the endpoint their method stands for.
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

mod support;

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use exchange::{
    Act, Answer, Asked, Class, Credentials, Definition, ErrorKind, Frame, Options, PRODUCTION, Reading,
    Session, Symbol, Typed, VerifyError,
};
use serde_json::{Value, json};
use support::builtin;

const PATH: &str = "/ws/v5/private";
const NOW: u64 = 1_700_000_000_000;

fn okx() -> &'static Definition {
    static OKX: LazyLock<Arc<Definition>> = LazyLock::new(|| builtin("okx"));
    &OKX
}

fn pair(key: &str, secret: &str, passphrase: &str) -> Credentials {
    let (secret, passphrase) = (secret.to_owned().into(), passphrase.to_owned().into());
    let typed = Typed { passphrase: Some(&passphrase), ..Typed::new(key, &secret) };
    Credentials::parse(okx(), typed, Options::default()).unwrap()
}

fn markets() -> BTreeMap<String, String> {
    let list = json!({"code": "0", "data": [
        {"instId": "BTC-USDT", "instIdCode": 1}, {"instId": "ETH-USDT", "instIdCode": 2},
        {"instId": "A-USDT", "instIdCode": 3}, {"instId": "B-USDT", "instIdCode": 3}, {"instId": "C-USDT"},
    ]});
    okx().read_market_numbers(PATH, list.to_string().as_bytes())
}

fn frame(frame: &Value) -> Frame {
    okx().frame_with(PATH, &frame.to_string(), &markets()).unwrap_or_else(|bad| panic!("{bad}: {frame}"))
}

fn asked(id: &str) -> Asked<'_> {
    Asked { path: PATH, id, method: "order" }
}

fn order(market: Value) -> Value {
    let mut order =
        json!({"tdMode": "cash", "side": "buy", "ordType": "limit", "sz": "0.010", "px": "50000"});
    order.as_object_mut().unwrap().extend(market.as_object().unwrap().clone());
    order
}

#[test]
fn every_hostile_frame_is_refused_where_it_stands_and_with_its_id() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("login_frames.json")).unwrap();
    assert!(cases.len() >= 60, "{}", cases.len());
    for case in &cases {
        let text = case["frame"].as_str().unwrap();
        let bad = okx().frame_with(PATH, text, &markets());
        let bad = bad.err().unwrap_or_else(|| panic!("accepted: {case}"));
        assert_eq!(format!("{:?}", bad.refusal.part), case["part"].as_str().unwrap(), "{case}: {bad}");
        assert_eq!(bad.id, case["id"].as_str().unwrap(), "{case}: {bad}");
    }
}

#[test]
fn a_frame_is_what_its_endpoint_is_and_leaves_as_it_came() {
    let by_name = json!({"id": "1", "op": "order", "args": [order(json!({"instId": "BTC-USDT"}))]});
    let by_number = json!({"id": "1", "op": "order", "args": [order(json!({"instIdCode": 1}))]});
    for sent in [by_name, by_number] {
        let read = frame(&sent);
        assert_eq!((read.act(), read.request().class(), read.key()), (Act::Call, Class::Trade, None));
        assert_eq!(
            (read.request().method().as_str(), read.request().path()),
            ("POST", "/api/v5/trade/order")
        );
        let Reading::Orders(orders) = read.request().reading() else {
            panic!("{:?}", read.request().reading())
        };
        assert_eq!(orders[0].symbol, Symbol::Market("BTC-USDT".to_owned()));
        assert_eq!(
            (orders[0].price, orders[0].quantity),
            (Some(50_000.into()), Some("0.010".parse().unwrap()))
        );
        assert_eq!(read.text(), sent.to_string());
    }
    let batch = [order(json!({"instIdCode": 1})), order(json!({"instIdCode": 2}))];
    let read = frame(&json!({"id": "b", "op": "batch-orders", "args": batch}));
    assert_eq!(read.request().path(), "/api/v5/trade/batch-orders");
    assert!(matches!(read.request().reading(), Reading::Orders(orders) if orders.len() == 2));
    let cancel = frame(&json!({"id": "c", "op": "cancel-order", "args": [{"instIdCode": 2, "ordId": "7"}]}));
    assert!(matches!(cancel.request().reading(), Reading::Cancel { .. }), "{:?}", cancel.request().reading());
}

#[test]
fn subscriptions_only_read() {
    for channel in ["orders", "account", "balance_and_position", "positions", "fills"] {
        for op in ["subscribe", "unsubscribe"] {
            let args = json!([{"channel": channel, "instType": "SPOT", "instId": "BTC-USDT"}]);
            let read = frame(&json!({"op": op, "args": args}));
            assert_eq!((read.act(), read.request().class(), read.id()), (Act::Listen, Class::Read, "null"));
        }
    }
}

#[test]
fn a_number_of_two_markets_is_none_of_both() {
    let known = markets();
    assert_eq!(known.get("2").map(String::as_str), Some("ETH-USDT"));
    assert_eq!((known.len(), known.get("3")), (2, None));
    assert!(okx().read_market_numbers(PATH, b"garbage").is_empty());
    let request = okx().market_numbers(PATH).unwrap();
    assert_eq!((request.class(), request.path()), (Class::Public, "/api/v5/public/instruments"));
}

#[test]
fn a_log_in_holds_for_its_pair_its_passphrase_and_its_time() {
    let own = pair("kg_12345678", "0123456789ABCDEF0123456789ABCDEF", "virtual");
    // as ccxt signs: HMAC-SHA256 of `1700000000GET/users/self/verify`
    let signed = okx().sign_login(PATH, &own, NOW).unwrap();
    let login: Value = serde_json::from_str(&signed).unwrap();
    assert_eq!((&login["op"], &login["args"][0]["timestamp"]), (&json!("login"), &json!("1700000000")));
    assert_eq!(login["args"][0]["sign"], "Ikt+m8H9a4a71m253i8fzxPPDMmTxHlL+yYR4ULQnlc=");
    let read = frame(&login);
    assert_eq!(
        (read.act(), read.key(), read.request().class()),
        (Act::Logon, Some("kg_12345678"), Class::Read)
    );
    let verified = okx().verify_frame(&read, &own, NOW + 30_000).unwrap();
    assert_eq!((verified.timestamp_ms, verified.replayable_until_ms), (Some(NOW), Some(NOW + 30_000)));
    for now in [NOW + 30_001, NOW - 30_001] {
        assert_eq!(okx().verify_frame(&read, &own, now).err(), Some(VerifyError::StaleTimestamp));
    }
    let others = [
        pair("kg_12345678", "0123456789ABCDEF0123456789ABCDEE", "virtual"),
        pair("kg_12345679", "0123456789ABCDEF0123456789ABCDEF", "virtual"),
        pair("kg_12345678", "0123456789ABCDEF0123456789ABCDEF", "Virtual"),
    ];
    for other in others {
        assert_eq!(okx().verify_frame(&read, &other, NOW).err(), Some(VerifyError::BadSignature));
    }
    for (name, value) in
        [("timestamp", "1700000001"), ("timestamp", "01700000000"), ("sign", "AAAA"), ("passphrase", "")]
    {
        let mut changed = login.clone();
        changed["args"][0][name] = json!(value);
        assert_eq!(
            okx().verify_frame(&frame(&changed), &own, NOW).err(),
            Some(VerifyError::BadSignature),
            "{name}"
        );
    }
}

#[test]
fn answers_are_okxs_and_are_read_back() {
    let refused = okx().refuse_frame(Answer::Denied, "not \"this\" {id}", "req", asked("\"x\""));
    let json: Value = serde_json::from_str(&refused).unwrap();
    assert_eq!((&json["event"], &json["id"], &json["code"]), (&json!("error"), &json!("x"), &json!("50027")));
    assert_eq!(json["msg"], "Keygate: not \"this\" {id} (req)");
    let nameless = okx().refuse_frame(Answer::BadRequest, "what?", "req", asked("null"));
    assert!(serde_json::from_str::<Value>(&nameless).unwrap().get("id").is_none(), "{nameless}");
    let read = |text: &str| {
        okx().frame_answer(PATH, text).map(|answer| (answer.id.clone(), okx().frame_error(&answer)))
    };
    let done = r#"{"id":"7","op":"order","code":"0","msg":"","data":[{"ordId":"1","sCode":"0","sMsg":""}]}"#;
    assert_eq!(read(done), Some((Some("\"7\"".to_owned()), None)));
    let not =
        r#"{"id":"7","op":"order","code":"1","msg":"","data":[{"ordId":"","sCode":"51008","sMsg":"no"}]}"#;
    assert_eq!(read(not).unwrap().1.unwrap().code, "51008");
    let by_id = read(r#"{"event":"error","id":"7","code":"60012","msg":"no"}"#).unwrap();
    assert_eq!((by_id.0.as_deref(), by_id.1.unwrap().code.as_str()), (Some("\"7\""), "60012"));
    for event in [
        r#"{"event":"subscribe","id":"7","arg":{"channel":"orders"}}"#,
        r#"{"event":"error","code":"60018","msg":"no"}"#,
        r#"{"arg":{"channel":"orders"},"data":[]}"#,
        "pong",
    ] {
        assert_eq!(okx().frame_answer(PATH, event), None, "{event}");
    }
    assert_eq!(okx().login_answer(PATH, r#"{"event":"login","code":"0","msg":""}"#), Some(Ok(())));
    let refused = okx().login_answer(PATH, r#"{"event":"error","code":"60009","msg":"Login failed."}"#);
    assert_eq!(refused.unwrap().unwrap_err().code, "60009");
    let late = r#"{"event":"error","code":"60006","msg":"Timestamp request expired"}"#;
    let late = okx().login_answer(PATH, late).unwrap().unwrap_err();
    assert_eq!(late.kind, ErrorKind::BadTimestamp, "the clock is asked for again");
    assert_eq!(okx().login_answer(PATH, "pong"), None);
    let own = pair("kg_12345678", "0123456789ABCDEF0123456789ABCDEF", "virtual");
    let login = serde_json::from_str(&okx().sign_login(PATH, &own, NOW).unwrap()).unwrap();
    let told = okx().tell_session(Session { key: None, connected_ms: 0, now_ms: 0 }, &frame(&login));
    assert!(told.contains("\"login\""), "{told}");
}

#[test]
fn only_the_private_path_is_a_stream_and_its_host_has_the_documented_port() {
    for (path, is) in
        [(PATH, true), ("/ws/v5/public", false), ("/ws/v5/business", false), ("/ws/v5/private/", false)]
    {
        assert_eq!(okx().is_stream(path), is, "{path}");
    }
    assert!(okx().takes_stream_query(PATH, "brokerId=9999") && !okx().takes_stream_query(PATH, "brokerId=1"));
    let host = |environment| okx().stream_upstream(environment, PATH).unwrap().origin().to_owned();
    assert_eq!(host(PRODUCTION), "https://ws.okx.com:8443");
    assert_eq!(host("demo"), "https://wspap.okx.com:8443");
    let practice = okx().with_environment("practice", "http://127.0.0.1:9").unwrap();
    assert_eq!(practice.stream_upstream("practice", PATH).unwrap().origin(), "http://127.0.0.1:9");
}

#[test]
fn a_wrong_table_is_refused_with_its_reason() {
    let text = include_str!("../exchanges/okx/exchange.toml");
    for (from, to, reason) in [
        ("\"/ws/v5/private\"]", "\"/ws/v5/*\"]", "whole and starting with /"),
        ("\"/ws/v5/private\"]", "\"/elsewhere\"]", "no host in production"),
        ("\"order\" = \"POST /api/v5/trade/order\"", "\"order\" = \"public\"", "an endpoint with a body"),
        (
            "\"order\" = \"POST /api/v5/trade/order\"",
            "\"order\" = \"GET /api/v5/trade/order\"",
            "with a body",
        ),
        (
            "\"order\" = \"POST /api/v5/trade/order\"",
            "\"order\" = \"POST /api/v5/nowhere\"",
            "frames may reach",
        ),
        (
            "\"order\" = \"POST /api/v5/trade/order\"",
            "\"order\" = \"POST /api/v5/users/subaccount/apikey\"",
            "frames may reach",
        ),
        ("\"order\" = \"POST", "\"subscribe\" = \"POST", "stands for one thing"),
        ("\"order\" = \"POST", "\"batch-orders\" = \"POST", "stands for one thing"),
        ("signs = \"{ts}GET", "signs = \"GET", "{ts} or {expires}, and signs it"),
        ("'{{id,}\"event\"", "'{\"event\"", "a refusal with its {id,}"),
        ("{\"event\":\"login\"", "\"event\":\"login\"", "JSON objects"),
        (
            "request = \"GET /api/v5/public/instruments",
            "request = \"GET /api/v5/account/instruments",
            "public request",
        ),
        ("https://ws.okx.com:8443", "https://ws.okx.com:443", "port of a stream's host"),
        ("https://ws.okx.com:8443", "wss://ws.okx.com:8443", "a host is https://name"),
        ("heartbeat = {", "heartbeat = { more = \"\",", "unknown field"),
    ] {
        let wrong = text.replacen(from, to, 1);
        assert_ne!(wrong, text, "{from}");
        let error = Definition::parse(&wrong).err().unwrap_or_else(|| panic!("accepted: {to}"));
        assert!(error.to_string().contains(reason), "{to}: {error}");
    }
}
