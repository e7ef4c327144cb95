//! One signal after the other, through the gateway, as it stands in the record.

use serde_json::json;
use time::Duration;

use super::{HOME, Holder, SYDNEY, alerts, behind_a_proxy, is, last, later, owner, suspensions, with_files};
use crate::{
    bot::Bot,
    world::{PASSWORD, World},
};

#[tokio::test]
async fn first_call_of_a_key_is_how_it_is_used_and_no_news() {
    let world = World::with(with_files).await;
    for (key, from) in [("trade", SYDNEY), ("ed25519", "203.0.113.5"), ("rsa", "2001:db8:2::1")] {
        let bot = Holder::new(&world, key).await.at(from).with("never-seen/1");
        bot.order().await.is(200);
        is(last(&world).await, 0, &[]);
    }
    assert_eq!(alerts(&world.api).await, [""; 0]);
}

#[tokio::test]
async fn address_network_and_program_are_news_each_by_itself() {
    let world = World::with(with_files).await;
    let bot = Holder::new(&world, "trade").await.settled().await;
    bot.at("192.0.2.8").account().await.is(200);
    is(last(&world).await, 10, &["new-address"]);
    // another neighbourhood of the same operator
    bot.at("203.0.113.1").account().await.is(200);
    is(last(&world).await, 10, &["new-address"]);
    bot.with("curl/8").account().await.is(200);
    is(last(&world).await, 15, &["new-device"]);
    bot.with("ccxt/5.0").account().await.is(200);
    is(last(&world).await, 0, &[]);
}

#[tokio::test]
async fn another_network_is_news_where_nobody_knows_operators() {
    let world = World::with(behind_a_proxy).await;
    let bot = Holder::new(&world, "trade").await.settled().await;
    bot.at("203.0.113.1").account().await.is(200);
    is(last(&world).await, 20, &["new-address", "new-network"]);
}

#[tokio::test]
async fn another_country_is_suspicious_and_an_alert_and_the_call_passes() {
    let world = World::with(with_files).await;
    let bot = Holder::new(&world, "trade").await.at("2001:db8:1::1").settled().await;
    later(&world, Duration::hours(2)).await;
    bot.at("2001:db8:2::1").account().await.is(200);
    is(last(&world).await, 45, &["new-address", "new-network", "new-country"]);
    let api = owner(&world).await;
    let alert = &api.get("/api/v1/alerts").await.is(200)[0];
    assert_eq!((&alert["kind"], &alert["subject"]), (&json!("suspicious"), &json!(bot.bot.key)));
    let text = alert["text"].as_str().unwrap();
    assert!(text.contains("2001:db8:2::1 (FR)") && text.contains("country"), "{text}");
    bot.at("2001:db8:2::1").account().await.is(200);
    assert_eq!(api.get("/api/v1/alerts").await.is(200)[0]["times"], 1, "the same thing again is no news");
}

#[tokio::test]
async fn nobody_is_in_two_places_at_once() {
    let world = World::with(with_files).await;
    let bot = Holder::new(&world, "trade").await.settled().await;
    bot.at(SYDNEY).account().await.binance(403, -1002, "suspended");
    is(last(&world).await, 85, &["new-address", "new-network", "new-country", "impossible-travel"]);
}

#[tokio::test]
async fn there_was_time_to_travel() {
    let world = World::with(with_files).await;
    let bot = Holder::new(&world, "trade").await.settled().await;
    later(&world, Duration::hours(20)).await;
    bot.at(SYDNEY).account().await.is(200);
    is(last(&world).await, 45, &["new-address", "new-network", "new-country"]);
}

/// A thief looks first and acts then; each alone would be little.
#[tokio::test]
async fn what_is_new_counts_for_an_hour_and_is_known_after_it() {
    let world = World::with(with_files).await;
    let bot = Holder::new(&world, "trade").await.settled().await;
    later(&world, Duration::hours(20)).await;
    let moved = bot.at(SYDNEY);
    for by in [Duration::ZERO, Duration::minutes(30), Duration::minutes(29)] {
        later(&world, by).await;
        moved.account().await.is(200);
        assert_eq!(last(&world).await.0, 45);
    }
    later(&world, Duration::minutes(2)).await;
    moved.account().await.is(200);
    is(last(&world).await, 0, &[]);
    bot.account().await.is(200);
    is(last(&world).await, 0, &[]);
}

#[tokio::test]
async fn many_refusals_are_held_against_the_next_call() {
    let world = World::with(behind_a_proxy).await;
    let bot = Holder::new(&world, "trade").await.settled().await;
    for _ in 0..5 {
        bot.withdraw().await.binance(403, -1002, "scope");
        assert!(!last(&world).await.1.contains(&"denials".to_owned()));
    }
    bot.account().await.is(200);
    is(last(&world).await, 25, &["denials"]);
    later(&world, Duration::minutes(5)).await;
    bot.account().await.is(200);
    is(last(&world).await, 0, &[]);
}

