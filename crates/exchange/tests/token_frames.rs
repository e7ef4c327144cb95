//! Frames that carry a token: read strictly, decided on as the endpoint their method stands for, and sent as they came but
//! for the token.
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

mod support;

use std::sync::{Arc, LazyLock};

use exchange::{
    Act, Answer, Asked, Class, Definition, ErrorKind, Frame, Incoming, Options, PRODUCTION, Reading, Side,
    Symbol,
};
use serde_json::{Value, json};
use support::builtin;

const PATH: &str = "/v2";
const TOKEN: &str = "kgt_virtual";

fn kraken() -> &'static Definition {
    static KRAKEN: LazyLock<Arc<Definition>> = LazyLock::new(|| builtin("kraken"));
    &KRAKEN
}

fn frame(method: &str, mut params: Value) -> Frame {
    params["token"] = json!(TOKEN);
    read(&json!({"method": method, "params": params, "req_id": 7}).to_string())
}

fn read(text: &str) -> Frame {
    kraken().frame(PATH, text).unwrap_or_else(|bad| panic!("{bad}: {text}"))
}

fn order() -> Value {
    json!({"order_type": "limit", "side": "buy", "order_qty": 0.001, "symbol": "BTC/USD", "limit_price": 50000.5})
}

fn with(more: Value) -> Value {
    let mut order = order();
    order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    order
}

/// The one order that is read in a frame.
#[track_caller]
fn one(frame: &Frame) -> exchange::Order {
    match frame.request().reading() {
        Reading::Orders(orders) if orders.len() == 1 => orders[0].clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_hostile_frame_is_refused_where_it_stands_and_with_what_its_answer_repeats() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("token_frames.json")).unwrap();
    assert!(cases.len() >= 120, "{}", cases.len());
    for case in &cases {
        let bad = kraken().frame(PATH, case["frame"].as_str().unwrap());
        let bad = bad.err().unwrap_or_else(|| panic!("accepted: {case}"));
        assert_eq!(format!("{:?}", bad.refusal.part), case["part"].as_str().unwrap(), "{case}: {bad}");
        assert_eq!(bad.id, case["id"].as_str().unwrap(), "{case}: {bad}");
    }
}

#[test]
fn an_order_is_the_request_of_its_endpoint() {
    let read = frame("add_order", order());
    assert_eq!((read.act(), read.request().class(), read.key()), (Act::Call, Class::Trade, None));
    assert_eq!((read.request().method().as_str(), read.request().path()), ("POST", "/0/private/AddOrder"));
    let order = one(&read);
    assert_eq!(order.symbol, Symbol::Market("BTC/USD".to_owned()));
    assert_eq!((order.side, order.kind.as_str()), (Side::Buy, "LIMIT"));
    assert_eq!(
        (order.quantity, order.price),
        (Some("0.001".parse().unwrap()), Some("50000.5".parse().unwrap()))
    );
}

/// As Python writes small numbers.
#[test]
fn an_exponent_is_read_and_left_as_it_is() {
    let text = r#"{"method":"add_order","params":{"order_type":"limit","side":"sell","order_qty":5e-05,"symbol":"BTC/USD","limit_price":6E4,"token":"kgt_virtual"},"req_id":1}"#;
    let read = read(text);
    assert_eq!(
        (one(&read).quantity, one(&read).price),
        (Some("0.00005".parse().unwrap()), Some(60_000.into()))
    );
    assert_eq!(kraken().with_token(&read, "real").unwrap(), text.replace("kgt_virtual", "real"));
}

#[test]
fn only_the_token_is_another_one_in_what_leaves() {
    let text = "{ \"req_id\":1, \"params\" : {\"token\":\"kgt_virtual\" ,\"cl_ord_id\":\"\\u00e9\",\"order_type\":\"market\",\
         \"side\":\"buy\",\"order_qty\":1.50,\"symbol\":\"BTC/USD\"},\"method\":\"add_order\"}";
    let read = read(text);
    assert_eq!(kraken().frame_token(&read), Some(TOKEN));
    let sent = kraken().with_token(&read, "a/\"b+c").unwrap();
    assert_eq!(sent, text.replace("\"kgt_virtual\"", "\"a/\\\"b+c\""));
    assert!(!sent.contains(TOKEN));
}

#[test]
fn every_price_of_an_order_counts() {
    let stop = frame(
        "add_order",
        with(
            json!({"order_type": "stop-loss-limit", "triggers": {"price": 60000, "reference": "index", "price_type": "static"}}),
        ),
    );
    assert_eq!(one(&stop).price, Some(60_000.into()));
    let cash = json!({"order_type": "market", "side": "buy", "cash_order_qty": 100.5, "symbol": "BTC/USD"});
    let cash = one(&frame("add_order", cash));
    assert_eq!((cash.quantity, cash.quote_amount), (None, Some("100.5".parse().unwrap())));
}

