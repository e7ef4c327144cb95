//! `/api/v1/alerts`: the owner hears of what was done in their name, and says when they have.

use serde_json::json;
use time::Duration;

use crate::{
    bot::Bot,
    world::{OWNER, World},
};

const ALERTS: &str = "/api/v1/alerts";
const DELAY: &str = "/api/v1/me/limits-delay";

async fn kinds(api: &crate::api::Api, query: &str) -> Vec<String> {
    let alerts = api.get(&format!("{ALERTS}{query}")).await.is(200);
    let items = alerts.as_array().unwrap().clone();
    items.iter().map(|alert| alert["kind"].as_str().unwrap().to_owned()).collect()
}

/// A connection that is used, with a limit on its orders.
async fn limited(world: &World) -> Bot {
    let bot = world.bot("binance", "trade").await;
    bot.account().await.is(200);
    world.flush().await;
    bot.limited(world, json!({"max_trade_amount_usd": "20"})).await.is(200);
    bot
}

#[tokio::test]
async fn raised_limit_is_announced_when_asked_for_and_when_in_force() {
    let world = World::new().await;
    let bot = limited(&world).await;
    assert_eq!(kinds(&world.api, "").await, [""; 0], "less is nothing to hear of");
    bot.limited(&world, json!({"max_trade_amount_usd": "100"})).await.is(202);
    let alerts = world.api.get(ALERTS).await.is(200);
    let alert = &alerts[0];
    assert_eq!(
        (&alert["kind"], &alert["connection_id"]),
        (&json!("raise-requested"), &json!(bot.connection))
    );
    let text = alert["text"].as_str().unwrap();
    assert!(text.contains("max_trade_amount_usd 100"), "{text}");
    world.advance(Duration::hours(25));
    keygate::job::round(&world.server.app).await;
    let owner = world.sign_in(OWNER).await;
    assert_eq!(kinds(&owner, "").await, ["raised"], "what was asked for is over");
    assert_eq!(kinds(&owner, "?all=true").await, ["raised", "raise-requested"]);
}

/// Saying again what is in force takes back what waits, and that is said too.
#[tokio::test]
async fn raised_limit_that_is_replaced_is_announced_and_on_record() {
    let world = World::new().await;
    let bot = limited(&world).await;
    bot.limited(&world, json!({"max_trade_amount_usd": "100"})).await.is(202);
    bot.limited(&world, json!({"can_transfer": false})).await.is(200);
    assert_eq!(kinds(&world.api, "").await, ["raise-requested"], "another limit leaves it alone");
    bot.limited(&world, json!({"max_trade_amount_usd": "20"})).await.is(200);
    assert_eq!(kinds(&world.api, "").await, ["raise-cancelled"]);
    let record = "/api/v1/activity?operation=limits-raise-cancelled";
    let record = world.api.get(record).await.is(200)["items"].clone();
    assert_eq!(record.as_array().unwrap().len(), 1);
    assert_eq!(record[0]["changed"], json!({"max_trade_amount_usd": {"from": "20", "to": "100"}}));
}

/// One account whose records are broken stops what is due of no other.
#[tokio::test]
async fn what_stands_in_the_way_of_one_account_stops_no_other() {
    let world = World::new().await;
    let broken = limited(&world).await;
    let uma = world.user("uma@example.com").await;
    let connection = crate::world::connect(&uma, "binance", "trade").await;
    let other = Bot::make(&uma, &connection, serde_json::Value::Null).await;
    for (api, bot) in [(&world.api, &broken), (&uma, &other)] {
        bot.account().await.is(200);
        world.flush().await;
        let path = format!("/api/v1/connections/{}/limits", bot.connection);
        for amount in ["20", "30"] {
            let limits =
                json!({"limits": {"max_trade_amount_usd": amount}, "password": crate::world::PASSWORD});
            api.patch(&path, limits).await;
        }
    }
    let owner = format!("select user_id from exchange_connections where id = '{}'", broken.connection);
    world.execute(&format!("delete from keygate.audit_head where user_id = ({owner})")).await;
    world.advance(Duration::hours(25));
    keygate::job::round(&world.server.app).await;
    let first = "(select min(user_id::text)::uuid from exchange_connections)";
    assert_eq!(world.count(&format!("({owner}) o where o.user_id = {first}")).await, 1, "it comes first");
    assert_eq!(world.count("api_key_permissions where max_trade_amount_usd = 30").await, 1);
}

