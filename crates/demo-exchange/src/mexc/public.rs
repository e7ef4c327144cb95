//! What anyone may read: time, symbols with their rules, prices, books, trades, candles.

use serde_json::{Value, json};

use super::error::Error;
use super::{Mexc, Reply, integer, limit, need};
use crate::amount::{decimals, plain};
use crate::config::Pair;
use crate::floor::{Print, Side};
use crate::house::{Ask, House, Route};
use crate::market;

pub(super) const ROUTES: &[Route<Mexc>] = &[
    Route::public("/api/v3/ping", |_, _| Ok(json!({}))),
    Route::public("/api/v3/time", |_, ask| Ok(json!({ "serverTime": ask.now }))),
    Route::public("/api/v3/defaultSymbols", default_symbols),
    Route::public("/api/v3/exchangeInfo", exchange_info),
    Route::public("/api/v3/ticker/price", |house, ask| each(house, ask, price)),
    Route::public("/api/v3/ticker/bookTicker", |house, ask| each(house, ask, book_ticker)),
    Route::public("/api/v3/ticker/24hr", |house, ask| each(house, ask, day)),
    Route::public("/api/v3/avgPrice", average),
    Route::public("/api/v3/depth", depth),
    Route::public("/api/v3/trades", trades),
    Route::public("/api/v3/aggTrades", aggregates),
    Route::public("/api/v3/klines", candles),
];

/// Lengths of candles in minutes. Months have thirty days here.
const INTERVALS: [(&str, i64); 9] = [
    ("1m", 1),
    ("5m", 5),
    ("15m", 15),
    ("30m", 30),
    ("60m", 60),
    ("4h", 240),
    ("1d", 1440),
    ("1W", 10_080),
    ("1M", 43_200),
];

fn default_symbols(house: &mut House<Mexc>, _: &Ask) -> Reply {
    let symbols: Vec<_> = house.desk.floor.pairs.iter().map(Pair::symbol).collect();
    Ok(json!({ "code": 0, "data": symbols, "msg": null }))
}

fn exchange_info(house: &mut House<Mexc>, ask: &Ask) -> Reply {
    let only = ask.params.text("symbol").map(|symbol| house.symbol(&symbol)).transpose()?;
    let rate = plain(house.desk.floor.fee_rate());
    let pairs = house.desk.floor.pairs.iter().enumerate();
    let pairs = pairs.filter(|(index, _)| only.is_none_or(|only| only == *index));
    let symbols: Vec<_> = pairs.map(|(_, pair)| symbol(pair, &rate)).collect();
    Ok(json!({ "timezone": "CST", "serverTime": ask.now, "rateLimits": [], "exchangeFilters": [],
               "symbols": symbols }))
}

/// Steps are told as numbers of decimals.
fn symbol(pair: &Pair, rate: &str) -> Value {
    let (base, quote) = (decimals(pair.step), decimals(pair.tick));
    json!({
        "symbol": pair.symbol(), "status": "1", "baseAsset": pair.base, "baseAssetPrecision": base,
        "quoteAsset": pair.quote, "quotePrecision": quote, "quoteAssetPrecision": quote,
        "baseCommissionPrecision": base, "quoteCommissionPrecision": quote,
        "orderTypes": ["LIMIT", "MARKET", "LIMIT_MAKER", "IMMEDIATE_OR_CANCEL", "FILL_OR_KILL"],
        "isSpotTradingAllowed": true, "isMarginTradingAllowed": false,
        "quoteAmountPrecision": plain(pair.min_notional), "baseSizePrecision": plain(pair.min_quantity),
        "permissions": ["SPOT"], "filters": [], "maxQuoteAmount": plain(pair.max_quantity * pair.price),
        "makerCommission": rate, "takerCommission": rate,
        "quoteAmountPrecisionMarket": plain(pair.min_notional),
        "maxQuoteAmountMarket": plain(pair.max_quantity * pair.price), "fullName": pair.base,
        "tradeSideType": 1,
    })
}

/// What one symbol is like, or a list of all.
fn each(house: &House<Mexc>, ask: &Ask, show: fn(&House<Mexc>, usize, i64) -> Value) -> Reply {
    match ask.params.text("symbol") {
        Some(symbol) => Ok(show(house, house.symbol(&symbol)?, ask.now)),
        None => Ok((0..house.desk.floor.pairs.len()).map(|pair| show(house, pair, ask.now)).collect()),
    }
}

