//! Private topics: what subscribers hear of their orders, trades and balances.

use serde_json::{Value, json};

use super::error::Error;
use super::{Bybit, account, history, order::order_id};
use crate::floor::{AccountId, Change, What};
use crate::house::House;
use crate::socket::{Subscription, Talk};

/// Each may be narrowed to a category; the last two may not.
const TOPICS: [&str; 6] = ["execution", "execution.fast", "order", "position", "greeks", "wallet"];
const CATEGORIES: [&str; 4] = ["spot", "linear", "inverse", "option"];

/// Begins or ends subscriptions: all of them or, if one is unknown, none.
pub(super) fn listen(
    house: &House<Bybit>,
    talk: &mut Talk,
    account: AccountId,
    begins: bool,
    args: &[Value],
) -> Result<(), Error> {
    if !args.iter().all(|arg| arg.as_str().is_some_and(|name| read(name).is_some())) {
        return Err(Error::TOPIC);
    }
    talk.subscriptions.retain(|one| !args.contains(&one.arg));
    if !begins {
        return Ok(());
    }
    if talk.subscriptions.is_empty() {
        talk.told = house.desk.floor.journal().last();
    }
    for arg in args {
        talk.subscribed += 1;
        talk.subscriptions.push(Subscription { id: talk.subscribed, account, arg: arg.clone() });
    }
    Ok(())
}

/// The topic, and the category it is narrowed to.
fn read(name: &str) -> Option<(&str, Option<&str>)> {
    let narrowed = name.rsplit_once('.').filter(|(_, category)| CATEGORIES.contains(category));
    let (topic, category) = narrowed.map_or((name, None), |(topic, category)| (topic, Some(category)));
    let whole = category.is_none() || !["greeks", "wallet"].contains(&topic);
    (TOPICS.contains(&topic) && whole).then_some((topic, category))
}

/// Everything that happened since, for each subscription.
pub(super) fn news(house: &House<Bybit>, talk: &mut Talk, now: i64) -> Vec<String> {
    let mut news = Vec::new();
    let journal = house.desk.floor.journal();
    for change in journal.since(talk.told) {
        for one in talk.subscriptions.iter().filter(|one| one.account == change.order.account) {
            let told = one.arg.as_str().and_then(|topic| Some((topic, event(house, topic, change)?)));
            news.extend(told.map(|(topic, data)| {
                let id = format!("{}-{}", one.id, change.number);
                json!({ "id": id, "topic": topic, "creationTime": now, "data": [data] }).to_string()
            }));
        }
    }
    talk.told = journal.last();
    news
}

fn event(house: &House<Bybit>, topic: &str, change: &Change) -> Option<Value> {
    let (topic, category) = read(topic)?;
    if category.is_some_and(|category| category != "spot") {
        return None;
    }
    let order = &change.order;
    let fill = order.fills.last().filter(|_| change.what == What::Traded);
    let mut told = match topic {
        "order" => history::shown(house, order),
        "execution" => history::execution(house, order, fill?),
        "execution.fast" => {
            let whole = history::execution(house, order, fill?);
            let kept =
                ["symbol", "execId", "execPrice", "execQty", "isMaker", "orderLinkId", "side", "execTime"];
            let kept = kept.map(|name| (name.to_owned(), whole[name].clone()));
            let mut told = Value::from_iter(kept);
            told["orderId"] = json!(order_id(order.id));
            told["seq"] = json!(change.number);
            told
        }
        "wallet" => return Some(account::wallet(house, order.account, |_| true)),
        _ => return None,
    };
    told["category"] = json!("spot");
    Some(told)
}