#[tokio::test]
async fn refusals_its_owner_has_asked_for_are_not() {
    let world = World::with(behind_a_proxy).await;
    let bot = Holder::new(&world, "trade").await.settled().await;
    let path = format!("/api/v1/connections/{}", bot.bot.connection);
    world.api.tell(&format!("{path}/pause")).await.is(200);
    for _ in 0..6 {
        bot.account().await.binance(403, -1002, "paused");
    }
    world.api.tell(&format!("{path}/resume")).await.is(200);
    bot.account().await.is(200);
    is(last(&world).await, 0, &[]);
}

/// Keygate's own trouble is nobody's fault, and a bot that is too fast no thief.
#[tokio::test]
async fn refusals_for_want_of_time_are_not() {
    let world = World::with(behind_a_proxy).await;
    let bot = Holder::new(&world, "trade").await.settled().await;
    bot.bot.limited(&world, json!({"max_requests_per_minute": 1})).await.is(200);
    for _ in 0..6 {
        let reply = bot.account().await;
        assert_eq!(reply.header("keygate-problem"), Some("rate"));
    }
    world.advance(Duration::minutes(1));
    bot.account().await.is(200);
    is(last(&world).await, 0, &[]);
}

/// A key with so many addresses that not all are looked at is still known by its country and its program.
#[tokio::test]
async fn country_is_news_however_many_addresses_a_key_has_had() {
    let world = World::with(super::with_files).await;
    let bot = Holder::new(&world, "trade").await.settled().await;
    world
        .execute(
            "insert into keygate.known_origin (access_key_id, kind, value, user_id, first_seen_at, news_until, is_far)
             select o.access_key_id, 'address', '2001:db8::' || to_hex(n), o.user_id, o.first_seen_at + interval '1 s', now(), false
             from keygate.known_origin o, generate_series(1, 2100) n where o.kind = 'address'",
        )
        .await;
    later(&world, Duration::hours(2)).await;
    bot.at(super::SYDNEY).account().await;
    let (_, reasons) = last(&world).await;
    assert!(reasons.contains(&"new-country".to_owned()), "{reasons:?}");
}

/// Hours before now in which the key made so many calls, one in each minute.
pub(super) async fn past(world: &World, hours: &str, calls: u32) {
    world
        .execute(&format!(
            "insert into keygate.busy_hour (access_key_id, starts_at, user_id, calls, minutes)
             select k.id, date_trunc('hour', now()) - h * interval '1 hour', k.user_id, {calls},
                    array[{calls}] || array_fill(0, array[31])
             from access_keys k, generate_series(1, 24 * 27) h where {hours}"
        ))
        .await;
}

#[tokio::test]
async fn far_more_calls_in_a_minute_than_usual_are_a_burst() {
    let world = World::with(behind_a_proxy).await;
    let bot = Holder::new(&world, "trade").await;
    past(&world, "h <= 24", 20).await;
    let mut bursts = 0;
    for _ in 0..12 {
        bot.account().await.is(200);
        bursts += usize::from(last(&world).await == (20, vec!["burst".to_owned()]));
    }
    // the minute may have changed in between
    assert!((2..=7).contains(&bursts), "{bursts} of 12 calls were a burst; five a minute are usual");
}

#[tokio::test]
async fn call_at_a_time_at_which_the_key_rests_is_off_hours() {
    let world = World::with(behind_a_proxy).await;
    let bot = Holder::new(&world, "trade").await;
    past(&world, "h % 168 not in (0, 1, 166, 167)", 10).await;
    bot.account().await.is(200);
    is(last(&world).await, 10, &["off-hours"]);
}

#[tokio::test]
async fn counts_of_minutes_are_stored_and_added_up_over_instances() {
    let world = World::with(behind_a_proxy).await;
    let second = world.replica(behind_a_proxy).await;
    let bot = Holder::new(&world, "trade").await;
    let there = Holder { bot: bot.bot.moved_to(&world.api.moved_to(&second)), ..bot.clone() };
    for _ in 0..3 {
        bot.account().await.is(200);
        there.account().await.is(200);
    }
    later(&world, Duration::minutes(2)).await;
    for server in [&world.server, &second] {
        keygate::job::round(&server.app).await;
        keygate::job::round(&server.app).await;
    }
    let stored: i64 = super::one(&world, "select sum(calls) from keygate.busy_hour").await;
    assert_eq!(stored, 6);
    let minutes: i64 = super::one(&world, "select sum(m) from keygate.busy_hour, unnest(minutes) m").await;
    assert!((2..=4).contains(&minutes), "{minutes}");
    second.stop().await;
}

#[tokio::test]
async fn first_withdrawal_is_on_record_as_the_first() {
    let world = World::with(behind_a_proxy).await;
    let bot = Holder::new(&world, "withdraw").await.settled().await;
    bot.withdraw().await.is(200);
    is(last(&world).await, 20, &["first-withdrawal"]);
    later(&world, Duration::hours(1)).await;
    bot.withdraw().await.is(200);
    is(last(&world).await, 0, &[]);
}

