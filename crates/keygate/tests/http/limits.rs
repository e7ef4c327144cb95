//! `/api/v1/connections/{id}/limits`: less is at once, more waits; and what the gateway makes of them.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use time::Duration;

use crate::{
    api::{Reply, text},
    bot::Bot,
    world::{PASSWORD, World},
};

mod dry_run;
mod edges;
mod exposure;
mod loss;
mod places;
mod proof;
mod rate;
mod replay;
mod settling;
mod sharing;
mod spending;
mod trying;
mod unsettled;
mod windows;
mod worth;

fn path(bot: &Bot) -> String {
    format!("/api/v1/connections/{}/limits", bot.connection)
}

/// A bot whose connection has been used: what lets more through waits from now on.
async fn used(world: &World) -> Bot {
    let bot = world.bot("binance", "trade").await;
    bot.account().await.is(200);
    world.flush().await;
    bot
}

#[tokio::test]
async fn what_lets_less_through_is_in_force_for_the_next_call() {
    let world = World::new().await;
    let bot = used(&world).await;
    bot.order().await.is(200);
    let state = world.api.patch(&path(&bot), json!({"limits": {"max_trade_amount_usd": "20"}})).await.is(200);
    assert_eq!((&state["limits"]["max_trade_amount_usd"], &state["pending"]), (&json!("20"), &json!([])));
    bot.order().await.binance(403, -1002, "max-trade");
}

#[tokio::test]
async fn what_lets_more_through_needs_the_password_and_waits_a_day() {
    let world = World::new().await;
    let bot = used(&world).await;
    bot.limited(&world, json!({"max_trade_amount_usd": "20"})).await.is(200);
    let more = json!({"limits": {"max_trade_amount_usd": "100"}});
    world.api.patch(&path(&bot), more.clone()).await.problem(403, "step-up-required");
    let wrong = json!({"limits": more["limits"], "password": "not the one that was set"});
    world.api.patch(&path(&bot), wrong).await.problem(401, "login-failed");
    assert_eq!(world.count("keygate.pending_limit").await, 0);
    let state = bot.limited(&world, more["limits"].clone()).await.is(202);
    assert_eq!(state["limits"]["max_trade_amount_usd"], "20");
    assert_eq!(state["pending"][0]["value"], "100");
    world.advance(Duration::hours(23));
    keygate::job::round(&world.server.app).await;
    assert_eq!(world.count("api_key_permissions where max_trade_amount_usd = 20").await, 1);
    world.advance(Duration::hours(2));
    keygate::job::round(&world.server.app).await;
    let state = world.api.get(&path(&bot)).await;
    assert_eq!(state.status, 401, "the sign-in has ended meanwhile");
    let owner = world.sign_in(crate::world::OWNER).await;
    assert_eq!(owner.get(&path(&bot)).await.is(200)["limits"]["max_trade_amount_usd"], "100");
}

/// Every limit: as it is, and each way to let more through by it.
fn looser() -> Vec<(&'static str, Value, Vec<Value>)> {
    let flags =
        ["dry_run", "can_read", "can_trade", "can_withdraw", "can_transfer", "can_manage_sub_accounts"];
    let counts = ["max_requests_per_minute", "max_requests_per_hour", "max_requests_per_day"];
    let amounts = [
        "max_trade_amount_usd",
        "max_daily_trade_volume_usd",
        "max_withdrawal_amount_usd",
        "max_daily_withdrawal_usd",
        "daily_withdraw_limit",
        "monthly_withdraw_limit",
        "max_position_size",
        "max_leverage",
        "max_daily_loss",
        "stop_loss_percentage",
    ];
    let btc = json!(["BTC/USDT"]);
    let mut all = vec![
        ("allowed_symbols", btc.clone(), vec![json!(["BTC/USDT", "ETH/USDT"]), Value::Null]),
        ("blocked_symbols", json!(["DOGE/USDT", "XRP/USDT"]), vec![json!(["DOGE/USDT"]), json!([])]),
        (
            "allowed_ip_addresses",
            json!(["127.0.0.0/8", "10.0.0.0/8"]),
            vec![
                json!(["127.0.0.0/8", "10.0.0.0/8", "192.0.2.1"]),
                json!(["127.0.0.0/7", "10.0.0.0/8"]),
                Value::Null,
            ],
        ),
    ];
    all.extend(flags.map(|name| (name, json!(false), vec![json!(true)])));
    all.extend(counts.map(|name| (name, json!(30), vec![json!(31), Value::Null])));
    all.extend(amounts.map(|name| (name, json!("2"), vec![json!("2.01"), json!("3"), Value::Null])));
    all
}

