//! What anyone may read: time, symbols, currencies, tickers, books, trades, candles.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::error::Error;
use super::{Htx, Reply, done, done_v2, pair, size, symbol};
use crate::amount::{decimals, number};
use crate::config::Pair;
use crate::floor::{Print, Side};
use crate::house::{Ask, House, Route};
use crate::market::{Day, candles};

pub(super) const ROUTES: &[Route<Htx>] = &[
    Route::public("/v1/common/timestamp", |_, ask| Ok(done(ask.now))),
    Route::public("/v1/common/symbols", symbols),
    Route::public("/v1/common/currencys", currencies),
    Route::public("/v2/reference/currencies", reference_currencies),
    Route::public("/v2/market-status", |_, _| Ok(done_v2(json!({ "marketStatus": 1 })))),
    Route::public("/market/tickers", tickers),
    Route::public("/market/detail/merged", merged),
    Route::public("/market/depth", depth),
    Route::public("/market/history/trade", trades),
    Route::public("/market/history/candles", klines),
    Route::public("/market/history/kline", klines),
];

fn symbols(house: &mut House<Htx>, _: &Ask) -> Reply {
    let shown = |pair: &Pair| {
        json!({
            "symbol": symbol(pair), "base-currency": pair.base.to_lowercase(),
            "quote-currency": pair.quote.to_lowercase(), "price-precision": decimals(pair.tick),
            "amount-precision": decimals(pair.step), "value-precision": 8, "symbol-partition": "main",
            "state": "online", "api-trading": "enabled", "min-order-amt": number(pair.min_quantity),
            "max-order-amt": number(pair.max_quantity), "min-order-value": number(pair.min_notional),
            "limit-order-min-order-amt": number(pair.min_quantity),
            "limit-order-max-order-amt": number(pair.max_quantity),
            "sell-market-min-order-amt": number(pair.min_quantity),
            "sell-market-max-order-amt": number(pair.max_quantity),
        })
    };
    Ok(done(house.desk.floor.pairs.iter().map(shown).collect::<Vec<_>>()))
}

fn currencies(house: &mut House<Htx>, _: &Ask) -> Reply {
    let names = house.desk.floor.assets();
    Ok(done(names.into_iter().map(|name| name.to_lowercase().into()).collect::<Vec<Value>>()))
}

fn reference_currencies(house: &mut House<Htx>, _: &Ask) -> Reply {
    let shown = |asset: &str| {
        json!({
            "currency": asset.to_lowercase(), "assetType": 1, "instStatus": "normal",
            "chains": [{
                "chain": chain(asset), "displayName": if asset == "USDT" { "ERC20" } else { asset },
                "fullName": asset, "depositStatus": "allowed", "withdrawStatus": "allowed", "numOfConfirmations": 12,
                "minDepositAmt": "0", "minWithdrawAmt": "0.00000001", "maxWithdrawAmt": "1000000",
                "withdrawPrecision": 8, "withdrawFeeType": "fixed", "transactFeeWithdraw": "0",
            }],
        })
    };
    let assets = house.desk.floor.assets();
    Ok(done_v2(assets.into_iter().map(shown).collect::<Vec<_>>()))
}

/// The chain that an asset is withdrawn on.
pub(super) fn chain(asset: &str) -> String {
    match asset {
        "USDT" => "usdterc20".to_owned(),
        coin => coin.to_lowercase(),
    }
}

/// An answer about one pair.
fn told(ask: &Ask, pair: &Pair, topic: &str) -> Value {
    json!({ "ch": format!("market.{}.{topic}", symbol(pair)), "status": "ok", "ts": ask.now })
}

fn tickers(house: &mut House<Htx>, ask: &Ask) -> Reply {
    let shown = |pair| {
        let day = house.desk.floor.day(pair);
        let (mut shown, bid, ask) = (shown_day(&day), day.bid, day.ask);
        shown["symbol"] = symbol(&house.desk.floor.pairs[pair]).into();
        let sides = [("bid", bid.0), ("bidSize", bid.1), ("ask", ask.0), ("askSize", ask.1)];
        for (name, amount) in sides {
            shown[name] = number(amount);
        }
        shown
    };
    let shown: Vec<Value> = (0..house.desk.floor.pairs.len()).map(shown).collect();
    Ok(json!({ "status": "ok", "ts": ask.now, "data": shown }))
}