#[tokio::test]
async fn raised_limit_that_is_taken_back_is_announced_and_never_in_force() {
    let world = World::new().await;
    let bot = limited(&world).await;
    bot.limited(&world, json!({"max_trade_amount_usd": "100"})).await.is(202);
    world.api.delete(&format!("/api/v1/connections/{}/limits/pending", bot.connection)).await.is(200);
    assert_eq!(kinds(&world.api, "").await, ["raise-cancelled"]);
    world.advance(Duration::hours(25));
    keygate::job::round(&world.server.app).await;
    let owner = world.sign_in(OWNER).await;
    assert_eq!(kinds(&owner, "").await, ["raise-cancelled"]);
    assert_eq!(world.count("api_key_permissions where max_trade_amount_usd = 20").await, 1);
}

#[tokio::test]
async fn same_thing_again_is_counted_until_it_is_acknowledged() {
    let world = World::new().await;
    let bot = limited(&world).await;
    for more in ["100", "200"] {
        bot.limited(&world, json!({"max_trade_amount_usd": more})).await.is(202);
    }
    let alerts = world.api.get(ALERTS).await.is(200);
    assert_eq!(alerts.as_array().unwrap().len(), 1);
    assert_eq!(alerts[0]["times"], 2);
    assert!(alerts[0]["text"].as_str().unwrap().contains("200"), "the last word counts");
    let seen = format!("{ALERTS}/{}/acknowledge", alerts[0]["id"].as_str().unwrap());
    world.api.post(&seen, json!(null)).await.is(204);
    world.api.post(&seen, json!(null)).await.is(204);
    assert_eq!(kinds(&world.api, "").await, [""; 0]);
    bot.limited(&world, json!({"max_trade_amount_usd": "300"})).await.is(202);
    assert_eq!(kinds(&world.api, "").await, ["raise-requested"], "what was seen is not counted on");
    assert_eq!(kinds(&world.api, "?all=true").await.len(), 2);
    world.api.post(&format!("{ALERTS}/acknowledge"), json!(null)).await.is(204);
    assert_eq!(kinds(&world.api, "").await, [""; 0]);
}

#[tokio::test]
async fn alerts_of_others_are_neither_seen_nor_closed() {
    let world = World::new().await;
    let bot = limited(&world).await;
    bot.limited(&world, json!({"max_trade_amount_usd": "100"})).await.is(202);
    let alert = world.api.get(ALERTS).await.is(200)[0]["id"].as_str().unwrap().to_owned();
    let uma = world.user("uma@example.com").await;
    assert_eq!(kinds(&uma, "?all=true").await, [""; 0]);
    uma.post(&format!("{ALERTS}/{alert}/acknowledge"), json!(null)).await.problem(404, "not-found");
    uma.post(&format!("{ALERTS}/acknowledge"), json!(null)).await.is(204);
    assert_eq!(kinds(&world.api, "").await, ["account", "raise-requested"], "of her account as well");
    world.api.nobody().get(ALERTS).await.problem(401, "unauthorized");
}

