//! Frames of a WebSocket API: read strictly, by the rules of the endpoint their method stands for; signed and checked
//! over their sorted parameters.
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

mod support;

use std::sync::{Arc, LazyLock};

use exchange::{
    Act, Answer, Asked, Class, Credentials, Definition, Frame, Options, Part, Reading, Session, Typed,
    VerifyError,
};
use serde_json::{Value, json};
use support::{builtin, vector};

const PATH: &str = "/ws-api/v3";
const NOW: u64 = 1_645_423_376_532;
const SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
/// The example of Binance's documents (web-socket-api.md, SIGNED request example, HMAC).
const PUBLISHED: &str = r#"{
  "id": "4885f793-e5ad-4c3b-8f6c-55d891472b71",
  "method": "order.place",
  "params": {
    "symbol":           "BTCUSDT",
    "side":             "SELL",
    "type":             "LIMIT",
    "timeInForce":      "GTC",
    "quantity":         "0.01000000",
    "price":            "52000.00",
    "newOrderRespType": "ACK",
    "recvWindow":       100,
    "timestamp":        1645423376532,
    "apiKey":           "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
    "signature":        "cc15477742bd704c29492d96c7ead9414dfd8e0ec4a00f947bb5bb454ddbd08a"
  }
}"#;

fn binance() -> &'static Definition {
    static BINANCE: LazyLock<Arc<Definition>> = LazyLock::new(|| builtin("binance"));
    &BINANCE
}

fn pair(definition: &Definition, key: &str, secret: &str) -> Credentials {
    Credentials::parse(definition, Typed::new(key, &secret.to_owned().into()), Options::default()).unwrap()
}

fn published_pair(definition: &Definition) -> Credentials {
    pair(definition, "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A", SECRET)
}

fn frame(text: &str) -> Frame {
    binance().frame(PATH, text).unwrap_or_else(|bad| panic!("{bad}: {text}"))
}

fn order(price: &str) -> String {
    format!(
        r#"{{"id":1,"method":"order.place","params":{{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","quantity":0.10,"price":{price}}}}}"#
    )
}

#[test]
fn every_hostile_frame_is_refused_where_it_stands_and_with_its_id() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("frames.json")).unwrap();
    assert!(cases.len() >= 40, "{}", cases.len());
    for case in &cases {
        let text = case["frame"].as_str().unwrap();
        let bad = binance().frame(PATH, text).err().unwrap_or_else(|| panic!("accepted: {case}"));
        assert_eq!(format!("{:?}", bad.refusal.part), case["part"].as_str().unwrap(), "{case}: {bad}");
        assert_eq!(bad.id, case["id"].as_str().unwrap(), "{case}: {bad}");
    }
}

