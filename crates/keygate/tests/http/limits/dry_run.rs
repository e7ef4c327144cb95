//! A dry run: what the limits would refuse is carried out and recorded with the rule; what protects keys, and whatever sends
//! assets away, is refused as ever.

use demo_exchange::Fault;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use time::Duration;

use super::{path, spending::used_today, used};
use crate::{
    api::Reply,
    bot::{BUY, Bot, now},
    world::{OWNER, PASSWORD, World},
};

/// With these limits, and a dry run of them.
async fn dry(world: &World, limits: Value) -> Bot {
    let bot = world.bot("binance", "trade").await;
    bot.limited(world, limits).await.is(200);
    bot.limited(world, json!({"dry_run": true})).await.is(200);
    bot
}

/// Carried out, and on record with the rule that would have refused it.
async fn noted(world: &World, rule: &str) -> i64 {
    world.flush().await;
    world
        .count(&format!(
            "api_key_usage_audit where decision = 'allow' and rule = '{rule}' and phase <> 'intent'"
        ))
        .await
}

#[tokio::test]
async fn what_the_limits_would_refuse_is_carried_out_and_recorded_with_the_rule() {
    let world = World::new().await;
    for (limits, rule) in [
        (json!({"max_trade_amount_usd": "20"}), "max-trade"),
        (json!({"max_daily_trade_volume_usd": "20"}), "max-daily-trades"),
        (json!({"max_position_size": "20"}), "max-position"),
        (json!({"allowed_symbols": ["ETH/USDT"]}), "symbol"),
        (json!({"blocked_symbols": ["BTC/USDT"]}), "symbol"),
        (json!({"allowed_ip_addresses": ["192.0.2.1"]}), "address"),
        (json!({"max_requests_per_minute": 0}), "rate"),
    ] {
        let bot = dry(&world, limits.clone()).await;
        let before = noted(&world, rule).await;
        bot.order().await.is(200);
        assert_eq!(noted(&world, rule).await, before + 1, "{limits}");
        bot.limited(&world, json!({"dry_run": false})).await.is(200);
        let refused = bot.order().await;
        assert!(refused.status >= 400 && refused.text.contains(rule), "{limits}: {}", refused.text);
        world.api.delete(&format!("/api/v1/connections/{}", bot.connection)).await;
    }
    let intents = "api_key_usage_audit where phase = 'intent' and decision = 'allow' and rule is not null";
    assert_eq!(world.count(intents).await, 7, "the intent says it as well, before anything is signed");
}

#[tokio::test]
async fn windows_count_on_beyond_their_limits_and_hold_once_the_dry_run_ends() {
    let world = World::new().await;
    let bot = dry(&world, json!({"max_daily_trade_volume_usd": "120", "max_requests_per_day": 3})).await;
    for _ in 0..4 {
        bot.order().await.is(200);
    }
    assert_eq!(used_today(&world).await, Decimal::from(200), "four orders of fifty");
    let state = world.api.get(&path(&bot)).await.is(200);
    let usage = |window: &str| {
        let all = state["usage"].as_array().unwrap();
        all.iter().find(|own| own["window"] == window).unwrap().clone()
    };
    assert_eq!((&usage("trade-day")["used"], &usage("trade-day")["limit"]), (&json!("200"), &json!("120")));
    assert_eq!(usage("requests-day")["used"], "4");
    assert!(state["sentences"][0].as_str().unwrap().starts_with("Dry run:"), "{state}");
    assert_eq!(
        (noted(&world, "max-daily-trades").await, noted(&world, "rate").await),
        (1, 1),
        "the first rule counts"
    );
    bot.limited(&world, json!({"dry_run": false, "max_requests_per_day": null})).await.is(202);
    bot.order().await.binance(429, -1003, "rate");
}

#[tokio::test]
async fn order_that_is_refused_by_the_exchange_gives_back_what_a_dry_run_set_aside() {
    let world = World::new().await;
    let bot = dry(&world, json!({"max_daily_trade_volume_usd": "20"})).await;
    assert_eq!(bot.binance("POST", "/api/v3/order", &BUY.replace("GTC", "NEVER")).await.status, 400);
    assert_eq!(used_today(&world).await, Decimal::ZERO);
}

