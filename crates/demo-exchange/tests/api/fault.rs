//! Faults on demand, and the words in which each exchange tells of them.

use demo_exchange::{Fault, Switch};
use serde_json::json;

use crate::caller::{Reply, World, text};
use crate::vectors;

const ORDER: &str = "/api/v3/order";
const BUY: &str = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=50000";

fn once(fault: Fault) -> Switch {
    Switch { fault, count: 1, path: String::new(), exchange: None }
}

#[tokio::test]
async fn faults_refuse_in_place_of_executing() {
    let world = World::new().await;
    world.exchange.fault(once(Fault::RateLimited { retry_after_s: 7 }));
    let reply = world.binance("trade", "POST", ORDER, BUY).await;
    assert_eq!(reply.headers["retry-after"], "7");
    reply.refused(429, -1003);
    for status in [418, 500, 502, 503] {
        world.exchange.fault(once(Fault::Status { status }));
        assert_eq!(world.binance("trade", "POST", ORDER, BUY).await.status, status);
    }
    world.exchange.fault(once(Fault::EchoKey));
    let echo = world.binance("trade", "POST", ORDER, BUY).await.refused(401, -2015);
    assert!(echo.contains(&world.binance_key("trade").api_key));
    world.exchange.fault(once(Fault::EchoKey));
    let echo = world.coinone("raw", "/v2.1/account/balance/all", json!({})).await;
    assert!(text(&echo.body["error_msg"]).contains(&world.coinone_key("raw").api_key));
    echo.failed("12");
    assert_eq!(world.balance("trade", "USDT").await.1, "0.00000000");
}

/// Exchange, status, a part of the body, and a header about when to ask again.
type Limit = (&'static str, u16, &'static str, Option<(&'static str, &'static str)>);

const LIMITS: [Limit; 17] = [
    ("binance", 429, r#""code":-1003"#, Some(("retry-after", "7"))),
    ("bitfinex", 429, r#"["error",11010,"#, None),
    ("bitget", 429, r#""code":"429""#, Some(("x-mbx-used-remain-limit", "0"))),
    ("bithumb", 429, r#""name":"too_many_requests""#, None),
    ("bitstamp", 429, r#""status":"error""#, None),
    ("bybit", 200, r#""retCode":10006"#, Some(("x-bapi-limit-reset-timestamp", "1700000007000"))),
    ("coinbase", 429, r#""error":"RESOURCE_EXHAUSTED""#, Some(("x-ratelimit-reset", "7"))),
    ("coinbaseexchange", 429, r#""message":"Private rate limit exceeded""#, None),
    ("coinone", 200, r#""error_code":"4""#, None),
    ("cryptocom", 429, r#""code":42901"#, None),
    ("gate", 429, r#""label":"TOO_MANY_REQUESTS""#, Some(("x-gate-ratelimit-reset-timestamp", "1700000007"))),
    ("htx", 429, "base-request-exceed-frequency-limit", Some(("x-hb-ratelimit-requests-remain", "0"))),
    ("kraken", 200, "EAPI:Rate limit exceeded", None),
    ("kucoin", 429, r#""code":"429000""#, Some(("gw-ratelimit-reset", "7000"))),
    ("mexc", 429, r#""code":429"#, None),
    ("okx", 429, r#""code":"50011""#, None),
    (
        "upbit",
        429,
        r#""name":"too_many_requests""#,
        Some(("remaining-req", "group=default; min=1799; sec=0")),
    ),
];

#[tokio::test]
async fn each_exchange_refuses_who_asks_too_often_in_its_own_words() {
    let world = World::new().await;
    assert!(demo_exchange::spoken().eq(LIMITS.iter().map(|(id, ..)| *id)));
    for (id, status, words, header) in LIMITS {
        world.exchange.fault(once(Fault::RateLimited { retry_after_s: 7 }));
        let url = format!("{}/", world.exchange.origin(id));
        let reply = Reply::of(world.http.get(url).header("x-bapi-api-key", "any")).await;
        assert_eq!(reply.status, status, "{id}");
        assert!(reply.body.to_string().contains(words), "{id}: {}", reply.body);
        let told = header.map(|(name, _)| (name, reply.headers[name].as_str()));
        assert_eq!(told, header, "{id}");
    }
}

#[tokio::test]
async fn a_key_is_repeated_wherever_a_dialect_has_it() {
    let world = World::new().await;
    for id in demo_exchange::spoken() {
        for vector in vectors::read(id) {
            world.exchange.fault(once(Fault::EchoKey));
            let request = vectors::request(&vector, &world.exchange.origin(id), str::to_owned);
            let answer = request.send().await.unwrap().text().await.unwrap();
            let key = text(&vector["credentials"]["api_key"]);
            assert!(answer.contains(&key), "{} {answer}", vector["id"]);
        }
    }
}

#[tokio::test]
async fn faults_are_switched_over_http_and_meet_the_next_requests_of_their_path() {
    let world = World::new().await;
    let switch = json!({ "fault": { "status": { "status": 503 } }, "count": 2, "path": "/api/v3/order" });
    Reply::of(world.request("POST", "/_demo/faults").body(switch.to_string())).await.ok();
    world.public("/api/v3/ping").await.ok();
    for expected in [503, 503, 200] {
        assert_eq!(world.binance("trade", "POST", ORDER, BUY).await.status, expected);
    }
    Reply::of(world.request("POST", "/_demo/faults").body(r#"{"fault":"drop_before","count":9}"#)).await.ok();
    Reply::of(world.request("DELETE", "/_demo/faults")).await.ok();
    world.public("/api/v3/ping").await.ok();
    for wrong in [r#"{"fault":"explode"}"#, r#"{"fault":"drop_after","exchange":"mtgox"}"#] {
        assert_eq!(Reply::of(world.request("POST", "/_demo/faults").body(wrong)).await.status, 400);
    }
}

#[tokio::test]
async fn a_fault_can_be_aimed_at_one_exchange() {
    let world = World::new().await;
    let switch = json!({ "fault": { "status": { "status": 503 } }, "exchange": "okx" });
    Reply::of(world.request("POST", "/_demo/faults").body(switch.to_string())).await.ok();
    world.public("/api/v3/ping").await.ok();
    let time = format!("{}/api/v5/public/time", world.exchange.origin("okx"));
    for expected in [503, 200] {
        assert_eq!(Reply::of(world.http.get(&time)).await.status, expected);
    }
}
