//! What anyone may read: time, currencies, pairs, prices, books, trades, candles.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::error::Error;
use super::{Gate, Reply, limit, name, named, optional_pair, pair, seconds};
use crate::amount::{decimals, plain};
use crate::config::Pair;
use crate::floor::{Print, Side};
use crate::house::{Ask, House, Route};
use crate::market::candles;

pub(super) const ROUTES: &[Route<Gate>] = &[
    Route::public("/api/v4/spot/time", |_, ask| Ok(json!({ "server_time": ask.now }))),
    Route::public("/api/v4/spot/currencies", currencies),
    Route::public("/api/v4/spot/currencies/*", one_currency),
    Route::public("/api/v4/spot/currency_pairs", pairs),
    Route::public("/api/v4/spot/currency_pairs/*", one_pair),
    Route::public("/api/v4/spot/tickers", tickers),
    Route::public("/api/v4/spot/order_book", book),
    Route::public("/api/v4/spot/trades", trades),
    Route::public("/api/v4/spot/candlesticks", klines),
    // Margin, futures and options have no market here.
    Route::public("/api/v4/margin/currency_pairs", |_, _| Ok(json!([]))),
    Route::public("/api/v4/futures/*/contracts", |_, _| Ok(json!([]))),
    Route::public("/api/v4/delivery/*/contracts", |_, _| Ok(json!([]))),
    Route::public("/api/v4/options/underlyings", |_, _| Ok(json!([]))),
];

fn currencies(house: &mut House<Gate>, _: &Ask) -> Reply {
    Ok(house.desk.floor.assets().into_iter().map(currency).collect())
}

fn one_currency(house: &mut House<Gate>, ask: &Ask) -> Reply {
    let found = house.desk.floor.assets().into_iter().find(|asset| *asset == ask.rest[0]);
    found.map(currency).ok_or(Error::CURRENCY)
}

fn currency(asset: &str) -> Value {
    json!({
        "currency": asset, "name": asset, "delisted": false, "withdraw_disabled": false,
        "withdraw_delayed": false, "deposit_disabled": false, "trade_disabled": false, "chain": chain(asset),
        "chains": [{
            "name": chain(asset), "addr": "", "withdraw_disabled": false, "withdraw_delayed": false,
            "deposit_disabled": false,
        }],
    })
}

/// The network of an asset; tokens live on Ethereum.
pub(super) fn chain(asset: &str) -> &'static str {
    if asset == "BTC" { "BTC" } else { "ETH" }
}

fn pairs(house: &mut House<Gate>, _: &Ask) -> Reply {
    let rate = house.desk.floor.fee_rate();
    Ok(house.desk.floor.pairs.iter().map(|pair| shown_pair(pair, rate)).collect())
}

fn one_pair(house: &mut House<Gate>, ask: &Ask) -> Reply {
    let pair = named(house, &ask.rest[0])?;
    Ok(shown_pair(&house.desk.floor.pairs[pair], house.desk.floor.fee_rate()))
}

/// The fee is told in percent.
fn shown_pair(pair: &Pair, rate: Decimal) -> Value {
    json!({
        "id": name(pair), "base": pair.base, "base_name": pair.base, "quote": pair.quote, "quote_name": pair.quote,
        "fee": plain(rate * Decimal::ONE_HUNDRED), "min_base_amount": plain(pair.min_quantity),
        "min_quote_amount": plain(pair.min_notional), "max_base_amount": plain(pair.max_quantity),
        "amount_precision": decimals(pair.step), "precision": decimals(pair.tick), "trade_status": "tradable",
        "sell_start": 0, "buy_start": 0, "type": "normal",
    })
}

fn tickers(house: &mut House<Gate>, ask: &Ask) -> Reply {
    let all = || (0..house.desk.floor.pairs.len()).collect();
    let pairs: Vec<usize> = optional_pair(house, ask)?.map_or_else(all, |pair| vec![pair]);
    Ok(pairs.into_iter().map(|pair| ticker(house, pair)).collect())
}

fn ticker(house: &House<Gate>, pair: usize) -> Value {
    let day = house.desk.floor.day(pair);
    json!({
        "currency_pair": name(&house.desk.floor.pairs[pair]), "last": plain(day.last),
        "lowest_ask": plain(day.ask.0), "lowest_size": plain(day.ask.1), "highest_bid": plain(day.bid.0),
        "highest_size": plain(day.bid.1), "change_percentage": plain(day.change().round_dp(6) * Decimal::ONE_HUNDRED),
        "base_volume": plain(day.volume), "quote_volume": plain(day.quote_volume), "high_24h": plain(day.high),
        "low_24h": plain(day.low),
    })
}

fn book(house: &mut House<Gate>, ask: &Ask) -> Reply {
    let (pair, limit, floor) = (pair(house, &ask.params)?, limit(ask, 10)?, &house.desk.floor);
    let mut book = json!({
        "current": ask.now, "update": ask.now, "asks": floor.levels(pair, Side::Sell, limit),
        "bids": floor.levels(pair, Side::Buy, limit),
    });
    if ask.params.text("with_id").is_some_and(|with_id| with_id.eq_ignore_ascii_case("true")) {
        book["id"] = floor.last_id().into();
    }
    Ok(book)
}

/// Newest first.
fn trades(house: &mut House<Gate>, ask: &Ask) -> Reply {
    let (pair, limit) = (pair(house, &ask.params)?, limit(ask, 100)?);
    let name = name(&house.desk.floor.pairs[pair]);
    let show = |print: &Print| {
        json!({
            "id": print.id.to_string(), "create_time": seconds(print.at_ms),
            "create_time_ms": print.at_ms.to_string(), "currency_pair": name, "price": plain(print.price),
            "side": print.taker().as_lower(), "amount": plain(print.quantity),
            "sequence_id": print.id.to_string(),
        })
    };
    Ok(house.desk.floor.tape(pair).iter().rev().take(limit).map(show).collect())
}

/// Level candles of the ladder's middle price, oldest first; prices stand as close, high, low, open.
fn klines(house: &mut House<Gate>, ask: &Ask) -> Reply {
    let price = plain(house.desk.floor.pairs[pair(house, &ask.params)?].price);
    let length = ask.params.text("interval").map_or(Some(1_800_000), |text| length_ms(&text));
    let length = length.ok_or(Error::INTERVAL)?;
    let at = |seconds: i64| seconds.saturating_mul(1000);
    let end = ask.params.integer("to")?.map_or(ask.now, at).min(ask.now);
    let start = ask.params.integer("from")?.map(at);
    let usual = if start.is_some() { 1000 } else { 100 };
    let opens = candles(length, start, end, limit(ask, usual)?);
    let candle = |open: i64| json!([seconds(open), "0", price, price, price, price, "0", "true"]);
    Ok(opens.into_iter().map(candle).collect())
}

fn length_ms(name: &str) -> Option<i64> {
    let seconds = match name {
        "10s" => 10,
        "1m" => 60,
        "5m" => 300,
        "15m" => 900,
        "30m" => 1800,
        "1h" => 3600,
        "2h" => 7200,
        "4h" => 14_400,
        "8h" => 28_800,
        "1d" => 86_400,
        "7d" => 604_800,
        "30d" => 2_592_000,
        _ => return None,
    };
    Some(seconds * 1000)
}