#[tokio::test]
async fn each_way_to_let_more_through_waits() {
    let world = World::new().await;
    let bot = used(&world).await;
    let start: serde_json::Map<String, Value> =
        looser().into_iter().map(|(member, tight, _)| (member.to_owned(), tight)).collect();
    let state = world.api.patch(&path(&bot), json!({ "limits": start })).await.is(200);
    let known = state["limits"].as_object().unwrap();
    let names = |of: &serde_json::Map<String, Value>| of.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(known), names(&start), "a limit is not tried");
    for (member, more) in
        looser().into_iter().flat_map(|(member, _, ways)| ways.into_iter().map(move |more| (member, more)))
    {
        let limits = json!({ member: more });
        world.api.patch(&path(&bot), json!({"limits": limits})).await.problem(403, "step-up-required");
        let state = bot.limited(&world, limits.clone()).await.is(202);
        assert_eq!(text(&state["pending"][0]["member"]), member);
        assert_eq!(state["limits"], Value::Object(known.clone()), "{limits} is in force already");
        world.api.delete(&format!("{}/pending", path(&bot))).await.is(200);
    }
}

#[tokio::test]
async fn half_of_a_change_that_lets_less_through_is_at_once() {
    let world = World::new().await;
    let bot = used(&world).await;
    bot.limited(&world, json!({"allowed_symbols": ["BTC/USDT", "ETH/USDT"]})).await.is(200);
    let state = bot.limited(&world, json!({"allowed_symbols": ["ETH/USDT", "XRP/USDT"]})).await.is(202);
    assert_eq!(state["limits"]["allowed_symbols"], json!(["ETH/USDT"]), "BTC/USDT is gone at once");
    assert_eq!(state["pending"][0]["value"], json!(["ETH/USDT", "XRP/USDT"]));
    bot.order().await.binance(403, -1002, "symbol");
}

#[tokio::test]
async fn two_changes_at_the_same_time_lose_neither() {
    let world = World::new().await;
    let bot = used(&world).await;
    for round in 1..=20 {
        let trade = json!({"limits": {"max_trade_amount_usd": (1000 - round).to_string()}});
        let leverage = json!({"limits": {"max_leverage": (100 - round).to_string()}});
        let limits = path(&bot);
        let (one, other) = tokio::join!(world.api.patch(&limits, trade), world.api.patch(&limits, leverage));
        one.is(200);
        other.is(200);
        let now = world.api.get(&limits).await.is(200)["limits"].clone();
        let both = (&now["max_trade_amount_usd"], &now["max_leverage"]);
        assert_eq!(both, (&json!((1000 - round).to_string()), &json!((100 - round).to_string())));
    }
}

#[tokio::test]
async fn raised_limit_can_be_taken_back_and_a_later_change_replaces_it() {
    let world = World::new().await;
    let bot = used(&world).await;
    bot.limited(&world, json!({"max_trade_amount_usd": "20", "max_leverage": "1"})).await.is(200);
    bot.limited(&world, json!({"max_trade_amount_usd": "100", "max_leverage": "5"})).await.is(202);
    let pending = format!("{}/pending?member=max_leverage", path(&bot));
    let state = world.api.delete(&pending).await.is(200);
    assert_eq!(state["pending"].as_array().unwrap().len(), 1);
    world.api.delete(&pending).await.problem(404, "not-found");
    let state = world.api.patch(&path(&bot), json!({"limits": {"max_trade_amount_usd": "10"}})).await.is(200);
    assert_eq!((&state["limits"]["max_trade_amount_usd"], &state["pending"]), (&json!("10"), &json!([])));
}

#[tokio::test]
async fn each_template_sets_what_its_name_says_and_nothing_else() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let mut before =
        bot.limited(&world, json!({"allowed_symbols": ["BTC/USDT"], "can_transfer": true})).await.is(200);
    for (template, can_trade, [order, day]) in [
        ("trade-limited", true, [json!("500"), json!("5000")]),
        ("trade-full", true, [Value::Null, Value::Null]),
        ("read-only", false, [Value::Null, Value::Null]),
    ] {
        let input = json!({"template": template, "password": PASSWORD});
        let state = world.api.patch(&path(&bot), input).await.is(200);
        let own = json!({"can_read": true, "can_trade": can_trade, "can_transfer": false, "max_leverage": "1",
            "max_trade_amount_usd": order, "max_daily_trade_volume_usd": day});
        before["limits"].as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        assert_eq!(state["limits"], before["limits"], "{template}");
    }
    let odd = json!({"template": "trade-everything", "password": PASSWORD});
    world.api.patch(&path(&bot), odd).await.names("/template");
}