#[test]
fn what_has_no_price_is_unpriceable() {
    for more in [
        json!({"conditional": {"order_type": "stop-loss", "trigger_price": 1}}),
        json!({"conditional": {"trigger_price": 1}}),
        json!({"conditional": {"limit_price": 1, "limit_price_type": "pct"}}),
        json!({"order_type": "settle-position", "order_qty": 0}),
    ] {
        let read = frame("add_order", with(more.clone()));
        assert!(matches!(read.request().reading(), Reading::Unpriceable(_)), "{more}");
    }
    for (method, params) in [
        (
            "amend_order",
            json!({"order_id": "O1", "order_qty": 1, "limit_price": 2, "trigger_price": 3, "post_only": true}),
        ),
        ("edit_order", json!({"order_id": "O1", "symbol": "BTC/USD", "order_qty": 1, "limit_price": 2})),
    ] {
        let read = frame(method, params);
        assert_eq!(read.request().class(), Class::Trade);
        assert!(matches!(read.request().reading(), Reading::Unpriceable(_)), "{method}");
    }
}

#[test]
fn every_order_of_a_batch_counts() {
    let item = |side: &str, quantity: f64| json!({"order_type": "limit", "side": side, "order_qty": quantity, "limit_price": 3000, "time_in_force": "gtc", "cl_ord_id": "a"});
    let batch = json!({"symbol": "ETH/USD", "deadline": "x", "validate": false, "orders": [item("buy", 1.5), item("sell", 2.0)]});
    let read = frame("batch_add", batch);
    assert_eq!(read.request().path(), "/0/private/AddOrderBatch");
    let Reading::Orders(orders) = read.request().reading() else { panic!("{:?}", read.request().reading()) };
    assert_eq!(orders.len(), 2);
    assert!(orders.iter().all(|order| order.symbol == Symbol::Market("ETH/USD".to_owned())));
    assert_eq!((orders[0].side, orders[1].side), (Side::Buy, Side::Sell));
}

#[test]
fn cancels_are_cancels() {
    for (method, params, path) in [
        ("cancel_order", json!({"order_id": ["O1", "O2"]}), "CancelOrder"),
        ("cancel_order", json!({"order_userref": [1, 2]}), "CancelOrder"),
        ("cancel_order", json!({"cl_ord_id": ["a"]}), "CancelOrder"),
        ("batch_cancel", json!({"orders": ["O1", "7"], "cl_ord_id": ["a"]}), "CancelOrderBatch"),
        ("cancel_all", json!({}), "CancelAll"),
        ("cancel_all_orders_after", json!({"timeout": 60}), "CancelAllOrdersAfter"),
    ] {
        let read = frame(method, params);
        assert_eq!(read.request().path(), format!("/0/private/{path}"));
        assert!(matches!(read.request().reading(), Reading::Cancel { .. }), "{method}");
    }
}

#[test]
fn subscriptions_only_read_and_no_frame_takes_a_nonce() {
    for channel in ["executions", "balances"] {
        for method in ["subscribe", "unsubscribe"] {
            let read = frame(method, json!({"channel": channel, "snapshot": true}));
            assert_eq!((read.act(), read.request().class()), (Act::Call, Class::Read));
            assert_eq!(kraken().nonce_kind(read.request(), &Options::default()), None);
        }
    }
    assert_eq!(kraken().nonce_kind(frame("add_order", order()).request(), &Options::default()), None);
}