fn price(house: &House<Mexc>, pair: usize, _: i64) -> Value {
    let symbol = house.desk.floor.pairs[pair].symbol();
    json!({ "symbol": symbol, "price": plain(house.desk.floor.last_price(pair)) })
}

fn book_ticker(house: &House<Mexc>, pair: usize, _: i64) -> Value {
    let day = house.desk.floor.day(pair);
    json!({ "symbol": house.desk.floor.pairs[pair].symbol(), "bidPrice": plain(day.bid.0), "bidQty": plain(day.bid.1),
            "askPrice": plain(day.ask.0), "askQty": plain(day.ask.1) })
}

fn day(house: &House<Mexc>, pair: usize, now: i64) -> Value {
    let day = house.desk.floor.day(pair);
    json!({
        "symbol": house.desk.floor.pairs[pair].symbol(), "priceChange": plain(day.last - day.open),
        "priceChangePercent": plain(day.change().round_dp(8)), "prevClosePrice": plain(day.open),
        "lastPrice": plain(day.last), "bidPrice": plain(day.bid.0), "bidQty": plain(day.bid.1),
        "askPrice": plain(day.ask.0), "askQty": plain(day.ask.1), "openPrice": plain(day.open),
        "highPrice": plain(day.high), "lowPrice": plain(day.low), "volume": plain(day.volume),
        "quoteVolume": plain(day.quote_volume), "openTime": now - 86_400_000, "closeTime": now, "count": null,
    })
}

fn average(house: &mut House<Mexc>, ask: &Ask) -> Reply {
    let pair = house.asked_symbol(ask)?;
    Ok(json!({ "mins": 5, "price": plain(house.desk.floor.last_price(pair)) }))
}

fn depth(house: &mut House<Mexc>, ask: &Ask) -> Reply {
    let pair = house.asked_symbol(ask)?;
    let count = limit(ask, 100, 5000)?;
    let side = |side| -> Vec<[String; 2]> {
        let levels = house.desk.floor.depth(pair, side, count);
        levels.into_iter().map(|(price, quantity)| [plain(price), plain(quantity)]).collect()
    };
    Ok(json!({ "lastUpdateId": 1 + house.desk.floor.last_id(), "bids": side(Side::Buy),
               "asks": side(Side::Sell), "timestamp": ask.now }))
}

/// Newest first.
fn prints(house: &House<Mexc>, ask: &Ask, show: fn(&Print) -> Value) -> Reply {
    let newest = house.desk.floor.tape(house.asked_symbol(ask)?).iter().rev();
    Ok(newest.take(limit(ask, 500, 1000)?).map(show).collect())
}

fn trades(house: &mut House<Mexc>, ask: &Ask) -> Reply {
    prints(house, ask, |print| {
        json!({ "id": null, "price": plain(print.price), "qty": plain(print.quantity),
                "quoteQty": plain(print.price * print.quantity), "time": print.at_ms,
                "isBuyerMaker": print.buyer_is_maker, "isBestMatch": true,
                "tradeType": print.taker().pick("BID", "ASK") })
    })
}

fn aggregates(house: &mut House<Mexc>, ask: &Ask) -> Reply {
    prints(house, ask, |print| {
        json!({ "a": null, "f": null, "l": null, "p": plain(print.price), "q": plain(print.quantity),
                "T": print.at_ms, "m": print.buyer_is_maker, "M": true })
    })
}

/// Candles of the ladder's middle price, oldest first: level, without volume.
fn candles(house: &mut House<Mexc>, ask: &Ask) -> Reply {
    let pair = house.asked_symbol(ask)?;
    let interval = need(&ask.params, "interval")?;
    let known = INTERVALS.iter().find(|(name, _)| *name == interval);
    let length = known.ok_or(Error::INTERVAL)?.1 * 60_000;
    let to = integer(ask, "endTime")?.map_or(ask.now, |end| end.min(ask.now));
    let opens = market::candles(length, integer(ask, "startTime")?, to, limit(ask, 500, 1000)?);
    let price = plain(house.desk.floor.pairs[pair].price);
    let candle = |open: i64| json!([open, price, price, price, price, "0", open + length, "0"]);
    Ok(opens.into_iter().map(candle).collect())
}
