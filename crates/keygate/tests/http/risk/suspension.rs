//! A key that was used too unusually stands still, on every replica, until its owner says that it was them.

use std::time::Duration;

use serde_json::{Value, json};

use super::{HOME, Holder, SYDNEY, alerts, behind_a_proxy, is, last, owner, suspensions, with_files};
use crate::{
    bot::Bot,
    stream::Stream,
    world::{PASSWORD, World},
};

async fn confirm(world: &World, id: &Value, password: &str) -> crate::api::Reply {
    let path = format!("/api/v1/suspensions/{}/confirm", id.as_str().unwrap());
    world.api.post(&path, json!({"password": password})).await
}

#[tokio::test]
async fn suspended_key_signs_nothing_but_cancels_until_its_owner_confirms() {
    let world = World::with(with_files).await;
    let bot = Holder::new(&world, "trade").await.settled().await;
    let order = bot.order().await.is(200);
    let thief = bot.at(SYDNEY).with("curl/8");
    let asked = world.demo.requests().len();
    thief.order().await.binance(403, -1002, "suspended");
    let text = bot.account().await.binance(403, -1002, "suspended");
    assert!(text.contains("confirmed"), "{text}");
    bot.order().await.binance(403, -1002, "suspended");
    assert_eq!(world.demo.requests().len(), asked, "something was signed");
    bot.cancel(&order).await.is(200);
    let suspension = suspensions(&world.api).await[0].clone();
    assert_eq!(
        (&suspension["ip"], &suspension["country"], &suspension["user_agent"], &suspension["score"]),
        (&json!(SYDNEY), &json!("AU"), &json!("curl/8"), &json!(100))
    );
    let names: Vec<&str> =
        suspension["reasons"].as_array().unwrap().iter().map(|own| own["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["new-address", "new-network", "new-country", "new-device", "impossible-travel"]);
    assert_eq!(alerts(&world.api).await, ["suspended"]);
    let id = &suspension["id"];
    world.api.tell(&format!("/api/v1/suspensions/{}/confirm", id.as_str().unwrap())).await.is(400);
    let path = format!("/api/v1/suspensions/{}/confirm", id.as_str().unwrap());
    world.api.post(&path, json!({})).await.problem(403, "step-up-required");
    confirm(&world, id, "not the one that was set").await.problem(401, "login-failed");
    bot.account().await.binance(403, -1002, "suspended");
    let confirmed = confirm(&world, id, PASSWORD).await.is(200);
    assert!(confirmed["confirmed_at"].is_string());
    confirm(&world, id, PASSWORD).await.problem(404, "not-found");
    assert_eq!(alerts(&world.api).await, [""; 0], "nobody has to look at it any more");
    // it was the owner: there they are at home now, too
    thief.order().await.is(200);
    is(last(&world).await, 0, &[]);
    bot.account().await.is(200);
    is(last(&world).await, 0, &[]);
    let recorded =
        "api_key_usage_audit where operation_type = 'suspension-confirm' and access_key_id is not null";
    assert_eq!(world.count(recorded).await, 1);
}

#[tokio::test]
async fn suspension_of_a_personal_key_ends_though_its_connection_is_gone() {
    let world = World::new().await;
    let connection = world.connect("binance", "trade").await;
    let personal = world.api.post("/api/v1/access-keys", json!({})).await.is(201);
    let id = json!(uuid::Uuid::from_u128(8).to_string());
    world
        .execute(&format!(
            "insert into keygate.suspension (id, user_id, access_key_id, connection_id, request_id, address, score, reasons,
                    suspended_at)
             select '{}', user_id, id, '{}', id, '192.0.2.1', 70, '{{}}', now() from access_keys where id = '{}'",
            id.as_str().unwrap(),
            connection["id"].as_str().unwrap(),
            personal["id"].as_str().unwrap()
        ))
        .await;
    world.execute("delete from exchange_connections").await;
    confirm(&world, &id, PASSWORD).await.is(200);
    let me = world.api.get("/api/v1/users/me").await.is(200);
    let record = world.api.get("/api/v1/activity?operation=suspension-confirm").await.is(200);
    assert_eq!(record["items"][0]["api_key_id"], me["id"]);
}

#[tokio::test]
async fn what_comes_while_a_key_stands_still_is_not_vouched_for() {
    let world = World::with(with_files).await;
    let bot = Holder::new(&world, "trade").await.settled().await;
    bot.at(SYDNEY).account().await.binance(403, -1002, "suspended");
    let thief = bot.at("203.0.113.77").with("thief/1");
    thief.account().await.binance(403, -1002, "suspended");
    confirm(&world, &suspensions(&world.api).await[0]["id"], PASSWORD).await.is(200);
    thief.account().await.is(200);
    is(last(&world).await, 25, &["new-address", "new-device"]);
}

#[tokio::test]
async fn other_keys_of_the_connection_go_on() {
    let world = World::with(with_files).await;
    let bot = Holder::new(&world, "trade").await.settled().await;
    let path = format!("/api/v1/bots/{}", bot.bot.id);
    let other = Bot::pair(&world.api, &world.api.get(&path).await.is(200)).await;
    bot.at(SYDNEY).account().await.binance(403, -1002, "suspended");
    Holder::of(&world, other).order().await.is(200);
}

/// Address, network, program and five refusals: 60 points.
#[tokio::test]
async fn less_is_too_much_where_the_connection_may_withdraw() {
    let world = World::with(behind_a_proxy).await;
    for (key, suspended) in [("withdraw", true), ("trade", false)] {
        let bot = Holder::new(&world, key).await.settled().await;
        bot.bot.limited(&world, json!({"max_trade_amount_usd": "1"})).await.is(200);
        for _ in 0..5 {
            bot.order().await.binance(403, -1002, "max-trade");
        }
        let reply = bot.at("203.0.113.1").with("curl/8").account().await;
        is(last(&world).await, 60, &["new-address", "new-network", "new-device", "denials"]);
        match suspended {
            true => drop(reply.binance(403, -1002, "suspended")),
            false => drop(reply.is(200)),
        }
    }
}

#[tokio::test]
async fn suspension_holds_on_every_replica_for_orders_at_once_and_for_reads_within_a_second() {
    let world = World::with(with_files).await;
    let second = world.replica(with_files).await;
    let bot = Holder::new(&world, "trade").await.settled().await;
    let there = Holder { bot: bot.bot.moved_to(&world.api.moved_to(&second)), ..bot.clone() };
    there.account().await.is(200);
    bot.at(SYDNEY).account().await.binance(403, -1002, "suspended");
    there.order().await.binance(403, -1002, "suspended");
    tokio::time::sleep(Duration::from_secs(1)).await;
    there.account().await.binance(403, -1002, "suspended");
    confirm(&world, &suspensions(&world.api).await[0]["id"], PASSWORD).await.is(200);
    tokio::time::sleep(Duration::from_secs(1)).await;
    there.at(SYDNEY).order().await.is(200);
    assert_eq!(last(&world).await.0, 0, "what its owner vouched for is known there as well");
    second.stop().await;
}

#[tokio::test]
async fn what_one_replica_has_learnt_is_no_news_to_another() {
    let world = World::with(with_files).await;
    let second = world.replica(with_files).await;
    let bot = Holder::new(&world, "trade").await.settled().await;
    let there = Holder { bot: bot.bot.moved_to(&world.api.moved_to(&second)), ..bot.clone() };
    there.account().await.is(200);
    second.app.gate.records.flush().await;
    is(last(&world).await, 0, &[]);
    bot.at("192.0.2.8").account().await.is(200);
    super::later(&world, time::Duration::hours(1)).await;
    there.at("192.0.2.8").account().await.is(200);
    second.app.gate.records.flush().await;
    is(last(&world).await, 0, &[]);
    second.stop().await;
}

#[tokio::test]
async fn open_stream_of_a_suspended_key_ends() {
    let world = World::with(with_files).await;
    let bot = Holder::new(&world, "trade").await;
    let mut stream = Stream::open(&bot.bot).await;
    stream.ask("order.place", crate::stream::buy()).await;
    // the stream comes without a proxy, so the key is at home nowhere: another country is the first one
    bot.at(HOME).account().await.is(200);
    world.flush().await;
    bot.at(SYDNEY).with("curl/8").account().await.binance(403, -1002, "suspended");
    let reason = stream.ends_with(1008).await;
    assert!(reason.contains("[suspended]"), "{reason}");
}

#[tokio::test]
async fn frames_are_scored_as_requests_are() {
    let world = World::with(with_files).await;
    let bot = Holder::new(&world, "trade").await.settled().await;
    let mut stream = Stream::open(&bot.bot).await;
    stream.ask("order.place", crate::stream::buy()).await;
    // from the proxy itself, without a user agent
    is(last(&world).await, 35, &["new-address", "new-network", "new-device"]);
}

#[tokio::test]
async fn panic_refuses_cancels_of_a_suspended_key_as_of_any_other() {
    let world = World::with(with_files).await;
    let bot = Holder::new(&world, "trade").await.settled().await;
    let order = bot.order().await.is(200);
    bot.at(SYDNEY).account().await.binance(403, -1002, "suspended");
    world.api.post("/api/v1/panic", json!({})).await.is(200);
    bot.cancel(&order).await.binance(403, -1002, "panic");
}

#[tokio::test]
async fn panic_takes_back_the_orders_of_a_suspended_key() {
    let world = World::with(with_files).await;
    let bot = Holder::new(&world, "trade").await.settled().await;
    let order = bot.order().await.is(200);
    bot.at(SYDNEY).account().await.binance(403, -1002, "suspended");
    world.api.post("/api/v1/panic", json!({"cancel_orders": true})).await.is(200);
    for _ in 0..240 {
        let state = world.api.get("/api/v1/panic").await.is(200);
        let orders = &state["in_force"][0]["orders"];
        if orders["finished"] == true {
            let of_this = &orders["connections"][0];
            assert_eq!((&of_this["cancelled"], &of_this["problem"]), (&json!(1), &Value::Null), "{order}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    panic!("open orders are not done after a minute");
}

#[tokio::test]
async fn dry_run_of_limits_lets_no_suspended_key_through() {
    let world = World::with(with_files).await;
    let bot = Holder::new(&world, "trade").await;
    let limits = json!({"max_trade_amount_usd": "20", "dry_run": true});
    bot.bot.limited(&world, limits).await.is(200);
    let bot = bot.settled().await;
    bot.order().await.is(200);
    // a limit that is only tried out says nothing about who calls
    is(last(&world).await, 0, &[]);
    let asked = world.demo.requests().len();
    bot.at(SYDNEY).with("curl/8").order().await.binance(403, -1002, "suspended");
    bot.account().await.binance(403, -1002, "suspended");
    bot.order().await.binance(403, -1002, "suspended");
    assert_eq!(world.demo.requests().len(), asked, "something was signed");
}

#[tokio::test]
async fn nobody_sees_or_ends_a_suspension_of_others() {
    let world = World::with(with_files).await;
    let bot = Holder::new(&world, "trade").await.settled().await;
    bot.at(SYDNEY).account().await.binance(403, -1002, "suspended");
    let id = suspensions(&world.api).await[0]["id"].clone();
    let uma = world.user("uma@example.com").await;
    assert_eq!(suspensions(&uma).await, json!([]));
    let path = format!("/api/v1/suspensions/{}/confirm", id.as_str().unwrap());
    uma.post(&path, json!({"password": PASSWORD})).await.problem(404, "not-found");
    world.api.nobody().post(&path, json!({"password": PASSWORD})).await.problem(401, "unauthorized");
    bot.account().await.binance(403, -1002, "suspended");
    owner(&world).await.delete(&format!("/api/v1/access-keys/{}", bot.bot.access_key)).await.is(204);
    bot.account().await.binance(403, -1002, "revoked");
}

#[tokio::test]
async fn key_that_stands_still_comes_before_one_that_is_revoked_whose_alert_is_over() {
    let world = World::with(with_files).await;
    let first = Holder::new(&world, "trade").await;
    let beside = world.bot_beside(&first.bot).await;
    let (first, second) = (first.settled().await, Holder::of(&world, beside).settled().await);
    for bot in [&first, &second] {
        bot.at(SYDNEY).account().await.binance(403, -1002, "suspended");
    }
    assert_eq!(alerts(&world.api).await, ["suspended"; 2]);
    world.api.delete(&format!("/api/v1/access-keys/{}", second.bot.access_key)).await.is(204);
    assert_eq!(alerts(&world.api).await, ["suspended"], "that of the revoked one is over");
    let listed = suspensions(&world.api).await;
    let keys = [0, 1].map(|place| listed[place]["access_key_id"].as_str().unwrap().to_owned());
    assert_eq!(keys, [first.bot.access_key.clone(), second.bot.access_key.clone()]);
    world.api.delete(&format!("/api/v1/bots/{}", first.bot.id)).await.is(204);
    assert_eq!(alerts(&world.api).await, [""; 0], "a bot takes its keys with it");
}

/// Refusals are what a thief leaves: an unrelated change of the account takes none of them away, the owner's word does.
#[tokio::test]
async fn refusals_of_a_key_are_forgotten_by_its_owners_word_alone() {
    let world = World::with(with_files).await;
    let bot = Holder::new(&world, "trade").await.settled().await;
    bot.bot.limited(&world, json!({"max_trade_amount_usd": "1"})).await.is(200);
    for _ in 0..5 {
        bot.order().await.binance(403, -1002, "max-trade");
    }
    world.api.patch(&format!("/api/v1/bots/{}", bot.bot.id), json!({"name": "renamed"})).await.is(200);
    tokio::time::sleep(Duration::from_secs(1)).await;
    bot.account().await.is(200);
    is(last(&world).await, 25, &["denials"]);
    bot.at(SYDNEY).account().await.binance(403, -1002, "suspended");
    confirm(&world, &suspensions(&world.api).await[0]["id"], PASSWORD).await.is(200);
    bot.account().await.is(200);
    is(last(&world).await, 0, &[]);
}
