//! The export: all of the timeline, and the same in both forms.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{ACTIVITY, items};
use crate::{
    api::Reply,
    bot::{BUY, Bot, now},
    world::World,
};

/// More than fits on a page: orders, reads, and a great many refusals, some by a program with an odd name.
async fn busy() -> World {
    let world = World::new().await;
    let bot = world.bot("binance", "trade").await;
    bot.order().await.is(200);
    bot.account().await.is(200);
    let much = BUY.replace("quantity=0.001", "quantity=100");
    assert_eq!(bot.binance("POST", "/api/v3/order", &much).await.body["code"], -2010);
    let wrong = Bot { secret: "x".repeat(64), ..bot.clone() };
    for _ in 0..220 {
        wrong.account().await.binance(400, -1022, "bad-signature");
    }
    let request = wrong.binance_request("GET", "/api/v3/account", &wrong.signed("", now()));
    let odd = Reply::of(request.header("user-agent", "grid, \"the\" second")).await;
    odd.binance(400, -1022, "bad-signature");
    world.flush().await;
    world
}

async fn exported(world: &World, query: &str) -> String {
    let reply = world.api.get(&format!("{ACTIVITY}/export{query}")).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.text
}

/// The rows of a file by RFC 4180.
fn rows(csv: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut signs = csv.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '"' if quoted && signs.next_if_eq(&'"').is_some() => cell.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            '\r' if !quoted => {}
            sign => cell.push(sign),
        }
    }
    rows
}

/// A value as a cell: what a spreadsheet would take for a formula, such as an exchange's `-2010`, is marked as a text.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.starts_with('-') => format!("'{text}"),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[tokio::test]
async fn export_has_every_entry_once_and_the_same_in_both_forms() {
    let world = busy().await;
    for filter in ["", "&decision=allow&together=true", "&operation=nothing"] {
        let lines = exported(&world, &format!("?format=jsonl{filter}")).await;
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let table = rows(&exported(&world, &format!("?format=csv{filter}")).await);
        let (columns, table) = table.split_first().unwrap();
        assert_eq!(table.len(), lines.len(), "{filter}");
        for (line, row) in lines.iter().zip(table) {
            let members: BTreeSet<&String> = line.as_object().unwrap().keys().collect();
            assert_eq!(members, columns.iter().collect());
            let told: Vec<String> = columns.iter().map(|column| text(&line[column])).collect();
            assert_eq!(&told, row);
        }
        if filter.is_empty() {
            holds_all(&world, &lines).await;
        }
    }
}

/// Each entry once, newest first, past the end of a page.
async fn holds_all(world: &World, lines: &[Value]) {
    let ids: Vec<&Value> = lines.iter().map(|line| &line["id"]).collect();
    let all = world.count("api_key_usage_audit").await;
    assert!(all > 220 && ids.len() == usize::try_from(all).unwrap(), "{} of {all}", ids.len());
    assert_eq!(ids.iter().map(|id| text(id)).collect::<BTreeSet<_>>().len(), ids.len());
    let page = items(world, "?limit=200").await;
    assert_eq!(ids[..200], page.iter().map(|own| &own["id"]).collect::<Vec<_>>());
}
