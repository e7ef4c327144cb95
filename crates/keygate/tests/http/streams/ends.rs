//! Every stream ends: with its key, with the exchange, with the server, and when somebody does not read.

use std::time::{Duration, Instant};

use futures_util::SinkExt;
use serde_json::json;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use super::granted;
use crate::{
    bot::{Bot, now},
    stream::{SUBSCRIBE, Stream, WS, signed},
    world::World,
};

const WITHIN: Duration = Duration::from_secs(2);

async fn subscribed(bot: &Bot) -> Stream {
    let mut stream = Stream::open(bot).await;
    granted(&stream.ask(SUBSCRIBE, json!({})).await);
    stream
}

/// Ends within two seconds as not allowed, for this reason.
async fn denied(stream: &mut Stream, rule: &str) {
    let started = Instant::now();
    let reason = stream.ends_with(1008).await;
    assert!(reason.starts_with("Keygate:") && reason.contains(rule), "{reason}");
    assert!(started.elapsed() < WITHIN, "{rule} took {:?}", started.elapsed());
}

#[tokio::test]
async fn stream_of_a_revoked_key_ends_within_two_seconds_on_every_instance() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let second = world.second_server().await;
    let mut here = subscribed(&bot).await;
    let mut there = subscribed(&bot.moved_to(&world.api.moved_to(&second))).await;
    world.api.delete(&format!("/api/v1/access-keys/{}", bot.access_key)).await.is(204);
    tokio::join!(denied(&mut here, "revoked"), denied(&mut there, "revoked"));
}

#[tokio::test]
async fn stream_ends_with_its_bot_its_connection_and_its_owner() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let (path, connection) =
        (format!("/api/v1/bots/{}", bot.id), format!("/api/v1/connections/{}", bot.connection));
    let mut stream = subscribed(&bot).await;
    world.api.patch(&path, json!({"is_active": false})).await.is(200);
    denied(&mut stream, "bot-stopped").await;
    world.api.patch(&path, json!({"is_active": true})).await.is(200);
    let mut stream = subscribed(&bot).await;
    world.api.tell(&format!("{connection}/pause")).await.is(200);
    denied(&mut stream, "paused").await;
    world.api.tell(&format!("{connection}/resume")).await.is(200);
    let mut stream = subscribed(&bot).await;
    world.execute("update users set is_active = false").await;
    denied(&mut stream, "inactive-user").await;
}

/// The session at the exchange is that of the key it was opened with, whatever stands behind the access key later.
#[tokio::test]
async fn stream_ends_when_another_connection_or_key_stands_behind_its_access_key() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let other = world.connect("binance", "ed25519").await;
    let mut listening = subscribed(&bot).await;
    let mut session = Stream::open(&bot).await;
    granted(&session.ask("session.logon", json!({})).await);
    let moved = format!(
        "update bot_configs set connection_id = c.id, api_key_id = c.api_key_id
         from exchange_connections c where bot_configs.id = '{}' and c.id = '{}'",
        bot.id,
        other["id"].as_str().unwrap()
    );
    world.execute(&moved).await;
    for stream in [&mut listening, &mut session] {
        let started = Instant::now();
        let reason = stream.ends_with(1012).await;
        assert!(reason.contains("connect anew [connection-changed]"), "{reason}");
        assert!(started.elapsed() < WITHIN, "{:?}", started.elapsed());
    }
    subscribed(&bot).await;
}

#[tokio::test]
async fn session_alone_ends_with_its_key_too() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let mut stream = Stream::open(&bot).await;
    granted(&stream.ask("session.logon", json!({})).await);
    world.api.delete(&format!("/api/v1/access-keys/{}", bot.access_key)).await.is(204);
    denied(&mut stream, "revoked").await;
}

#[tokio::test]
async fn exchange_that_hangs_up_ends_the_stream_so_that_clients_come_back() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let mut stream = subscribed(&bot).await;
    world.demo.hang_up();
    let reason = stream.ends_with(1012).await;
    assert!(reason.contains("exchange-closed"), "{reason}");
    let mut again = subscribed(&bot).await;
    bot.order().await.is(200);
    assert_eq!(again.report().await["x"], "NEW");
}

#[tokio::test]
async fn stream_ends_when_the_server_stops() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let second = world.second_server().await;
    let mut stream = subscribed(&bot.moved_to(&world.api.moved_to(&second))).await;
    let started = Instant::now();
    let (reason, ()) = tokio::join!(stream.ends_with(1001), second.stop());
    assert!(reason.contains("stopping"), "{reason}");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[tokio::test]
async fn client_that_does_not_read_stops_the_exchange_and_is_closed() {
    let world = World::with(|config| config.gateway.stream_write_ms = 1000).await;
    let bot = world.bot("binance", "trade").await;
    let mut stream = Stream::open(&bot).await;
    granted(&stream.ask("account.status", json!({})).await);
    let asked = || world.asked("/ws-api/v3/klines");
    // each answer has some hundred kilobytes, and nobody reads them
    for id in 0..400 {
        let params = json!({"symbol": "BTCUSDT", "interval": "1m", "limit": 1000});
        let frame = json!({"id": id, "method": "klines", "params": params}).to_string();
        let sent =
            tokio::time::timeout(Duration::from_millis(300), stream.socket.send(Message::text(frame))).await;
        if sent.is_err() || sent.is_ok_and(|sent| sent.is_err()) {
            break;
        }
    }
    // a second of patience, and a moment for the answers that were under way
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(asked() < 100, "the exchange was asked on and on: {}", asked());
    assert!(stream.end().await.is_none(), "there is nobody to hear a reason");
}

#[tokio::test]
async fn silent_client_is_asked_for_a_sign_of_life_and_closed_without_one() {
    let one_only = |config: &mut keygate::config::Config| {
        (config.gateway.stream_idle_ms, config.gateway.max_streams) = (2500, 8);
    };
    let world = World::with(one_only).await;
    let bot = world.bot("binance", "trade").await;
    let mut stream = subscribed(&bot).await;
    // reading answers pings, so this client stays
    assert!(
        tokio::time::timeout(Duration::from_secs(5), stream.end()).await.is_err(),
        "closed though it answered"
    );
    assert!(Stream::at(&bot, WS).await.is_err(), "its place is taken");
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(Stream::at(&bot, WS).await.is_ok(), "a silent client kept its place");
}

#[tokio::test]
async fn frames_that_are_no_text_or_too_large_end_the_stream() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let mut stream = Stream::open(&bot).await;
    stream.socket.send(Message::Binary(Bytes::from_static(b"\x00"))).await.unwrap();
    stream.ends_with(1003).await;
    let mut stream = Stream::open(&bot).await;
    let mut large = signed(&bot, json!({}), now());
    large["x"] = json!("x".repeat(70_000));
    let _ = stream.socket.send(Message::text(large.to_string())).await;
    let _ = stream.end().await;
    assert_eq!(world.asked("/ws-api"), 0);
}
