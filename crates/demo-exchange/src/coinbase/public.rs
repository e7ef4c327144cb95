//! What anyone may read: time, products, books, trades, candles; and currencies and rates of the app's API.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::error::Error;
use super::show::{is_fiat, product_id};
use super::{Coinbase, Reply};
use crate::amount::plain;
use crate::config::Permission::Read;
use crate::date::{seconds, utc};
use crate::floor::{Floor, Print, Side};
use crate::house::{Ask, House, Route};
use crate::market;
use crate::params::each;

pub(super) const ROUTES: &[Route<Coinbase>] = &[
    Route::public("/api/v3/brokerage/time", time),
    Route::public("/api/v3/brokerage/market/products", products),
    Route::public("/api/v3/brokerage/market/products/*", product),
    Route::public("/api/v3/brokerage/market/products/*/ticker", ticker),
    Route::public("/api/v3/brokerage/market/products/*/candles", candles),
    Route::public("/api/v3/brokerage/market/product_book", product_book),
    Route::public("/v2/time", old_time),
    Route::public("/v2/currencies", fiat_currencies),
    Route::public("/v2/currencies/crypto", crypto_currencies),
    Route::public("/v2/exchange-rates", exchange_rates),
    Route::public("/v2/prices/*/*", price),
];

/// The same for callers with a key.
pub(super) const SIGNED: &[Route<Coinbase>] = &[
    Route::signed("GET", "/api/v3/brokerage/products", Read, |house, ask, _| products(house, ask)),
    Route::signed("GET", "/api/v3/brokerage/products/*", Read, |house, ask, _| product(house, ask)),
    Route::signed("GET", "/api/v3/brokerage/products/*/ticker", Read, |house, ask, _| ticker(house, ask)),
    Route::signed("GET", "/api/v3/brokerage/products/*/candles", Read, |house, ask, _| candles(house, ask)),
    Route::signed("GET", "/api/v3/brokerage/product_book", Read, |house, ask, _| product_book(house, ask)),
    Route::signed("GET", "/api/v3/brokerage/best_bid_ask", Read, |house, ask, _| best_bid_ask(house, ask)),
];

fn time(_: &mut House<Coinbase>, ask: &Ask) -> Reply {
    let (iso, at) = (format!("{}Z", seconds(ask.now)), ask.now);
    Ok(json!({ "iso": iso, "epochSeconds": (at / 1000).to_string(), "epochMillis": at.to_string() }))
}

fn old_time(_: &mut House<Coinbase>, ask: &Ask) -> Reply {
    Ok(json!({ "data": { "iso": format!("{}Z", seconds(ask.now)), "epoch": ask.now / 1000 } }))
}

pub(super) fn pair_index(floor: &Floor, name: &str) -> Option<usize> {
    floor.pair_named(name, "-")
}

/// The product of the path.
fn named(house: &House<Coinbase>, ask: &Ask) -> Result<usize, Error> {
    let name = ask.rest.first().map(String::as_str).unwrap_or_default();
    pair_index(&house.desk.floor, name).ok_or(Error::NoProduct)
}

/// Only coins are traded, no contracts.
fn products(house: &mut House<Coinbase>, ask: &Ask) -> Reply {
    let floor = &house.desk.floor;
    let (wanted, kind) = (each(ask.request, "product_ids"), ask.params.text("product_type"));
    let none = kind.is_some_and(|kind| !matches!(kind.as_str(), "SPOT" | "UNKNOWN_PRODUCT_TYPE"));
    let fits =
        |pair: &usize| !none && (wanted.is_empty() || wanted.contains(&product_id(&floor.pairs[*pair])));
    let shown: Vec<Value> =
        (0..floor.pairs.len()).filter(fits).map(|pair| shown_product(floor, pair)).collect();
    Ok(json!({ "num_products": shown.len(), "products": shown }))
}

fn product(house: &mut House<Coinbase>, ask: &Ask) -> Reply {
    let pair = named(house, ask)?;
    Ok(shown_product(&house.desk.floor, pair))
}