#[tokio::test]
async fn what_nobody_can_value_passes_a_dry_run_with_that_rule() {
    let world = World::new().await;
    let bot = dry(&world, json!({"max_trade_amount_usd": "20"})).await;
    world.demo.fault(demo_exchange::Switch {
        fault: Fault::Status { status: 503 },
        count: 50,
        path: "/api/v3/ticker".to_owned(),
        exchange: None,
    });
    bot.order().await.is(200);
    assert_eq!(noted(&world, "no-price").await, 1);
    assert_eq!(world.count("keygate.reservation where usd is null").await, 1);
}

#[tokio::test]
async fn what_protects_keys_and_sends_assets_away_is_refused_in_a_dry_run_too() {
    let world = World::new().await;
    let bot = world.bot("binance", "withdraw").await;
    let limits =
        json!({"can_withdraw": true, "max_withdrawal_amount_usd": "10", "dry_run": true, "can_trade": false});
    bot.limited(&world, limits).await.is(200);
    let access = format!("/api/v1/access-keys/{}", bot.access_key);
    bot.order().await.binance(403, -1002, "permission");
    let wide = json!({"scopes": ["read", "withdraw"]});
    let issued = world.api.post(&format!("/api/v1/bots/{}/access-keys", bot.id), wide).await.is(201);
    let wide = Bot::of(&world.api, &json!({"id": bot.id, "connection_id": bot.connection}), &issued);
    let withdraw = "coin=USDT&address=0xabc&amount=50&network=ETH";
    wide.binance("POST", "/sapi/v1/capital/withdraw/apply", withdraw).await.binance(
        403,
        -1002,
        "max-withdrawal",
    );
    world.api.post("/api/v1/panic", json!({})).await.is(200);
    bot.account().await.binance(403, -1002, "panic");
    world.api.post("/api/v1/panic/resume", json!({"password": PASSWORD})).await.is(200);
    world.api.delete(&access).await;
    assert!(bot.account().await.status >= 400, "a revoked key signs nothing");
    assert_eq!(world.count("api_key_usage_audit where decision = 'allow' and rule is not null").await, 0);
}

#[tokio::test]
async fn dry_run_waits_as_every_looser_limit_and_ends_at_once() {
    let world = World::new().await;
    let bot = used(&world).await;
    bot.limited(&world, json!({"max_trade_amount_usd": "20"})).await.is(200);
    let wish = json!({"limits": {"dry_run": true}});
    world.api.patch(&path(&bot), wish.clone()).await.problem(403, "step-up-required");
    let state = bot.limited(&world, wish["limits"].clone()).await.is(202);
    assert_eq!(
        (&state["limits"]["dry_run"], &state["pending"][0]["member"]),
        (&json!(false), &json!("dry_run"))
    );
    bot.order().await.binance(403, -1002, "max-trade");
    world.advance(Duration::hours(25));
    keygate::job::round(&world.server.app).await;
    let later = crate::bot::now() + 25 * 3_600_000;
    let call = bot.binance_request("POST", "/api/v3/order", &bot.signed(BUY, later));
    crate::api::Reply::of(call).await.is(200);
    let owner = world.sign_in(OWNER).await;
    let state = owner.patch(&path(&bot), json!({"limits": {"dry_run": false}})).await.is(200);
    assert_eq!(state["limits"]["dry_run"], false);
    let call = bot.binance_request("POST", "/api/v3/order", &bot.signed(BUY, later + 1));
    crate::api::Reply::of(call).await.binance(403, -1002, "max-trade");
}

#[tokio::test]
async fn limits_are_in_a_dry_run_on_every_replica_within_a_second() {
    let world = World::new().await;
    let second = world.second_server().await;
    let bot = world.bot("binance", "trade").await;
    let there = bot.moved_to(&world.api.moved_to(&second));
    bot.limited(&world, json!({"allowed_symbols": ["ETH/USDT"]})).await.is(200);
    there.order().await.binance(403, -1002, "symbol");
    bot.limited(&world, json!({"dry_run": true, "max_trade_amount_usd": "20"})).await;
    world.execute("update exchange_connections set dry_run = true").await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    there.order().await.is(200);
    second.stop().await;
}

