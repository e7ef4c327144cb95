//! The user data stream: what subscribers hear of their orders and balances.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::public::fixed;
use super::show::{kind, status};
use crate::floor::{Change, Floor, Order, Status, What};
use crate::socket::Talk;

/// Everything that happened since, for each subscription.
pub(super) fn news(floor: &Floor, talk: &mut Talk, now: i64) -> Vec<String> {
    let mut news = Vec::new();
    for change in floor.journal().since(talk.told) {
        let heard = talk.subscriptions.iter().filter(|one| one.account == change.order.account);
        for subscription in heard {
            for event in [report(floor, change, now), balances(floor, &change.order, now)] {
                let told = json!({ "subscriptionId": subscription.id, "event": event });
                news.push(told.to_string());
            }
        }
    }
    talk.told = floor.journal().last();
    news
}

fn report(floor: &Floor, change: &Change, now: i64) -> Value {
    let order = &change.order;
    let (kind, force) = kind(&order.terms);
    let (execution, state) = match change.what {
        What::Accepted => ("NEW", status(Status::New)),
        What::Canceled => ("CANCELED", status(Status::Canceled)),
        What::Expired => ("EXPIRED", status(Status::Expired)),
        What::Traded if order.remaining().is_zero() => ("TRADE", status(Status::Filled)),
        What::Traded => ("TRADE", status(Status::PartiallyFilled)),
    };
    let fill = order.fills.last().filter(|_| change.what == What::Traded);
    let last = |amount: fn(&crate::floor::Fill) -> Decimal| fixed(fill.map_or(Decimal::ZERO, amount));
    let client_id = match change.what {
        What::Canceled => (format!("cancel{}", order.id), order.client_id.clone()),
        _ => (order.client_id.clone(), String::new()),
    };
    json!({
        "e": "executionReport", "E": now, "s": floor.pairs[order.pair].symbol(), "c": client_id.0,
        "S": order.side.as_upper(), "o": kind, "f": force, "q": fixed(order.quantity()),
        "p": fixed(order.terms.price().unwrap_or_default()), "P": fixed(Decimal::ZERO), "F": fixed(Decimal::ZERO),
        "g": -1, "C": client_id.1, "x": execution, "X": state, "r": "NONE", "i": order.id,
        "l": last(|fill| fill.quantity), "z": fixed(order.filled), "L": last(|fill| fill.price),
        "n": last(|fill| fill.fee), "N": fill.map(|fill| &fill.fee_asset), "T": order.updated_ms,
        "t": fill.map_or(-1, |fill| i64::try_from(fill.trade_id).unwrap_or(-1)), "I": change.number,
        "w": order.is_open(), "m": fill.is_some_and(|fill| fill.maker), "M": false, "O": order.created_ms,
        "Z": fixed(order.filled_quote), "Y": last(|fill| fill.price * fill.quantity), "Q": fixed(Decimal::ZERO),
        "W": order.created_ms, "V": "EXPIRE_MAKER",
    })
}

/// The two balances an order can have changed.
fn balances(floor: &Floor, order: &Order, now: i64) -> Value {
    let pair = &floor.pairs[order.pair];
    let wallet = floor.wallet(order.account);
    let balance = |asset: &String| {
        let balance = wallet.get(asset);
        json!({ "a": asset, "f": fixed(balance.free), "l": fixed(balance.locked) })
    };
    json!({ "e": "outboundAccountPosition", "E": now, "u": order.updated_ms,
            "B": [balance(&pair.base), balance(&pair.quote)] })
}
