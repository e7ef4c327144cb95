//! The exchange as a test tool: its record, its faults, its page, its end.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use demo_exchange::{Clock, Config, DemoExchange, Fault, Permission, Switch};
use serde_json::{Value, json};

use crate::caller::{Reply, World};

const ACCOUNT: &str = "/api/v3/account";
const ORDER: &str = "/api/v3/order";
const BUY: &str = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=50000";

fn once(fault: Fault) -> Switch {
    Switch { fault, count: 1, path: String::new(), exchange: None }
}

#[tokio::test]
async fn every_request_is_recorded_as_it_came() {
    let world = World::new().await;
    world.public("/api/v3/ticker/price?symbol=NOPE").await.refused(400, -1121);
    world.binance("trade", "POST", ORDER, BUY).await.ok();
    let [public, order] = world.exchange.requests().try_into().unwrap();
    assert_eq!((public.number, public.status, public.error.as_deref()), (1, Some(400), Some("-1121")));
    assert_eq!(public.target, "/api/v3/ticker/price?symbol=NOPE");
    assert!(public.signed_by.is_none());
    assert!(order.body.starts_with(BUY) && order.body.contains("&signature="), "{}", order.body);
    assert_eq!(order.header("x-mbx-apikey"), Some(world.binance_key("trade").api_key.as_str()));
    assert_eq!(order.signed_by.unwrap().account, "trade");
    let told = Reply::of(world.request("GET", "/_demo/requests")).await.ok();
    assert_eq!(
        (told[1]["method"].clone(), told[1]["signed_by"]["key"].clone()),
        (json!("POST"), json!("trade"))
    );
    Reply::of(world.request("DELETE", "/_demo/requests")).await.ok();
    assert!(world.exchange.requests().is_empty());
}

#[tokio::test]
async fn a_signature_is_recorded_as_valid_even_if_the_request_came_too_late() {
    let world = World::new().await;
    world.sealed("trade", "GET", ACCOUNT, "timestamp=1").await.refused(400, -1021);
    assert_eq!(world.exchange.requests()[0].signed_by.as_ref().unwrap().key, "trade");
}

#[tokio::test]
async fn a_dropped_connection_tells_nothing_of_what_was_done() {
    let world = World::new().await;
    for (fault, locked) in [(Fault::DropBefore, "0.00000000"), (Fault::DropAfter, "50.00000000")] {
        world.exchange.fault(once(fault));
        let body = world.timed(BUY);
        let key = world.binance_key("trade");
        let signed = format!("{body}&signature={}", crate::caller::sign(&key, body.as_bytes()));
        let request = world.request("POST", ORDER).header("content-type", crate::caller::FORM);
        assert!(request.header("x-mbx-apikey", key.api_key).body(signed).send().await.is_err());
        assert_eq!(world.exchange.requests().last().unwrap().status, None);
        assert_eq!(world.balance("trade", "USDT").await.1, locked);
    }
}

#[tokio::test]
async fn garbage_comes_after_the_order_was_placed() {
    let world = World::new().await;
    world.exchange.fault(once(Fault::Garbage));
    let reply = world.binance("trade", "POST", ORDER, BUY).await;
    assert_eq!((reply.status, reply.body.is_string()), (200, true));
    assert_eq!(world.balance("trade", "USDT").await.1, "50.00000000");
}

#[tokio::test]
async fn a_skewed_clock_refuses_good_time_until_it_is_set_right() {
    let world = World::new().await;
    for ms in [10_000, -10_000] {
        world.exchange.fault(once(Fault::Skew { ms }));
        world.binance("trade", "GET", ACCOUNT, "").await.refused(400, -1021);
        world.exchange.fault(once(Fault::Skew { ms }));
        assert_eq!(world.public("/api/v3/time").await.ok()["serverTime"], world.now() + ms);
        world.binance("trade", "GET", ACCOUNT, "").await.ok();
    }
}

