//! Candles, and the intervals they have.

use serde_json::json;

use super::error::Error;
use super::param::Params;
use super::public::{fixed, pair};
use super::{Binance, Reply};

/// Candles of the ladder's middle price: level, without volume.
pub(super) fn klines(binance: &Binance, params: &Params, now: i64) -> Reply {
    let pair = pair(binance, params)?;
    let length = interval_ms(params.need("interval")?).ok_or_else(Error::interval)?;
    let limit = i64::try_from(params.limit(500, 1000)?).unwrap_or(1000);
    let end = params.integer("endTime")?.and_then(|end| i64::try_from(end).ok()).unwrap_or(now).min(now);
    let last = end - end.rem_euclid(length);
    let first = match params.integer("startTime")?.and_then(|start| i64::try_from(start).ok()) {
        Some(start) => start + (-start).rem_euclid(length),
        None => last - (limit - 1) * length,
    };
    let price = fixed(binance.floor.pairs[pair].price);
    let candle = |open: i64| {
        json!([
            open,
            price,
            price,
            price,
            price,
            "0.00000000",
            open + length - 1,
            "0.00000000",
            0,
            "0.00000000",
            "0.00000000",
            "0"
        ])
    };
    let opens = (0..limit).map(|index| first + index * length).take_while(|open| *open <= last);
    Ok(opens.map(candle).collect())
}

fn interval_ms(interval: &str) -> Option<i64> {
    let (count, unit) = interval.split_at_checked(interval.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 604_800_000,
        "M" => 2_592_000_000,
        _ => return None,
    };
    let legal = matches!(
        interval,
        "1s" | "1m"
            | "3m"
            | "5m"
            | "15m"
            | "30m"
            | "1h"
            | "2h"
            | "4h"
            | "6h"
            | "8h"
            | "12h"
            | "1d"
            | "3d"
            | "1w"
            | "1M"
    );
    count.parse::<i64>().ok().filter(|_| legal).map(|count| count * unit)
}
