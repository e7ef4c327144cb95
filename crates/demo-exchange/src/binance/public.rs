//! What anyone may read: time, symbols with their filters, prices, books, trades.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::candles::klines;
use super::error::Error;
use super::param::Params;
use super::{Access, Binance, Reply, Route};
use crate::config::Pair;
use crate::floor::{Print, Side};

pub(super) static ROUTES: &[Route] = &[
    Route::get("/api/v3/ping", 1, &[], Access::Public(|_, _, _| Ok(json!({})))),
    Route::get("/api/v3/time", 1, &[], Access::Public(|_, _, now| Ok(json!({ "serverTime": now })))),
    Route::get("/api/v3/exchangeInfo", 20, INFO, Access::Public(exchange_info)),
    Route::get("/api/v3/ticker/price", 2, SYMBOLS, Access::Public(price)),
    Route::get("/api/v3/ticker/bookTicker", 2, SYMBOLS, Access::Public(book_ticker)),
    Route::get("/api/v3/ticker/24hr", 2, DAY, Access::Public(day)),
    Route::get("/api/v3/avgPrice", 2, &["symbol"], Access::Public(average)),
    Route::get("/api/v3/depth", 5, &["symbol", "limit"], Access::Public(depth)),
    Route::get("/api/v3/trades", 25, &["symbol", "limit"], Access::Public(trades)),
    Route::get("/api/v3/aggTrades", 4, AGGREGATES, Access::Public(aggregates)),
    Route::get("/api/v3/historicalTrades", 25, &["symbol", "limit", "fromId"], Access::Keyed(trades)),
    Route::get("/api/v3/klines", 2, KLINES, Access::Public(klines)),
    Route::get("/fapi/v1/exchangeInfo", 1, &[], Access::Public(no_derivatives)),
    Route::get("/dapi/v1/exchangeInfo", 1, &[], Access::Public(no_derivatives)),
];

const INFO: &[&str] = &["symbol", "symbols", "permissions", "showPermissionSets", "symbolStatus"];
const SYMBOLS: &[&str] = &["symbol", "symbols", "symbolStatus"];
const DAY: &[&str] = &["symbol", "symbols", "type", "symbolStatus"];
const AGGREGATES: &[&str] = &["symbol", "fromId", "startTime", "endTime", "limit"];
const KLINES: &[&str] = &["symbol", "interval", "startTime", "endTime", "timeZone", "limit"];

/// Eight decimals, as Binance prints every amount.
pub(super) fn fixed(amount: Decimal) -> String {
    format!("{amount:.8}")
}

/// The pair that `symbol` names.
pub(super) fn pair(binance: &Binance, params: &Params) -> Result<usize, Error> {
    symbol_index(binance, params.need("symbol")?)
}

fn symbol_index(binance: &Binance, symbol: &str) -> Result<usize, Error> {
    let legal =
        symbol.len() <= 50 && symbol.chars().all(|c| c.is_alphanumeric() && !c.is_lowercase() || c == '_');
    if !legal {
        return Err(Error::illegal_characters("symbol", "^[\\w\\-._&&[^a-z]]{1,50}$"));
    }
    binance.floor.pair_index(symbol).ok_or_else(Error::symbol)
}

/// The pairs asked for by `symbol` or `symbols`; `true` if it was exactly one by `symbol`.
fn selection(binance: &Binance, params: &Params) -> Result<(Vec<usize>, bool), Error> {
    match (params.get("symbol")?, params.get("symbols")?) {
        (Some(_), Some(_)) => Err(Error::optional_combination()),
        (Some(symbol), None) => Ok((vec![symbol_index(binance, symbol)?], true)),
        (None, Some(list)) => {
            let legal = || {
                Error::illegal_characters(
                    "symbols",
                    "^\\[(\"[A-Z0-9-_.]{1,20}\"(,\"[A-Z0-9-_.]{1,20}\"){0,}){0,1}\\]$",
                )
            };
            let symbols: Vec<String> = serde_json::from_str(list).map_err(|_| legal())?;
            let pairs = symbols.iter().map(|symbol| symbol_index(binance, symbol));
            Ok((pairs.collect::<Result<_, _>>()?, false))
        }
        (None, None) => Ok(((0..binance.floor.pairs.len()).collect(), false)),
    }
}

