//! The loss of a day: when orders stop, for how long, and what is none.

use demo_exchange::Fault;
use rust_decimal::Decimal;
use serde_json::json;
use time::Duration;

use super::{
    exposure::{bitcoins, buy, refused},
    spending::limited,
};
use crate::{api::text, world::World};

const ORDER: &str = "/api/v3/order";

#[tokio::test]
async fn orders_stop_for_the_day_when_too_much_is_lost_and_cancels_go() {
    let world = World::new().await;
    let second = world.second_server().await;
    let bot = limited(&world, json!({"stop_loss_percentage": "5"})).await;
    let there = bot.moved_to(&world.api.moved_to(&second));
    let order = bot.order().await.is(200);
    assert_eq!(world.count("keygate.day_worth where lost_at is null").await, 1);
    // as if the account had been worth more this morning
    world.execute("update keygate.day_worth set usd = usd * 1.06").await;
    let stopped = there.order().await;
    refused(&stopped, "daily-loss");
    assert!(stopped.text.contains("until the next day (UTC)"), "{}", stopped.text);
    // prices that come back do not start it again
    world.execute("update keygate.day_worth set usd = usd / 1.06").await;
    refused(&bot.order().await, "daily-loss");
    bot.account().await.is(200);
    let cancel = format!("symbol=BTCUSDT&orderId={}", order["orderId"]);
    bot.binance("DELETE", ORDER, &cancel).await.is(200);
    world.advance(Duration::days(1));
    buy(&world, &bot).await.is(200);
    assert_eq!(world.count("keygate.day_worth").await, 2);
    second.stop().await;
}

#[tokio::test]
async fn price_that_falls_is_a_loss() {
    let world = World::new().await;
    let bot = limited(&world, json!({"max_daily_loss": "100"})).await;
    bot.order().await.is(200);
    let held = bitcoins(&bot).await;
    assert!(held > Decimal::ONE_THOUSAND, "the account has bitcoins: {held}");
    let price = bot.api.get("/x/binance/api/v3/ticker/price?symbol=BTCUSDT").await.is(200);
    let price: Decimal = text(&price["price"]).parse().unwrap();
    assert!(world.demo.set_price("binance", "BTCUSDT", (price * Decimal::new(8, 1)).round()));
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    refused(&bot.order().await, "daily-loss");
}

/// It has a worth, since losses are limited, and no limit of its own.
#[tokio::test]
async fn withdrawal_that_only_counts_is_given_back_when_it_is_refused() {
    let world = World::new().await;
    let bot = world.bot("binance", "withdraw").await;
    bot.limited(&world, json!({"max_daily_loss": "100"})).await.is(200);
    let withdraw = |amount: &str| {
        format!("coin=USDT&amount={amount}&address=0x52908400098527886E0F7030069857D2E4169EE7&network=ETH")
    };
    let path = "/sapi/v1/capital/withdraw/apply";
    bot.binance("POST", path, &withdraw("500")).await.is(200);
    let refused = bot.binance("POST", path, &withdraw("900000000")).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    let outcome = "api_key_usage_audit where class = 'withdraw' and phase = 'outcome' and not success";
    assert_eq!(world.count(outcome).await, 1);
    assert_eq!(world.count("keygate.reservation where kind = 'withdraw' and state = 'rejected'").await, 1);
    assert_eq!(world.count("keygate.spend_window where kind like 'withdraw%' and used = 500").await, 2);
}

#[tokio::test]
async fn what_is_withdrawn_through_the_gate_is_not_lost() {
    let world = World::new().await;
    let bot = world.bot("binance", "withdraw").await;
    bot.limited(&world, json!({"max_daily_loss": "100"})).await.is(200);
    bot.order().await.is(200);
    let gone = "coin=USDT&amount=500&address=0x52908400098527886E0F7030069857D2E4169EE7&network=ETH";
    bot.binance("POST", "/sapi/v1/capital/withdraw/apply", gone).await.is(200);
    world.flush().await;
    assert_eq!(world.count("keygate.reservation where kind = 'withdraw' and usd = 500").await, 1);
    world.advance(Duration::seconds(31));
    buy(&world, &bot).await.is(200);
    world.execute("update keygate.reservation set state = 'rejected' where kind = 'withdraw'").await;
    refused(&buy(&world, &bot).await, "daily-loss");
}

/// It may have left, so the account may have lost nothing; the day must not end for what is not known.
#[tokio::test]
async fn withdrawal_whose_answer_was_lost_stops_orders_until_it_is_known_and_not_for_the_day() {
    let world = World::new().await;
    let bot = world.bot("binance", "withdraw").await;
    bot.limited(&world, json!({"max_daily_loss": "100"})).await.is(200);
    bot.order().await.is(200);
    let path = "/sapi/v1/capital/withdraw/apply";
    world.fault(Fault::DropAfter, path);
    let gone = "coin=USDT&amount=500&address=0x52908400098527886E0F7030069857D2E4169EE7&network=ETH";
    bot.binance("POST", path, gone).await.binance(504, -1007, "outcome-unknown");
    world.flush().await;
    world.advance(Duration::seconds(31));
    let waits = buy(&world, &bot).await;
    refused(&waits, "daily-loss");
    assert!(waits.text.contains("500 USD") && waits.text.contains("until that is known"), "{}", waits.text);
    assert_eq!(world.count("keygate.day_worth where lost_at is not null").await, 0);
    keygate::gateway::reconcile::round(&world.server.app).await.unwrap();
    world.advance(Duration::seconds(31));
    buy(&world, &bot).await.is(200);
}

/// Whether the first balances of the day are those before or after it nobody could say.
#[tokio::test]
async fn day_does_not_begin_while_a_withdrawal_is_on_its_way() {
    let world = World::new().await;
    let bot = world.bot("binance", "withdraw").await;
    bot.limited(&world, json!({"max_daily_loss": "100"})).await.is(200);
    let out = "coin=USDT&amount=500&address=0x52908400098527886E0F7030069857D2E4169EE7&network=ETH";
    bot.binance("POST", "/sapi/v1/capital/withdraw/apply", out).await.is(200);
    world.flush().await;
    let waits = buy(&world, &bot).await;
    refused(&waits, "daily-loss");
    assert!(waits.text.contains("on its way"), "{}", waits.text);
    assert_eq!(world.count("keygate.day_worth").await, 0);
    world.advance(Duration::minutes(2) + Duration::seconds(31));
    buy(&world, &bot).await.is(200);
    assert_eq!(world.count("keygate.day_worth where lost_at is null").await, 1);
}

#[tokio::test]
async fn loss_beside_a_withdrawal_that_is_not_known_stops_the_day() {
    let world = World::new().await;
    let bot = world.bot("binance", "withdraw").await;
    bot.limited(&world, json!({"max_daily_loss": "100"})).await.is(200);
    bot.order().await.is(200);
    let out = "coin=USDT&amount=50&address=0x52908400098527886E0F7030069857D2E4169EE7&network=ETH";
    world.fault(Fault::DropAfter, "/sapi/v1/capital/withdraw/apply");
    bot.binance("POST", "/sapi/v1/capital/withdraw/apply", out).await.binance(504, -1007, "outcome-unknown");
    world.flush().await;
    world.execute("update keygate.day_worth set usd = usd + 100").await;
    world.advance(Duration::seconds(31));
    refused(&buy(&world, &bot).await, "daily-loss");
    assert_eq!(world.count("keygate.day_worth where lost_at is not null").await, 1);
}