/// They say who may act and with what, not how much.
#[tokio::test]
async fn who_may_not_act_at_all_is_refused_in_a_dry_run_as_well() {
    let world = World::new().await;
    let bot = dry(&world, json!({"max_trade_amount_usd": "20"})).await;
    let once = bot.signed(BUY, now());
    Reply::of(bot.binance_request("POST", "/api/v3/order", &once)).await.is(200);
    Reply::of(bot.binance_request("POST", "/api/v3/order", &once)).await.binance(403, -1002, "replay");
    let wrong = Bot { secret: "x".repeat(64), ..bot.clone() };
    wrong.order().await.binance(400, -1022, "bad-signature");
    world.execute("update access_keys set allowed_ip_addresses = array['192.0.2.1'::inet]").await;
    world.server.app.gate.accounts.forget_all();
    bot.order().await.binance(403, -1002, "address");
    world.execute("update access_keys set allowed_ip_addresses = null").await;
    let own = format!("/api/v1/bots/{}", bot.id);
    for (change, rule) in
        [(json!({"symbol": "ETH/USDT"}), "symbol"), (json!({"is_active": false}), "bot-stopped")]
    {
        world.api.patch(&own, change).await.is(200);
        bot.order().await.binance(403, -1002, rule);
    }
    world.api.patch(&own, json!({"is_active": true})).await.is(200);
    world.api.tell(&format!("/api/v1/connections/{}/pause", bot.connection)).await.is(200);
    bot.order().await.binance(403, -1002, "paused");
    world.advance(Duration::days(366));
    let late = bot.signed(BUY, world.clock.now_ms());
    Reply::of(bot.binance_request("POST", "/api/v3/order", &late)).await.binance(403, -1002, "expired");
    assert_eq!(world.asked("/api/v3/order"), 1);
}

#[tokio::test]
async fn what_moves_assets_is_held_to_addresses_and_requests_in_a_dry_run_too() {
    let world = World::new().await;
    let bot = world.bot("binance", "withdraw").await;
    let wide = json!({"scopes": ["read", "transfer"]});
    let issued = world.api.post(&format!("/api/v1/bots/{}/access-keys", bot.id), wide).await.is(201);
    let bot = Bot::of(&world.api, &json!({"id": bot.id, "connection_id": bot.connection}), &issued);
    let transfer = "type=MAIN_FUNDING&asset=USDT&amount=10";
    for (limits, rule, status, code) in [
        (json!({"allowed_ip_addresses": ["192.0.2.1"], "dry_run": true}), "address", 403, -1002),
        (json!({"allowed_ip_addresses": ["127.0.0.1"], "max_requests_per_hour": 0}), "rate", 429, -1003),
    ] {
        bot.limited(&world, limits).await;
        world.execute("update exchange_connections set api_key_last_used = null").await;
        bot.binance("POST", "/sapi/v1/asset/transfer", transfer).await.binance(status, code, rule);
        world.flush().await;
    }
    assert_eq!(world.asked("/sapi/v1/asset/transfer"), 0);
    bot.account().await.is(200);
    assert_eq!(noted(&world, "rate").await, 1, "a read goes, with a note");
}

#[tokio::test]
async fn loss_and_leverage_are_noted_in_a_dry_run_and_the_loss_stops_the_day_once_it_ends() {
    let world = World::new().await;
    let bot = dry(&world, json!({"max_daily_loss": "100", "max_leverage": "2"})).await;
    bot.order().await.is(200);
    world.execute("update keygate.day_worth set usd = usd + 200").await;
    bot.order().await.is(200);
    assert_eq!(noted(&world, "daily-loss").await, 1);
    let leverage = "/fapi/v1/leverage";
    for times in [2, 3] {
        bot.binance("POST", leverage, &format!("symbol=BTCUSDT&leverage={times}")).await;
    }
    assert_eq!((noted(&world, "max-leverage").await, world.asked(leverage)), (1, 2));
    // what has been gained since does not matter
    world.execute("update keygate.day_worth set usd = usd - 200").await;
    bot.limited(&world, json!({"dry_run": false})).await.is(200);
    bot.order().await.binance(403, -1002, "daily-loss");
}
