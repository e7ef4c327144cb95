//! What anyone may ask: time, currencies, products and their market.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{CoinbaseExchange, Error, Reply, limit, short};
use crate::amount::{number, plain};
use crate::config::Pair;
use crate::date::utc;
use crate::floor::{Floor, Print, Side};
use crate::house::{Ask, House, Route};
use crate::market;

pub(super) const ROUTES: &[Route<CoinbaseExchange>] = &[
    Route::public("/time", time),
    Route::public("/currencies", currencies),
    Route::public("/currencies/*", one_currency),
    Route::public("/products", products),
    Route::public("/products/spark-lines", spark_lines),
    Route::public("/products/*", one_product),
    Route::public("/products/*/ticker", ticker),
    Route::public("/products/*/stats", stats),
    Route::public("/products/*/book", book),
    Route::public("/products/*/trades", trades),
    Route::public("/products/*/candles", candles),
];

fn time(_: &mut House<CoinbaseExchange>, ask: &Ask) -> Reply {
    Ok(json!({ "iso": utc(ask.now), "epoch": number(Decimal::new(ask.now, 3)) }))
}

fn currencies(house: &mut House<CoinbaseExchange>, _: &Ask) -> Reply {
    Ok(house.desk.floor.assets().into_iter().map(currency).collect())
}

fn one_currency(house: &mut House<CoinbaseExchange>, ask: &Ask) -> Reply {
    let known = house.desk.floor.assets().into_iter().find(|asset| *asset == ask.rest[0]);
    known.map(currency).ok_or(Error::NOT_FOUND)
}

fn currency(asset: &str) -> Value {
    let (kind, precision) = if asset == "USD" { ("fiat", "0.01") } else { ("crypto", "0.00000001") };
    let details = json!({ "type": kind, "min_withdrawal_amount": number(Decimal::new(1, 4)) });
    json!({
        "id": asset,
        "name": asset,
        "min_size": precision,
        "max_precision": precision,
        "status": "online",
        "message": "",
        "convertible_to": [],
        "details": details,
        "supported_networks": [],
    })
}

fn products(house: &mut House<CoinbaseExchange>, _: &Ask) -> Reply {
    Ok(house.desk.floor.pairs.iter().map(product).collect())
}

fn one_product(house: &mut House<CoinbaseExchange>, ask: &Ask) -> Reply {
    let at = asked(house, ask)?;
    Ok(product(&house.desk.floor.pairs[at]))
}

fn product(pair: &Pair) -> Value {
    json!({
        "id": product_id(pair),
        "base_currency": pair.base,
        "quote_currency": pair.quote,
        "quote_increment": plain(pair.tick),
        "base_increment": plain(pair.step),
        "display_name": format!("{}/{}", pair.base, pair.quote),
        "min_market_funds": plain(pair.min_notional),
        "margin_enabled": false,
        "post_only": false,
        "limit_only": false,
        "cancel_only": false,
        "status": "online",
        "status_message": "",
        "trading_disabled": false,
        "auction_mode": false,
    })
}

/// `BTC-USD`
pub(super) fn product_id(pair: &Pair) -> String {
    format!("{}-{}", pair.base, pair.quote)
}

pub(super) fn product_index(floor: &Floor, id: &str) -> Option<usize> {
    floor.pair_named(id, "-")
}

/// The product that the path names.
fn asked(house: &House<CoinbaseExchange>, ask: &Ask) -> Result<usize, Error> {
    product_index(&house.desk.floor, &ask.rest[0]).ok_or(Error::NOT_FOUND)
}

fn ticker(house: &mut House<CoinbaseExchange>, ask: &Ask) -> Reply {
    let at = asked(house, ask)?;
    let floor = &house.desk.floor;
    let (day, last) = (floor.day(at), floor.tape(at).back());
    Ok(json!({
        "ask": short(day.ask.0),
        "bid": short(day.bid.0),
        "volume": short(day.volume),
        "trade_id": last.map_or(0, |print| print.id),
        "price": short(day.last),
        "size": short(day.last_quantity),
        "time": utc(last.map_or(ask.now, |print| print.at_ms)),
    }))
}

fn stats(house: &mut House<CoinbaseExchange>, ask: &Ask) -> Reply {
    let day = house.desk.floor.day(asked(house, ask)?);
    Ok(json!({
        "open": short(day.open),
        "high": short(day.high),
        "low": short(day.low),
        "last": short(day.last),
        "volume": short(day.volume),
        "volume_30day": short(day.volume),
    }))
}

/// Four-hour candles of a day for every product, newest first.
fn spark_lines(house: &mut House<CoinbaseExchange>, ask: &Ask) -> Reply {
    const LENGTH: i64 = 14_400;
    let floor = &house.desk.floor;
    let newest = ask.now / 1000 / LENGTH * LENGTH;
    let lines = |at: usize| {
        let (open, last) = (number(floor.pairs[at].price), number(floor.last_price(at)));
        let close = |back| if back == 0 { last.clone() } else { open.clone() };
        (0..6).map(|back| json!([newest - back * LENGTH, open, open, open, close(back)])).collect::<Value>()
    };
    let each = floor.pairs.iter().enumerate().map(|(at, pair)| (product_id(pair), lines(at)));
    Ok(Value::Object(each.collect()))
}

/// Level 1 is the best price, level 2 all price levels, level 3 all orders, of which a level has one here.
fn book(house: &mut House<CoinbaseExchange>, ask: &Ask) -> Reply {
    let at = asked(house, ask)?;
    let floor = &house.desk.floor;
    let level = limit(ask, "level", 1, 3)?;
    let side = |side| -> Value {
        let levels = floor.depth(at, side, if level == 1 { 1 } else { usize::MAX }).into_iter().enumerate();
        let row = |(place, (price, size)): (usize, (Decimal, Decimal))| match level {
            3 => json!([short(price), short(size), format!("00000000-0000-4000-a000-{place:012x}")]),
            _ => json!([short(price), short(size), 1]),
        };
        levels.map(row).collect()
    };
    Ok(json!({
        "bids": side(Side::Buy),
        "asks": side(Side::Sell),
        "sequence": 1 + floor.last_id(),
        "auction_mode": false,
        "auction": null,
        "time": utc(ask.now),
    }))
}

/// Newest first. The side is the maker's.
fn trades(house: &mut House<CoinbaseExchange>, ask: &Ask) -> Reply {
    let at = asked(house, ask)?;
    let show = |print: &Print| {
        json!({
            "trade_id": print.id,
            "side": print.taker().pick("sell", "buy"),
            "size": short(print.quantity),
            "price": short(print.price),
            "time": utc(print.at_ms),
        })
    };
    Ok(house.desk.floor.tape(at).iter().rev().take(limit(ask, "limit", 100, 1000)?).map(show).collect())
}

/// The newest three hundred level candles at the middle of the ladder, newest first.
fn candles(house: &mut House<CoinbaseExchange>, ask: &Ask) -> Reply {
    const SECONDS: [usize; 6] = [60, 300, 900, 3600, 21600, 86400];
    let at = asked(house, ask)?;
    let length = limit(ask, "granularity", 60, 86400)?;
    if !SECONDS.contains(&length) {
        return Err(Error::bad("Unsupported granularity".to_owned()));
    }
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let newest = market::candles(length, None, ask.now / 1000, 300).into_iter().rev();
    let middle = number(house.desk.floor.pairs[at].price);
    let candle = |open| json!([open, middle, middle, middle, middle, 0]);
    Ok(newest.map(candle).collect())
}