#[tokio::test]
async fn order_that_nearly_is_as_large_as_it_may_be_is_near_a_limit() {
    let world = World::with(behind_a_proxy).await;
    let bot = Holder::new(&world, "trade").await.settled().await;
    // the order is worth 50 dollars
    for (limits, near) in [
        (json!({"max_trade_amount_usd": "55"}), true),
        (json!({"max_trade_amount_usd": "56"}), false),
        (json!({"max_daily_trade_volume_usd": "1000"}), false),
    ] {
        let path = format!("/api/v1/connections/{}/limits", bot.bot.connection);
        world.execute("update access_keys set last_used_at = null").await;
        world.execute("update exchange_connections set api_key_last_used = null").await;
        world.api.patch(&path, json!({"limits": limits, "password": PASSWORD})).await.is(200);
        bot.order().await.is(200);
        let expected: &[&str] = if near { &["near-limit"] } else { &[] };
        is(last(&world).await, if near { 10 } else { 0 }, expected);
    }
}

#[tokio::test]
async fn revoked_and_expired_keys_are_suspicious_and_need_no_suspension() {
    let world = World::with(behind_a_proxy).await;
    let bot = Holder::new(&world, "withdraw").await.settled().await;
    world.api.delete(&format!("/api/v1/access-keys/{}", bot.bot.access_key)).await.is(204);
    bot.account().await.binance(403, -1002, "revoked");
    is(last(&world).await, 60, &["dead-key"]);
    assert_eq!(alerts(&world.api).await, ["suspicious"]);
    let old = Holder::new(&world, "trade").await.settled().await;
    later(&world, Duration::days(366)).await;
    old.account().await.binance(403, -1002, "expired");
    is(last(&world).await, 60, &["dead-key"]);
    assert_eq!(suspensions(&owner(&world).await).await, json!([]));
}

#[tokio::test]
async fn address_that_hides_who_calls_counts_each_time() {
    let world = World::with(with_files).await;
    let bot = Holder::new(&world, "trade").await.at("203.0.113.200").settled().await;
    for _ in 0..2 {
        bot.account().await.is(200);
        is(last(&world).await, 20, &["anonymiser"]);
    }
    // a data centre hides nobody
    bot.at(HOME).account().await.is(200);
    is(last(&world).await, 10, &["new-address"]);
}

/// The public half of a pair is in every request; whoever has seen one knows no more.
#[tokio::test]
async fn who_proves_nothing_suspends_nothing_and_is_not_remembered() {
    let world = World::with(with_files).await;
    let bot = Holder::new(&world, "withdraw").await.settled().await;
    let stranger = Holder { bot: Bot { secret: "x".repeat(64), ..bot.bot.clone() }, ..bot.clone() };
    for _ in 0..7 {
        stranger.at(SYDNEY).account().await.binance(400, -1022, "bad-signature");
    }
    let (score, reasons) = last(&world).await;
    assert_eq!(score, 100, "{reasons:?}");
    assert_eq!(alerts(&world.api).await, ["suspicious"]);
    assert_eq!(suspensions(&world.api).await, json!([]));
    assert_eq!(world.count("keygate.known_origin where value like '198.51.100.%'").await, 0);
    bot.account().await.is(200);
    is(last(&world).await, 0, &[]);
}

#[tokio::test]
async fn what_was_refused_is_not_remembered() {
    let world = World::with(behind_a_proxy).await;
    let bot = Holder::new(&world, "trade").await.settled().await;
    let limits = json!({"allowed_ip_addresses": [HOME]});
    bot.bot.limited(&world, limits).await.is(200);
    for _ in 0..2 {
        bot.at("203.0.113.1").account().await.binance(403, -1002, "address");
        is(last(&world).await, 20, &["new-address", "new-network"]);
    }
    assert_eq!(world.count("keygate.known_origin where value like '203.%'").await, 0);
}

#[tokio::test]
async fn first_transfer_is_on_record_as_the_first() {
    let world = World::with(behind_a_proxy).await;
    let bot = world.bot("binance", "withdraw").await;
    let wide = json!({"scopes": ["read", "transfer"]});
    let issued = world.api.post(&format!("/api/v1/bots/{}/access-keys", bot.id), wide).await.is(201);
    let own = json!({"id": bot.id, "connection_id": bot.connection});
    let bot = Holder::of(&world, Bot::of(&world.api, &own, &issued)).settled().await;
    let transfer = "type=MAIN_FUNDING&asset=USDT&amount=10";
    let transfer = async || bot.call("POST", "/sapi/v1/asset/transfer", transfer).await.is(200);
    transfer().await;
    is(last(&world).await, 20, &["first-transfer"]);
    later(&world, Duration::hours(1)).await;
    transfer().await;
    is(last(&world).await, 0, &[]);
}
