//! `/api/v1/activity`: the timeline, its filters, its pages and its export.

use serde_json::{Value, json};

use crate::{api::text, bot::Bot, world::World};

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
    assert_eq!(operations, ["deny", "use", "use", "use", "create"]);
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
        ("?decision=management".to_owned(), 1),
        ("?class=read".to_owned(), 1),
        ("?class=trade&decision=allow".to_owned(), 2),
        ("?operation=create".to_owned(), 1),
        (format!("?bot={}", bot.id), 4),
        (format!("?connection={}", bot.connection), 5),
        ("?exchange=coinone".to_owned(), 0),
        ("?since=2001-01-01T00:00:00Z".to_owned(), 5),
        ("?until=2001-01-01T00:00:00Z".to_owned(), 0),
    ] {
        assert_eq!(items(&world, &query).await.len(), count, "{query}");
    }
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repeat() {
    let (world, _) = traded().await;
    for filter in ["", "class=trade&"] {
        let all = items(&world, &format!("?{filter}")).await;
        let (mut seen, mut next) = (Vec::new(), Some(format!("{ACTIVITY}?{filter}limit=1")));
        while let Some(page) = next {
            let reply = world.api.get(&page).await;
            let link = reply.header("link").map(|link| link.trim_start_matches('<').to_owned());
            assert_eq!(link.is_some(), reply.body["next_cursor"].is_string());
            seen.extend(reply.is(200)["items"].as_array().unwrap().clone());
            next = link.and_then(|link| Some(link.strip_suffix(">; rel=\"next\"")?.to_owned()));
        }
        assert!(seen.len() >= 2);
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
        ("?bot=17", "/bot"),
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