#[tokio::test]
async fn connection_nobody_has_used_is_set_up_without_waiting() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let template = json!({"template": "trade-limited", "password": PASSWORD});
    let state = world.api.patch(&path(&bot), template).await.is(200);
    assert_eq!(state["limits"]["max_daily_trade_volume_usd"], "5000");
    let state = bot.limited(&world, json!({"max_daily_trade_volume_usd": "6000"})).await.is(200);
    assert_eq!(state["limits"]["max_daily_trade_volume_usd"], "6000");
    let words = state["sentences"].to_string();
    assert!(words.contains("at most 500 USD an order and 6,000 USD a day"), "{words}");
}

#[tokio::test]
async fn shorter_wait_waits_itself() {
    let world = World::new().await;
    let delay = "/api/v1/me/limits-delay";
    assert_eq!(world.api.get(delay).await.is(200)["seconds"], 86_400);
    let put = |body: Value| Reply::of(world.api.request("PUT", delay).json(&body));
    put(json!({"seconds": 3600})).await.problem(403, "step-up-required");
    let shorter = put(json!({"seconds": 3600, "password": PASSWORD})).await.is(200);
    assert_eq!((&shorter["seconds"], &shorter["next_seconds"]), (&json!(86_400), &json!(3600)));
    put(json!({"seconds": 172_800})).await.problem(403, "step-up-required");
    let longer = put(json!({"seconds": 172_800, "password": PASSWORD})).await.is(200);
    assert_eq!((&longer["seconds"], &longer["next_seconds"]), (&json!(172_800), &Value::Null));
    put(json!({"seconds": -1})).await.names("/seconds");
}

#[tokio::test]
async fn limits_that_cannot_be_meant_are_named_and_nothing_changes() {
    let world = World::new().await;
    let bot = used(&world).await;
    let before = world.api.get(&path(&bot)).await.is(200);
    for (limits, pointer) in [
        (json!({"max_trade_amount": "1"}), "/max_trade_amount"),
        (json!({"max_trade_amount_usd": "-1"}), "/max_trade_amount_usd"),
        (json!({"max_trade_amount_usd": "NaN"}), "/max_trade_amount_usd"),
        (json!({"max_trade_amount_usd": 5}), "/max_trade_amount_usd"),
        (json!({"max_trade_amount_usd": "1e30"}), "/max_trade_amount_usd"),
        (json!({"stop_loss_percentage": "101"}), "/stop_loss_percentage"),
        (json!({"max_requests_per_minute": -1}), "/max_requests_per_minute"),
        (json!({"allowed_symbols": ["BTC USDT"]}), "/allowed_symbols"),
        (json!({"blocked_symbols": null}), "/blocked_symbols"),
        (json!({"allowed_ip_addresses": ["10.0.0.256"]}), "/allowed_ip_addresses"),
        (json!({"can_trade": "yes"}), "/can_trade"),
        (json!({}), "/limits"),
    ] {
        bot.limited(&world, limits).await.names(pointer);
    }
    assert_eq!(world.api.get(&path(&bot)).await.is(200), before);
    let other = world.user("uma@example.com").await;
    other.get(&path(&bot)).await.problem(404, "not-found");
    other.patch(&path(&bot), json!({"limits": {"can_trade": false}})).await.problem(404, "not-found");
}

#[tokio::test]
async fn shorter_wait_is_in_force_once_the_longer_one_has_passed() {
    let world = World::new().await;
    let bot = used(&world).await;
    bot.limited(&world, json!({"max_trade_amount_usd": "20"})).await.is(200);
    let delay = world.api.request("PUT", "/api/v1/me/limits-delay");
    Reply::of(delay.json(&json!({"seconds": 3600, "password": PASSWORD}))).await.is(200);
    let in_force = async |figure: &str| {
        keygate::job::round(&world.server.app).await;
        world.count(&format!("api_key_permissions where max_trade_amount_usd = {figure}")).await == 1
    };
    bot.limited(&world, json!({"max_trade_amount_usd": "30"})).await.is(202);
    world.advance(Duration::hours(23));
    assert!(in_force("20").await, "the long wait is not over");
    world.advance(Duration::hours(2));
    assert!(in_force("30").await);
    let owner = world.sign_in(crate::world::OWNER).await;
    let more = json!({"limits": {"max_trade_amount_usd": "40"}, "password": PASSWORD});
    owner.patch(&path(&bot), more).await.is(202);
    world.advance(Duration::minutes(55));
    assert!(in_force("30").await);
    world.advance(Duration::minutes(10));
    assert!(in_force("40").await);
}
