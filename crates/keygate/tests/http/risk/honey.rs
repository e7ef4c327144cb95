//! Bait: any use is an alarm, and whoever uses it learns nothing.

use serde_json::{Value, json};

use super::{Holder, SYDNEY, alerts, honey, last, with_files};
use crate::{
    api::Reply,
    bot::{Bot, now},
    stream::Stream,
    world::World,
};

/// Everything a caller sees, but the id of their request.
fn seen(reply: &Reply) -> (u16, Vec<(String, String)>, Value) {
    let headers = reply.headers.iter().filter(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()));
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    let mut body = reply.body.clone();
    if let Some(text) = body["msg"].as_str() {
        let id = reply.header("x-request-id").unwrap();
        body["msg"] = json!(text.replace(id, "ID"));
    }
    (reply.status, headers.collect(), body)
}

/// A bot, a honey key of it, and a key like it that does not exist.
async fn bait(world: &World) -> (Holder<'_>, Bot, Bot) {
    let real = Holder::new(world, "trade").await.settled().await;
    let bot = world.api.get(&format!("/api/v1/bots/{}", real.bot.id)).await.is(200);
    let bait = honey(world, &bot).await;
    let digits = |text: &str| text[..text.len() - 1].to_owned() + if text.ends_with('a') { "b" } else { "a" };
    let nothing = Bot { key: digits(&bait.key), ..bait.clone() };
    (real, bait, nothing)
}

#[tokio::test]
async fn thief_with_bait_reads_what_they_would_read_of_a_key_that_does_not_exist() {
    let world = World::with(with_files).await;
    let (_real, bait, nothing) = bait(&world).await;
    let asked = world.demo.requests().len();
    for secret in [bait.secret.clone(), "x".repeat(64)] {
        let (bait, nothing) =
            (Bot { secret: secret.clone(), ..bait.clone() }, Bot { secret, ..nothing.clone() });
        let (bait, nothing) = (Holder::of(&world, bait), Holder::of(&world, nothing));
        assert_eq!(seen(&bait.account().await), seen(&nothing.account().await));
        assert_eq!(seen(&bait.order().await), seen(&nothing.order().await));
        assert_eq!(seen(&bait.withdraw().await), seen(&nothing.withdraw().await));
    }
    // at an exchange it was not made for
    let (there, nowhere) = (
        bait.coinone("/v2.1/account/balance/all", json!({})).await,
        nothing.coinone("/v2.1/account/balance/all", json!({})).await,
    );
    assert_eq!((there.status, &there.body["error_code"]), (nowhere.status, &nowhere.body["error_code"]));
    assert_eq!(world.demo.requests().len(), asked, "something was signed");
}

/// Whoever tries it often enough reads the same at the same time, and fills no log.
#[tokio::test]
async fn bait_is_counted_like_a_key_that_does_not_exist() {
    let world = World::with(|config| {
        with_files(config);
        config.gateway.public_per_minute = 5;
    })
    .await;
    let (_real, bait, nothing) = bait(&world).await;
    let bait = Holder::of(&world, bait).at(SYDNEY);
    let nothing = Holder::of(&world, nothing).at("203.0.113.9");
    let rule = |reply: Reply| (reply.status, reply.header("keygate-problem").map(str::to_owned));
    for turn in 0..8 {
        let (one, other) = (rule(bait.account().await), rule(nothing.account().await));
        assert_eq!(one, other, "{turn}");
        assert_eq!(one.0, if turn < 5 { 401 } else { 429 }, "{turn}");
    }
    world.flush().await;
    assert_eq!(world.count("api_key_usage_audit where rule = 'honey-key'").await, 5);
}

