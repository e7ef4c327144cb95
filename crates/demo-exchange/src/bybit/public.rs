//! What anyone may read: time, instruments with their rules, prices, books, trades, candles.

use serde_json::{Value, json};

use super::error::Error;
use super::{Bybit, Reply, is_spot, limit, need};
use crate::amount::plain;
use crate::config::Pair;
use crate::floor::{Print, Side};
use crate::house::{Ask, House, Route};
use crate::market;

pub(super) const ROUTES: &[Route<Bybit>] = &[
    Route::public("/v5/market/time", time),
    Route::public("/v5/system/status", |_, _| Ok(json!({ "list": [] }))),
    Route::public("/v5/market/instruments-info", instruments),
    Route::public("/v5/market/tickers", tickers),
    Route::public("/v5/market/orderbook", book),
    Route::public("/v5/market/recent-trade", trades),
    Route::public("/v5/market/kline", candles),
];

const MINUTE: i64 = 60_000;

fn time(_: &mut House<Bybit>, ask: &Ask) -> Reply {
    let nanoseconds = i128::from(ask.now) * 1_000_000;
    Ok(json!({ "timeSecond": (ask.now / 1000).to_string(), "timeNano": nanoseconds.to_string() }))
}

/// One entry for each pair that is asked for; none in a category without pairs.
fn each(house: &House<Bybit>, ask: &Ask, show: impl Fn(usize) -> Value) -> Result<Vec<Value>, Error> {
    let spot = is_spot(&ask.params)?;
    let only = if spot { house.asked_symbol(ask)? } else { None };
    let pairs = if spot { house.desk.floor.pairs.len() } else { 0 };
    Ok((0..pairs).filter(|pair| only.is_none_or(|only| only == *pair)).map(show).collect())
}

fn instruments(house: &mut House<Bybit>, ask: &Ask) -> Reply {
    let list = each(house, ask, |pair| instrument(&house.desk.floor.pairs[pair]))?;
    Ok(json!({ "category": ask.params.text("category"), "list": list, "nextPageCursor": "" }))
}

fn instrument(pair: &Pair) -> Value {
    let most_worth = pair.max_quantity * pair.price;
    json!({
        "symbol": pair.symbol(), "baseCoin": pair.base, "quoteCoin": pair.quote, "innovation": "0",
        "status": "Trading", "marginTrading": "none", "stTag": "0",
        "lotSizeFilter": {
            "basePrecision": plain(pair.step), "quotePrecision": "0.00000001",
            "minOrderQty": plain(pair.min_quantity), "maxOrderQty": plain(pair.max_quantity),
            "minOrderAmt": plain(pair.min_notional), "maxOrderAmt": plain(most_worth),
            "maxLimitOrderQty": plain(pair.max_quantity), "maxMarketOrderQty": plain(pair.max_quantity),
        },
        "priceFilter": { "tickSize": plain(pair.tick) },
        "riskParameters": { "priceLimitRatioX": "0.05", "priceLimitRatioY": "0.05" },
    })
}

fn tickers(house: &mut House<Bybit>, ask: &Ask) -> Reply {
    let list = each(house, ask, |pair| ticker(house, pair))?;
    Ok(json!({ "category": ask.params.text("category"), "list": list }))
}

fn ticker(house: &House<Bybit>, pair: usize) -> Value {
    let day = house.desk.floor.day(pair);
    json!({
        "symbol": house.desk.floor.pairs[pair].symbol(), "bid1Price": plain(day.bid.0),
        "bid1Size": plain(day.bid.1), "ask1Price": plain(day.ask.0), "ask1Size": plain(day.ask.1),
        "lastPrice": plain(day.last), "prevPrice24h": plain(day.open),
        "price24hPcnt": plain(day.change().round_dp(4)), "highPrice24h": plain(day.high),
        "lowPrice24h": plain(day.low), "turnover24h": plain(day.quote_volume), "volume24h": plain(day.volume),
    })
}

/// The pair of a call that is about one.
fn one(house: &House<Bybit>, ask: &Ask) -> Result<usize, Error> {
    let symbol = need(&ask.params, "symbol")?;
    if is_spot(&ask.params)? { house.symbol(&symbol) } else { Err(Error::SYMBOL) }
}

fn book(house: &mut House<Bybit>, ask: &Ask) -> Reply {
    let pair = one(house, ask)?;
    let count = limit(ask, 1, 1000)?;
    let side = |side| -> Vec<[String; 2]> {
        let levels = house.desk.floor.depth(pair, side, count);
        levels.into_iter().map(|(price, quantity)| [plain(price), plain(quantity)]).collect()
    };
    let update = 1 + house.desk.floor.last_id();
    Ok(json!({ "s": house.desk.floor.pairs[pair].symbol(), "a": side(Side::Sell), "b": side(Side::Buy),
               "ts": ask.now, "u": update, "seq": update, "cts": ask.now }))
}

/// Newest first.
fn trades(house: &mut House<Bybit>, ask: &Ask) -> Reply {
    let pair = one(house, ask)?;
    let symbol = house.desk.floor.pairs[pair].symbol();
    let show = |print: &Print| {
        json!({ "execId": print.id.to_string(), "symbol": symbol, "price": plain(print.price),
                "size": plain(print.quantity), "side": print.taker().pick("Buy", "Sell"),
                "time": print.at_ms.to_string(), "isBlockTrade": false, "isRPITrade": false })
    };
    let newest = house.desk.floor.tape(pair).iter().rev().take(limit(ask, 60, 1000)?);
    Ok(json!({ "category": "spot", "list": newest.map(show).collect::<Vec<_>>() }))
}

/// Candles of the ladder's middle price, newest first: level, without volume.
fn candles(house: &mut House<Bybit>, ask: &Ask) -> Reply {
    let pair = one(house, ask)?;
    let length = interval_ms(&need(&ask.params, "interval")?).ok_or_else(|| Error::invalid("interval"))?;
    let time = |name| {
        let told = ask.params.text(name).map(|text| text.parse::<i64>());
        told.transpose().map_err(|_| Error::invalid(name))
    };
    let to = time("end")?.map_or(ask.now, |end| end.min(ask.now));
    let opens = market::candles(length, time("start")?, to, limit(ask, 200, 1000)?);
    let Pair { price, .. } = &house.desk.floor.pairs[pair];
    let price = plain(*price);
    let candle = |open: &i64| json!([open.to_string(), price, price, price, price, "0", "0"]);
    Ok(json!({ "symbol": house.desk.floor.pairs[pair].symbol(), "category": "spot",
               "list": opens.iter().rev().map(candle).collect::<Vec<_>>() }))
}

/// Months have thirty days here.
fn interval_ms(interval: &str) -> Option<i64> {
    match interval {
        "1" | "3" | "5" | "15" | "30" | "60" | "120" | "240" | "360" | "720" => {
            interval.parse::<i64>().ok().map(|minutes| minutes * MINUTE)
        }
        "D" => Some(1440 * MINUTE),
        "W" => Some(7 * 1440 * MINUTE),
        "M" => Some(30 * 1440 * MINUTE),
        _ => None,
    }
}
