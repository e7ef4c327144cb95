//! Where calls may come from, by the limits of a connection; and lists that are empty.

use reqwest::header::HeaderValue;
use serde_json::json;

use super::{path, spending::limited};
use crate::{
    api::Reply,
    bot::{Bot, now},
    world::World,
};

/// A world behind a proxy, so that one machine can be anywhere.
async fn proxied() -> World {
    World::with(|config| config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()]).await
}

async fn account(bot: &Bot, from: &str) -> Reply {
    let request = bot.binance_request("GET", "/api/v3/account", &bot.signed("", now()));
    Reply::of(request.header("x-forwarded-for", from)).await
}

#[tokio::test]
async fn networks_of_a_connection_hold_to_their_last_address_and_no_further() {
    let world = proxied().await;
    let bot = world.bot("binance", "trade").await;
    for (network, inside, outside) in [
        ("192.0.2.64/26", ["192.0.2.64", "192.0.2.127"], ["192.0.2.63", "192.0.2.128"]),
        ("192.0.2.7", ["192.0.2.7", "::ffff:192.0.2.7"], ["192.0.2.6", "::ffff:192.0.2.8"]),
        ("::ffff:192.0.2.0/120", ["192.0.2.255", "::ffff:192.0.2.1"], ["192.0.3.0", "2001:db8::1"]),
        ("2001:db8:1::/48", ["2001:db8:1::", "2001:db8:1:ffff::1"], ["2001:db8:2::", "192.0.2.7"]),
        ("0.0.0.0/0", ["192.0.2.7", "::ffff:198.51.100.1"], ["2001:db8::1", "::1"]),
    ] {
        // nobody knows of earlier calls: each network is a connection's first
        world.execute("update access_keys set last_used_at = null").await;
        world.execute("update exchange_connections set api_key_last_used = null").await;
        bot.limited(&world, json!({"allowed_ip_addresses": [network]})).await.is(200);
        for address in inside {
            let reply = account(&bot, address).await;
            assert_ne!(reply.header("keygate-problem"), Some("address"), "{network} {address}");
        }
        for address in outside {
            let reply = account(&bot, address).await;
            assert_eq!(reply.header("keygate-problem"), Some("address"), "{network} {address}");
        }
        world.execute("delete from keygate.known_origin").await;
        world.flush().await;
    }
}

/// What a caller puts into the line is theirs, and may be no text; what the proxy adds to it counts all the same.
#[tokio::test]
async fn address_line_that_is_no_text_hides_nobody_behind_the_proxy() {
    let world = proxied().await;
    let bot = limited(&world, json!({"allowed_ip_addresses": ["127.0.0.1", "192.0.2.7"]})).await;
    let from = async |line: &[u8]| {
        let request = bot.binance_request("GET", "/api/v3/account", &bot.signed("", now()));
        Reply::of(request.header("x-forwarded-for", HeaderValue::from_bytes(line).unwrap())).await
    };
    from(b"\xff, 192.0.2.7").await.is(200);
    for line in [&b"\xff, 203.0.113.9"[..], b"192.0.2.7, \xff", b"192.0.2.7, unknown", b"192.0.2.7,"] {
        from(line).await.binance(403, -1002, "address");
    }
}

#[tokio::test]
async fn address_that_a_caller_claims_counts_for_nothing_without_a_trusted_proxy() {
    let world = World::new().await;
    let bot = limited(&world, json!({"allowed_ip_addresses": ["192.0.2.7"]})).await;
    let text = account(&bot, "192.0.2.7").await.binance(403, -1002, "address");
    assert!(text.contains("127.0.0.1"), "{text}");
    bot.limited(&world, json!({"allowed_ip_addresses": ["127.0.0.1"]})).await.is(200);
    account(&bot, "192.0.2.7").await.is(200);
    world.flush().await;
    assert_eq!(world.count("api_key_usage_audit where ip_address = '192.0.2.7'").await, 0);
}

#[tokio::test]
async fn empty_list_lets_nothing_through() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let order = bot.order().await.is(200);
    world.flush().await;
    world.api.patch(&path(&bot), json!({"limits": {"allowed_symbols": []}})).await.is(200);
    bot.order().await.binance(403, -1002, "symbol");
    bot.account().await.is(200);
    let cancel = format!("symbol=BTCUSDT&orderId={}", order["orderId"]);
    bot.binance("DELETE", "/api/v3/order", &cancel).await.is(200);
    world.api.patch(&path(&bot), json!({"limits": {"allowed_ip_addresses": []}})).await.is(200);
    bot.account().await.binance(403, -1002, "address");
    let list = bot.binance("DELETE", "/api/v3/openOrders", "symbol=BTCUSDT").await;
    list.binance(403, -1002, "address");
}
