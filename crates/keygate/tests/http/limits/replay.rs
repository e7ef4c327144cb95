//! What changed limits would have made of the past: by the gateway's own rules, from what is on record, and honest about what
//! is not.

use serde_json::{Value, json};

use super::path;
use crate::{
    bot::{BUY, Bot},
    world::World,
};

/// A bot whose orders are valued, and nothing of it refused.
async fn valued(world: &World) -> Bot {
    let bot = world.bot("binance", "trade").await;
    bot.limited(world, json!({"max_trade_amount_usd": "100000"})).await.is(200);
    bot
}

async fn replayed(world: &World, bot: &Bot, limits: Value) -> Value {
    world.flush().await;
    world.api.post(&format!("{}/replay", path(bot)), json!({"limits": limits})).await.is(200)
}

/// Rule and count of what would have been refused.
fn denied(report: &Value) -> Vec<(String, u64)> {
    let rules = report["rules"].as_array().unwrap().iter();
    rules.map(|own| (own["rule"].as_str().unwrap().to_owned(), own["calls"].as_u64().unwrap())).collect()
}

fn unjudged(report: &Value) -> Vec<(&str, u64)> {
    let all = report["not_judged"].as_array().unwrap().iter();
    all.map(|own| (own["rule"].as_str().unwrap(), own["calls"].as_u64().unwrap())).collect()
}

fn order(quantity: &str) -> String {
    BUY.replace("quantity=0.001", &format!("quantity={quantity}"))
}

fn one(rule: &str, calls: u64) -> Vec<(String, u64)> {
    vec![(rule.to_owned(), calls)]
}

#[tokio::test]
async fn past_is_judged_rule_by_rule_with_days_and_examples() {
    let world = World::new().await;
    let bot = valued(&world).await;
    for _ in 0..3 {
        bot.order().await.is(200);
    }
    bot.account().await.is(200);
    let report = replayed(&world, &bot, json!({"max_trade_amount_usd": "20"})).await;
    assert_eq!(
        (&report["calls"], &report["denied"], &report["complete"]),
        (&json!(4), &json!(3), &json!(true))
    );
    let rule = &report["rules"][0];
    assert_eq!((&rule["rule"], &rule["by_day"][0]["calls"]), (&json!("max-trade"), &json!(3)));
    assert_eq!(
        (&rule["examples"][0]["usd"], &rule["examples"][0]["path"]),
        (&json!("50"), &json!("/api/v3/order"))
    );
    assert!(rule["examples"][2]["reason"].as_str().unwrap().contains("20 USD at most"), "{rule}");
    for (limits, expected) in [
        (json!({}), vec![]),
        (json!({"max_daily_trade_volume_usd": "120"}), one("max-daily-trades", 1)),
        (json!({"allowed_symbols": ["ETH/USDT"]}), one("symbol", 3)),
        (json!({"blocked_symbols": ["BTC/USDT"]}), one("symbol", 3)),
        (json!({"allowed_ip_addresses": ["192.0.2.1"]}), one("address", 4)),
        (json!({"can_trade": false}), one("permission", 3)),
        (json!({"can_read": false}), one("permission", 1)),
        (json!({"max_requests_per_day": 3}), one("rate", 1)),
    ] {
        let report = replayed(&world, &bot, limits.clone()).await;
        assert_eq!(denied(&report), expected, "{limits}");
        assert_eq!(report["not_judged"], json!([]), "{limits}");
    }
    let state = world.api.get(&path(&bot)).await.is(200);
    assert_eq!(state["limits"]["max_trade_amount_usd"], "100000", "nothing was changed");
}

#[tokio::test]
async fn past_is_judged_as_the_gateway_judges_the_same_calls() {
    let world = World::rich().await;
    let limits = json!({"max_trade_amount_usd": "80", "max_daily_trade_volume_usd": "200", "blocked_symbols": ["ETH/USDT"],
        "max_requests_per_day": 12});
    let sizes =
        ["0.001", "0.002", "0.0012", "0.001", "0.0005", "0.0016", "0.001", "0.0003", "0.002", "0.0004"];
    let free = valued(&world).await;
    let held = world.bot("binance", "ed25519").await;
    let held = if held.secret.contains("PRIVATE") { world.bot("binance", "withdraw").await } else { held };
    held.limited(&world, limits.clone()).await.is(200);
    for bot in [&free, &held] {
        for size in sizes {
            bot.binance("POST", "/api/v3/order", &order(size)).await;
            bot.binance("DELETE", "/api/v3/order", "symbol=BTCUSDT&orderId=1").await;
        }
        for _ in 0..3 {
            let ether = "symbol=ETHUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=2500";
            bot.binance("POST", "/api/v3/order", ether).await;
            bot.account().await;
        }
    }
    let report = replayed(&world, &free, limits).await;
    let mut really = Vec::new();
    for (rule, calls) in denied(&report) {
        let own = format!(
            "api_key_usage_audit where decision = 'deny' and rule = '{rule}'
               and api_key_id = (select api_key_id from exchange_connections where id = '{}')",
            held.connection
        );
        really.push((rule, u64::try_from(world.count(&own).await).unwrap()));
        assert!(calls > 0);
    }
    assert_eq!(denied(&report), really);
    assert_eq!(really.len(), 4, "each of the limits would have refused something: {really:?}");
    let all = format!(
        "api_key_usage_audit where decision = 'deny'
           and api_key_id = (select api_key_id from exchange_connections where id = '{}')",
        held.connection
    );
    assert_eq!(report["denied"], world.count(&all).await);
}

