//! Requests: a minute holds what its limit says, on all replicas together.

use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn minute_holds_what_its_limit_says_on_both_replicas_together() {
    let world = World::new().await;
    let second = world.second_server().await;
    let bot = world.bot("binance", "trade").await;
    bot.limited(&world, json!({"max_requests_per_minute": 30})).await.is(200);
    let there = bot.moved_to(&world.api.moved_to(&second));
    let mut passed = 0;
    for turn in 0..45 {
        let reply = if turn % 2 == 0 { bot.account().await } else { there.account().await };
        if reply.status == 200 {
            passed += 1;
        } else {
            reply.binance(429, -1003, "rate");
        }
    }
    let minutes = world.count("keygate.spend_window where kind = 'requests-minute'").await;
    assert!((29..=30).contains(&passed) || minutes == 2, "{passed} passed in {minutes} minutes");
    let over = "keygate.spend_window where kind = 'requests-minute' and used > 30";
    assert_eq!(world.count(over).await, 0);
    second.stop().await;
}

#[tokio::test]
async fn cancels_do_not_count_and_go_when_requests_are_used_up() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    bot.limited(&world, json!({"max_requests_per_hour": 2})).await.is(200);
    let order = bot.order().await.is(200);
    bot.account().await.is(200);
    let reply = bot.account().await;
    assert!(reply.header("retry-after").is_some());
    reply.binance(429, -1003, "rate");
    let cancel = format!("symbol=BTCUSDT&orderId={}", order["orderId"]);
    bot.binance("DELETE", "/api/v3/order", &cancel).await.is(200);
    world.flush().await;
    assert_eq!(world.count("api_key_usage_audit where decision = 'deny' and rule = 'rate'").await, 1);
}

#[tokio::test]
async fn none_means_none() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    bot.limited(&world, json!({"max_requests_per_day": 0})).await.is(200);
    world.demo.forget_requests();
    bot.account().await.binance(429, -1003, "rate");
    assert_eq!(world.asked("/api/v3/account"), 0);
}

/// An instance takes fifty of so many at once.
#[tokio::test]
async fn lower_limit_of_requests_holds_for_the_next_call_whatever_was_taken_before() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    bot.limited(&world, json!({"max_requests_per_day": 10_000})).await.is(200);
    bot.account().await.is(200);
    bot.limited(&world, json!({"max_requests_per_day": 1})).await.is(200);
    bot.account().await.binance(429, -1003, "rate");
}

#[tokio::test]
async fn higher_limit_of_requests_holds_in_the_window_that_was_used_up() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    bot.limited(&world, json!({"max_requests_per_day": 2})).await.is(200);
    for _ in 0..2 {
        bot.account().await.is(200);
    }
    bot.account().await.binance(429, -1003, "rate");
    // its wait is over
    world.flush().await;
    world.execute("update api_key_permissions set max_requests_per_day = 3").await;
    world.server.app.gate.accounts.forget_all();
    bot.account().await.is(200);
    bot.account().await.binance(429, -1003, "rate");
}
