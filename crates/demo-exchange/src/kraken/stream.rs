//! What subscribers hear: their orders as they are and become, and their balances.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::Kraken;
use super::history::trade_id;
use super::order::txid;
use crate::amount::number;
use crate::config::Pair;
use crate::date::utc;
use crate::floor::{AccountId, Change, Fill, Force, Order, Terms, What};
use crate::house::House;
use crate::socket::Talk;

/// The first message of a subscription: how things are.
pub(super) fn snapshot(house: &House<Kraken>, arg: &Value, account: AccountId, now: i64) -> String {
    let floor = &house.desk.floor;
    let data: Vec<Value> = match arg["channel"].as_str() {
        Some("executions") => {
            let open = floor.open_orders(account).map(|order| event(house, order, "new", "new", None));
            let fills = floor
                .fills(account)
                .map(|(order, fill)| event(house, order, "trade", state(order), Some(fill)));
            let open = open.filter(|_| arg["snap_orders"] != false);
            open.chain(fills.take(50).filter(|_| arg["snap_trades"] == true)).collect()
        }
        _ => floor.wallet(account).iter().map(|(asset, balance)| whole(asset, balance.total())).collect(),
    };
    json!({ "channel": arg["channel"], "type": "snapshot", "data": data, "sequence": 1, "timestamp": utc(now) })
        .to_string()
}

fn whole(asset: &str, total: Decimal) -> Value {
    let wallet = json!({ "type": "spot", "id": "main", "balance": number(total) });
    json!({ "asset": asset, "asset_class": "currency", "balance": number(total), "wallets": [wallet] })
}

/// Everything that happened since, for each subscription.
pub(super) fn news(house: &House<Kraken>, talk: &mut Talk) -> Vec<String> {
    let mut news = std::mem::take(&mut talk.queue);
    let journal = house.desk.floor.journal();
    for change in journal.since(talk.told) {
        for one in talk.subscriptions.iter().filter(|one| one.account == change.order.account) {
            let data = match one.arg["channel"].as_str() {
                Some("executions") => executions(house, change),
                _ => balances(house, change),
            };
            news.extend(data.into_iter().map(|event| update(&one.arg, change.number, event)));
        }
    }
    talk.told = journal.last();
    news
}

fn update(arg: &Value, sequence: u64, event: Value) -> String {
    json!({ "channel": arg["channel"], "type": "update", "data": [event], "sequence": sequence }).to_string()
}

fn executions(house: &House<Kraken>, change: &Change) -> Vec<Value> {
    let order = &change.order;
    let event = |execution, state, fill| event(house, order, execution, state, fill);
    match change.what {
        What::Accepted => vec![event("pending_new", "pending_new", None), event("new", "new", None)],
        What::Canceled => vec![event("canceled", "canceled", None)],
        What::Expired => vec![event("expired", "expired", None)],
        What::Traded => {
            let trade = event("trade", state(order), order.fills.last());
            let filled = order.remaining().is_zero().then(|| event("filled", "filled", None));
            std::iter::once(trade).chain(filled).collect()
        }
    }
}

fn state(order: &Order) -> &'static str {
    if order.remaining().is_zero() { "filled" } else { "partially_filled" }
}

fn event(house: &House<Kraken>, order: &Order, execution: &str, state: &str, fill: Option<&Fill>) -> Value {
    let pair = &house.desk.floor.pairs[order.pair];
    let mut event = json!({
        "order_id": txid(order.id), "symbol": symbol(pair), "side": order.side.as_lower(),
        "order_type": if order.terms.is_limit() { "limit" } else { "market" },
        "exec_type": execution, "order_status": state, "order_qty": number(order.quantity()),
        "cum_qty": number(order.filled), "cum_cost": number(order.filled_quote),
        "avg_price": number(order.average_price().unwrap_or_default()), "fee_usd_equiv": number(order.fee_in_quote()),
        "time_in_force": force(&order.terms), "timestamp": utc(order.updated_ms),
        "order_userref": house.dialect.userrefs.get(&order.id).copied().unwrap_or_default(),
    });
    if let Some(price) = order.terms.price() {
        event["limit_price"] = number(price);
        event["limit_price_type"] = "static".into();
    }
    if order.client_id != txid(order.id) {
        event["cl_ord_id"] = order.client_id.clone().into();
    }
    if let (Some(fields), Some(fill)) = (event.as_object_mut(), fill) {
        fields.extend(execution_of(order, fill, &pair.quote));
    }
    event
}

fn execution_of(order: &Order, fill: &Fill, quote: &str) -> Map<String, Value> {
    let fee = json!({ "asset": quote, "qty": number(fill.fee_in_quote(order.side)) });
    let told = json!({
        "exec_id": trade_id(order, fill), "trade_id": fill.trade_id, "last_qty": number(fill.quantity),
        "last_price": number(fill.price), "cost": number(fill.price * fill.quantity),
        "liquidity_ind": if fill.maker { "m" } else { "t" }, "fees": [fee], "timestamp": utc(fill.at_ms),
    });
    told.as_object().cloned().unwrap_or_default()
}

fn force(terms: &Terms) -> &'static str {
    match terms.force() {
        Some(Force::ImmediateOrCancel) => "IOC",
        Some(Force::FillOrKill) => "FOK",
        _ => "GTC",
    }
}

/// Balances change when a trade is booked; what an order holds back is not told here.
fn balances(house: &House<Kraken>, change: &Change) -> Vec<Value> {
    let order = &change.order;
    let Some(fill) = order.fills.last().filter(|_| change.what == What::Traded) else { return Vec::new() };
    let (pair, wallet) = (&house.desk.floor.pairs[order.pair], house.desk.floor.wallet(order.account));
    let cost = fill.price * fill.quantity;
    let (base, quote) = order.side.pick((fill.quantity, -cost), (-fill.quantity, cost));
    let ledger = |(asset, amount): (&String, Decimal)| {
        json!({
            "asset": asset, "asset_class": "currency", "amount": number(amount),
            "balance": number(wallet.get(asset).total()), "fee": 0, "ledger_id": format!("LDEMO-{}", fill.trade_id),
            "ref_id": trade_id(order, fill), "timestamp": utc(fill.at_ms), "type": "trade", "subtype": "",
            "category": "trade", "wallet_type": "spot", "wallet_id": "main",
        })
    };
    [(&pair.base, base), (&pair.quote, quote)].map(ledger).into()
}

/// `BTC/USD`: the names of today, whatever the REST endpoints say.
fn symbol(pair: &Pair) -> String {
    format!("{}/{}", pair.base, pair.quote)
}
