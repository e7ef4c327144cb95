//! What anyone may ask: time, assets, pairs and the market.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::name::{altname, asset, asset_id, pair, pair_altname, pair_id, pair_wsname};
use super::{Error, Kraken, Reply, limit, price, seconds, volume};
use crate::amount::{decimals, number, plain};
use crate::config::Pair;
use crate::date::utc;
use crate::floor::{Floor, Print, Side};
use crate::house::{Ask, House, Route};
use crate::market;

pub(super) const ROUTES: &[Route<Kraken>] = &[
    Route::public("/0/public/Time", time),
    Route::public("/0/public/SystemStatus", status),
    Route::public("/0/public/Assets", list_assets),
    Route::public("/0/public/AssetPairs", list_pairs),
    Route::public("/0/public/Ticker", ticker),
    Route::public("/0/public/Depth", depth),
    Route::public("/0/public/Trades", trades),
    Route::public("/0/public/OHLC", candles),
];

fn time(_: &mut House<Kraken>, ask: &Ask) -> Reply {
    Ok(json!({ "unixtime": ask.now / 1000 }))
}

fn status(_: &mut House<Kraken>, ask: &Ask) -> Reply {
    Ok(json!({ "status": "online", "timestamp": utc(ask.now) }))
}

fn list_assets(house: &mut House<Kraken>, ask: &Ask) -> Reply {
    let floor = &house.desk.floor;
    let asked = match ask.params.text("asset") {
        Some(names) => names.split(',').map(|name| asset(floor, name)).collect::<Option<_>>(),
        None => Some(floor.assets()),
    };
    let shown = asked.ok_or(Error::ASSET)?.into_iter().map(|asset| {
        let (decimals, display) = if asset_id(asset).starts_with('Z') { (4, 2) } else { (10, 5) };
        let about = json!({ "aclass": "currency", "altname": altname(asset), "decimals": decimals,
                            "display_decimals": display, "status": "enabled" });
        (asset_id(asset), about)
    });
    Ok(Value::Object(shown.collect()))
}

/// The pairs that `pair` names, or all.
fn asked_pairs(floor: &Floor, ask: &Ask) -> Result<Vec<usize>, Error> {
    match ask.params.text("pair") {
        Some(names) => names.split(',').map(|name| pair(floor, name)).collect(),
        None => Ok((0..floor.pairs.len()).collect()),
    }
}

/// One object with a member for each asked pair.
fn each(house: &House<Kraken>, ask: &Ask, show: impl Fn(usize) -> Value) -> Reply {
    let floor = &house.desk.floor;
    let shown = asked_pairs(floor, ask)?.into_iter().map(|at| (pair_id(&floor.pairs[at]), show(at)));
    Ok(Value::Object(shown.collect()))
}

fn list_pairs(house: &mut House<Kraken>, ask: &Ask) -> Reply {
    let fee = number(house.desk.floor.fee_rate() * Decimal::ONE_HUNDRED);
    each(house, ask, |at| about(&house.desk.floor.pairs[at], &fee))
}

fn about(pair: &Pair, fee: &Value) -> Value {
    json!({
        "altname": pair_altname(pair),
        "wsname": pair_wsname(pair),
        "aclass_base": "currency",
        "base": asset_id(&pair.base),
        "aclass_quote": "currency",
        "quote": asset_id(&pair.quote),
        "lot": "unit",
        "cost_decimals": 5,
        "pair_decimals": decimals(pair.tick),
        "lot_decimals": decimals(pair.step),
        "lot_multiplier": 1,
        "leverage_buy": [],
        "leverage_sell": [],
        "fees": [[0, fee]],
        "fees_maker": [[0, fee]],
        "fee_volume_currency": "ZUSD",
        "margin_call": 80,
        "margin_stop": 40,
        "ordermin": pair.min_quantity.to_string(),
        "costmin": pair.min_notional.to_string(),
        "tick_size": pair.tick.to_string(),
        "status": "online",
    })
}

