//! A connection's limits hold for all of its programs together, whichever way they call, and for no other connection.

use serde_json::{Value, json};

use super::spending::{limited, used_today};
use crate::{
    api::Reply,
    bot::{BUY, Bot, FORM},
    stream::{Stream, buy, granted, refused},
    world::World,
};

/// A second bot beside this one, with a pair of its own.
async fn beside(world: &World, bot: &Bot) -> Bot {
    Bot::make(&world.api, &json!({"id": bot.connection}), Value::Null).await
}

#[tokio::test]
async fn two_bots_on_one_connection_share_its_day_its_position_and_its_requests() {
    let world = World::new().await;
    let one = limited(&world, json!({"max_daily_trade_volume_usd": "120", "max_requests_per_day": 6})).await;
    let other = beside(&world, &one).await;
    one.order().await.is(200);
    other.order().await.is(200);
    one.order().await.binance(403, -1002, "max-daily-trades");
    other.order().await.binance(403, -1002, "max-daily-trades");
    assert_eq!(used_today(&world).await, 100.into());
    // two bitcoins at 60,000, and the two orders
    one.limited(&world, json!({"max_daily_trade_volume_usd": null, "max_position_size": "120110"})).await;
    world.execute("update api_key_permissions set max_daily_trade_volume_usd = null").await;
    world.server.app.gate.accounts.forget_all();
    one.order().await.binance(403, -1002, "max-position");
    other.order().await.binance(403, -1002, "max-position");
    for bot in [&one, &other] {
        bot.account().await.binance(429, -1003, "rate");
    }
}

#[tokio::test]
async fn personal_key_counts_in_the_day_of_the_connection_it_names() {
    let world = World::new().await;
    let bot = limited(&world, json!({"max_daily_trade_volume_usd": "60"})).await;
    let issued = world.api.post("/api/v1/access-keys", json!({"scopes": ["read", "trade"]})).await.is(201);
    let order = || {
        let form = world.api.nobody().request("POST", "/x/binance/api/v3/order").header("content-type", FORM);
        let token = issued["token"].as_str().unwrap();
        Reply::of(form.bearer_auth(token).header("x-keygate-connection", &bot.connection).body(BUY))
    };
    order().await.is(200);
    order().await.binance(403, -1002, "max-daily-trades");
    bot.order().await.binance(403, -1002, "max-daily-trades");
}

#[tokio::test]
async fn frames_of_a_stream_count_in_the_same_day_as_requests() {
    let world = World::new().await;
    let bot =
        limited(&world, json!({"max_daily_trade_volume_usd": "120", "max_trade_amount_usd": "50"})).await;
    let mut stream = Stream::open(&bot).await;
    let mut large = buy();
    large["price"] = json!("50010");
    refused(&stream.ask("order.place", large).await, 403, -1002, "max-trade");
    granted(&stream.ask("order.place", buy()).await);
    bot.order().await.is(200);
    refused(&stream.ask("order.place", buy()).await, 403, -1002, "max-daily-trades");
    bot.order().await.binance(403, -1002, "max-daily-trades");
    assert_eq!(used_today(&world).await, 100.into());
}

#[tokio::test]
async fn limits_of_one_connection_do_not_touch_another() {
    let world = World::new().await;
    let limits = |day: &str, requests: u32, position: &str| {
        json!({"max_daily_trade_volume_usd": day, "max_requests_per_day": requests, "max_position_size": position,
               "max_daily_loss": "100"})
    };
    // two bitcoins at 60,000, and what an order buys
    let held = limited(&world, limits("50", 2, "120060")).await;
    let connection = world.connect("binance", "ed25519").await;
    let free = Bot::make(&world.api, &connection, Value::Null).await;
    free.limited(&world, limits("120", 5, "121000")).await.is(200);
    held.order().await.is(200);
    held.order().await.binance(403, -1002, "max-position");
    world.execute("update keygate.day_worth set usd = usd + 1000").await;
    held.account().await.binance(429, -1003, "rate");
    for _ in 0..2 {
        free.order().await.is(200);
        free.account().await.is(200);
    }
    free.order().await.binance(403, -1002, "max-daily-trades");
    let shown = world.api.get(&format!("/api/v1/connections/{}/limits", held.connection)).await.is(200);
    assert_eq!(shown["usage"][0], json!({"window": "trade-day", "used": "50", "limit": "50"}));
}
