//! What stands in a record beside the call: device, counts, score; proven by the chain like everything else.

use keygate::audit::{self, Scope};
use serde_json::json;
use sqlx::AssertSqlSafe;
use time::Duration;

use super::{Holder, SYDNEY, behind_a_proxy, later, one, with_files};
use crate::{
    bot::BUY,
    world::{OWNER, PASSWORD, World},
};

#[tokio::test]
async fn device_is_a_fingerprint_that_tells_two_apart_and_says_nothing() {
    let world = World::with(behind_a_proxy).await;
    let bot = Holder::new(&world, "trade").await.settled().await;
    bot.with("ccxt/9.9").order().await.is(200);
    bot.with("secretive-program/1").account().await.is(200);
    world.flush().await;
    let devices: Vec<(String, i64)> = sqlx::query_as(
        "select device_fingerprint, count(*) from api_key_usage_audit where access_key_id is not null
         and endpoint <> 'management' group by 1 order by 2",
    )
    .fetch_all(&mut world.superuser().await)
    .await
    .unwrap();
    assert_eq!(devices.iter().map(|(_, rows)| *rows).collect::<Vec<_>>(), [1, 3]);
    assert!(devices.iter().all(|(device, _)| device.len() == 16 && u64::from_str_radix(device, 16).is_ok()));
    let known = "keygate.known_origin where value like '%ccxt%' or value like '%secretive%'";
    assert_eq!(world.count(known).await, 0);
}

#[tokio::test]
async fn each_record_has_the_number_of_its_use_over_all_replicas() {
    let world = World::with(behind_a_proxy).await;
    let second = world.replica(behind_a_proxy).await;
    let bot = Holder::new(&world, "trade").await.settled().await;
    let there = Holder { bot: bot.bot.moved_to(&world.api.moved_to(&second)), ..bot.clone() };
    for _ in 0..4 {
        // the same order twice in a millisecond is a replay
        let other = BUY.replace("50000", "49000");
        let calls =
            (bot.account(), there.account(), bot.order(), there.call("POST", "/api/v3/order", &other));
        tokio::join!(calls.0, calls.1, calls.2, calls.3);
    }
    bot.withdraw().await.binance(403, -1002, "scope");
    second.app.gate.records.flush().await;
    second.app.gate.ledger.flush().await;
    let uses: Vec<i32> = one(
        &world,
        "select array_agg(daily_usage_count order by chain_seq) from api_key_usage_audit
         where decision = 'allow' and phase <> 'outcome'",
    )
    .await;
    assert_eq!(uses, (1..=17).collect::<Vec<_>>());
    let denied: i32 =
        one(&world, "select daily_usage_count from api_key_usage_audit where decision = 'deny'").await;
    assert_eq!(denied, 17, "a refusal is no use");
    let outcomes =
        "api_key_usage_audit o join api_key_usage_audit i using (request_id) where o.phase = 'outcome'
        and i.phase = 'intent' and o.daily_usage_count < i.daily_usage_count";
    assert_eq!(world.count(outcomes).await, 0);
    second.stop().await;
}

#[tokio::test]
async fn counts_begin_anew_with_each_day_and_each_month() {
    let world = World::with(behind_a_proxy).await;
    let bot = Holder::new(&world, "trade").await.settled().await;
    for days in [1, 40] {
        later(&world, Duration::days(days)).await;
        bot.account().await.is(200);
        bot.account().await.is(200);
        let last: (i32, i32) = counts(&world).await;
        assert_eq!(last.0, 2);
        assert!(last.1 == 2 || days == 1 && last.1 == 3, "{last:?}");
    }
}

async fn counts(world: &World) -> (i32, i32) {
    world.flush().await;
    let select = "select daily_usage_count, monthly_usage_count from api_key_usage_audit order by chain_seq desc limit 1";
    sqlx::query_as(select).fetch_one(&mut world.superuser().await).await.unwrap()
}

