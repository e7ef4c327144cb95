//! What anyone may read through API 1.0.

use serde_json::{Map, Value, json};

use super::{Bithumb, Reply};
use crate::amount::plain;
use crate::date::korean;
use crate::floor::{Floor, Print, Side};
use crate::house::{Ask, House, Route};
use crate::market;
use crate::upbit::error::Error;

pub(super) const ROUTES: &[Route<Bithumb>] = &[
    Route::public("/public/ticker/*", ticker),
    Route::public("/public/orderbook/*", order_book),
    Route::public("/public/transaction_history/*", trades),
    Route::public("/public/candlestick/*/*", candles),
];

/// Base and quote of the path's `BTC_KRW` or `BTC`.
fn named<'a>(ask: &'a Ask) -> (&'a str, &'a str) {
    let name = ask.rest.first().map(String::as_str).unwrap_or_default();
    name.split_once('_').unwrap_or((name, "KRW"))
}

fn pair(floor: &Floor, ask: &Ask) -> Result<usize, Error> {
    let (base, quote) = named(ask);
    floor.pair_of(base, quote).ok_or(Error::Parameter)
}

/// Of one pair, or with `ALL_KRW` of all that are traded for KRW.
fn ticker(house: &mut House<Bithumb>, ask: &Ask) -> Reply {
    let floor = &house.desk.floor;
    let mut data = match named(ask) {
        ("ALL", quote @ ("BTC" | "KRW")) => {
            let pairs = (0..floor.pairs.len()).filter(|pair| floor.pairs[*pair].quote == quote);
            pairs.map(|pair| (floor.pairs[pair].base.clone(), Value::Object(shown(floor, pair)))).collect()
        }
        _ => shown(floor, pair(floor, ask)?),
    };
    data.insert("date".to_owned(), ask.now.to_string().into());
    Ok(json!({ "data": data }))
}

fn shown(floor: &Floor, pair: usize) -> Map<String, Value> {
    let day = floor.day(pair);
    let (open, units, value) = (plain(day.open), plain(day.volume), plain(day.quote_volume));
    let fields = [
        ("opening_price", open.clone()),
        ("closing_price", plain(day.last)),
        ("min_price", plain(day.low)),
        ("max_price", plain(day.high)),
        ("units_traded", units.clone()),
        ("acc_trade_value", value.clone()),
        ("prev_closing_price", open),
        ("units_traded_24H", units),
        ("acc_trade_value_24H", value),
        ("fluctate_24H", plain(day.last - day.open)),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}

fn order_book(house: &mut House<Bithumb>, ask: &Ask) -> Reply {
    let floor = &house.desk.floor;
    let index = pair(floor, ask)?;
    let levels = |side| {
        let show = |(price, quantity)| json!({ "price": plain(price), "quantity": plain(quantity) });
        floor.depth(index, side, 30).into_iter().map(show).collect::<Vec<_>>()
    };
    Ok(json!({ "data": {
        "timestamp": ask.now.to_string(), "order_currency": floor.pairs[index].base,
        "payment_currency": floor.pairs[index].quote, "bids": levels(Side::Buy), "asks": levels(Side::Sell),
    } }))
}

/// The times are Korea's.
fn trades(house: &mut House<Bithumb>, ask: &Ask) -> Reply {
    let index = pair(&house.desk.floor, ask)?;
    let show = |print: &Print| {
        json!({ "transaction_date": korean(print.at_ms).replace('T', " "),
                "type": print.taker().pick("bid", "ask"), "units_traded": plain(print.quantity),
                "price": plain(print.price), "total": plain(print.price * print.quantity) })
    };
    let newest = house.desk.floor.tape(index).iter().rev().take(20);
    Ok(json!({ "data": newest.map(show).collect::<Vec<_>>() }))
}

/// A day of level candles of the ladder's middle price.
fn candles(house: &mut House<Bithumb>, ask: &Ask) -> Reply {
    let floor = &house.desk.floor;
    let price = plain(floor.pairs[pair(floor, ask)?].price);
    let minutes = match ask.rest.get(1).map(String::as_str) {
        Some("1m") => 1,
        Some("3m") => 3,
        Some("5m") => 5,
        Some("10m") => 10,
        Some("30m") => 30,
        Some("1h") => 60,
        Some("6h") => 360,
        Some("12h") => 720,
        Some("24h") => 1440,
        _ => return Err(Error::Parameter),
    };
    let length = minutes * 60_000;
    let count = usize::try_from(1440 / minutes).unwrap_or(1440);
    let candle = |at: i64| json!([at, price, price, price, price, "0"]);
    let opens = market::candles(length, None, ask.now, count).into_iter();
    Ok(json!({ "data": opens.map(candle).collect::<Vec<_>>() }))
}
