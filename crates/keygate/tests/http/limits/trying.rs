//! Trying an order or a withdrawal: the answer is what the gateway would say, and nothing has happened.

use serde_json::{Value, json};

use super::{path, spending::limited};
use crate::{bot::Bot, world::World};

async fn tried(world: &World, bot: &Bot, trial: Value) -> Value {
    world.api.post(&format!("{}/test", path(bot)), trial).await.is(200)
}

fn buy(quantity: &str) -> Value {
    json!({"order": {"symbol": "BTC/USDT", "side": "buy", "quantity": quantity, "price": "50000"}})
}

#[tokio::test]
async fn answer_is_what_would_be_decided_and_nothing_is_set_aside() {
    let world = World::new().await;
    let limits = json!({"max_trade_amount_usd": "100", "max_daily_trade_volume_usd": "120", "max_leverage": "2",
        "allowed_symbols": ["BTC/USDT"]});
    let bot = limited(&world, limits).await;
    let fits = tried(&world, &bot, buy("0.001")).await;
    assert_eq!(
        (&fits["decision"], &fits["rule"], &fits["usd"]),
        (&json!("allow"), &Value::Null, &json!("50"))
    );
    for (trial, rule) in [
        (buy("0.0021"), "max-trade"),
        (json!({"order": {"symbol": "BTCUSDT", "side": "sell", "quantity": "0.1"}}), "max-trade"),
        (json!({"order": {"symbol": "ETH/USDT", "side": "buy", "quote_amount": "10"}}), "symbol"),
        (
            json!({"order": {"symbol": "BTC/USDT", "side": "buy", "quote_amount": "10", "leverage": "3"}}),
            "max-leverage",
        ),
        (json!({"withdrawal": {"asset": "BTC", "amount": "0.1"}}), "permission"),
    ] {
        let reply = tried(&world, &bot, trial).await;
        assert_eq!((&reply["decision"], &reply["rule"]), (&json!("deny"), &json!(rule)), "{reply}");
    }
    assert_eq!(world.count("keygate.reservation").await, 0);
    assert_eq!(world.count("keygate.spend_window").await, 0);
    bot.order().await.is(200);
    bot.order().await.is(200);
    let full = tried(&world, &bot, buy("0.001")).await;
    assert_eq!(full["rule"], "max-daily-trades", "{full}");
    assert_eq!(full["usage"][0], json!({"window": "trade-day", "used": "100", "limit": "120"}));
    let shown = world.api.get(&path(&bot)).await.is(200);
    assert_eq!(shown["usage"], full["usage"]);
    assert_eq!(world.asked("/api/v3/order"), 2);
}

#[tokio::test]
async fn position_and_loss_are_tried_as_well() {
    let world = World::new().await;
    let bot = limited(&world, json!({"max_position_size": "1000", "max_daily_loss": "100"})).await;
    let over = tried(&world, &bot, buy("0.001")).await;
    assert_eq!(over["rule"], "max-position", "{over}");
    let sale = json!({"order": {"symbol": "BTC/USDT", "side": "sell", "quantity": "0.001"}});
    assert_eq!(tried(&world, &bot, sale.clone()).await["decision"], "allow");
    world.execute("update keygate.day_worth set usd = usd + 200").await;
    assert_eq!(tried(&world, &bot, sale).await["rule"], "daily-loss");
}

#[tokio::test]
async fn what_cannot_be_tried_is_named_and_others_try_nothing() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let test = format!("{}/test", path(&bot));
    for (trial, pointer) in [
        (json!({}), "/order"),
        (json!({"order": {"symbol": "BTC/USDT", "side": "buy"}}), "/order/quantity"),
        (json!({"order": {"symbol": "BTC USDT", "side": "buy", "quantity": "1"}}), "/order/symbol"),
        (json!({"order": {"symbol": "BTC/USDT", "side": "buy", "quantity": "-1"}}), "/order/quantity"),
        (json!({"withdrawal": {"asset": "", "amount": "1"}}), "/withdrawal/asset"),
    ] {
        world.api.post(&test, trial).await.names(pointer);
    }
    let other = world.user("uma@example.com").await;
    other.post(&test, buy("1")).await.problem(404, "not-found");
}
