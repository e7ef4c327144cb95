//! What anyone may read: time, currencies, symbols, prices, books, trades, candles.

use serde_json::{Value, json};

use super::error::Error;
use super::{Kucoin, Reply, symbol};
use crate::amount::plain;
use crate::config::Pair;
use crate::floor::{Print, Side};
use crate::house::{Ask, House, Route};
use crate::market::candles;

pub(super) const ROUTES: &[Route<Kucoin>] = &[
    Route::public("/api/v1/timestamp", |_, ask| Ok(ask.now.into())),
    Route::public("/api/v1/status", |_, _| Ok(json!({ "status": "open", "msg": "" }))),
    Route::public("/api/v3/currencies", currencies),
    Route::public("/api/v3/currencies/*", currency),
    Route::public("/api/v1/symbols", symbols),
    Route::public("/api/v2/symbols", symbols),
    Route::public("/api/v2/symbols/*", one_symbol),
    Route::public("/api/v1/market/allTickers", tickers),
    Route::public("/api/v1/market/stats", stats),
    Route::public("/api/v1/market/orderbook/level1", best),
    Route::public("/api/v1/market/orderbook/level2_20", |house, ask| book(house, ask, 20)),
    Route::public("/api/v1/market/orderbook/level2_100", |house, ask| book(house, ask, 100)),
    Route::public("/api/v1/market/histories", trades),
    Route::public("/api/v1/market/candles", klines),
    // Futures have a host of their own and no market here.
    Route::public("/api/v1/contracts/active", |_, _| Ok(json!([]))),
];

pub(super) const NANOS: i64 = 1_000_000;

/// The pair that the parameter `symbol` names.
pub(super) fn pair(house: &House<Kucoin>, ask: &Ask) -> Result<usize, Error> {
    house.pair(&ask.params.text("symbol").ok_or(Error::SYMBOL)?)
}

fn currencies(house: &mut House<Kucoin>, _: &Ask) -> Reply {
    Ok(house.desk.floor.assets().into_iter().map(shown_currency).collect())
}

fn currency(house: &mut House<Kucoin>, ask: &Ask) -> Reply {
    let found = house.desk.floor.assets().into_iter().find(|asset| *asset == ask.rest[0]);
    found.map(shown_currency).ok_or(Error::CURRENCY)
}

fn shown_currency(asset: &str) -> Value {
    let chain = chain(asset);
    json!({
        "currency": asset, "name": asset, "fullName": asset, "precision": 8, "confirms": null,
        "contractAddress": null, "isMarginEnabled": false, "isDebitEnabled": false,
        "chains": [{
            "chainName": chain.to_uppercase(), "chainId": chain, "withdrawalMinSize": "0.001",
            "depositMinSize": null, "withdrawFeeRate": "0", "withdrawalMinFee": "0", "isWithdrawEnabled": true,
            "isDepositEnabled": true, "confirms": 1, "preConfirms": 1, "contractAddress": "",
            "withdrawPrecision": 8, "maxWithdraw": null, "maxDeposit": null, "needTag": false,
        }],
    })
}

/// The network of an asset; tokens live on Ethereum.
pub(super) fn chain(asset: &str) -> &'static str {
    if asset == "BTC" { "btc" } else { "eth" }
}

fn symbols(house: &mut House<Kucoin>, _: &Ask) -> Reply {
    Ok(house.desk.floor.pairs.iter().map(shown_symbol).collect())
}

fn one_symbol(house: &mut House<Kucoin>, ask: &Ask) -> Reply {
    let pair = house.pair(&ask.rest[0])?;
    Ok(shown_symbol(&house.desk.floor.pairs[pair]))
}

fn shown_symbol(pair: &Pair) -> Value {
    json!({
        "symbol": symbol(pair), "name": symbol(pair), "baseCurrency": pair.base, "quoteCurrency": pair.quote,
        "feeCurrency": pair.quote, "market": pair.quote,
        "baseMinSize": plain(pair.min_quantity), "baseMaxSize": plain(pair.max_quantity),
        "quoteMinSize": plain(pair.min_notional), "quoteMaxSize": "99999999",
        "baseIncrement": plain(pair.step), "quoteIncrement": "0.00000001", "priceIncrement": plain(pair.tick),
        "minFunds": plain(pair.min_notional), "priceLimitRate": "0.1", "isMarginEnabled": false,
        "enableTrading": true, "feeCategory": 1, "makerFeeCoefficient": "1.00", "takerFeeCoefficient": "1.00",
        "st": false,
    })
}

