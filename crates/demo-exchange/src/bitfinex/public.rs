//! What anyone may ask about the market.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::symbol::{pair, symbol};
use super::{Bitfinex, Error, Reply, limit};
use crate::amount::number;
use crate::floor::{Floor, Print, Side};
use crate::house::{Ask, House, Route};
use crate::market;
use crate::request::form_decode;

pub(super) const ROUTES: &[Route<Bitfinex>] = &[
    Route::public("/v2/platform/status", status),
    Route::public("/v2/tickers", tickers),
    Route::public("/v2/ticker/*", ticker),
    Route::public("/v2/book/*/*", book),
    Route::public("/v2/trades/*/hist", trades),
    Route::public("/v2/candles/*/hist", candles),
    Route::public("/v2/candles/*/last", last_candle),
];

/// 1: operative.
fn status(_: &mut House<Bitfinex>, _: &Ask) -> Reply {
    Ok(json!([1]))
}

fn tickers(house: &mut House<Bitfinex>, ask: &Ask) -> Reply {
    let floor = &house.desk.floor;
    let asked = ask.params.text("symbols").ok_or_else(|| Error::argument("symbols"))?;
    let known = |name: &str| pair(floor, name).ok();
    let pairs: Vec<usize> = match asked.as_str() {
        "ALL" => (0..floor.pairs.len()).collect(),
        names => names.split(',').filter_map(known).collect(),
    };
    let row = |at: usize| {
        let mut row = vec![symbol(&floor.pairs[at]).into()];
        row.extend(ticker_of(floor, at));
        Value::Array(row)
    };
    Ok(pairs.into_iter().map(row).collect())
}

fn ticker(house: &mut House<Bitfinex>, ask: &Ask) -> Reply {
    let floor = &house.desk.floor;
    Ok(ticker_of(floor, pair(floor, &ask.rest[0])?).into_iter().collect())
}

/// Bid, its size, ask, its size, the day's change, that as a share, last, volume, high, low.
fn ticker_of(floor: &Floor, at: usize) -> [Value; 10] {
    let day = floor.day(at);
    let (change, share) = (day.last - day.open, day.change().round_dp(8));
    let (bid, ask) = (day.bid, day.ask);
    [bid.0, bid.1, ask.0, ask.1, change, share, day.last, day.volume, day.high, day.low].map(number)
}

/// Aggregated by price (`P0` to `P4`), or order by order (`R0`), where every level is one order here.
fn book(house: &mut House<Bitfinex>, ask: &Ask) -> Reply {
    let floor = &house.desk.floor;
    let at = pair(floor, &ask.rest[0])?;
    let raw = match ask.rest[1].as_str() {
        "R0" => true,
        "P0" | "P1" | "P2" | "P3" | "P4" => false,
        _ => return Err(Error::argument("precision")),
    };
    let count = limit(ask, "len", 25, 250)?;
    if ![1, 25, 100, 250].contains(&count) {
        return Err(Error::argument("len"));
    }
    let side = |side| {
        floor.depth(at, side, count).into_iter().enumerate().map(move |(place, (price, quantity))| {
            let (price, amount) = (number(price), signed(side, quantity));
            let number = 2 * place + usize::from(side == Side::Sell) + 1;
            if raw { json!([number, price, amount]) } else { json!([price, 1, amount]) }
        })
    };
    Ok(side(Side::Buy).chain(side(Side::Sell)).collect())
}

/// Buying is positive, selling negative.
pub(super) fn signed(side: Side, quantity: Decimal) -> Value {
    number(side.pick(quantity, -quantity))
}

fn trades(house: &mut House<Bitfinex>, ask: &Ask) -> Reply {
    let floor = &house.desk.floor;
    let tape = floor.tape(pair(floor, &ask.rest[0])?);
    let show = |print: &Print| {
        let side = print.taker();
        json!([print.id, print.at_ms, signed(side, print.quantity), number(print.price)])
    };
    let count = limit(ask, "limit", 125, 10_000)?;
    Ok(match sorted_up(ask)? {
        true => tape.iter().take(count).map(show).collect(),
        false => tape.iter().rev().take(count).map(show).collect(),
    })
}

/// Oldest first, or newest first as usual.
fn sorted_up(ask: &Ask) -> Result<bool, Error> {
    match ask.params.text("sort").as_deref() {
        Some("1" | "+1") => Ok(true),
        None | Some("-1") => Ok(false),
        Some(_) => Err(Error::argument("sort")),
    }
}

/// Level candles at the middle of the ladder.
fn candles(house: &mut House<Bitfinex>, ask: &Ask) -> Reply {
    let (at, length) = candle_key(house, ask)?;
    let count = limit(ask, "limit", 100, 10_000)?;
    let start = ask.params.integer("start").map_err(|_| Error::argument("start"))?;
    let newest = market::candles(length, None, ask.now, count).into_iter();
    let opens = newest.filter(|open| start.is_none_or(|start| *open >= start));
    let rows = opens.map(|open| candle(&house.desk.floor, at, open));
    Ok(if sorted_up(ask)? { rows.collect() } else { rows.rev().collect() })
}

fn last_candle(house: &mut House<Bitfinex>, ask: &Ask) -> Reply {
    let (at, length) = candle_key(house, ask)?;
    Ok(candle(&house.desk.floor, at, ask.now - ask.now.rem_euclid(length)))
}

/// Time, open, close, high, low, volume.
fn candle(floor: &Floor, at: usize, open_ms: i64) -> Value {
    let middle = number(floor.pairs[at].price);
    json!([open_ms, middle, middle, middle, middle, 0])
}

/// `trade:1m:tBTCUSD`: the pair, and the length in milliseconds.
fn candle_key(house: &House<Bitfinex>, ask: &Ask) -> Result<(usize, i64), Error> {
    let key = form_decode(&ask.rest[0]).unwrap_or_default();
    let (length, name) =
        key.strip_prefix("trade:").and_then(|rest| rest.split_once(':')).ok_or(Error::argument("key"))?;
    let minutes = match length {
        "1m" => 1,
        "5m" => 5,
        "15m" => 15,
        "30m" => 30,
        "1h" => 60,
        "3h" => 180,
        "6h" => 360,
        "12h" => 720,
        "1D" => 1440,
        "1W" => 10_080,
        "14D" => 20_160,
        "1M" => 43_200,
        _ => return Err(Error::argument("timeframe")),
    };
    Ok((pair(&house.desk.floor, name)?, minutes * 60_000))
}