/// One object for `symbol`, else a list.
fn each(binance: &Binance, params: &Params, show: impl Fn(usize) -> Value) -> Reply {
    let (pairs, single) = selection(binance, params)?;
    let mut shown: Vec<Value> = pairs.into_iter().map(show).collect();
    match single {
        true => Ok(shown.remove(0)),
        false => Ok(Value::Array(shown)),
    }
}

fn exchange_info(binance: &Binance, params: &Params, now: i64) -> Reply {
    let (pairs, _) = selection(binance, params)?;
    let symbols: Vec<Value> = pairs.into_iter().map(|pair| symbol(&binance.floor.pairs[pair])).collect();
    Ok(json!({
        "timezone": "UTC",
        "serverTime": now,
        "rateLimits": [
            { "rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000 },
            { "rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100 },
            { "rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 200000 }
        ],
        "exchangeFilters": [],
        "symbols": symbols,
    }))
}

fn symbol(pair: &Pair) -> Value {
    json!({
        "symbol": pair.symbol(),
        "status": "TRADING",
        "baseAsset": pair.base,
        "baseAssetPrecision": 8,
        "quoteAsset": pair.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "icebergAllowed": false,
        "ocoAllowed": false,
        "otoAllowed": false,
        "quoteOrderQtyMarketAllowed": true,
        "allowTrailingStop": false,
        "cancelReplaceAllowed": true,
        "amendAllowed": false,
        "isSpotTradingAllowed": true,
        "isMarginTradingAllowed": false,
        "filters": filters(pair),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_MAKER"],
    })
}

fn filters(pair: &Pair) -> Value {
    json!([
        { "filterType": "PRICE_FILTER", "minPrice": fixed(pair.tick), "maxPrice": fixed(super::order::MAX_PRICE),
          "tickSize": fixed(pair.tick) },
        { "filterType": "LOT_SIZE", "minQty": fixed(pair.min_quantity), "maxQty": fixed(pair.max_quantity),
          "stepSize": fixed(pair.step) },
        { "filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": "5", "bidMultiplierDown": "0.2",
          "askMultiplierUp": "5", "askMultiplierDown": "0.2", "avgPriceMins": 5 },
        { "filterType": "NOTIONAL", "minNotional": fixed(pair.min_notional), "applyMinToMarket": true,
          "maxNotional": fixed(super::order::MAX_NOTIONAL), "applyMaxToMarket": false, "avgPriceMins": 5 },
        { "filterType": "MAX_NUM_ORDERS", "maxNumOrders": super::order::MAX_OPEN },
    ])
}

fn price(binance: &Binance, params: &Params, _now: i64) -> Reply {
    each(binance, params, |pair| {
        let symbol = binance.floor.pairs[pair].symbol();
        json!({ "symbol": symbol, "price": fixed(binance.floor.last_price(pair)) })
    })
}

/// Best price and quantity of one side; zeros if it is empty.
fn best(binance: &Binance, pair: usize, side: Side) -> (Decimal, Decimal) {
    binance.floor.depth(pair, side, 1).first().copied().unwrap_or_default()
}

fn book_ticker(binance: &Binance, params: &Params, _now: i64) -> Reply {
    each(binance, params, |pair| {
        let (bid, ask) = (best(binance, pair, Side::Buy), best(binance, pair, Side::Sell));
        json!({
            "symbol": binance.floor.pairs[pair].symbol(),
            "bidPrice": fixed(bid.0), "bidQty": fixed(bid.1),
            "askPrice": fixed(ask.0), "askQty": fixed(ask.1),
        })
    })
}

fn day(binance: &Binance, params: &Params, now: i64) -> Reply {
    let mini = match params.get("type")? {
        None | Some("FULL") => false,
        Some("MINI") => true,
        Some(_) => return Err(Error::data("type")),
    };
    each(binance, params, |pair| day_of(binance, pair, now, mini))
}

fn day_of(binance: &Binance, pair: usize, now: i64, mini: bool) -> Value {
    let (day, tape) = (binance.floor.day(pair), binance.floor.tape(pair));
    let mut ticker = json!({
        "symbol": binance.floor.pairs[pair].symbol(),
        "openPrice": fixed(day.open), "lastPrice": fixed(day.last),
        "highPrice": fixed(day.high), "lowPrice": fixed(day.low),
        "volume": fixed(day.volume), "quoteVolume": fixed(day.quote_volume),
        "openTime": now - 86_400_000, "closeTime": now,
        "firstId": tape.front().map_or(0, |print| print.id),
        "lastId": tape.back().map_or(0, |print| print.id),
        "count": day.trades,
    });
    if !mini && let Some(fields) = ticker.as_object_mut() {
        let more = [
            ("priceChange", fixed(day.last - day.open)),
            ("priceChangePercent", format!("{:.3}", day.change() * Decimal::ONE_HUNDRED)),
            ("weightedAvgPrice", fixed(day.average())),
            ("prevClosePrice", fixed(day.open)),
            ("lastQty", fixed(day.last_quantity)),
            ("bidPrice", fixed(day.bid.0)),
            ("bidQty", fixed(day.bid.1)),
            ("askPrice", fixed(day.ask.0)),
            ("askQty", fixed(day.ask.1)),
        ];
        fields.extend(more.map(|(name, value)| (name.to_owned(), value.into())));
    }
    ticker
}

fn average(binance: &Binance, params: &Params, now: i64) -> Reply {
    let pair = pair(binance, params)?;
    Ok(json!({ "mins": 5, "price": fixed(binance.floor.last_price(pair)), "closeTime": now }))
}

fn depth(binance: &Binance, params: &Params, _now: i64) -> Reply {
    let pair = pair(binance, params)?;
    let limit = params.limit(100, 5000)?;
    let side = |side| -> Vec<[String; 2]> {
        let levels = binance.floor.depth(pair, side, limit);
        levels.into_iter().map(|(price, quantity)| [fixed(price), fixed(quantity)]).collect()
    };
    Ok(
        json!({ "lastUpdateId": 1 + binance.floor.last_id(), "bids": side(Side::Buy), "asks": side(Side::Sell) }),
    )
}

fn latest<'a>(binance: &'a Binance, params: &Params) -> Result<impl Iterator<Item = &'a Print>, Error> {
    let tape = binance.floor.tape(pair(binance, params)?);
    let limit = params.limit(500, 1000)?;
    Ok(tape.iter().skip(tape.len().saturating_sub(limit)))
}

fn trades(binance: &Binance, params: &Params, _now: i64) -> Reply {
    let show = |print: &Print| {
        json!({
            "id": print.id, "price": fixed(print.price), "qty": fixed(print.quantity),
            "quoteQty": fixed(print.price * print.quantity), "time": print.at_ms,
            "isBuyerMaker": print.buyer_is_maker, "isBestMatch": true,
        })
    };
    Ok(latest(binance, params)?.map(show).collect())
}

fn aggregates(binance: &Binance, params: &Params, _now: i64) -> Reply {
    let show = |print: &Print| {
        json!({
            "a": print.id, "p": fixed(print.price), "q": fixed(print.quantity), "f": print.id, "l": print.id,
            "T": print.at_ms, "m": print.buyer_is_maker, "M": true,
        })
    };
    Ok(latest(binance, params)?.map(show).collect())
}

fn no_derivatives(_: &Binance, _: &Params, now: i64) -> Reply {
    Ok(json!({ "timezone": "UTC", "serverTime": now, "rateLimits": [], "exchangeFilters": [], "assets": [],
               "symbols": [] }))
}
