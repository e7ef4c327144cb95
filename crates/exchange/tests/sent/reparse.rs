//! A second reading of what leaves, by the names that exchanges document.

use base64::{Engine, prelude::BASE64_STANDARD};
use exchange::{Order, Side, Signed, Symbol, Withdrawal};
use rust_decimal::Decimal;
use serde_json::Value;

/// How much: of what is bought or sold, or of what it is paid with.
pub const SIZES: [&str; 19] = [
    "amount",
    "amt",
    "baseSize",
    "base_size",
    "funds",
    "notional",
    "orderSize",
    "orderValue",
    "qty",
    "quantity",
    "quoteOrderQty",
    "quoteSize",
    "quote_size",
    "size",
    "sz",
    "units",
    "volume",
    "vol",
    "order_volume",
];
/// For how much each, limit or trigger.
pub const PRICES: [&str; 23] = [
    "activationPrice",
    "executePrice",
    "limitPrice",
    "limit_price",
    "orderPrice",
    "orderPx",
    "price",
    "price2",
    "price_aux_limit",
    "price_oco_stop",
    "px",
    "ref_price",
    "slTriggerPrice",
    "stop-price",
    "stopPrice",
    "stop_price",
    "stop_trigger_price",
    "triggerPrice",
    "triggerPx",
    "trigger_price",
    "tpTriggerPrice",
    "watch_price",
    "abovePrice",
];
pub const ADDRESSES: [&str; 7] =
    ["address", "crypto_address", "key", "to", "toAccount", "toAddr", "toAddress"];
const MARKETS: [&str; 7] =
    ["currency_pair", "instId", "instrument_name", "market", "pair", "product_id", "symbol"];
const SIDES: [&str; 4] = ["orderSide", "ord_side", "side", "type"];
const ASSETS: [&str; 4] = ["asset", "ccy", "coin", "currency"];

/// The leaves of one order, by their own names.
type Leaves = Vec<(String, String)>;

/// Whether a second reading finds the same orders.
pub fn orders(sent: &Signed, orders: &[Order]) -> Result<(), String> {
    let items = items(sent);
    same("the number of orders", items.len(), orders.len())?;
    items.iter().zip(orders).try_for_each(|(item, order)| one(item, order))
}

fn one(item: &Leaves, order: &Order) -> Result<(), String> {
    let (sizes, prices) = (numbers(item, &SIZES), numbers(item, &PRICES));
    let own = order.quantity.or(order.quote_amount);
    match sizes.as_slice() {
        // a purchase for a total that stands where the price stands
        [] => {
            same("the total", prices.first().copied(), own)?;
            same("its price", None, order.price)?;
        }
        [size] => {
            same("the amount", Some(*size), own)?;
            same("the price", prices.iter().max().copied(), order.price)?;
        }
        several => return Err(format!("several amounts: {several:?}")),
    }
    let signed = texts(item, &SIZES).any(|text| text.starts_with('-'));
    let side = match side(item) {
        Some(side) => Some(side),
        None if signed => Some(Side::Sell),
        None => None,
    };
    if let Some(side) = side {
        same("the side", side, order.side)?;
    }
    let market = texts(item, &MARKETS).next().map(str::to_uppercase);
    match (&order.symbol, market) {
        (Symbol::Market(name), Some(market)) => same("the market", &market, name),
        _ => Ok(()),
    }
}

fn side(item: &Leaves) -> Option<Side> {
    texts(item, &SIDES).find_map(|text| match text.to_ascii_lowercase() {
        text if text.starts_with("buy") || text == "bid" => Some(Side::Buy),
        text if text.starts_with("sell") || text == "ask" => Some(Side::Sell),
        _ => None,
    })
}

/// Whether a second reading finds the same withdrawal.
pub fn withdrawal(sent: &Signed, withdrawal: &Withdrawal) -> Result<(), String> {
    let items = items(sent);
    let [item] = items.as_slice() else { return Err("several withdrawals".to_owned()) };
    same("the amount", numbers(item, &SIZES).as_slice(), &[withdrawal.amount])?;
    let addresses: Vec<_> = ADDRESSES.iter().filter_map(|name| texts(item, &[name]).next()).collect();
    if !addresses.contains(&withdrawal.address.as_str()) {
        return Err(format!("the address: {addresses:?}, and not {}", withdrawal.address));
    }
    match texts(item, &ASSETS).next() {
        Some(asset) => same("the asset", asset.to_uppercase(), withdrawal.asset.clone()),
        None => Ok(()),
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, sent: T, read: T) -> Result<(), String> {
    match sent == read {
        true => Ok(()),
        false => Err(format!("{what}: {sent:?} was sent, and {read:?} was decided on")),
    }
}

fn texts<'i>(item: &'i Leaves, names: &[&str]) -> impl Iterator<Item = &'i str> {
    item.iter()
        .filter(|(name, text)| names.contains(&name.as_str()) && !text.is_empty())
        .map(|(_, text)| text.as_str())
}

/// Amounts, without their sign.
fn numbers(item: &Leaves, names: &[&str]) -> Vec<Decimal> {
    texts(item, names).filter_map(|text| text.strip_prefix('-').unwrap_or(text).parse().ok()).collect()
}

/// Each order of a batch with what stands around the batch; or all there is.
fn items(sent: &Signed) -> Vec<Leaves> {
    let mut around = Leaves::new();
    let mut batch = Vec::new();
    if let Some((_, query)) = sent.target.split_once('?') {
        form(query, &mut around, &mut batch);
    }
    let body = String::from_utf8(sent.body.clone()).unwrap();
    let unpacked = BASE64_STANDARD.decode(&body).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    match serde_json::from_str::<Value>(&body).ok().or(unpacked) {
        Some(value) => leaves("", &value, &mut around, &mut batch),
        None => form(&body, &mut around, &mut batch),
    }
    match batch.is_empty() {
        true => vec![around],
        false => batch.into_iter().map(|own| [own, around.clone()].concat()).collect(),
    }
}

fn form(text: &str, around: &mut Leaves, batch: &mut Vec<Leaves>) {
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decoded(value);
        match serde_json::from_str::<Value>(&value) {
            Ok(json @ (Value::Array(_) | Value::Object(_))) => leaves(name, &json, around, batch),
            _ => around.push((name.to_owned(), value)),
        }
    }
}

fn leaves(name: &str, value: &Value, around: &mut Leaves, batch: &mut Vec<Leaves>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| leaves(name, value, around, batch));
        }
        Value::Array(items) => {
            for item in items {
                // an array in an array is an operation and its order
                let order = item.as_array().and_then(|parts| parts.iter().find(|part| part.is_object()));
                match order.unwrap_or(item) {
                    order @ Value::Object(_) => {
                        let (mut own, mut inner) = (Leaves::new(), Vec::new());
                        leaves("", order, &mut own, &mut inner);
                        own.extend(inner.into_iter().flatten());
                        batch.push(own);
                    }
                    other => leaves(name, other, around, batch),
                }
            }
        }
        Value::String(text) => around.push((name.to_owned(), text.clone())),
        Value::Number(number) => around.push((name.to_owned(), number.to_string())),
        Value::Bool(_) | Value::Null => {}
    }
}

/// What a percent-encoded text means.
pub fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match (first, hex) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(if *first == b'+' { b' ' } else { *first });
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
