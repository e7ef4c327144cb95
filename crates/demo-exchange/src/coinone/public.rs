//! What anyone may read: currencies, markets, tickers, books, trades, candles.

use serde_json::{Value, json};

use super::error::Error;
use super::{Coinone, Reply};
use crate::amount::plain;
use crate::floor::Side;
use crate::house::matches;
use crate::request::{Received, form_decode};

pub(super) fn answer(coinone: &Coinone, request: &Received) -> Reply {
    let found =
        ROUTES.iter().find_map(|(pattern, handler)| Some((handler, matches(pattern, &request.path)?)));
    let (handler, rest) = found.ok_or(Error::NoPage)?;
    let mut fields = handler(coinone, &Question { rest, query: parse(&request.query), now: request.at_ms })?;
    fields["server_time"] = request.at_ms.into();
    Ok(fields)
}

struct Question {
    rest: Vec<String>,
    query: Vec<(String, String)>,
    now: i64,
}

type Handler = fn(&Coinone, &Question) -> Reply;

static ROUTES: &[(&str, Handler)] = &[
    ("/public/v2/currencies", currencies),
    ("/public/v2/currencies/*", currencies),
    ("/public/v2/markets/*", markets),
    ("/public/v2/markets/*/*", markets),
    ("/public/v2/range_units", range_units),
    ("/public/v2/range_units/*/*", range_units),
    ("/public/v2/ticker_new/*", tickers),
    ("/public/v2/ticker_new/*/*", tickers),
    ("/public/v2/ticker_utc_new/*", tickers),
    ("/public/v2/ticker_utc_new/*/*", tickers),
    ("/public/v2/orderbook/*/*", order_book),
    ("/public/v2/trades/*/*", trades),
    ("/public/v2/chart/*/*", chart),
];

/// The pair of a quote and a target currency, in any case.
pub(super) fn pair_index(coinone: &Coinone, quote: &str, target: &str) -> Result<usize, Error> {
    let is = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
    let mut pairs = coinone.floor.pairs.iter();
    if !coinone.floor.pairs.iter().any(|pair| is(&pair.quote, quote)) {
        return Err(Error::Pair);
    }
    pairs.position(|pair| is(&pair.quote, quote) && is(&pair.base, target)).ok_or(Error::Currency)
}

fn parse(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter_map(|(name, value)| Some((form_decode(name)?, form_decode(value)?))).collect()
}

impl Question {
    /// The pairs of the path: `KRW`, or `KRW/BTC`.
    fn pairs(&self, coinone: &Coinone) -> Result<Vec<usize>, Error> {
        match self.rest.as_slice() {
            [quote, target] => Ok(vec![pair_index(coinone, quote, target)?]),
            [quote] if quote.eq_ignore_ascii_case("KRW") => Ok((0..coinone.floor.pairs.len()).collect()),
            _ => Err(Error::Pair),
        }
    }

