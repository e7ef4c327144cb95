//! What anyone may read: instruments, tickers, books, trades, candles.

use serde_json::{Value, json};

use super::error::Error;
use super::{Cryptocom, Reply, instrument, integer, limit, optional_pair, pair};
use crate::amount::{decimals, plain};
use crate::config::Pair;
use crate::floor::{Print, Side};
use crate::house::{Ask, House, Route};
use crate::market::candles;

pub(super) const ROUTES: &[Route<Cryptocom>] = &[
    Route::public("/exchange/v1/public/get-instruments", instruments),
    Route::public("/exchange/v1/public/get-tickers", tickers),
    Route::public("/exchange/v1/public/get-book", book),
    Route::public("/exchange/v1/public/get-trades", trades),
    Route::public("/exchange/v1/public/get-candlestick", candlestick),
];

fn instruments(house: &mut House<Cryptocom>, _: &Ask) -> Reply {
    let shown = |pair: &Pair| {
        json!({
            "symbol": instrument(pair), "inst_type": "CCY_PAIR", "display_name": format!("{}/{}", pair.base, pair.quote),
            "base_ccy": pair.base, "quote_ccy": pair.quote, "quote_decimals": decimals(pair.tick),
            "quantity_decimals": decimals(pair.step), "price_tick_size": plain(pair.tick),
            "qty_tick_size": plain(pair.step), "max_leverage": "1", "tradable": true, "expiry_timestamp_ms": 0,
            "beta_product": false, "margin_buy_enabled": false, "margin_sell_enabled": false,
        })
    };
    let shown: Vec<Value> = house.desk.floor.pairs.iter().map(shown).collect();
    Ok(json!({ "data": shown }))
}

fn tickers(house: &mut House<Cryptocom>, ask: &Ask) -> Reply {
    let pairs = match optional_pair(house, &ask.params)? {
        Some(pair) => pair..pair + 1,
        None => 0..house.desk.floor.pairs.len(),
    };
    let shown: Vec<Value> = pairs.map(|pair| ticker(house, ask, pair)).collect();
    Ok(json!({ "data": shown }))
}

fn ticker(house: &House<Cryptocom>, ask: &Ask, pair: usize) -> Value {
    let day = house.desk.floor.day(pair);
    json!({
        "i": instrument(&house.desk.floor.pairs[pair]), "h": plain(day.high), "l": plain(day.low),
        "a": plain(day.last), "v": plain(day.volume), "vv": plain(day.quote_volume),
        "c": format!("{:.4}", day.change()), "b": plain(day.bid.0), "k": plain(day.ask.0), "oi": "0", "t": ask.now,
    })
}

fn book(house: &mut House<Cryptocom>, ask: &Ask) -> Reply {
    let pair = pair(house, &ask.params)?;
    let depth = limit(&ask.params, "depth", 50, 50)?;
    let side = |side| -> Vec<[String; 3]> {
        let levels = house.desk.floor.depth(pair, side, depth);
        levels.into_iter().map(|(price, quantity)| [plain(price), plain(quantity), "1".to_owned()]).collect()
    };
    let name = instrument(&house.desk.floor.pairs[pair]);
    let levels = json!({ "bids": side(Side::Buy), "asks": side(Side::Sell), "t": ask.now, "tt": ask.now });
    Ok(json!({ "instrument_name": name, "depth": depth, "data": [levels] }))
}

fn trades(house: &mut House<Cryptocom>, ask: &Ask) -> Reply {
    let pair = pair(house, &ask.params)?;
    let name = instrument(&house.desk.floor.pairs[pair]);
    let count = limit(&ask.params, "count", 150, 150)?;
    let shown = |print: &Print| {
        json!({
            "d": print.id.to_string(), "t": print.at_ms, "i": name, "p": plain(print.price),
            "q": plain(print.quantity), "s": print.taker().as_upper(),
        })
    };
    let shown: Vec<Value> = house.desk.floor.tape(pair).iter().rev().take(count).map(shown).collect();
    Ok(json!({ "data": shown }))
}

/// Candles of the ladder's middle price: level, without volume.
fn candlestick(house: &mut House<Cryptocom>, ask: &Ask) -> Reply {
    let pair = &house.desk.floor.pairs[pair(house, &ask.params)?];
    let interval = ask.params.text("timeframe").unwrap_or_else(|| "M1".to_owned());
    let length = length_ms(&interval).ok_or(Error::REQUEST)?;
    let count = limit(&ask.params, "count", 25, 300)?;
    let until = integer(&ask.params, "end_ts")?.unwrap_or(ask.now).min(ask.now);
    let price = plain(pair.price);
    let candle = |start| json!({ "t": start, "o": price, "h": price, "l": price, "c": price, "v": "0" });
    let starts = candles(length, integer(&ask.params, "start_ts")?, until, count);
    let shown: Vec<Value> = starts.into_iter().map(candle).collect();
    Ok(json!({ "interval": interval, "instrument_name": instrument(pair), "data": shown }))
}

fn length_ms(interval: &str) -> Option<i64> {
    const MINUTE: i64 = 60_000;
    let minutes = match interval {
        "1m" | "M1" => 1,
        "5m" | "M5" => 5,
        "15m" | "M15" => 15,
        "30m" | "M30" => 30,
        "1h" | "H1" => 60,
        "2h" | "H2" => 120,
        "4h" | "H4" => 240,
        "6h" => 360,
        "12h" | "H12" => 720,
        "1D" | "D1" => 1440,
        "7D" => 7 * 1440,
        "14D" => 14 * 1440,
        "1M" => 30 * 1440,
        _ => return None,
    };
    Some(minutes * MINUTE)
}