#[tokio::test]
async fn order_that_was_not_valued_is_valued_at_todays_prices_and_that_is_said() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    bot.order().await.is(200);
    assert_eq!(world.count("keygate.reservation where usd is null").await, 1);
    let report = replayed(&world, &bot, json!({"max_trade_amount_usd": "49"})).await;
    assert_eq!((denied(&report), &report["estimated"]), (one("max-trade", 1), &json!(1)));
}

#[tokio::test]
async fn what_records_do_not_say_is_not_judged() {
    let world = World::new().await;
    let bot = valued(&world).await;
    bot.order().await.is(200);
    let limits = json!({"max_position_size": "1", "max_leverage": "1", "max_daily_loss": "1"});
    let report = replayed(&world, &bot, limits).await;
    assert_eq!(denied(&report), []);
    assert_eq!(unjudged(&report), [("daily-loss", 1), ("max-leverage", 1), ("max-position", 1)]);
}

#[tokio::test]
async fn what_was_refused_then_is_told_apart() {
    let world = World::new().await;
    let bot = valued(&world).await;
    bot.limited(&world, json!({"allowed_symbols": ["ETH/USDT"], "max_trade_amount_usd": null})).await.is(200);
    bot.order().await.binance(403, -1002, "symbol");
    world.api.post("/api/v1/panic", json!({"connection_id": bot.connection})).await.is(200);
    bot.order().await.binance(403, -1002, "panic");
    let same = replayed(&world, &bot, json!({})).await;
    assert_eq!((&same["calls"], &same["left_out"], denied(&same)), (&json!(1), &json!(1), one("symbol", 1)));
    assert_eq!(same["rules"][0]["refused_then"], 1);
    let free = replayed(&world, &bot, json!({"allowed_symbols": null})).await;
    assert_eq!((denied(&free), &free["passes_now"]), (vec![], &json!(1)));
    let money = replayed(&world, &bot, json!({"allowed_symbols": null, "max_trade_amount_usd": "1"})).await;
    assert_eq!(
        (denied(&money), unjudged(&money)),
        (vec![], vec![("no-price", 1)]),
        "its amount is not on record"
    );
}

#[tokio::test]
async fn cancels_and_what_the_exchange_refused_use_nothing_up() {
    let world = World::new().await;
    let bot = valued(&world).await;
    let id = bot.binance("POST", "/api/v3/order", &BUY.replace("price=50000", "price=30000")).await.is(200)["orderId"].to_string();
    bot.binance("DELETE", "/api/v3/order", &format!("symbol=BTCUSDT&orderId={id}")).await.is(200);
    assert_eq!(bot.binance("POST", "/api/v3/order", &BUY.replace("GTC", "NEVER")).await.status, 400);
    bot.order().await.is(200);
    let report =
        replayed(&world, &bot, json!({"max_daily_trade_volume_usd": "85", "max_requests_per_day": 3})).await;
    assert_eq!(denied(&report), [], "30 and 50 dollars, in three requests: {report}");
    let report = replayed(&world, &bot, json!({"allowed_symbols": []})).await;
    assert_eq!(denied(&report), one("symbol", 3), "the cancellation goes all the same");
}

#[tokio::test]
async fn thirty_days_are_gone_through_and_windows_end_with_their_days() {
    let world = World::new().await;
    let bot = valued(&world).await;
    for days in [40, 2, 1, 1] {
        bot.order().await.is(200);
        world.flush().await;
        world
            .execute(&format!(
                "update api_key_usage_audit set created_at = created_at - interval '{days} days'
                 where created_at > now() - interval '1 hour' and operation_type = 'use'"
            ))
            .await;
    }
    let report = replayed(&world, &bot, json!({"max_daily_trade_volume_usd": "60"})).await;
    assert_eq!((&report["calls"], denied(&report)), (&json!(3), one("max-daily-trades", 1)));
}

#[tokio::test]
async fn past_of_others_and_limits_that_are_none_are_refused() {
    let world = World::new().await;
    let bot = valued(&world).await;
    let uma = world.user("uma@example.com").await;
    let path = format!("{}/replay", path(&bot));
    uma.post(&path, json!({})).await.problem(404, "not-found");
    world.api.nobody().post(&path, json!({})).await.problem(401, "unauthorized");
    world
        .api
        .post(&path, json!({"limits": {"max_trade_amount_usd": "lots"}}))
        .await
        .problem(400, "invalid-field");
    world.api.post(&path, json!({"template": "none"})).await.names("/template");
    world.api.post(&path, json!({"template": "read-only"})).await.is(200);
}
