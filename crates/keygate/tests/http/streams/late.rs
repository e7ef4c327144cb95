//! Frames that take their time: what is here already is not late, and nothing stops a stream for long.

use std::time::{Duration, Instant};

use demo_exchange::{Fault, Switch};
use futures_util::future::join_all;
use serde_json::json;
use sqlx::Connection;

use super::{granted, refused};
use crate::{
    stream::{SUBSCRIBE, Stream, buy},
    world::World,
};

#[tokio::test]
async fn answer_that_came_while_another_frame_waited_is_not_late() {
    let patient = |config: &mut keygate::config::Config| {
        (config.gateway.timeout_ms, config.gateway.queue_wait_ms) = (1000, 6000);
    };
    let world = World::with(patient).await;
    let bot = world.bot("binance", "trade").await;
    let mut streams = Vec::new();
    for _ in 0..8 {
        let mut stream = Stream::open(&bot).await;
        granted(&stream.ask("account.status", json!({})).await);
        streams.push(stream);
    }
    let slow = Fault::Delay { ms: 400 };
    world.demo.fault(Switch { fault: slow, count: 8, path: "/ws-api/v3/time".to_owned(), exchange: None });
    for stream in &mut streams {
        stream.say(json!({"id": "first", "method": "time"}).to_string()).await;
    }
    while world.asked("/ws-api/v3/time") < 8 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // from now on everybody waits until the exchange wants to hear something again
    world.fault(Fault::RateLimited { retry_after_s: 3 }, "/api/v3/account");
    bot.account().await.is(429);
    let both = async |mut stream: Stream| {
        stream.say(json!({"id": "second", "method": "ping"}).to_string()).await;
        granted(&stream.answer(&json!("first")).await);
        granted(&stream.answer(&json!("second")).await);
    };
    join_all(streams.into_iter().map(both)).await;
}

#[tokio::test]
async fn order_whose_account_nobody_tells_of_does_not_hold_up_its_stream_for_long() {
    let world = World::with(|config| config.gateway.queue_wait_ms = 500).await;
    let bot = world.bot("binance", "trade").await;
    bot.limited(&world, json!({"max_position_size": "1000000"})).await.is(200);
    let mut stream = Stream::open(&bot).await;
    granted(&stream.ask("account.status", json!({})).await);
    let slow = Fault::Delay { ms: 8000 };
    world.demo.fault(Switch { fault: slow, count: 9, path: "/api/v3/account".to_owned(), exchange: None });
    let started = Instant::now();
    refused(&stream.ask("order.place", buy()).await, 502, -1001, "undecided");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert_eq!(world.asked("/ws-api/v3/order.place"), 0);
}

#[tokio::test]
async fn watch_that_gets_no_answer_ends_the_stream() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let mut stream = Stream::open(&bot).await;
    granted(&stream.ask(SUBSCRIBE, json!({})).await);
    let mut superuser = world.superuser().await;
    let mut lock = superuser.begin().await.unwrap();
    sqlx::query("lock table exchange_connections in access exclusive mode")
        .execute(&mut *lock)
        .await
        .unwrap();
    world.server.app.gate.accounts.forget_all();
    let started = Instant::now();
    let reason = stream.ends_with(1013).await;
    assert!(reason.contains("unavailable") && started.elapsed() < Duration::from_secs(4), "{reason}");
    lock.rollback().await.unwrap();
}