/// What binds every connection is told as what binds one.
#[tokio::test]
async fn shorter_wait_is_announced_and_on_record_when_asked_for_and_when_in_force() {
    let world = World::new().await;
    let put = |api: &crate::api::Api, seconds: i32| {
        let wish = json!({"seconds": seconds, "password": crate::world::PASSWORD});
        crate::api::Reply::of(api.request("PUT", DELAY).json(&wish))
    };
    put(&world.api, 3600).await.is(200);
    let alerts = world.api.get(ALERTS).await.is(200);
    assert_eq!(alerts[0]["kind"], "raise-requested");
    let text = alerts[0]["text"].as_str().unwrap();
    assert!(text.contains("will wait 1 hour instead of 24 hours from "), "{text}");
    world.advance(Duration::hours(25));
    keygate::job::round(&world.server.app).await;
    keygate::job::round(&world.server.app).await;
    let owner = world.sign_in(OWNER).await;
    assert_eq!(kinds(&owner, "").await, ["raised"], "once");
    let record =
        owner.get("/api/v1/activity?operation=limits-delay-shortened").await.is(200)["items"].clone();
    assert_eq!(record[0]["changed"], json!({"seconds": {"from": 86_400, "to": 3600}}));
    assert_eq!(record.as_array().unwrap().len(), 1);
    put(&owner, 7200).await.is(200);
    assert_eq!(kinds(&owner, "").await, ["raised"], "a longer one, on the alert of its kind");
    let alerts = owner.get(ALERTS).await.is(200);
    assert!(alerts[0]["text"].as_str().unwrap().contains("wait 2 hours from now on"), "{alerts}");
}

#[tokio::test]
async fn shorter_wait_is_taken_back_without_the_password_and_never_in_force() {
    let world = World::new().await;
    world.api.delete(DELAY).await.problem(404, "not-found");
    let put = async |seconds: i32| {
        let wish = json!({"seconds": seconds, "password": crate::world::PASSWORD});
        crate::api::Reply::of(world.api.request("PUT", DELAY).json(&wish)).await.is(200)
    };
    put(3600).await;
    let kept = world.api.delete(DELAY).await.is(200);
    assert_eq!((&kept["seconds"], &kept["next_seconds"]), (&json!(86_400), &json!(null)));
    assert_eq!(kinds(&world.api, "").await, ["raise-cancelled"]);
    put(3600).await;
    put(86_400).await;
    let cancelled = "/api/v1/activity?operation=limits-delay-cancelled";
    let record = world.api.get(cancelled).await.is(200)["items"].clone();
    assert_eq!(record.as_array().unwrap().len(), 2, "the present wait said again takes the shorter one back");
    world.advance(Duration::hours(25));
    keygate::job::round(&world.server.app).await;
    assert_eq!(world.sign_in(OWNER).await.get(DELAY).await.is(200)["seconds"], 86_400);
}

/// An alert may be about several limits, and is over with the last of them.
#[tokio::test]
async fn alert_about_several_limits_is_open_while_one_of_them_waits() {
    let world = World::new().await;
    let bot = limited(&world).await;
    bot.limited(&world, json!({"max_daily_trade_volume_usd": "50"})).await.is(200);
    let more = json!({"max_trade_amount_usd": "100", "max_daily_trade_volume_usd": "500"});
    bot.limited(&world, more).await.is(202);
    let pending = format!("/api/v1/connections/{}/limits/pending", bot.connection);
    world.api.delete(&format!("{pending}?member=max_trade_amount_usd")).await.is(200);
    assert_eq!(kinds(&world.api, "").await, ["raise-cancelled", "raise-requested"]);
    world.api.delete(&format!("{pending}?member=max_daily_trade_volume_usd")).await.is(200);
    assert_eq!(kinds(&world.api, "").await, ["raise-cancelled"; 2]);
}

#[tokio::test]
async fn open_alert_is_seen_behind_any_number_of_those_that_were_seen() {
    let world = World::new().await;
    let raise = "insert into keygate.alert (id, user_id, kind, severity, subject, text, first_at, last_at, acknowledged_at)
         select gen_random_uuid(), u.id, ";
    let seen = "'suspicious', 'warning', n::text, 'seen', now(), now(), now() from users u, generate_series(1, 203) n";
    let open = "'honey-key', 'urgent', 'bait', 'open', now() - interval '1 day', now() - interval '1 day', null from users u";
    for alerts in [seen, open] {
        world.execute(&format!("{raise}{alerts}")).await;
    }
    assert_eq!(kinds(&world.api, "?all=true").await[0], "honey-key");
}
