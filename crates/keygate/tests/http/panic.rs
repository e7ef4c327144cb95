//! `/api/v1/panic`: one word stops all signing, everywhere, and only the password starts it again.

use serde_json::json;

use crate::{
    bot::Bot,
    world::{OWNER, PASSWORD, World},
};

mod orders;
mod waiting;

const PANIC: &str = "/api/v1/panic";
const RESUME: &str = "/api/v1/panic/resume";

#[tokio::test]
async fn nothing_is_signed_after_a_stop_on_any_replica_until_the_password_is_given() {
    let world = World::new().await;
    let second = world.second_server().await;
    let bot = world.bot("binance", "trade").await;
    let there = bot.moved_to(&world.api.moved_to(&second));
    for bot in [&bot, &there] {
        bot.order().await.is(200);
        bot.account().await.is(200);
    }
    let asked = world.demo.requests().len();
    let state = world.api.post(PANIC, json!({"reason": "it buys and buys"})).await.is(200);
    assert_eq!(
        (&state["in_force"][0]["scope"], &state["last_signed"]["exchange"]),
        (&json!("own"), &json!("binance"))
    );
    there.order().await.binance(403, -1002, "panic");
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    for bot in [&bot, &there] {
        bot.order().await.binance(403, -1002, "panic");
        bot.account().await.binance(403, -1002, "panic");
        let cancel = bot.binance("DELETE", "/api/v3/order", "symbol=BTCUSDT&orderId=1").await;
        cancel.binance(403, -1002, "panic");
    }
    assert_eq!(world.demo.requests().len(), asked, "something was signed");
    world.api.post(RESUME, json!({})).await.problem(403, "step-up-required");
    world
        .api
        .post(RESUME, json!({"password": "not the one that was set"}))
        .await
        .problem(401, "login-failed");
    bot.order().await.binance(403, -1002, "panic");
    let state = world.api.post(RESUME, json!({"password": PASSWORD})).await.is(200);
    assert_eq!(state["in_force"], json!([]));
    bot.order().await.is(200);
    world.api.post(RESUME, json!({"password": PASSWORD})).await.problem(404, "not-found");
    let recorded = "api_key_usage_audit where operation_type in ('panic', 'panic-ended')";
    assert_eq!(world.count(recorded).await, 4, "of the account, and of its key");
    second.stop().await;
}

#[tokio::test]
async fn reason_that_cannot_be_stored_as_it_is_keeps_nothing_from_stopping() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    for (reason, kept) in [
        ("it buys\u{0}and\nbuys".to_owned(), "it buys and buys".to_owned()),
        ("ü".repeat(600), "ü".repeat(500)),
    ] {
        let state = world.api.post(PANIC, json!({"reason": reason})).await.is(200);
        assert_eq!(state["in_force"][0]["reason"], kept);
        bot.order().await.binance(403, -1002, "panic");
        world.api.post(RESUME, json!({"password": PASSWORD})).await.is(200);
    }
}

#[tokio::test]
async fn stop_of_one_connection_leaves_the_others() {
    let world = World::new().await;
    let held = world.bot("binance", "trade").await;
    let free = world.bot("binance", "ed25519").await;
    let stop = json!({"connection_id": held.connection});
    let state = world.api.post(PANIC, stop.clone()).await.is(200);
    assert_eq!(state["in_force"][0]["connection"], "trade", "by the name it has");
    world.api.post(PANIC, stop).await.is(200);
    assert_eq!(world.count("keygate.panic").await, 1, "a second stop is the same one");
    held.order().await.binance(403, -1002, "panic");
    free.order().await.is(200);
}

#[tokio::test]
async fn nobody_stops_or_starts_what_belongs_to_others() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let uma = world.user("uma@example.com").await;
    uma.post(PANIC, json!({"connection_id": bot.connection})).await.problem(404, "not-found");
    uma.post(PANIC, json!({"site": true})).await.problem(403, "forbidden");
    uma.post(PANIC, json!({})).await.is(200);
    bot.order().await.is(200);
    world.api.nobody().post(PANIC, json!({})).await.problem(401, "unauthorized");
    world.api.post(PANIC, json!({"connection_id": bot.connection, "site": true})).await.names("/site");
}

#[tokio::test]
async fn administrator_stops_the_whole_site() {
    let world = World::new().await;
    let uma = world.user("uma@example.com").await;
    let connection = crate::world::connect(&uma, "binance", "trade").await;
    let bot = Bot::make(&uma, &connection, json!(null)).await;
    bot.order().await.is(200);
    world.api.post(PANIC, json!({"site": true})).await.is(200);
    bot.order().await.binance(403, -1002, "panic");
    assert_eq!(uma.get(PANIC).await.is(200)["in_force"][0]["scope"], "site");
    uma.post(RESUME, json!({"site": true, "password": PASSWORD})).await.problem(403, "forbidden");
    let owner = world.sign_in(OWNER).await;
    owner.post(RESUME, json!({"site": true, "password": PASSWORD})).await.is(200);
    bot.order().await.is(200);
}

/// The exchange is asked later; whoever stopped everything wants no call with their key.
#[tokio::test]
async fn lost_order_is_not_asked_about_until_signing_goes_on() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    world.fault(demo_exchange::Fault::DropAfter, "/api/v3/order");
    bot.order().await.binance(504, -1007, "outcome-unknown");
    world.flush().await;
    world.api.post(PANIC, json!({})).await.is(200);
    let ask = async || {
        world.advance(time::Duration::seconds(60));
        keygate::gateway::reconcile::round(&world.server.app).await.unwrap();
        world.flush().await;
    };
    let questions = || world.asked("/api/v3/order?");
    let open = "keygate.reservation where state = 'unknown'";
    ask().await;
    assert_eq!((questions(), world.count(open).await), (0, 1));
    world.api.post(RESUME, json!({"password": PASSWORD})).await.is(200);
    ask().await;
    assert_eq!((questions(), world.count(open).await), (1, 0));
}

#[tokio::test]
async fn owner_still_looks_at_an_account_that_stands_still() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    world.api.post(PANIC, json!({})).await.is(200);
    bot.account().await.binance(403, -1002, "panic");
    world.demo.forget_requests();
    world.api.tell(&format!("/api/v1/connections/{}/check", bot.connection)).await.is(200);
    let signed = world.demo.requests().iter().filter(|own| own.signed_by.is_some()).count();
    assert!(signed > 0, "the exchange was not asked");
}