fn shown_product(floor: &Floor, index: usize) -> Value {
    let (pair, day) = (&floor.pairs[index], floor.day(index));
    json!({
        "product_id": product_id(pair), "price": plain(day.last),
        "price_percentage_change_24h": plain(day.change() * Decimal::ONE_HUNDRED),
        "volume_24h": plain(day.volume), "volume_percentage_change_24h": "0", "base_increment": plain(pair.step),
        "quote_increment": plain(pair.tick), "quote_min_size": plain(pair.min_notional),
        "quote_max_size": "1000000000", "base_min_size": plain(pair.min_quantity),
        "base_max_size": plain(pair.max_quantity), "base_name": pair.base, "quote_name": pair.quote,
        "watched": false, "is_disabled": false, "new": false, "status": "online", "cancel_only": false,
        "limit_only": false, "post_only": false, "trading_disabled": false, "auction_mode": false,
        "product_type": "SPOT", "quote_currency_id": pair.quote, "base_currency_id": pair.base,
        "fcm_trading_session_details": null, "mid_market_price": "", "alias": "", "alias_to": [],
        "base_display_symbol": pair.base, "quote_display_symbol": pair.quote, "view_only": false,
        "price_increment": plain(pair.tick), "display_name": product_id(pair), "product_venue": "CBE",
        "approximate_quote_24h_volume": plain(day.quote_volume),
    })
}

/// The latest trades and the best prices. Before the first trade one of nothing stands there at the middle price:
/// clients take the last price from it.
fn ticker(house: &mut House<Coinbase>, ask: &Ask) -> Reply {
    let pair = named(house, ask)?;
    let floor = &house.desk.floor;
    let size = ask.params.count("limit", 100, 1000).ok_or(Error::Argument("limit"))?;
    let first = Print {
        id: 0,
        price: floor.last_price(pair),
        quantity: Decimal::ZERO,
        buyer_is_maker: false,
        at_ms: ask.now,
    };
    let tape = floor.tape(pair);
    let newest = tape.iter().rev().chain(tape.is_empty().then_some(&first)).take(size);
    let product = product_id(&floor.pairs[pair]);
    let show = |print: &Print| {
        json!({ "trade_id": print.id.to_string(), "product_id": product, "price": plain(print.price),
                "size": plain(print.quantity), "time": utc(print.at_ms),
                "side": print.taker().as_upper(), "bid": "", "ask": "" })
    };
    let best = |side| floor.depth(pair, side, 1).first().map_or_else(String::new, |level| plain(level.0));
    Ok(json!({ "trades": newest.map(show).collect::<Vec<_>>(), "best_bid": best(Side::Buy),
               "best_ask": best(Side::Sell) }))
}

fn product_book(house: &mut House<Coinbase>, ask: &Ask) -> Reply {
    let floor = &house.desk.floor;
    let name = ask.params.text("product_id").unwrap_or_default();
    let pair = pair_index(floor, &name).ok_or(Error::NoProduct)?;
    let size = ask.params.count("limit", 50, usize::MAX).ok_or(Error::Argument("limit"))?;
    Ok(json!({ "pricebook": book(floor, pair, size, ask.now) }))
}

fn best_bid_ask(house: &mut House<Coinbase>, ask: &Ask) -> Reply {
    let floor = &house.desk.floor;
    let wanted = each(ask.request, "product_ids");
    let fits = |pair: &usize| wanted.is_empty() || wanted.contains(&product_id(&floor.pairs[*pair]));
    let books = (0..floor.pairs.len()).filter(fits).map(|pair| book(floor, pair, 1, ask.now));
    Ok(json!({ "pricebooks": books.collect::<Vec<_>>() }))
}