#[test]
fn huge_and_deep_frames_are_refused() {
    let long = format!(r#"{{"id":1,"method":"ping","params":{{"a":"{}"}}}}"#, "x".repeat(70_000));
    assert_eq!(binance().frame(PATH, &long).unwrap_err().refusal.reason, "too large");
    let deep =
        format!(r#"{{"id":1,"method":"ping","params":{{"a":{}1{}}}}}"#, "[".repeat(40), "]".repeat(40));
    assert_eq!(binance().frame(PATH, &deep).unwrap_err().refusal.part, Part::Frame);
    let wide: Vec<String> = (0..200).map(|at| format!(r#""p{at}":1"#)).collect();
    let wide = format!(r#"{{"id":1,"method":"account.status","params":{{{}}}}}"#, wide.join(","));
    assert!(binance().frame(PATH, &wide).unwrap_err().refusal.reason.contains("128"));
}

#[test]
fn a_refusal_names_the_field_and_never_shows_a_value() {
    for text in [
        r#"{"id":1,"method":"c4n4ry"}"#,
        r#"{"id":"c4n4ry-and-much-more-of-it-so-that-it-is-too-long-for-an-id-to-be-taken","method":"ping"}"#,
        r#"{"id":1,"method":"order.place","params":{"symbol":"c4n4ry&","side":"BUY"}}"#,
        r#"{"id":1,"method":"order.place","params":{"symbol":"BTCUSDT","side":"c4n4ry","type":"LIMIT","quantity":1}}"#,
    ] {
        let bad = binance().frame(PATH, text).unwrap_err();
        assert!(!format!("{bad} {:?}", bad.refusal).contains("c4n4ry"), "{bad}");
    }
}

#[test]
fn a_frame_is_what_its_endpoint_is() {
    let read = frame(&order("\"60000\""));
    assert_eq!((read.request().class(), read.act()), (Class::Trade, Act::Call));
    assert_eq!((read.request().method().as_str(), read.request().path()), ("POST", "/api/v3/order"));
    let Reading::Orders(orders) = read.request().reading() else { panic!("{:?}", read.request().reading()) };
    assert_eq!((orders[0].price, orders[0].quantity), (Some(60_000.into()), Some("0.10".parse().unwrap())));
    let class = |method: &str| {
        let text = format!(r#"{{"id":1,"method":"{method}","params":{{"symbol":"BTCUSDT","orderId":1}}}}"#);
        frame(&text).request().class()
    };
    assert_eq!(class("order.cancel"), Class::Trade);
    assert_eq!(class("order.status"), Class::Read);
    assert_eq!(class("userDataStream.subscribe.signature"), Class::Read);
    assert_eq!(class("ticker.price"), Class::Public);
    assert_eq!(frame(r#"{"id":null,"method":"session.status"}"#).act(), Act::Status);
    assert_eq!(frame(r#"{"id":null,"method":"session.logout"}"#).act(), Act::Logout);
}

#[test]
fn ids_are_numbers_texts_and_null() {
    for (id, read) in [("7", "7"), ("-7", "-7"), ("null", "null"), ("\"\\u0061\"", "\"a\""), ("\"\"", "\"\"")]
    {
        assert_eq!(frame(&format!(r#"{{"id":{id},"method":"ping"}}"#)).id(), read);
    }
}

#[test]
fn the_published_signature_holds_and_is_made_from_the_published_frame() {
    let definition = binance();
    let pair = published_pair(definition);
    let signed = frame(PUBLISHED);
    let verified = definition.verify_frame(&signed, &pair, NOW).unwrap();
    assert_eq!((verified.timestamp_ms, verified.replayable_until_ms), (Some(NOW), Some(NOW + 100)));
    assert_eq!(definition.sign_frame(&signed, &pair, NOW).unwrap(), PUBLISHED, "every other byte stays");
}

#[test]
fn every_changed_part_of_a_signed_frame_breaks_its_signature() {
    let definition = binance();
    let pair = published_pair(definition);
    let good: Value = serde_json::from_str(PUBLISHED).unwrap();
    let names: Vec<String> = good["params"].as_object().unwrap().keys().cloned().collect();
    let holds = |changed: &Value| match definition.frame(PATH, &changed.to_string()) {
        Ok(frame) => definition.verify_frame(&frame, &pair, NOW),
        Err(_) => Err(VerifyError::Missing),
    };
    assert!(holds(&good).is_ok());
    for name in &names {
        let mut gone = good.clone();
        gone["params"].as_object_mut().unwrap().remove(name);
        assert!(holds(&gone).is_err(), "without {name}");
        let mut other = good.clone();
        other["params"][name] = match &good["params"][name] {
            Value::Number(number) => json!(number.as_u64().unwrap() + 1),
            text => json!(format!("{}1", text.as_str().unwrap())),
        };
        assert!(holds(&other).is_err(), "another {name}");
    }
    let mut more = good.clone();
    more["params"]["icebergQty"] = json!("1");
    assert_eq!(holds(&more), Err(VerifyError::BadSignature), "one more");
    let mut moved = good.clone();
    moved["params"] = good["params"]
        .as_object()
        .unwrap()
        .iter()
        .rev()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    assert!(holds(&moved).is_ok(), "their order says nothing");
    let mut cancel = good;
    cancel["id"] = json!(2);
    assert!(holds(&cancel).is_ok(), "the id is not signed");
}

#[test]
fn an_old_frame_and_a_frame_of_another_pair_are_refused() {
    let definition = binance();
    let signed = frame(PUBLISHED);
    let own = published_pair(definition);
    assert_eq!(definition.verify_frame(&signed, &own, NOW + 101), Err(VerifyError::StaleTimestamp));
    assert_eq!(definition.verify_frame(&signed, &own, NOW - 101), Err(VerifyError::StaleTimestamp));
    let other = pair(definition, own.api_key(), &SECRET.replace('N', "M"));
    assert_eq!(definition.verify_frame(&signed, &other, NOW), Err(VerifyError::BadSignature));
    let other = pair(definition, "kg_other", SECRET);
    assert_eq!(definition.verify_frame(&signed, &other, NOW), Err(VerifyError::BadSignature));
    assert!(definition.frame_is_fresh(&signed, NOW) && !definition.frame_is_fresh(&signed, NOW + 200));
    assert!(definition.frame_is_fresh(&frame(&order("1")), NOW), "a frame without a time is of now");
}

#[test]
fn a_frame_leaves_with_the_real_key_of_any_kind_and_holds_nothing_of_the_virtual_one() {
    let definition = binance();
    let virtual_pair = pair(definition, "kg_12345678", "virtual");
    let client = definition.sign_frame(&frame(&order("60000.10")), &virtual_pair, NOW).unwrap();
    assert!(definition.verify_frame(&frame(&client), &virtual_pair, NOW).is_ok());
    for id in ["sv-binance-default-01", "sv-binance-rsa-01", "sv-binance-ed25519-01"] {
        let real = vector(id).credentials(definition);
        let leaves = definition.sign_frame(&frame(&client), &real, NOW + 500).unwrap();
        assert!(!leaves.contains("kg_") && leaves.contains(real.api_key()), "{leaves}");
        assert!(leaves.contains(r#""quantity":0.10,"price":60000.10"#), "numbers keep their text: {leaves}");
        assert!(leaves.contains(&format!("\"timestamp\":{}", NOW + 500)), "{leaves}");
        assert!(definition.verify_frame(&frame(&leaves), &real, NOW + 500).is_ok(), "{id}");
    }
}

#[test]
fn a_frame_of_a_session_gets_all_it_lacks() {
    let definition = binance();
    let real = pair(definition, "REALKEY", "secret");
    let signed = |text: &str| definition.sign_frame(&frame(text), &real, NOW).unwrap();
    let bare: Value = serde_json::from_str(&signed(r#"{"id":1,"method":"account.status"}"#)).unwrap();
    assert_eq!((&bare["params"]["apiKey"], &bare["params"]["timestamp"]), (&json!("REALKEY"), &json!(NOW)));
    let subscribed = signed(r#"{"id":1,"method":"userDataStream.subscribe"}"#);
    assert!(subscribed.contains("\"userDataStream.subscribe.signature\""), "{subscribed}");
    for text in [subscribed, signed(&order("1"))] {
        assert!(definition.verify_frame(&frame(&text), &real, NOW).is_ok(), "{text}");
    }
    let public = r#"{ "id":1, "method":"ticker.price", "params":{"symbol":"BTCUSDT"} }"#;
    assert_eq!(signed(public), public, "market data leaves as it came");
}

#[test]
fn what_is_said_about_the_answer_is_signed_but_is_no_parameter_of_the_endpoint() {
    let text = order("1").replace("\"price\":1", "\"price\":1,\"returnRateLimits\":false");
    let definition = binance();
    let real = pair(definition, "REALKEY", "secret");
    let leaves = definition.sign_frame(&frame(&text), &real, NOW).unwrap();
    assert!(
        leaves.contains("\"returnRateLimits\":false")
            && frame(&leaves).request().param("returnRateLimits").is_none()
    );
    assert!(definition.verify_frame(&frame(&leaves), &real, NOW).is_ok());
    let other = leaves.replace("false", "true");
    assert!(definition.verify_frame(&frame(&other), &real, NOW).is_err());
}

#[test]
fn answers_carry_the_id_and_are_read_back() {
    let definition = binance();
    let asked = Asked { path: PATH, id: "\"x\"", method: "order.place" };
    let refused = definition.refuse_frame(Answer::Denied, "not \"this\" {id}", "req", asked);
    let json: Value = serde_json::from_str(&refused).unwrap();
    assert_eq!(
        (&json["id"], &json["status"], &json["error"]["code"]),
        (&json!("x"), &json!(403), &json!(-1002))
    );
    assert_eq!(json["error"]["msg"], "Keygate: not \"this\" {id} (req)");
    let answer = definition.frame_answer(PATH, &refused).unwrap();
    assert_eq!((answer.id.as_deref(), answer.status), (Some("\"x\""), 403));
    assert_eq!(definition.frame_error(&answer).unwrap().code, "-1002");
    let done = definition.frame_answer(PATH, r#"{"id":7,"status":200,"result":{}}"#).unwrap();
    assert_eq!((done.id.as_deref(), definition.frame_error(&done)), (Some("7"), None));
    for event in [r#"{"subscriptionId":0,"event":{"e":"executionReport"}}"#, "garbage", "{\"id\":1}"] {
        assert_eq!(definition.frame_answer(PATH, event), None, "{event}");
    }
    let session = Session { key: Some(("kg_a", 5)), connected_ms: 4, now_ms: 6 };
    let status = frame(r#"{"id":1,"method":"session.status"}"#);
    let told: Value = serde_json::from_str(&definition.tell_session(session, &status)).unwrap();
    assert_eq!((&told["result"]["apiKey"], &told["result"]["authorizedSince"]), (&json!("kg_a"), &json!(5)));
    let nobody = definition.tell_session(Session { key: None, ..session }, &status);
    assert!(nobody.contains("\"apiKey\":null"), "{nobody}");
}

#[test]
fn answers_say_what_is_used_of_the_budgets_and_when_to_ask_again() {
    let limit = |kind: &str, interval: &str, number: u32, count: u32| json!({"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": 9000, "count": count});
    let limits = [
        limit("ORDERS", "SECOND", 10, 12),
        limit("ORDERS", "DAY", 1, 4043),
        limit("REQUEST_WEIGHT", "MINUTE", 1, 321),
    ];
    let read = |json: Value| binance().frame_answer(PATH, &json.to_string()).unwrap();
    let done = read(json!({"id": 1, "status": 200, "result": {}, "rateLimits": limits}));
    let counts: Vec<_> = done.counts.iter().map(|(name, count)| (name.as_str(), count.as_str())).collect();
    assert_eq!(counts, [("x-mbx-order-count-10s", "12"), ("x-mbx-used-weight-1m", "321")]);
    assert_eq!(done.retry_after_s(NOW), None);
    let refused = |data: Value| {
        read(json!({"id": 1, "status": 418, "error": {"code": -1003, "msg": "banned", "data": data}}))
    };
    let banned = refused(json!({"serverTime": 1_659_142_907_531_u64, "retryAfter": 1_659_146_400_000_u64}));
    assert_eq!(banned.retry_after_s(NOW), Some(3493), "by the exchange's own clock");
    assert_eq!(refused(json!({"retryAfter": NOW + 2500})).retry_after_s(NOW), Some(3));
    assert_eq!(refused(json!({"retryAfter": NOW - 2500})).retry_after_s(NOW), Some(0));
    for nothing in [json!({}), json!(null), json!({"retryAfter": "soon"})] {
        assert_eq!(refused(nothing).retry_after_s(NOW), None);
    }
}

#[test]
fn only_the_listed_path_and_query_are_a_stream() {
    let binance = binance();
    for (path, is) in [(PATH, true), ("/ws-api/v3/", false), ("/ws-api/V3", false), ("/api/v3/order", false)]
    {
        assert_eq!(binance.is_stream(path), is, "{path}");
    }
    assert!(
        binance.takes_stream_query(PATH, "") && binance.takes_stream_query(PATH, "returnRateLimits=false")
    );
    for query in
        ["responseFormat=sbe", "sbeSchemaId=1", "returnRateLimits=false&x=1", "returnRateLimits", "&"]
    {
        assert!(!binance.takes_stream_query(PATH, query), "{query}");
    }
    assert_eq!(
        binance.stream_upstream(exchange::PRODUCTION, PATH).unwrap().origin(),
        "https://ws-api.binance.com"
    );
    assert!(!builtin("coinone").is_stream(PATH));
    assert!(builtin("coinone").frame(PATH, r#"{"id":1,"method":"ping"}"#).is_err());
}
