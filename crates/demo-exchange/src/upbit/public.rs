//! What anyone may read: markets, tickers, books, trades, candles.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::error::Error;
use super::order::pair_index;
use super::show::market;
use crate::amount::number;
use crate::date::{korean, seconds};
use crate::floor::{Floor, Print, Side};
use crate::house::{Ask, Dialect, House, Reply};
use crate::market;

pub(crate) fn markets<D: Dialect<Error = Error>>(house: &mut House<D>, _: &Ask) -> Reply<D> {
    let show = |pair| {
        let name = market(pair);
        json!({ "market": name, "korean_name": pair.base, "english_name": pair.base, "market_warning": "NONE",
                "market_event": { "warning": false } })
    };
    Ok(house.desk.floor.pairs.iter().map(show).collect())
}

/// The markets a comma-separated parameter names.
fn named<D: Dialect>(house: &House<D>, ask: &Ask, name: &str) -> Result<Vec<usize>, Error> {
    let names = ask.params.text(name).ok_or(Error::Missing)?;
    let find = |name: &str| pair_index(&house.desk.floor, name).ok_or(Error::NoMarket);
    names.split(',').map(find).collect()
}

fn one<D: Dialect>(house: &House<D>, ask: &Ask) -> Result<usize, Error> {
    let name = ask.params.text("market").ok_or(Error::Missing)?;
    pair_index(&house.desk.floor, &name).ok_or(Error::NoMarket)
}

fn count(ask: &Ask, usual: usize, most: usize) -> Result<usize, Error> {
    ask.params.count("count", usual, most).ok_or(Error::Parameter)
}

pub(crate) fn tickers<D: Dialect<Error = Error>>(house: &mut House<D>, ask: &Ask) -> Reply<D> {
    let pairs = named(house, ask, "markets")?;
    Ok(pairs.into_iter().map(|pair| ticker(&house.desk.floor, pair, ask.now)).collect())
}

pub(crate) fn tickers_by_quote<D: Dialect<Error = Error>>(house: &mut House<D>, ask: &Ask) -> Reply<D> {
    let floor = &house.desk.floor;
    let quotes = ask.params.text("quote_currencies").ok_or(Error::Missing)?;
    let wanted = |pair: &usize| quotes.split(',').any(|quote| quote == floor.pairs[*pair].quote);
    Ok((0..floor.pairs.len()).filter(wanted).map(|pair| ticker(floor, pair, ask.now)).collect())
}

fn ticker(floor: &Floor, pair: usize, now: i64) -> Value {
    let (day, newest) = (floor.day(pair), floor.tape(pair).back());
    let (open, volume, value) = (number(day.open), number(day.volume), number(day.quote_volume));
    json!({
        "market": market(&floor.pairs[pair]), "trade_timestamp": newest.map_or(now, |print| print.at_ms),
        "opening_price": open, "high_price": number(day.high), "low_price": number(day.low),
        "trade_price": number(day.last), "prev_closing_price": open,
        "trade_volume": newest.map(|print| number(print.quantity)),
        "acc_trade_price": value, "acc_trade_price_24h": value, "acc_trade_volume": volume,
        "acc_trade_volume_24h": volume, "timestamp": now,
    })
}

pub(crate) fn order_books<D: Dialect<Error = Error>>(house: &mut House<D>, ask: &Ask) -> Reply<D> {
    let size = count(ask, 30, 30)?;
    let pairs = named(house, ask, "markets")?;
    Ok(pairs.into_iter().map(|pair| order_book(&house.desk.floor, pair, size, ask.now)).collect())
}

/// Level by level, the best bid beside the best ask; where one side ends, the other does.
fn order_book(floor: &Floor, pair: usize, size: usize, now: i64) -> Value {
    let (bids, asks) = (floor.depth(pair, Side::Buy, size), floor.depth(pair, Side::Sell, size));
    let total = |levels: &[(Decimal, Decimal)]| number(levels.iter().map(|level| level.1).sum());
    let unit = |(bid, ask): (&(Decimal, Decimal), &(Decimal, Decimal))| {
        json!({ "ask_price": number(ask.0), "bid_price": number(bid.0), "ask_size": number(ask.1),
                "bid_size": number(bid.1) })
    };
    json!({
        "market": market(&floor.pairs[pair]), "timestamp": now, "total_ask_size": total(&asks),
        "total_bid_size": total(&bids), "orderbook_units": bids.iter().zip(&asks).map(unit).collect::<Vec<_>>(),
    })
}

pub(crate) fn trades<D: Dialect<Error = Error>>(house: &mut House<D>, ask: &Ask) -> Reply<D> {
    let (pair, size) = (one(house, ask)?, count(ask, 1, 500)?);
    let name = market(&house.desk.floor.pairs[pair]);
    let show = |print: &Print| {
        let date = seconds(print.at_ms);
        let (day, time) = date.split_once('T').unwrap_or_default();
        json!({ "market": name, "trade_date_utc": day, "trade_time_utc": time, "timestamp": print.at_ms,
                "trade_price": number(print.price), "trade_volume": number(print.quantity),
                "ask_bid": print.taker().pick("BID", "ASK"), "sequential_id": print.id })
    };
    Ok(house.desk.floor.tape(pair).iter().rev().take(size).map(show).collect())
}

/// Candles of the ladder's middle price: level, without volume.
pub(crate) fn candles<D: Dialect<Error = Error>>(house: &mut House<D>, ask: &Ask) -> Reply<D> {
    let length = candle_length(&ask.request.path).ok_or(Error::NoRoute)?;
    let (pair, size) = (one(house, ask)?, count(ask, 1, 200)?);
    let pair = &house.desk.floor.pairs[pair];
    let price = number(pair.price);
    let candle = |at: i64| {
        json!({ "market": market(pair), "candle_date_time_utc": seconds(at),
                "candle_date_time_kst": korean(at), "opening_price": price,
                "high_price": price, "low_price": price, "trade_price": price, "timestamp": at,
                "candle_acc_trade_price": 0, "candle_acc_trade_volume": 0 })
    };
    Ok(market::candles(length, None, ask.now, size).into_iter().rev().map(candle).collect())
}

fn candle_length(path: &str) -> Option<i64> {
    const DAY: i64 = 86_400_000;
    match path.strip_prefix("/v1/candles/")? {
        "seconds" => Some(1000),
        "days" => Some(DAY),
        "weeks" => Some(7 * DAY),
        "months" => Some(30 * DAY),
        minutes => {
            let unit = minutes.strip_prefix("minutes/")?.parse().ok();
            unit.filter(|unit| [1, 3, 5, 10, 15, 30, 60, 240].contains(unit)).map(|unit: i64| unit * 60_000)
        }
    }
}
