//! What the exchange says of its budgets in answers to frames counts as what it says to requests.

use demo_exchange::Fault;
use serde_json::json;

use super::refused;
use crate::{stream::Stream, world::World};

#[tokio::test]
async fn count_in_the_answer_to_a_frame_is_believed() {
    let world = World::with(|config| config.gateway.queue_wait_ms = 0).await;
    let bot = world.bot("binance", "trade").await;
    bot.limited(&world, json!({"max_requests_per_minute": null})).await;
    let mut stream = Stream::open(&bot).await;
    // weight 20 each, of 6000 a minute: reads may use 4800
    let mut reads = 0;
    let last = loop {
        let answer = stream.ask("account.status", json!({})).await;
        if answer["status"] != 200 {
            break answer;
        }
        reads += 1;
        assert!(reads <= 240, "frames used up what belongs to orders");
    };
    refused(&last, 429, -1003, "queue");
    assert!(reads >= 200, "{reads}");
    bot.account().await.binance(429, -1003, "queue");
    bot.order().await.is(200);
}

#[tokio::test]
async fn refusal_of_a_frame_says_when_everybody_may_ask_again() {
    let world = World::new().await;
    let (bot, other) = (world.bot("binance", "trade").await, world.bot("binance", "read-only").await);
    let mut stream = Stream::open(&bot).await;
    world.fault(Fault::RateLimited { retry_after_s: 40 }, "/ws-api/v3/account.status");
    let limited = stream.ask("account.status", json!({})).await;
    assert_eq!((&limited["status"], &limited["error"]["code"]), (&json!(429), &json!(-1003)), "{limited}");
    world.demo.forget_requests();
    let refused = other.account().await;
    refused.binance(429, -1003, "queue");
    let wait: u32 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((35..=40).contains(&wait), "{wait}");
    assert!(world.demo.requests().is_empty(), "nothing was sent");
}
