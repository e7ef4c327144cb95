//! What anyone may read: markets, tickers, books, trades, candles.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::error::Error;
use super::{Bitstamp, Reply, fixed, market, pair};
use crate::amount::{decimals, plain};
use crate::config::Pair;
use crate::floor::{Print, Side};
use crate::house::{Ask, House, Route};
use crate::market::candles;

pub(super) const ROUTES: &[Route<Bitstamp>] = &[
    Route::public("/api/v2/markets/", markets),
    Route::public("/api/v2/trading-pairs-info/", pairs),
    Route::public("/api/v2/currencies/", currencies),
    Route::public("/api/v2/ticker/", tickers),
    Route::public("/api/v2/ticker/*/", ticker),
    Route::public("/api/v2/ticker_hour/*/", ticker),
    Route::public("/api/v2/order_book/*/", order_book),
    Route::public("/api/v2/transactions/*/", transactions),
    Route::public("/api/v2/ohlc/*/", candlesticks),
];

fn markets(house: &mut House<Bitstamp>, _: &Ask) -> Reply {
    let shown = |pair: &Pair| {
        let mut shown = described(pair);
        shown["market_symbol"] = pair.symbol().to_lowercase().into();
        shown["base_currency"] = pair.base.as_str().into();
        shown["counter_currency"] = pair.quote.as_str().into();
        shown["minimum_order_amount"] = plain(pair.min_quantity).into();
        shown["maximum_order_amount"] = plain(pair.max_quantity).into();
        shown["minimum_order_value"] = plain(pair.min_notional).into();
        shown["market_type"] = "SPOT".into();
        shown
    };
    Ok(house.desk.floor.pairs.iter().map(shown).collect())
}

fn pairs(house: &mut House<Bitstamp>, _: &Ask) -> Reply {
    let shown = |pair: &Pair| {
        let mut shown = described(pair);
        shown["url_symbol"] = pair.symbol().to_lowercase().into();
        shown["minimum_order"] = format!("{} {}", plain(pair.min_notional), pair.quote).into();
        shown
    };
    Ok(house.desk.floor.pairs.iter().map(shown).collect())
}

fn described(pair: &Pair) -> Value {
    json!({
        "name": market(pair), "description": market(pair).replace('/', " / "),
        "base_decimals": decimals(pair.step), "counter_decimals": decimals(pair.tick),
        "instant_order_counter_decimals": decimals(pair.tick),
        "trading": "Enabled", "instant_and_market_orders": "Enabled",
    })
}

fn currencies(house: &mut House<Bitstamp>, _: &Ask) -> Reply {
    let floor = &house.desk.floor;
    let shown = |name: &str| {
        let coin = floor.pairs.iter().any(|pair| pair.base == name);
        let kind = if coin { "crypto" } else { "fiat" };
        json!({
            "name": name, "currency": name, "type": kind, "symbol": name, "decimals": if coin { 8 } else { 2 },
            "deposit": "Enabled", "withdrawal": "Enabled", "networks": [],
        })
    };
    Ok(floor.assets().into_iter().map(shown).collect())
}

fn tickers(house: &mut House<Bitstamp>, ask: &Ask) -> Reply {
    Ok((0..house.desk.floor.pairs.len()).map(|pair| day(house, ask, pair)).collect())
}

fn ticker(house: &mut House<Bitstamp>, ask: &Ask) -> Reply {
    Ok(day(house, ask, pair(house, ask.rest.first())?))
}

fn day(house: &House<Bitstamp>, ask: &Ask, pair: usize) -> Value {
    let day = house.desk.floor.day(pair);
    let change = format!("{:.2}", day.change() * Decimal::ONE_HUNDRED);
    json!({
        "timestamp": (ask.now / 1000).to_string(), "open": plain(day.open), "high": plain(day.high),
        "low": plain(day.low), "last": plain(day.last), "volume": fixed(day.volume),
        "vwap": format!("{:.2}", day.average()), "bid": plain(day.bid.0), "ask": plain(day.ask.0), "side": "0",
        "open_24": plain(day.open), "percent_change_24": change, "pair": market(&house.desk.floor.pairs[pair]),
        "market_type": "SPOT",
    })
}

fn order_book(house: &mut House<Bitstamp>, ask: &Ask) -> Reply {
    let pair = pair(house, ask.rest.first())?;
    let side = |side| -> Vec<[String; 2]> {
        let levels = house.desk.floor.depth(pair, side, 100);
        levels.into_iter().map(|(price, quantity)| [plain(price), fixed(quantity)]).collect()
    };
    Ok(json!({
        "timestamp": (ask.now / 1000).to_string(), "microtimestamp": (ask.now * 1000).to_string(),
        "bids": side(Side::Buy), "asks": side(Side::Sell),
    }))
}

fn transactions(house: &mut House<Bitstamp>, ask: &Ask) -> Reply {
    let pair = pair(house, ask.rest.first())?;
    let shown = |print: &Print| {
        json!({
            "date": (print.at_ms / 1000).to_string(), "tid": print.id.to_string(), "amount": fixed(print.quantity),
            "type": print.taker().pick("0", "1"), "price": plain(print.price),
        })
    };
    Ok(house.desk.floor.tape(pair).iter().rev().map(shown).collect())
}

const STEPS: [i64; 12] = [60, 180, 300, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 259_200];

/// Candles of the ladder's middle price: level, without volume.
fn candlesticks(house: &mut House<Bitstamp>, ask: &Ask) -> Reply {
    let pair = &house.desk.floor.pairs[pair(house, ask.rest.first())?];
    let integer = |name| ask.params.integer(name).map_err(|_| invalid(name));
    let step = integer("step")?.filter(|step| STEPS.contains(step)).ok_or_else(|| invalid("step"))?;
    let limit = ask.params.count("limit", 0, 1000).ok_or_else(|| invalid("limit"))?;
    let until = integer("end")?.unwrap_or(ask.now / 1000).min(ask.now / 1000);
    let price = plain(pair.price);
    let candle = |start: i64| {
        json!({
            "timestamp": start.to_string(), "open": price, "high": price, "low": price, "close": price,
            "volume": fixed(Decimal::ZERO),
        })
    };
    let starts = candles(step, integer("start")?, until, limit);
    let shown: Vec<Value> = starts.into_iter().map(candle).collect();
    Ok(json!({ "data": { "pair": market(pair), "ohlc": shown } }))
}

fn invalid(name: &str) -> Error {
    Error::field(name, "Enter a valid value.")
}