fn tickers(house: &mut House<Kucoin>, ask: &Ask) -> Reply {
    let pairs = 0..house.desk.floor.pairs.len();
    Ok(json!({ "time": ask.now, "ticker": pairs.map(|pair| ticker(house, pair)).collect::<Vec<_>>() }))
}

fn stats(house: &mut House<Kucoin>, ask: &Ask) -> Reply {
    let mut stats = ticker(house, pair(house, ask)?);
    stats["time"] = ask.now.into();
    Ok(stats)
}

fn ticker(house: &House<Kucoin>, pair: usize) -> Value {
    let day = house.desk.floor.day(pair);
    let rate = plain(house.desk.floor.fee_rate());
    json!({
        "symbol": house.symbol(pair), "symbolName": house.symbol(pair),
        "buy": plain(day.bid.0), "bestBidSize": plain(day.bid.1),
        "sell": plain(day.ask.0), "bestAskSize": plain(day.ask.1),
        "changeRate": plain(day.change().round_dp(6)), "changePrice": plain(day.last - day.open),
        "high": plain(day.high), "low": plain(day.low), "last": plain(day.last), "averagePrice": plain(day.open),
        "vol": plain(day.volume), "volValue": plain(day.quote_volume), "takerFeeRate": rate, "makerFeeRate": rate,
        "takerCoefficient": "1", "makerCoefficient": "1",
    })
}

fn best(house: &mut House<Kucoin>, ask: &Ask) -> Reply {
    let pair = pair(house, ask)?;
    let day = house.desk.floor.day(pair);
    Ok(json!({
        "time": ask.now, "sequence": house.desk.floor.last_id().to_string(),
        "price": plain(day.last), "size": plain(day.last_quantity), "bestBid": plain(day.bid.0),
        "bestBidSize": plain(day.bid.1), "bestAsk": plain(day.ask.0), "bestAskSize": plain(day.ask.1),
    }))
}

pub(super) fn book(house: &House<Kucoin>, ask: &Ask, limit: usize) -> Reply {
    let (pair, floor) = (pair(house, ask)?, &house.desk.floor);
    Ok(json!({
        "time": ask.now, "sequence": floor.last_id().to_string(),
        "bids": floor.levels(pair, Side::Buy, limit), "asks": floor.levels(pair, Side::Sell, limit),
    }))
}

/// The last hundred trades, newest first.
fn trades(house: &mut House<Kucoin>, ask: &Ask) -> Reply {
    let show = |print: &Print| {
        json!({
            "sequence": print.id.to_string(), "price": plain(print.price), "size": plain(print.quantity),
            "side": print.taker().as_lower(), "time": print.at_ms * NANOS,
        })
    };
    Ok(house.desk.floor.tape(pair(house, ask)?).iter().rev().take(100).map(show).collect())
}

/// Level candles of the ladder's middle price, newest first.
fn klines(house: &mut House<Kucoin>, ask: &Ask) -> Reply {
    let price = plain(house.desk.floor.pairs[pair(house, ask)?].price);
    let length = ask.params.text("type").and_then(|text| length_ms(&text)).ok_or(Error::PARAMETER)?;
    let at = |seconds: i64| seconds.saturating_mul(1000);
    let end = ask.params.integer("endAt")?.map_or(ask.now, at).min(ask.now);
    let opens = candles(length, ask.params.integer("startAt")?.map(at), end, 1500).into_iter().rev();
    Ok(opens.map(|open| json!([(open / 1000).to_string(), price, price, price, price, "0", "0"])).collect())
}

fn length_ms(name: &str) -> Option<i64> {
    let minutes = match name {
        "1min" => 1,
        "3min" => 3,
        "5min" => 5,
        "15min" => 15,
        "30min" => 30,
        "1hour" => 60,
        "2hour" => 120,
        "4hour" => 240,
        "6hour" => 360,
        "8hour" => 480,
        "12hour" => 720,
        "1day" => 1440,
        "1week" => 10_080,
        "1month" => 43_200,
        _ => return None,
    };
    Some(minutes * 60_000)
}
