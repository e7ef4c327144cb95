//! Who may open streams, and connections to the exchange, and for how long without having shown a key.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use keygate::config::Config;
use serde_json::json;

use super::{granted, refused};
use crate::{
    api::Reply,
    stream::{Stream, WS},
    world::World,
};

fn behind_a_proxy(config: &mut Config) {
    config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
}

#[tokio::test]
async fn stream_on_which_nobody_shows_a_key_ends_although_it_answers_pings() {
    let world = World::with(|config| config.gateway.stream_idle_ms = 1500).await;
    let bot = world.bot("binance", "trade").await;
    let (mut silent, mut own) = (Stream::open(&bot).await, Stream::open(&bot).await);
    granted(&own.ask("session.logon", json!({})).await);
    granted(&silent.ask_plain("session.status", json!({})).await);
    let started = Instant::now();
    let stays = tokio::time::timeout(Duration::from_secs(5), own.end());
    let (reason, stays) = tokio::join!(
        async {
            let reason = silent.ends_with(1008).await;
            assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
            reason
        },
        stays
    );
    assert!(reason.starts_with("Keygate:") && reason.contains("[no-key]"), "{reason}");
    assert!(stays.is_err(), "a stream whose key was shown has ended: {stays:?}");
}

/// Asks for the time again and again; whether the stream is still there at the end.
async fn goes_on(mut stream: Stream, for_so_long: Duration) -> bool {
    let started = Instant::now();
    while started.elapsed() < for_so_long {
        let asked = stream.try_ask("time").await;
        if asked.is_none() {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    true
}

#[tokio::test]
async fn streams_that_only_ask_for_what_is_public_have_a_quarter_of_the_places() {
    let world = World::with(|config| {
        behind_a_proxy(config);
        (config.gateway.stream_idle_ms, config.gateway.max_streams) = (1500, 16);
    })
    .await;
    let bot = world.bot("binance", "trade").await;
    let mut streams = Vec::new();
    for network in 0..6 {
        streams.push(Stream::from(&bot, WS, Some(&format!("10.0.{network}.1"))).await.unwrap());
    }
    let alive = join_all(streams.into_iter().map(|stream| goes_on(stream, Duration::from_secs(4)))).await;
    assert_eq!(alive.iter().filter(|alive| **alive).count(), 4, "{alive:?}");
}

#[tokio::test]
async fn one_network_is_one_caller_whatever_its_addresses() {
    let world = World::with(|config| {
        behind_a_proxy(config);
        (config.gateway.max_streams, config.gateway.public_per_minute) = (8, 1);
    })
    .await;
    let bot = world.bot("binance", "trade").await;
    let _first = Stream::from(&bot, WS, Some("2001:db8:0:1::1")).await.unwrap();
    assert!(Stream::from(&bot, WS, Some("2001:db8:0:2:3::9")).await.is_err(), "an eighth for each network");
    assert!(Stream::from(&bot, WS, Some("2001:db8:1:2:3::9")).await.is_ok(), "another network");
    let time = async |from: &str| {
        let request = world.api.nobody().request("GET", "/x/binance/api/v3/time");
        Reply::of(request.header("x-forwarded-for", from)).await
    };
    time("2001:db8:0:1::1").await.is(200);
    time("2001:db8:0:2:3::9").await.binance(429, -1003, "rate");
    time("2001:db8:1:2:3::9").await.is(200);
}

#[tokio::test]
async fn whoever_shows_no_key_leaves_connections_to_the_exchange_to_those_who_do() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let mut opened = 0;
    let last = loop {
        let mut stream = Stream::open(&bot).await;
        let answer = stream.ask_plain("time", json!({})).await;
        if answer["status"] != 200 {
            break answer;
        }
        opened += 1;
        assert!(opened <= 150, "Binance shuts out who opens 300 within five minutes");
    };
    refused(&last, 429, -1003, "connections");
    granted(&Stream::open(&bot).await.ask("account.status", json!({})).await);
}