#[tokio::test]
async fn any_use_of_bait_is_on_record_with_a_hundred_points_and_an_alert() {
    let world = World::with(with_files).await;
    let (real, bait, _) = bait(&world).await;
    let thief = Holder::of(&world, bait.clone()).at(SYDNEY);
    let wrong = Holder { bot: Bot { secret: "x".repeat(64), ..bait.clone() }, ..thief.clone() };
    thief.account().await;
    assert_eq!(last(&world).await, (100, vec!["honey-key".to_owned()]));
    wrong.order().await;
    assert_eq!(last(&world).await.0, 100);
    let token = bait.api.request("GET", "/x/binance/api/v3/account").header("x-keygate-key", &bait.token);
    Reply::of(token.header("x-forwarded-for", SYDNEY)).await.binance(401, -2014, "unknown-key");
    let recorded = format!(
        "api_key_usage_audit where rule = 'honey-key' and decision = 'deny' and not success
         and ip_address = '{SYDNEY}' and access_key_id = '{}' and device_fingerprint is not null",
        bait.access_key
    );
    world.flush().await;
    assert_eq!(world.count(&recorded).await, 3);
    assert_eq!(alerts(&world.api).await, ["honey-key"]);
    let alert = &world.api.get("/api/v1/alerts").await.is(200)[0];
    assert_eq!((&alert["times"], &alert["subject"]), (&json!(3), &json!(bait.key)));
    assert!(alert["text"].as_str().unwrap().contains(SYDNEY));
    // the real pair beside it goes on: nobody has used that
    real.order().await.is(200);
    assert_eq!(last(&world).await.0, 0);
}

#[tokio::test]
async fn bait_opens_no_stream() {
    let world = World::with(with_files).await;
    let (_, bait, nothing) = bait(&world).await;
    let mut answers = Vec::new();
    for bot in [&bait, &nothing] {
        let mut stream = Stream::open(bot).await;
        let mut answer =
            stream.ask_plain("order.place", crate::stream::signed(bot, crate::stream::buy(), now())).await;
        let text = answer["error"]["msg"].as_str().unwrap().to_owned();
        answer["error"]["msg"] = json!(text.rsplit_once(" (").map_or(text.as_str(), |(text, _)| text));
        answers.push(answer);
    }
    assert_eq!(answers[0], answers[1]);
    world.flush().await;
    assert_eq!(alerts(&world.api).await, ["honey-key"]);
}

#[tokio::test]
async fn bait_that_is_tried_on_the_management_side_is_an_alarm_too() {
    let world = World::with(with_files).await;
    let (_, bait, _) = bait(&world).await;
    let mut seen = Vec::new();
    let unknown = seal::token::AccessKey::generate();
    for token in [&bait.token, unknown.token.expose()] {
        let request = world.api.nobody().with_token(token).request("GET", "/api/v1/bots");
        let reply = Reply::of(request.header("x-forwarded-for", SYDNEY)).await;
        seen.push(reply.problem(401, "unauthorized"));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(alerts(&world.api).await, ["honey-key"]);
    let recorded = format!(
        "api_key_usage_audit where risk_score = 100 and is_suspicious and suspicious_reasons = '{{honey-key}}'
         and endpoint = 'management' and ip_address = '{SYDNEY}' and access_key_id = '{}'",
        bait.access_key
    );
    assert_eq!(world.count(&recorded).await, 1);
}

#[tokio::test]
async fn revoked_bait_is_quiet_and_still_nothing() {
    let world = World::with(with_files).await;
    let (_, bait, nothing) = bait(&world).await;
    world.api.delete(&format!("/api/v1/access-keys/{}", bait.access_key)).await.is(204);
    let (bait, nothing) = (Holder::of(&world, bait), Holder::of(&world, nothing));
    assert_eq!(seen(&bait.account().await), seen(&nothing.account().await));
    assert_eq!(alerts(&world.api).await, [""; 0]);
}

#[tokio::test]
async fn making_bait_is_on_record_and_only_its_owner_sees_what_it_is() {
    let world = World::with(with_files).await;
    let (real, bait, _) = bait(&world).await;
    let made = format!(
        "api_key_usage_audit where operation_type = 'honey-key-create' and access_key_id = '{}'",
        bait.access_key
    );
    assert_eq!(world.count(&made).await, 1);
    let keys = world.api.get(&format!("/api/v1/bots/{}/access-keys", real.bot.id)).await.is(200);
    let honey: Vec<&Value> = keys.as_array().unwrap().iter().map(|key| &key["honey"]).collect();
    assert_eq!(honey, [&json!(true), &json!(false)]);
    for change in ["honey = false", "honey = true"] {
        let user = sqlx::query_scalar::<_, uuid::Uuid>("select id from users")
            .fetch_one(&mut world.superuser().await)
            .await
            .unwrap();
        let mut tx = world.server.app.db.user(user).await.unwrap();
        let statement = sqlx::AssertSqlSafe(format!("update access_keys set {change}"));
        assert!(sqlx::query(statement).execute(&mut *tx).await.is_err(), "{change}");
    }
}
