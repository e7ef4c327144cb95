//! `/api/v1/activity`: the timeline, its filters, its pages and its export.

use serde_json::{Value, json};

use crate::{api::text, bot::Bot, world::World};

mod export;

const ACTIVITY: &str = "/api/v1/activity";

async fn traded() -> (World, Bot) {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    bot.order().await.is(200);
    bot.account().await.is(200);
    bot.binance("POST", "/sapi/v1/capital/withdraw/apply", "coin=USDT&address=T&amount=1").await;
    world.flush().await;
    (world, bot)
}

async fn items(world: &World, query: &str) -> Vec<Value> {
    world.api.get(&format!("{ACTIVITY}{query}")).await.is(200)["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn everything_that_happened_is_in_one_timeline_newest_first() {
    let (world, bot) = traded().await;
    let all = items(&world, "").await;
    let operations: Vec<_> = all.iter().map(|entry| text(&entry["operation"])).collect();
    assert_eq!(operations, ["deny", "use", "use", "use", "access-key-create", "bot-create", "create"]);
    assert_eq!((text(&all[0]["bot_id"]), text(&all[0]["access_key"])), (bot.id.as_str(), bot.key.as_str()));
    assert_eq!((&all[2]["phase"], &all[3]["phase"]), (&json!("outcome"), &json!("intent")));
    assert_eq!(all[2]["request_id"], all[3]["request_id"]);
}

#[tokio::test]
async fn filters_let_through_what_fits_and_nothing_else() {
    let (world, bot) = traded().await;
    for (query, count) in [
        ("?decision=deny".to_owned(), 1),
        ("?decision=allow".to_owned(), 3),
        ("?decision=management".to_owned(), 3),
        ("?class=read".to_owned(), 1),
        ("?class=trade&decision=allow".to_owned(), 2),
        ("?operation=create".to_owned(), 1),
        (format!("?bot={}", bot.id), 6),
        (format!("?connection={}", bot.connection), 7),
        ("?exchange=coinone".to_owned(), 0),
        ("?since=2001-01-01T00:00:00Z".to_owned(), 7),
        ("?until=2001-01-01T00:00:00Z".to_owned(), 0),
        (format!("?access_key={}", bot.key), 5),
        (format!("?access_key={}", bot.access_key), 5),
        (format!("?access_key={}", bot.access_key.to_uppercase()), 5),
        ("?since=2001-01-01T00:00".to_owned(), 7),
        ("?access_key=kg_nobody".to_owned(), 0),
        ("?rule=scope".to_owned(), 1),
        ("?rule=permission".to_owned(), 0),
        ("?address=127.0.0.1".to_owned(), 7),
        ("?address=127.0.0.0/8&class=read".to_owned(), 1),
        ("?address=10.0.0.0/8".to_owned(), 0),
        ("?address=%3A%3A1".to_owned(), 0),
        ("?suspicious=true".to_owned(), 0),
        ("?suspicious=false".to_owned(), 7),
        ("?together=true".to_owned(), 6),
        ("?together=true&class=trade".to_owned(), 1),
        ("?decision=failed".to_owned(), 0),
        ("?decision=unknown".to_owned(), 0),
    ] {
        assert_eq!(items(&world, &query).await.len(), count, "{query}");
    }
}

#[tokio::test]
async fn what_was_done_with_things_that_are_gone_is_found_by_what_they_were() {
    let (world, bot) = traded().await;
    let key = text(&items(&world, "?decision=deny").await[0]["api_key_id"]).to_owned();
    world.api.delete(&format!("/api/v1/bots/{}", bot.id)).await.is(204);
    for (query, count) in [
        (format!("?access_key={}", bot.key), 5),
        (format!("?access_key={}", bot.access_key), 5),
        (format!("?bot={}", bot.id), 7),
        (format!("?api_key={key}"), 8),
        (format!("?api_key={}", uuid::Uuid::nil()), 0),
    ] {
        assert_eq!(items(&world, &query).await.len(), count, "{query}");
    }
    world.api.get(&format!("{ACTIVITY}?api_key=1")).await.names("/api_key");
    let file = world.api.get(&format!("{ACTIVITY}/export?access_key={}", bot.key)).await;
    assert_eq!((file.status, file.text.lines().count()), (200, 5));
}

#[tokio::test]
async fn call_that_moves_money_is_one_entry_where_intent_and_outcome_are_put_together() {
    let (world, _) = traded().await;
    let raw = items(&world, "?class=trade").await;
    let (outcome, intent) = (&raw[0], &raw[1]);
    let [call] = &items(&world, "?class=trade&together=true").await[..] else { panic!("not one entry") };
    assert_eq!(call, outcome);
    assert_eq!(call["intended_at"], intent["at"]);
    assert!(call["took_ms"].is_number() && call["asked"].is_object(), "{call}");
    // an intent without an outcome stays to be seen
    world.execute("delete from api_key_usage_audit where phase = 'outcome'").await;
    let [open] = &items(&world, "?class=trade&together=true").await[..] else { panic!("not one entry") };
    assert_eq!(open["phase"], "intent");
}

#[tokio::test]
async fn orders_that_failed_and_orders_of_which_nobody_knows_are_found() {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    let much = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1000&price=50000";
    assert_ne!(bot.binance("POST", "/api/v3/order", much).await.status, 200);
    world.fault(demo_exchange::Fault::DropAfter, "/api/v3/order");
    bot.order().await;
    world.flush().await;
    for (decision, success) in [("failed", json!(false)), ("unknown", Value::Null)] {
        let found = items(&world, &format!("?decision={decision}")).await;
        assert_eq!(found.len(), 1, "{decision}: {found:?}");
        assert_eq!(found[0]["success"], success);
    }
}

#[tokio::test]
async fn score_of_a_suspicious_call_is_shown_and_can_be_filtered_by() {
    let (world, _) = traded().await;
    let mark = "update api_key_usage_audit set risk_score = 45, is_suspicious = true,
        suspicious_reasons = array['new-device', 'new-address'] where class = 'read'";
    world.execute(mark).await;
    let [entry] = &items(&world, "?suspicious=true").await[..] else { panic!("not one entry") };
    assert_eq!((&entry["risk_score"], &entry["is_suspicious"]), (&json!(45), &json!(true)));
    assert_eq!(entry["suspicious_reasons"], json!(["new-device", "new-address"]));
    let csv = world.api.get(&format!("{ACTIVITY}/export?format=csv&suspicious=true")).await;
    assert_eq!(csv.text.lines().count(), 2);
    assert!(csv.text.contains(",45,true,"), "{}", csv.text);
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repeat() {
    let (world, _) = traded().await;
    for filter in ["", "class=trade&", "together=true&", "address=127.0.0.1&"] {
        let all = items(&world, &format!("?{filter}")).await;
        let (mut seen, mut next) = (Vec::new(), Some(format!("{ACTIVITY}?{filter}limit=1")));
        while let Some(page) = next {
            let reply = world.api.get(&page).await;
            let link = reply.header("link").map(|link| link.trim_start_matches('<').to_owned());
            assert_eq!(link.is_some(), reply.body["next_cursor"].is_string());
            seen.extend(reply.is(200)["items"].as_array().unwrap().clone());
            next = link.and_then(|link| Some(link.strip_suffix(">; rel=\"next\"")?.to_owned()));
        }
        assert!(!seen.is_empty());
        assert_eq!(seen, all, "{filter}");
    }
}

#[tokio::test]
async fn odd_filters_are_named() {
    let world = World::new().await;
    for (query, pointer) in [
        ("?limit=0", "/limit"),
        ("?limit=201", "/limit"),
        ("?limit=x", "/limit"),
        ("?since=yesterday", "/since"),
        ("?cursor=abc", "/cursor"),
        // a place in the year -9999
        ("?cursor=__________QTja3h-kCgAAAAAAAAAAAAAAAAAAAAAAA", "/cursor"),
        ("/export?cursor=__________QTja3h-kCgAAAAAAAAAAAAAAAAAAAAAAA", "/cursor"),
        ("?class=dance", "/class"),
        ("/export?class=dance", "/class"),
        ("?bot=17", "/bot"),
        ("?address=here", "/address"),
        ("?decision=maybe", "/decision"),
        ("?suspicious=perhaps", "/suspicious"),
        ("?unheard=of", "/unheard"),
    ] {
        world.api.get(&format!("{ACTIVITY}{query}")).await.names(pointer);
    }
    world.api.get(&format!("{ACTIVITY}/export?format=xml")).await.names("/format");
}

#[tokio::test]
async fn export_holds_the_same_entries() {
    let (world, _) = traded().await;
    let lines = world.api.get(&format!("{ACTIVITY}/export")).await;
    assert_eq!(lines.header("content-type"), Some("application/jsonl"));
    let exported: Vec<Value> = lines.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(exported, items(&world, "").await);
    let csv = world.api.get(&format!("{ACTIVITY}/export?format=csv&decision=deny")).await;
    assert_eq!(csv.text.lines().count(), 2);
    assert!(csv.text.starts_with("at,operation,phase,"));
}
