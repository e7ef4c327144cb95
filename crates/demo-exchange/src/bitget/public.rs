//! What anyone may read: time, coins, symbols, prices, books, trades, candles.

use serde_json::{Value, json};

use super::error::Error;
use super::{Bitget, Reply, limit, optional_pair, pair};
use crate::amount::{decimals, plain};
use crate::config::Pair;
use crate::floor::{Print, Side};
use crate::house::{Ask, House, Route};
use crate::market::candles;

pub(super) const ROUTES: &[Route<Bitget>] = &[
    Route::public("/api/v2/public/time", |_, ask| Ok(json!({ "serverTime": ask.now.to_string() }))),
    Route::public("/api/v2/spot/public/coins", coins),
    Route::public("/api/v2/spot/public/symbols", symbols),
    Route::public("/api/v2/spot/market/tickers", tickers),
    Route::public("/api/v2/spot/market/orderbook", book),
    Route::public("/api/v2/spot/market/fills", trades),
    Route::public("/api/v2/spot/market/fills-history", trades),
    Route::public("/api/v2/spot/market/candles", klines),
    Route::public("/api/v2/spot/market/history-candles", klines),
    // Margin and futures have no market here.
    Route::public("/api/v2/margin/currencies", |_, _| Ok(json!([]))),
    Route::public("/api/v2/mix/market/contracts", |_, _| Ok(json!([]))),
];

fn coins(house: &mut House<Bitget>, ask: &Ask) -> Reply {
    let wanted = ask.params.text("coin");
    let assets = house.desk.floor.assets().into_iter();
    let shown: Vec<Value> =
        assets.filter(|asset| wanted.as_ref().is_none_or(|coin| coin == asset)).map(coin).collect();
    if shown.is_empty() { Err(Error::COIN) } else { Ok(shown.into()) }
}

fn coin(asset: &str) -> Value {
    json!({
        "coinId": asset, "coin": asset, "transfer": "true", "areaCoin": "no",
        "chains": [{
            "chain": chain(asset), "needTag": "false", "withdrawable": "true", "rechargeable": "true",
            "withdrawFee": "0", "extraWithdrawFee": "0", "depositConfirm": "1", "withdrawConfirm": "1",
            "minDepositAmount": "0.0001", "minWithdrawAmount": "0.001", "withdrawStep": "0",
            "withdrawMinScale": "8", "contractAddress": null, "browserUrl": "", "congestion": "normal",
        }],
    })
}

/// The network of an asset; tokens live on Ethereum.
pub(super) fn chain(asset: &str) -> &'static str {
    match asset {
        "BTC" => "BTC",
        "ETH" => "ETH",
        _ => "ERC20",
    }
}

/// The pairs asked for: one, or all of them.
fn selection(house: &House<Bitget>, ask: &Ask) -> Result<Vec<usize>, Error> {
    let one = optional_pair(house, ask)?;
    Ok(one.map_or_else(|| (0..house.desk.floor.pairs.len()).collect(), |pair| vec![pair]))
}

fn symbols(house: &mut House<Bitget>, ask: &Ask) -> Reply {
    let rate = plain(house.desk.floor.fee_rate());
    let pairs = selection(house, ask)?;
    Ok(pairs.into_iter().map(|pair| symbol(&house.desk.floor.pairs[pair], &rate)).collect())
}

fn symbol(pair: &Pair, rate: &str) -> Value {
    json!({
        "symbol": pair.symbol(), "baseCoin": pair.base, "quoteCoin": pair.quote,
        "minTradeAmount": plain(pair.min_quantity), "maxTradeAmount": plain(pair.max_quantity),
        "takerFeeRate": rate, "makerFeeRate": rate, "pricePrecision": decimals(pair.tick).to_string(),
        "quantityPrecision": decimals(pair.step).to_string(), "quotePrecision": "8",
        "minTradeUSDT": plain(pair.min_notional), "status": "online", "buyLimitPriceRatio": "0.05",
        "sellLimitPriceRatio": "0.05", "areaSymbol": "no", "orderQuantity": "200", "openTime": "1532454360000",
        "offTime": "",
    })
}

fn tickers(house: &mut House<Bitget>, ask: &Ask) -> Reply {
    Ok(selection(house, ask)?.into_iter().map(|pair| ticker(house, pair, ask.now)).collect())
}

fn ticker(house: &House<Bitget>, pair: usize, now: i64) -> Value {
    let (floor, day) = (&house.desk.floor, house.desk.floor.day(pair));
    json!({
        "symbol": floor.pairs[pair].symbol(), "open": plain(day.open), "openUtc": plain(day.open),
        "high24h": plain(day.high), "low24h": plain(day.low), "lastPr": plain(day.last),
        "baseVolume": plain(day.volume), "quoteVolume": plain(day.quote_volume), "usdtVolume": plain(day.quote_volume),
        "bidPr": plain(day.bid.0), "bidSz": plain(day.bid.1), "askPr": plain(day.ask.0), "askSz": plain(day.ask.1),
        "change24h": plain(day.change().round_dp(6)), "changeUtc24h": plain(day.change().round_dp(6)),
        "ts": now.to_string(),
    })
}

fn book(house: &mut House<Bitget>, ask: &Ask) -> Reply {
    let (pair, limit, floor) = (pair(house, ask)?, limit(ask, 150, 150)?, &house.desk.floor);
    Ok(json!({
        "asks": floor.levels(pair, Side::Sell, limit), "bids": floor.levels(pair, Side::Buy, limit),
        "ts": ask.now.to_string(),
    }))
}

/// Newest first.
fn trades(house: &mut House<Bitget>, ask: &Ask) -> Reply {
    let (pair, limit) = (pair(house, ask)?, limit(ask, 100, 500)?);
    let symbol = house.desk.floor.pairs[pair].symbol();
    let show = |print: &Print| {
        json!({
            "symbol": symbol, "tradeId": print.id.to_string(),
            "side": print.taker().as_lower(), "price": plain(print.price),
            "size": plain(print.quantity), "ts": print.at_ms.to_string(),
        })
    };
    Ok(house.desk.floor.tape(pair).iter().rev().take(limit).map(show).collect())
}

/// Level candles of the ladder's middle price, oldest first.
fn klines(house: &mut House<Bitget>, ask: &Ask) -> Reply {
    let price = plain(house.desk.floor.pairs[pair(house, ask)?].price);
    let length = ask.params.text("granularity").and_then(|text| length_ms(&text)).ok_or(Error::PARAMETER)?;
    let end = ask.params.integer("endTime")?.unwrap_or(ask.now).min(ask.now);
    let opens = candles(length, ask.params.integer("startTime")?, end, limit(ask, 100, 1000)?);
    let candle = |open: i64| json!([open.to_string(), price, price, price, price, "0", "0", "0"]);
    Ok(opens.into_iter().map(candle).collect())
}

fn length_ms(name: &str) -> Option<i64> {
    let minutes = match name {
        "1min" => 1,
        "3min" => 3,
        "5min" => 5,
        "15min" => 15,
        "30min" => 30,
        "1h" => 60,
        "4h" => 240,
        "6h" | "6Hutc" => 360,
        "12h" | "12Hutc" => 720,
        "1day" | "1Dutc" => 1440,
        "3day" | "3Dutc" => 4320,
        "1week" | "1Wutc" => 10_080,
        "1M" | "1Mutc" => 43_200,
        _ => return None,
    };
    Some(minutes * 60_000)
}
