//! What anyone may read: time, instruments with their rules, prices, books, trades, candles.

use serde_json::{Value, json};

use super::error::Error;
use super::{Okx, Reply, limit, need};
use crate::amount::plain;
use crate::floor::{Print, Side};
use crate::house::{Ask, House, Route};
use crate::market;

pub(super) const ROUTES: &[Route<Okx>] = &[
    Route::public("/api/v5/public/time", |_, ask| Ok(json!([{ "ts": ask.now.to_string() }]))),
    Route::public("/api/v5/system/status", |_, _| Ok(json!([]))),
    Route::public("/api/v5/public/instruments", instruments),
    Route::public("/api/v5/market/ticker", ticker),
    Route::public("/api/v5/market/tickers", tickers),
    Route::public("/api/v5/market/books", |house, ask| book(house, ask, 400)),
    Route::public("/api/v5/market/books-full", |house, ask| book(house, ask, 5000)),
    Route::public("/api/v5/market/trades", trades),
    Route::public("/api/v5/market/candles", candles),
    Route::public("/api/v5/market/history-candles", candles),
];

/// Lengths of candles in minutes. Months have thirty days here.
const BARS: [(&str, i64); 14] = [
    ("1m", 1),
    ("3m", 3),
    ("5m", 5),
    ("15m", 15),
    ("30m", 30),
    ("1H", 60),
    ("2H", 120),
    ("4H", 240),
    ("6H", 360),
    ("12H", 720),
    ("1D", 1440),
    ("1W", 10_080),
    ("1M", 43_200),
    ("3M", 129_600),
];

/// Whether `instType` is the one kind of instruments that is traded here.
fn is_spot(ask: &Ask) -> Result<bool, Error> {
    match need(ask, "instType")?.as_str() {
        "SPOT" => Ok(true),
        "MARGIN" | "SWAP" | "FUTURES" | "OPTION" => Ok(false),
        _ => Err(Error::parameter("instType")),
    }
}

fn instruments(house: &mut House<Okx>, ask: &Ask) -> Reply {
    let only = house.asked_instrument(ask)?;
    let count = if is_spot(ask)? { house.desk.floor.pairs.len() } else { 0 };
    let shown = (0..count).filter(|pair| only.is_none_or(|only| only == *pair));
    Ok(shown.map(|pair| instrument(house, pair)).collect())
}

fn instrument(house: &House<Okx>, index: usize) -> Value {
    let pair = &house.desk.floor.pairs[index];
    let most_worth = pair.max_quantity * pair.price;
    json!({
        "instType": "SPOT", "instId": house.instrument_id(index), "instIdCode": 1 + index, "uly": "",
        "instFamily": "", "category": "1", "baseCcy": pair.base, "quoteCcy": pair.quote, "settleCcy": "",
        "ctVal": "", "ctMult": "", "ctValCcy": "", "optType": "", "stk": "", "listTime": "1548133413000",
        "expTime": "", "lever": "", "tickSz": plain(pair.tick), "lotSz": plain(pair.step),
        "minSz": plain(pair.min_quantity), "ctType": "", "alias": "", "state": "live", "ruleType": "normal",
        "maxLmtSz": plain(pair.max_quantity), "maxMktSz": plain(most_worth), "maxLmtAmt": plain(most_worth),
        "maxMktAmt": plain(most_worth), "maxTwapSz": "", "maxIcebergSz": "", "maxTriggerSz": "", "maxStopSz": "",
        "tradeQuoteCcyList": [pair.quote],
    })
}

fn ticker(house: &mut House<Okx>, ask: &Ask) -> Reply {
    let pair = house.instrument(&need(ask, "instId")?)?;
    Ok(json!([ticker_of(house, pair, ask.now)]))
}

fn tickers(house: &mut House<Okx>, ask: &Ask) -> Reply {
    let count = if is_spot(ask)? { house.desk.floor.pairs.len() } else { 0 };
    Ok((0..count).map(|pair| ticker_of(house, pair, ask.now)).collect())
}

fn ticker_of(house: &House<Okx>, pair: usize, now: i64) -> Value {
    let day = house.desk.floor.day(pair);
    json!({
        "instType": "SPOT", "instId": house.instrument_id(pair), "last": plain(day.last),
        "lastSz": plain(day.last_quantity), "askPx": plain(day.ask.0), "askSz": plain(day.ask.1),
        "bidPx": plain(day.bid.0), "bidSz": plain(day.bid.1), "open24h": plain(day.open),
        "high24h": plain(day.high), "low24h": plain(day.low), "volCcy24h": plain(day.quote_volume),
        "vol24h": plain(day.volume), "sodUtc0": plain(day.open), "sodUtc8": plain(day.open),
        "ts": now.to_string(),
    })
}

fn book(house: &mut House<Okx>, ask: &Ask, most: usize) -> Reply {
    let pair = house.instrument(&need(ask, "instId")?)?;
    let size = limit(ask, "sz", 1, most)?;
    let side = |side| -> Vec<Value> {
        let levels = house.desk.floor.depth(pair, side, size);
        levels.into_iter().map(|(price, quantity)| json!([plain(price), plain(quantity), "0", "1"])).collect()
    };
    Ok(json!([{ "asks": side(Side::Sell), "bids": side(Side::Buy), "ts": ask.now.to_string() }]))
}

/// Newest first.
fn trades(house: &mut House<Okx>, ask: &Ask) -> Reply {
    let pair = house.instrument(&need(ask, "instId")?)?;
    let id = house.instrument_id(pair);
    let show = |print: &Print| {
        let side = print.taker().as_lower();
        json!({ "instId": id, "tradeId": print.id.to_string(), "px": plain(print.price),
                "sz": plain(print.quantity), "side": side, "source": "0", "ts": print.at_ms.to_string() })
    };
    let newest = house.desk.floor.tape(pair).iter().rev();
    Ok(newest.take(limit(ask, "limit", 100, 500)?).map(show).collect())
}

/// Candles of the ladder's middle price, newest first: level, without volume.
fn candles(house: &mut House<Okx>, ask: &Ask) -> Reply {
    let pair = house.instrument(&need(ask, "instId")?)?;
    let bar = ask.params.text("bar").unwrap_or_else(|| "1m".to_owned());
    let known = BARS.iter().find(|(name, _)| *name == bar.trim_end_matches("utc"));
    let length = known.ok_or_else(|| Error::parameter("bar"))?.1 * 60_000;
    let time = |name| ask.params.text(name).map(|text| text.parse::<i64>()).transpose();
    let before = time("before").map_err(|_| Error::parameter("before"))?;
    let after = time("after").map_err(|_| Error::parameter("after"))?;
    let to = after.map_or(ask.now, |after| after.saturating_sub(1).min(ask.now));
    let opens = market::candles(
        length,
        before.map(|time| time.saturating_add(1)),
        to,
        limit(ask, "limit", 100, 300)?,
    );
    let price = plain(house.desk.floor.pairs[pair].price);
    let candle = |open: &i64| {
        let done = if open + length <= ask.now { "1" } else { "0" };
        json!([open.to_string(), price, price, price, price, "0", "0", "0", done])
    };
    Ok(opens.iter().rev().map(candle).collect())
}