fn ticker(house: &mut House<Kraken>, ask: &Ask) -> Reply {
    each(house, ask, |at| ticker_of(&house.desk.floor, at))
}

fn ticker_of(floor: &Floor, at: usize) -> Value {
    let day = floor.day(at);
    // today, and the last 24 hours
    let twice = |text: String| json!([text, text]);
    json!({
        "a": best(day.ask),
        "b": best(day.bid),
        "c": [price(day.last), volume(day.last_quantity)],
        "v": twice(volume(day.volume)),
        "p": twice(price(day.average())),
        "t": [day.trades, day.trades],
        "l": twice(price(day.low)),
        "h": twice(price(day.high)),
        "o": price(day.open),
    })
}

/// Price, volume in whole lots, volume.
fn best((best, quantity): (Decimal, Decimal)) -> Value {
    json!([price(best), plain(quantity.ceil()), format!("{quantity:.3}")])
}

/// The one pair that must be named.
fn one_pair(floor: &Floor, ask: &Ask) -> Result<usize, Error> {
    pair(floor, &ask.params.text("pair").ok_or_else(|| Error::argument("pair"))?)
}

fn depth(house: &mut House<Kraken>, ask: &Ask) -> Reply {
    let floor = &house.desk.floor;
    let (at, count) = (one_pair(floor, ask)?, limit(ask, "count", 100, 500)?);
    let side = |side| -> Vec<Value> {
        let levels = floor.depth(at, side, count).into_iter();
        levels
            .map(|(level, quantity)| json!([price(level), format!("{quantity:.3}"), ask.now / 1000]))
            .collect()
    };
    let book = json!({ "asks": side(Side::Sell), "bids": side(Side::Buy) });
    Ok(json!({ pair_id(&floor.pairs[at]): book }))
}

fn trades(house: &mut House<Kraken>, ask: &Ask) -> Reply {
    let floor = &house.desk.floor;
    let (at, count) = (one_pair(floor, ask)?, limit(ask, "count", 1000, 1000)?);
    let tape = floor.tape(at);
    let show = |print: &Print| {
        let side = print.taker().pick("b", "s");
        json!([price(print.price), volume(print.quantity), seconds(print.at_ms), side, "l", "", print.id])
    };
    let shown: Vec<Value> = tape.iter().skip(tape.len().saturating_sub(count)).map(show).collect();
    let last = format!("{}000000", tape.back().map_or(ask.now, |print| print.at_ms));
    Ok(listed(&floor.pairs[at], shown, last.into()))
}

/// Level candles at the middle of the ladder, as many as Kraken gives.
fn candles(house: &mut House<Kraken>, ask: &Ask) -> Reply {
    const MINUTES: [i64; 9] = [1, 5, 15, 30, 60, 240, 1440, 10080, 21600];
    let floor = &house.desk.floor;
    let at = one_pair(floor, ask)?;
    let minutes = ask.params.text("interval").map_or(Some(1), |text| text.parse().ok());
    let minutes = minutes.filter(|minutes| MINUTES.contains(minutes)).ok_or(Error::argument("interval"))?;
    let length = minutes * 60;
    let opens = market::candles(length, None, ask.now / 1000, 720);
    let last = opens.last().copied().unwrap_or_default();
    let middle = price(floor.pairs[at].price);
    let candle = |open| json!([open, middle, middle, middle, middle, "0.00000", "0.00000000", 0]);
    let shown = opens.into_iter().map(candle).collect();
    Ok(listed(&floor.pairs[at], shown, (last - length).into()))
}

/// Rows under the pair's name, and from where to go on.
fn listed(pair: &Pair, rows: Vec<Value>, last: Value) -> Value {
    Value::Object(Map::from_iter([(pair_id(pair), Value::Array(rows)), ("last".to_owned(), last)]))
}