#[test]
fn a_ping_needs_no_token_and_is_answered_with_its_number() {
    let with_id = read(r#"{"method":"ping","req_id":42}"#);
    let without = read(r#"{"method":"ping"}"#);
    assert_eq!((with_id.act(), without.act()), (Act::Ping, Act::Ping));
    assert_eq!((with_id.id(), without.id()), ("42", "null"));
    let pong = |read: &Frame| kraken().answer_heartbeat(PATH, read.id(), 1_700_002_135_123);
    let now = "2023-11-14T22:48:55.123Z";
    assert_eq!(
        serde_json::from_str::<Value>(&pong(&with_id)).unwrap(),
        json!({"method": "pong", "req_id": 42, "time_in": now, "time_out": now})
    );
    assert!(kraken().is_heartbeat_answer(PATH, &pong(&without)) && !pong(&without).contains("req_id"));
    assert_eq!(kraken().heartbeat(PATH), Some(r#"{"method":"ping"}"#));
    assert!(!kraken().is_heartbeat_answer(PATH, r#"{"method":"add_order","cl_ord_id":"pong"}"#));
}

#[test]
fn a_refusal_is_in_krakens_words_and_repeats_method_and_number() {
    let said = |answer, id: &str| -> Value {
        let asked = Asked { path: PATH, id, method: "" };
        serde_json::from_str(&kraken().refuse_frame(answer, "no \"way\" [rule]", "id-1", asked)).unwrap()
    };
    let refused = said(Answer::Denied, frame("add_order", order()).id());
    assert_eq!(
        refused,
        json!({"method": "add_order", "req_id": 7, "success": false,
               "error": "EGeneral:Permission denied: Keygate: no \"way\" [rule] (id-1)"})
    );
    let unread = said(Answer::BadRequest, "{}");
    assert_eq!(unread["error"], "EGeneral:Invalid arguments: Keygate: no \"way\" [rule] (id-1)");
    assert_eq!(unread.as_object().unwrap().len(), 2);
    for answer in [Answer::UnknownKey, Answer::BadSignature, Answer::BadTimestamp] {
        assert!(
            said(answer, "{}")["error"].as_str().unwrap().starts_with("ESession:Invalid session: Keygate:")
        );
    }
    assert_eq!(said(Answer::OutcomeUnknown, "{}")["error"], "Keygate: no \"way\" [rule] (id-1)");
}

#[test]
fn answers_are_told_apart_by_method_and_number_and_events_are_none() {
    let read = |json: Value| kraken().frame_answer(PATH, &json.to_string());
    let own = frame("add_order", order());
    let done =
        read(json!({"method": "add_order", "req_id": 7, "result": {"order_id": "O1"}, "success": true}))
            .unwrap();
    assert_eq!((done.id.as_deref(), done.status), (Some(own.id()), 200));
    assert_eq!(kraken().frame_error(&done), None);
    let other = read(json!({"method": "cancel_order", "req_id": 7, "success": true})).unwrap();
    assert_ne!(other.id.as_deref(), Some(own.id()));
    let failed = read(
        json!({"method": "add_order", "req_id": 7, "success": false, "error": "EOrder:Insufficient funds"}),
    );
    let error = kraken().frame_error(&failed.unwrap()).unwrap();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Other, "EOrder:Insufficient funds"));
    let bare =
        read(json!({"method": "add_order", "req_id": 7, "error": "EOrder:Insufficient funds"})).unwrap();
    assert_eq!((bare.id.as_deref(), bare.status), (Some(own.id()), 400));
    let wordless = read(json!({"method": "add_order", "success": false})).unwrap();
    assert!(kraken().frame_error(&wordless).is_some(), "a failure without words is one");
    let session =
        read(json!({"method": "subscribe", "success": false, "error": "ESession:Invalid session"})).unwrap();
    assert_eq!(kraken().frame_error(&session).unwrap().kind, ErrorKind::BadKey);
    assert_eq!(read(json!({"channel": "executions", "type": "update", "data": [], "sequence": 1})), None);
    assert_eq!(read(json!({"method": "pong", "req_id": 7})), None);
    assert_eq!(
        read(json!({"error": "EGeneral:Invalid arguments", "success": false})),
        None,
        "whose it is nobody says"
    );
}

#[test]
fn the_token_is_asked_for_by_the_gateway_and_answered_to_clients_in_its_words() {
    let own = kraken().token_request().unwrap();
    assert_eq!((own.class(), own.path()), (Class::Session, "/0/private/GetWebSocketsToken"));
    let ask = |target| {
        let headers: &[(&str, &[u8])] = &[("content-type", b"application/x-www-form-urlencoded")];
        let body = b"nonce=1".as_slice();
        kraken().request(Incoming { method: "POST", target, headers, body, ..Incoming::default() }).unwrap()
    };
    assert!(kraken().asks_for_token(&ask("/0/private/GetWebSocketsToken")));
    assert!(!kraken().asks_for_token(&ask("/0/private/Balance")));
    let told: Value = serde_json::from_str(&kraken().tell_token("a\"b")).unwrap();
    assert_eq!(told, json!({"error": [], "result": {"token": "a\"b", "expires": 900}}));
    let body = json!({"error": [], "result": {"token": "x/y+z", "expires": 900}}).to_string();
    assert_eq!(kraken().read_token(body.as_bytes()).unwrap().expose(), "x/y+z");
    for body in ["{}", "", "{\"result\":{\"token\":\"\"}}", "{\"result\":{\"token\":[]}}"] {
        assert!(kraken().read_token(body.as_bytes()).is_none(), "{body}");
    }
    assert!(!builtin("okx").asks_for_token(&ask("/0/private/GetWebSocketsToken")));
}

#[test]
fn the_stream_is_at_one_path_of_one_host() {
    for (path, is) in
        [(PATH, true), ("/v2/", false), ("/", false), ("/v1", false), ("/0/private/AddOrder", false)]
    {
        assert_eq!(kraken().is_stream(path), is, "{path}");
    }
    assert!(kraken().takes_stream_query(PATH, "") && !kraken().takes_stream_query(PATH, "a=b"));
    let place = kraken().stream_upstream(PRODUCTION, PATH).unwrap();
    assert_eq!(place.origin(), "https://ws-auth.kraken.com");
}