/// Whoever may write everything in the database can make none of it say something else.
#[tokio::test]
async fn score_reasons_device_and_counts_cannot_be_changed_unseen() {
    let world = World::with(with_files).await;
    let bot = Holder::new(&world, "trade").await.settled().await;
    bot.at(SYDNEY).with("curl/8").order().await.binance(403, -1002, "suspended");
    world.flush().await;
    let app = &world.server.app;
    audit::checkpoint(app).await.unwrap();
    let settings = world.scratch.settings();
    let verify = async || {
        let path = app.config.checkpoints_path();
        let report = audit::verify(&settings, &app.keys.audit, &path, &Scope::default()).await;
        report.map_err(|fatal| fatal.what).unwrap().findings
    };
    assert!(verify().await.is_empty());
    let row: uuid::Uuid = one(&world, "select id from api_key_usage_audit where risk_score >= 70").await;
    for (column, other) in [
        ("risk_score", "0"),
        ("risk_score", "null"),
        ("is_suspicious", "false"),
        ("suspicious_reasons", "null"),
        ("suspicious_reasons", "'{}'"),
        ("suspicious_reasons", "suspicious_reasons[2:]"),
        (
            "suspicious_reasons",
            "array_prepend(suspicious_reasons[2], array_remove(suspicious_reasons, suspicious_reasons[2]))",
        ),
        ("suspicious_reasons", "array_replace(suspicious_reasons, 'new-device', 'new-devic')"),
        ("device_fingerprint", "null"),
        ("device_fingerprint", "reverse(device_fingerprint)"),
        ("daily_usage_count", "daily_usage_count + 1"),
        ("monthly_usage_count", "0"),
    ] {
        let mut superuser = world.superuser().await;
        let statements = [
            format!("create temp table kept as select * from api_key_usage_audit where id = '{row}'"),
            format!("update api_key_usage_audit set {column} = {other} where id = '{row}'"),
        ];
        for statement in statements {
            sqlx::query(AssertSqlSafe(statement)).execute(&mut superuser).await.unwrap();
        }
        let findings = verify().await;
        assert!(findings.iter().any(|own| own.row == Some(row)), "{column} = {other}: {findings:?}");
        let back = format!(
            "update api_key_usage_audit set {column} = (select {column} from kept) where id = '{row}'"
        );
        sqlx::query(AssertSqlSafe(back)).execute(&mut superuser).await.unwrap();
        assert!(verify().await.is_empty(), "{column}");
    }
}

/// Create, verify, use, deny, change of limits, pause, panic, access keys, delete.
#[tokio::test]
async fn every_operation_on_a_key_says_who_it_was() {
    let world = World::with(behind_a_proxy).await;
    let bot = Holder::new(&world, "trade").await.settled().await;
    bot.withdraw().await.binance(403, -1002, "scope");
    let path = format!("/api/v1/connections/{}", bot.bot.connection);
    for act in ["pause", "resume", "check"] {
        let request = world.api.request("POST", &format!("{path}/{act}"));
        crate::api::Reply::of(request.header("user-agent", "Firefox/1")).await;
    }
    bot.bot.limited(&world, json!({"max_trade_amount_usd": "100"})).await.is(200);
    world.api.post("/api/v1/panic", json!({})).await.is(200);
    world.api.post("/api/v1/panic/resume", json!({"password": PASSWORD})).await.is(200);
    world.api.delete(&format!("/api/v1/access-keys/{}", bot.bot.access_key)).await.is(204);
    world.sign_in(OWNER).await.delete(&path).await;
    world.flush().await;
    let mut operations: Vec<String> = one(
        &world,
        "select array_agg(distinct operation_type) from api_key_usage_audit where ip_address is not null
         and device_fingerprint is not null and daily_usage_count >= 0 and monthly_usage_count >= daily_usage_count",
    )
    .await;
    operations.sort();
    let expected = [
        "access-key-create",
        "access-key-revoke",
        "bot-create",
        "create",
        "delete",
        "deny",
        "limits",
        "panic",
        "panic-ended",
        "pause",
        "resume",
        "sign-in",
        "use",
        "verify",
    ];
    assert_eq!(operations, expected);
    assert_eq!(world.count("api_key_usage_audit where ip_address is null").await, 0);
    let firefox = "api_key_usage_audit where user_agent = 'Firefox/1' and endpoint = 'management'";
    assert_eq!(world.count(firefox).await, 3);
}