    fn pair(&self, coinone: &Coinone) -> Result<usize, Error> {
        self.pairs(coinone)?.first().copied().ok_or(Error::Pair)
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn size(&self, allowed: &[usize], default: usize) -> Result<usize, Error> {
        let Some(text) = self.get("size") else { return Ok(default) };
        let size = text.parse().map_err(|_| Error::Parameter)?;
        let fits = if allowed.is_empty() { (1..=200).contains(&size) } else { allowed.contains(&size) };
        if fits { Ok(size) } else { Err(Error::Parameter) }
    }
}

fn currencies(coinone: &Coinone, question: &Question) -> Reply {
    let mut symbols: Vec<&str> = coinone.floor.pairs.iter().map(|pair| pair.base.as_str()).collect();
    symbols.push("KRW");
    if let Some(only) = question.rest.first() {
        symbols.retain(|symbol| symbol.eq_ignore_ascii_case(only));
        if symbols.is_empty() {
            return Err(Error::Currency);
        }
    }
    let show = |symbol: &str| {
        json!({ "name": symbol, "symbol": symbol, "deposit_status": "normal", "withdraw_status": "normal",
                "deposit_confirm_count": 1, "max_precision": 8, "deposit_fee": "0.0",
                "withdrawal_min_amount": "0.001", "withdrawal_fee": "0.0005" })
    };
    Ok(json!({ "currencies": symbols.into_iter().map(show).collect::<Vec<_>>() }))
}

fn markets(coinone: &Coinone, question: &Question) -> Reply {
    let show = |index: usize| {
        let pair = &coinone.floor.pairs[index];
        json!({
            "quote_currency": pair.quote, "target_currency": pair.base,
            "price_unit": plain(pair.tick), "qty_unit": plain(pair.step),
            "max_order_amount": plain(super::order::MAX_AMOUNT), "max_price": plain(super::order::MAX_PRICE),
            "max_qty": plain(pair.max_quantity), "min_order_amount": plain(pair.min_notional),
            "min_price": plain(pair.tick), "min_qty": plain(pair.min_quantity),
            "order_book_units": ["0.0"], "maintenance_status": 0, "trade_status": 1,
            "order_types": ["limit", "market"],
        })
    };
    Ok(json!({ "markets": question.pairs(coinone)?.into_iter().map(show).collect::<Vec<_>>() }))
}

fn range_units(coinone: &Coinone, question: &Question) -> Reply {
    let pairs = if question.rest.is_empty() {
        (0..coinone.floor.pairs.len()).collect()
    } else {
        question.pairs(coinone)?
    };
    let show = |index: usize| {
        let pair = &coinone.floor.pairs[index];
        json!({ "quote_currency": pair.quote, "target_currency": pair.base, "range_min": "0",
                "next_range_min": plain(super::order::MAX_PRICE), "price_unit": plain(pair.tick) })
    };
    Ok(json!({ "range_price_units": pairs.into_iter().map(show).collect::<Vec<_>>() }))
}

fn tickers(coinone: &Coinone, question: &Question) -> Reply {
    let show = |index: usize| ticker(coinone, index, question.now);
    Ok(json!({ "tickers": question.pairs(coinone)?.into_iter().map(show).collect::<Vec<_>>() }))
}

fn ticker(coinone: &Coinone, index: usize, now: i64) -> Value {
    let floor = &coinone.floor;
    let (pair, day) = (&floor.pairs[index], floor.day(index));
    let best = |side| levels(coinone, index, side, 1);
    json!({
        "quote_currency": pair.quote.to_lowercase(), "target_currency": pair.base.to_lowercase(),
        "timestamp": now, "high": plain(day.high),
        "low": plain(day.low), "first": plain(day.open), "last": plain(day.last),
        "quote_volume": plain(day.quote_volume), "target_volume": plain(day.volume),
        "best_asks": best(Side::Sell), "best_bids": best(Side::Buy),
        "id": format!("{now}{:03}", index + 1),
    })
}

fn levels(coinone: &Coinone, pair: usize, side: Side, size: usize) -> Vec<Value> {
    let show = |(price, quantity)| json!({ "price": plain(price), "qty": plain(quantity) });
    coinone.floor.depth(pair, side, size).into_iter().map(show).collect()
}

fn order_book(coinone: &Coinone, question: &Question) -> Reply {
    let pair = question.pair(coinone)?;
    let size = question.size(&[5, 10, 15, 16], 15)?;
    let known = &coinone.floor.pairs[pair];
    Ok(json!({
        "timestamp": question.now, "id": format!("{}001", question.now),
        "quote_currency": known.quote, "target_currency": known.base, "order_book_unit": "0.0",
        "bids": levels(coinone, pair, Side::Buy, size), "asks": levels(coinone, pair, Side::Sell, size),
    }))
}

fn trades(coinone: &Coinone, question: &Question) -> Reply {
    let pair = question.pair(coinone)?;
    let size = question.size(&[], 200)?;
    let known = &coinone.floor.pairs[pair];
    let newest = coinone.floor.tape(pair).iter().rev().take(size);
    let show = |print: &crate::floor::Print| {
        json!({ "id": print.id.to_string(), "timestamp": print.at_ms, "price": plain(print.price),
                "qty": plain(print.quantity), "is_seller_maker": !print.buyer_is_maker })
    };
    Ok(json!({ "quote_currency": known.quote, "target_currency": known.base,
               "transactions": newest.map(show).collect::<Vec<_>>() }))
}

/// Candles of the ladder's middle price: level, without volume.
fn chart(coinone: &Coinone, question: &Question) -> Reply {
    let pair = question.pair(coinone)?;
    let length = match question.get("interval") {
        Some("1m") => 60_000,
        Some("5m") => 300_000,
        Some("15m") => 900_000,
        Some("1h") => 3_600_000,
        Some("1d") => 86_400_000,
        _ => return Err(Error::Parameter),
    };
    let size = i64::try_from(question.size(&[], 200)?).unwrap_or(200);
    let price = plain(coinone.floor.pairs[pair].price);
    let last = question.now - question.now.rem_euclid(length);
    let candle = |index: i64| {
        json!({ "timestamp": last - index * length, "open": price, "high": price, "low": price, "close": price,
                "target_volume": "0", "quote_volume": "0" })
    };
    Ok(json!({ "is_last": false, "chart": (0..size).map(candle).collect::<Vec<_>>() }))
}