fn book(floor: &Floor, pair: usize, size: usize, now: i64) -> Value {
    let levels = |side| {
        let show = |(price, quantity)| json!({ "price": plain(price), "size": plain(quantity) });
        floor.depth(pair, side, size).into_iter().map(show).collect::<Vec<_>>()
    };
    json!({ "product_id": product_id(&floor.pairs[pair]), "bids": levels(Side::Buy), "asks": levels(Side::Sell),
            "time": utc(now) })
}

/// Candles of the ladder's middle price: level, without volume; newest first, at most 350.
fn candles(house: &mut House<Coinbase>, ask: &Ask) -> Reply {
    let price = plain(house.desk.floor.pairs[named(house, ask)?].price);
    let length = match ask.params.text("granularity").as_deref() {
        Some("ONE_MINUTE") => 60,
        Some("FIVE_MINUTE") => 300,
        Some("FIFTEEN_MINUTE") => 900,
        Some("THIRTY_MINUTE") => 1800,
        Some("ONE_HOUR") => 3600,
        Some("TWO_HOUR") => 7200,
        Some("SIX_HOUR") => 21_600,
        Some("ONE_DAY") => 86_400,
        _ => return Err(Error::Argument("granularity is not known")),
    };
    let time = |name: &str| {
        let time = ask.params.text(name).and_then(|text| text.parse::<u32>().ok());
        time.map(i64::from).ok_or(Error::Argument("start and end are Unix times"))
    };
    let (start, end) = (time("start")?, time("end")?.min(ask.now / 1000));
    let candle = |at: i64| {
        let start = at.to_string();
        json!({ "start": start, "low": price, "high": price, "open": price, "close": price, "volume": "0" })
    };
    let newest = market::candles(length, None, end, 350).into_iter().rev();
    Ok(json!({ "candles": newest.take_while(|at| *at >= start).map(candle).collect::<Vec<_>>() }))
}

fn fiat_currencies(house: &mut House<Coinbase>, _: &Ask) -> Reply {
    let fiat = house.desk.floor.assets().into_iter().filter(|asset| is_fiat(asset));
    let show = |asset| json!({ "id": asset, "name": asset, "min_size": "0.01" });
    Ok(json!({ "data": fiat.map(show).collect::<Vec<_>>() }))
}

fn crypto_currencies(house: &mut House<Coinbase>, _: &Ask) -> Reply {
    let crypto = house.desk.floor.assets().into_iter().filter(|asset| !is_fiat(asset));
    let show = |asset| {
        json!({ "asset_id": format!("demo-{asset}"), "code": asset, "name": asset, "color": "#000000",
                "sort_index": 100, "exponent": 8, "type": "crypto", "address_regex": "^.+$" })
    };
    Ok(json!({ "data": crypto.map(show).collect::<Vec<_>>() }))
}

/// What a dollar buys.
fn exchange_rates(house: &mut House<Coinbase>, _: &Ask) -> Reply {
    let floor = &house.desk.floor;
    let rate = |(index, pair): (usize, &crate::config::Pair)| {
        let rate = (Decimal::ONE / floor.last_price(index)).round_dp(16);
        (pair.quote == "USD").then(|| (pair.base.clone(), Value::from(plain(rate))))
    };
    let mut rates: Map<String, Value> = floor.pairs.iter().enumerate().filter_map(rate).collect();
    rates.insert("USD".to_owned(), "1".into());
    Ok(json!({ "data": { "currency": "USD", "rates": rates } }))
}

fn price(house: &mut House<Coinbase>, ask: &Ask) -> Reply {
    let pair = named(house, ask)?;
    let floor = &house.desk.floor;
    let best = |side| floor.depth(pair, side, 1).first().map(|level| level.0);
    let amount = match ask.rest.get(1).map(String::as_str) {
        Some("spot") => Some(floor.last_price(pair)),
        Some("buy") => best(Side::Sell),
        Some("sell") => best(Side::Buy),
        _ => None,
    };
    let amount = plain(amount.ok_or(Error::NotFound)?);
    let pair = &floor.pairs[pair];
    Ok(json!({ "data": { "amount": amount, "base": pair.base, "currency": pair.quote } }))
}