/// `amount` is of the base asset, `vol` of the quote asset.
fn shown_day(day: &Day) -> Value {
    json!({
        "open": number(day.open), "high": number(day.high), "low": number(day.low), "close": number(day.last),
        "amount": number(day.volume), "vol": number(day.quote_volume), "count": day.trades,
    })
}

fn merged(house: &mut House<Htx>, ask: &Ask) -> Reply {
    let pair = pair(house, ask)?;
    let floor = &house.desk.floor;
    let day = floor.day(pair);
    let (mut tick, bid, asked) = (shown_day(&day), day.bid, day.ask);
    tick["id"] = ask.now.into();
    tick["version"] = ask.now.into();
    tick["bid"] = json!([number(bid.0), number(bid.1)]);
    tick["ask"] = json!([number(asked.0), number(asked.1)]);
    let mut shown = told(ask, &floor.pairs[pair], "detail.merged");
    shown["tick"] = tick;
    Ok(shown)
}

fn depth(house: &mut House<Htx>, ask: &Ask) -> Reply {
    let pair = pair(house, ask)?;
    let step =
        ask.params.text("type").filter(|step| step == "step0").ok_or_else(|| Error::invalid("type"))?;
    let limit = match ask.params.text("depth").as_deref() {
        None => 150,
        Some("5") => 5,
        Some("10") => 10,
        Some("20") => 20,
        Some(_) => return Err(Error::invalid("depth")),
    };
    let floor = &house.desk.floor;
    let side = |side| -> Vec<[Value; 2]> {
        let levels = floor.depth(pair, side, limit);
        levels.into_iter().map(|(price, quantity)| [number(price), number(quantity)]).collect()
    };
    let mut shown = told(ask, &floor.pairs[pair], &format!("depth.{step}"));
    shown["tick"] = json!({
        "bids": side(Side::Buy), "asks": side(Side::Sell), "ts": ask.now, "version": floor.last_id(),
    });
    Ok(shown)
}

fn trades(house: &mut House<Htx>, ask: &Ask) -> Reply {
    let (pair, size) = (pair(house, ask)?, size(ask, 1, 2000)?);
    let shown = |print: &Print| {
        let trade = json!({
            "id": print.id, "trade-id": print.id, "ts": print.at_ms, "price": number(print.price),
            "amount": number(print.quantity), "direction": print.taker().as_lower(),
        });
        json!({ "id": print.id, "ts": print.at_ms, "data": [trade] })
    };
    let floor = &house.desk.floor;
    let mut answer = told(ask, &floor.pairs[pair], "trade.detail");
    answer["data"] = floor.tape(pair).iter().rev().take(size).map(shown).collect();
    Ok(answer)
}

/// Candles of the ladder's middle price: level, without volume, newest first.
fn klines(house: &mut House<Htx>, ask: &Ask) -> Reply {
    let pair = &house.desk.floor.pairs[pair(house, ask)?];
    let period = ask.params.text("period").ok_or_else(|| Error::missing("period"))?;
    let length = length_s(&period).ok_or_else(|| Error::invalid("period"))?;
    let size = size(ask, 150, 2000)?;
    let moment = |name| ask.params.integer(name).map_err(|_| Error::invalid(name));
    let until = moment("to")?.unwrap_or(ask.now / 1000).min(ask.now / 1000);
    let (price, none) = (number(pair.price), number(Decimal::ZERO));
    let candle = |start: i64| {
        json!({
            "id": start, "open": price, "high": price, "low": price, "close": price, "amount": none, "vol": none,
            "count": 0,
        })
    };
    let mut answer = told(ask, pair, &format!("kline.{period}"));
    answer["data"] = candles(length, moment("from")?, until, size).into_iter().rev().map(candle).collect();
    Ok(answer)
}

fn length_s(period: &str) -> Option<i64> {
    let minutes = match period {
        "1min" => 1,
        "5min" => 5,
        "15min" => 15,
        "30min" => 30,
        "60min" => 60,
        "4hour" => 240,
        "1day" => 1440,
        "1week" => 7 * 1440,
        "1mon" => 30 * 1440,
        "1year" => 365 * 1440,
        _ => return None,
    };
    Some(minutes * 60)
}
