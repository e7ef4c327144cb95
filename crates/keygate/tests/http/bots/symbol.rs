//! A bot's symbol: tying it down is at once; letting it trade more needs the password, waits, is announced and can be taken back.

use serde_json::{Value, json};
use time::Duration;

use crate::{
    api::{Api, Reply},
    bot::{BUY, Bot},
    world::{OWNER, PASSWORD, World},
};

const ETH: &str = "symbol=ETHUSDT&side=BUY&type=MARKET&quantity=0.01";

/// A bot for BTC/USDT whose connection has been used.
async fn tied(world: &World) -> Bot {
    let connection = world.connect("binance", "trade").await;
    let bot = Bot::make(&world.api, &connection, json!("BTC/USDT")).await;
    bot.binance("POST", "/api/v3/order", BUY).await.is(200);
    world.flush().await;
    bot
}

fn path(bot: &Bot) -> String {
    format!("/api/v1/bots/{}", bot.id)
}

async fn change(api: &Api, bot: &Bot, symbol: Value) -> Reply {
    api.patch(&path(bot), json!({"symbol": symbol, "password": PASSWORD})).await
}

async fn orders_eth(bot: &Bot) -> Reply {
    bot.binance("POST", "/api/v3/order", ETH).await
}

async fn alerts(api: &Api) -> Vec<String> {
    let alerts = api.get("/api/v1/alerts").await.is(200);
    alerts.as_array().unwrap().iter().map(|alert| alert["kind"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn another_symbol_needs_the_password_even_right_after_the_sign_in_and_waits_a_day() {
    let world = World::new().await;
    let bot = tied(&world).await;
    for symbol in [json!(null), json!("ETH/USDT")] {
        world.api.patch(&path(&bot), json!({"symbol": symbol})).await.problem(403, "step-up-required");
        let wrong = json!({"symbol": symbol, "password": "not the one that was set"});
        world.api.patch(&path(&bot), wrong).await.problem(401, "login-failed");
    }
    assert_eq!(world.count("keygate.pending_symbol").await, 0);
    let asked = change(&world.api, &bot, Value::Null).await.is(202);
    assert_eq!((&asked["symbol"], &asked["pending_symbol"]["symbol"]), (&json!("BTC/USDT"), &Value::Null));
    assert_eq!(alerts(&world.api).await, ["raise-requested"]);
    orders_eth(&bot).await.binance(403, -1002, "symbol");
    world.advance(Duration::hours(23));
    keygate::job::round(&world.server.app).await;
    assert_eq!(world.count("bot_configs where symbol = 'BTC/USDT'").await, 1);
    world.advance(Duration::hours(2));
    keygate::job::round(&world.server.app).await;
    let owner = world.sign_in(OWNER).await;
    let now = owner.get(&path(&bot)).await.is(200);
    assert_eq!((&now["symbol"], &now["pending_symbol"]), (&Value::Null, &Value::Null));
    assert_eq!(alerts(&owner).await, ["raised"], "what was asked for is over");
    let operations = "api_key_usage_audit where operation_type in ('bot-symbol-asked', 'bot-symbol-raised')";
    assert_eq!(world.count(operations).await, 2);
}

#[tokio::test]
async fn tying_a_bot_down_is_at_once_and_needs_no_password() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    bot.account().await.is(200);
    world.flush().await;
    let tied = world.api.patch(&path(&bot), json!({"symbol": "BTC/USDT"})).await.is(200);
    assert_eq!((&tied["symbol"], &tied["pending_symbol"]), (&json!("BTC/USDT"), &Value::Null));
    orders_eth(&bot).await.binance(403, -1002, "symbol");
    assert_eq!(alerts(&world.api).await, [""; 0], "less is nothing to hear of");
}

#[tokio::test]
async fn symbol_that_waits_can_be_taken_back_and_a_later_one_replaces_it() {
    let world = World::new().await;
    let bot = tied(&world).await;
    let pending = format!("{}/pending-symbol", path(&bot));
    change(&world.api, &bot, Value::Null).await.is(202);
    let asked = change(&world.api, &bot, json!("ETH/USDT")).await.is(202);
    assert_eq!(asked["pending_symbol"]["symbol"], "ETH/USDT");
    let same = json!({"name": "renamed", "symbol": "BTC/USDT"});
    let renamed = world.api.patch(&path(&bot), same).await.is(202);
    assert_eq!(renamed["pending_symbol"]["symbol"], "ETH/USDT", "what stands there already changes nothing");
    assert_eq!(world.api.delete(&pending).await.is(200)["pending_symbol"], Value::Null);
    world.api.delete(&pending).await.problem(404, "not-found");
    world.advance(Duration::hours(25));
    keygate::job::round(&world.server.app).await;
    assert_eq!(world.count("bot_configs where symbol = 'BTC/USDT'").await, 1);
    let owner = world.sign_in(OWNER).await;
    assert!(alerts(&owner).await.contains(&"raise-cancelled".to_owned()));
}

#[tokio::test]
async fn symbol_of_a_bot_is_its_owners_alone() {
    let world = World::new().await;
    let bot = tied(&world).await;
    change(&world.api, &bot, Value::Null).await.is(202);
    let uma = world.user("uma@example.com").await;
    change(&uma, &bot, Value::Null).await.problem(404, "not-found");
    uma.delete(&format!("{}/pending-symbol", path(&bot))).await.problem(404, "not-found");
    assert_eq!(world.count("keygate.pending_symbol").await, 1);
}