#[tokio::test]
async fn a_delayed_answer_is_late_but_whole() {
    let world = World::new().await;
    world.exchange.fault(once(Fault::Delay { ms: 300 }));
    let start = Instant::now();
    world.binance("trade", "POST", ORDER, BUY).await.ok();
    assert!(start.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn neither_page_nor_state_shows_a_secret() {
    let world = World::new().await;
    world.binance("trade", "POST", ORDER, BUY).await.ok();
    let page = world.request("GET", "/_demo/").send().await.unwrap();
    assert!(page.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    let page = page.text().await.unwrap();
    let state = Reply::of(world.request("GET", "/_demo/state")).await.ok().to_string();
    assert!(page.contains("100000 USDT") && page.contains("POST /api/v3/order"));
    for account in world.config.exchanges.values().flat_map(|venue| &venue.accounts) {
        assert!(state.contains(&account.name) && page.contains(&account.name));
        for key in &account.keys {
            use demo_exchange::Credential::{Ec, Ed25519, Hmac, HmacUpper, Rsa};
            let secret = match &key.credential {
                Hmac(secret) | HmacUpper(secret) => secret.clone(),
                Ec(_) | Ed25519(_) | Rsa(_) => key.private.as_ref().unwrap().body.clone(),
            };
            assert!(!page.contains(&secret) && !state.contains(&secret), "{}", key.name);
        }
    }
}

#[tokio::test]
async fn the_page_names_every_exchange_with_its_address_and_unfolds_those_with_orders() {
    let world = World::new().await;
    world.binance("trade", "POST", ORDER, BUY).await.ok();
    let page = world.request("GET", "/_demo/").send().await.unwrap().text().await.unwrap();
    for (id, name) in [("okx", "OKX"), ("cryptocom", "Crypto.com"), ("coinbaseexchange", "Coinbase Exchange")]
    {
        let origin = world.exchange.origin(id);
        assert!(page.contains(&format!("<a href=#{id}>{name}</a><td><code>{origin}</code>")), "{page}");
        assert!(page.contains(&format!("<details><summary><h2>{name}</h2>")), "{page}");
    }
    assert!(page.contains("<details open><summary><h2>Binance</h2>"), "{page}");
    assert_eq!(page.matches("<details").count(), 1 + demo_exchange::spoken().count());
}

#[tokio::test]
async fn the_page_shows_names_as_text() {
    let mut config = Config::demo();
    config.exchanges.get_mut("binance").unwrap().accounts[0].name = "<script>&".to_owned();
    let world = World::with(config).await;
    let page = world.request("GET", "/_demo/").send().await.unwrap().text().await.unwrap();
    assert!(page.contains("&lt;script&gt;&amp;") && !page.contains("<script"), "{page}");
}

#[tokio::test]
async fn keys_can_be_added_changed_and_taken_away_while_it_runs() {
    let world = World::new().await;
    let mut key = world.binance_key("trade-next");
    assert!(world.exchange.remove_key("binance", &key.api_key));
    assert!(!world.exchange.remove_key("binance", &key.api_key));
    world.binance("trade-next", "GET", ACCOUNT, "").await.refused(401, -2015);
    key.permissions = vec![Permission::Read];
    assert!(world.exchange.add_key("binance", "trade", key.clone()));
    assert!(!world.exchange.add_key("binance", "nobody", key.clone()));
    world.binance("trade-next", "GET", ACCOUNT, "").await.ok();
    world.binance("trade-next", "POST", ORDER, BUY).await.refused(401, -2015);
    let widened = |key: &mut demo_exchange::Key| key.permissions.push(Permission::Trade);
    assert!(world.exchange.change_key("binance", &key.api_key, widened));
    world.binance("trade-next", "POST", ORDER, BUY).await.ok();
}

#[tokio::test]
async fn the_same_requests_give_the_same_answers() {
    async fn run() -> Vec<Value> {
        let world = World::new().await;
        let order = json!({ "quote_currency": "KRW", "target_currency": "XRP", "side": "SELL", "type": "LIMIT",
                            "price": "799", "qty": "25", "post_only": false });
        let out = "coin=BTC&address=a&amount=1";
        vec![
            world.binance("trade", "POST", ORDER, BUY).await.ok(),
            world.binance("withdraw", "POST", "/sapi/v1/capital/withdraw/apply", out).await.ok(),
            world.coinone("raw", "/v2.1/order", order).await.ok(),
            world.exchange.state(),
        ]
    }
    assert_eq!(run().await, run().await);
}

#[tokio::test]
async fn two_exchanges_in_one_process_know_nothing_of_each_other() {
    let (one, other) = (World::new().await, World::new().await);
    one.binance("trade", "POST", ORDER, BUY).await.ok();
    assert_eq!(other.balance("trade", "USDT").await.1, "0.00000000");
    assert_eq!(one.exchange.requests().len(), 1);
}

#[tokio::test]
async fn it_stops_when_it_is_dropped() {
    let world = World::new().await;
    world.public("/api/v3/ping").await.ok();
    let url = world.exchange.url();
    drop(world.exchange);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(world.http.get(format!("{url}/api/v3/ping")).send().await.is_err());
}

#[tokio::test]
async fn it_listens_on_loopback_only() {
    let address: SocketAddr = "0.0.0.0:0".parse().unwrap();
    let started = DemoExchange::new(Config::demo(), Clock::system()).start_on(address).await;
    assert!(started.is_err());
}

#[tokio::test]
async fn a_body_too_large_is_refused_and_not_recorded() {
    let world = World::new().await;
    let request = world.request("POST", ORDER).body("x".repeat(1024 * 1024 + 1));
    assert_eq!(request.send().await.unwrap().status(), 413);
    assert!(world.exchange.requests().is_empty());
}
