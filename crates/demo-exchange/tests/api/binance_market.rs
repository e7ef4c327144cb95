//! What anyone may read at Binance.

use serde_json::json;

use crate::caller::{NOW, World, text};

#[tokio::test]
async fn ping_and_time_are_free_for_all() {
    let world = World::new().await;
    assert_eq!(world.public("/api/v3/ping").await.ok(), json!({}));
    assert_eq!(world.public("/api/v3/time").await.ok(), json!({ "serverTime": NOW }));
}

#[tokio::test]
async fn exchange_info_lists_the_filters_that_orders_meet() {
    let world = World::new().await;
    let info = world.public("/api/v3/exchangeInfo").await.ok();
    let symbols: Vec<String> =
        info["symbols"].as_array().unwrap().iter().map(|s| text(&s["symbol"])).collect();
    assert_eq!(symbols, ["BTCUSDT", "ETHUSDT", "LTCBTC", "BNBUSDT"]);
    let filters = info["symbols"][0]["filters"].as_array().unwrap();
    let lot = filters.iter().find(|filter| filter["filterType"] == "LOT_SIZE").unwrap();
    assert_eq!(lot["stepSize"], "0.00001000");
    let one = world.public("/api/v3/exchangeInfo?symbol=LTCBTC").await.ok();
    assert_eq!(one["symbols"].as_array().unwrap().len(), 1);
    for derivatives in ["/fapi/v1/exchangeInfo", "/dapi/v1/exchangeInfo"] {
        assert_eq!(world.public(derivatives).await.ok()["symbols"], json!([]));
    }
}

#[tokio::test]
async fn tickers_answer_for_one_for_some_and_for_all() {
    let world = World::new().await;
    for path in ["ticker/price", "ticker/24hr", "ticker/bookTicker"] {
        let one = world.public(&format!("/api/v3/{path}?symbol=BTCUSDT")).await.ok();
        assert_eq!(one["symbol"], "BTCUSDT", "{path}");
        let some =
            world.public(&format!("/api/v3/{path}?symbols=%5B%22BTCUSDT%22,%22LTCBTC%22%5D")).await.ok();
        assert_eq!(some.as_array().unwrap().len(), 2, "{path}");
        assert_eq!(world.public(&format!("/api/v3/{path}")).await.ok().as_array().unwrap().len(), 4);
        world.public(&format!("/api/v3/{path}?symbol=NOPE")).await.refused(400, -1121);
        world.public(&format!("/api/v3/{path}?symbols=BTCUSDT")).await.refused(400, -1100);
        let both = format!("/api/v3/{path}?symbol=BTCUSDT&symbols=%5B%22LTCBTC%22%5D");
        world.public(&both).await.refused(400, -1128);
    }
    let day = world.public("/api/v3/ticker/24hr?symbol=BTCUSDT").await.ok();
    assert_eq!(
        (text(&day["bidPrice"]), text(&day["askPrice"])),
        ("59990.00000000".into(), "60010.00000000".into())
    );
    let mini = world.public("/api/v3/ticker/24hr?symbol=BTCUSDT&type=MINI").await.ok();
    assert!(mini.get("bidPrice").is_none());
    world.public("/api/v3/ticker/24hr?symbol=BTCUSDT&type=HUGE").await.refused(400, -1130);
}

#[tokio::test]
async fn depth_shows_the_ladder_and_the_orders_between() {
    let world = World::new().await;
    let rest = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.25&price=59990";
    world.binance("trade", "POST", "/api/v3/order", rest).await.ok();
    let depth = world.public("/api/v3/depth?symbol=BTCUSDT&limit=5").await.ok();
    assert_eq!(depth["bids"][0], json!(["59990.00000000", "0.75000000"]));
    assert_eq!(depth["asks"][0], json!(["60010.00000000", "0.50000000"]));
    assert_eq!(depth["bids"].as_array().unwrap().len(), 5);
    world.public("/api/v3/depth?symbol=BTCUSDT&limit=0").await.refused(400, -1130);
}

#[tokio::test]
async fn a_trade_shows_on_the_tape_and_in_the_day() {
    let world = World::new().await;
    let sell = "symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.1";
    world.binance("trade", "POST", "/api/v3/order", sell).await.ok();
    let trades = world.public("/api/v3/trades?symbol=BTCUSDT").await.ok();
    assert_eq!(
        (text(&trades[0]["price"]), &trades[0]["isBuyerMaker"]),
        ("59990.00000000".into(), &json!(true))
    );
    let aggregate = world.public("/api/v3/aggTrades?symbol=BTCUSDT").await.ok();
    assert_eq!(aggregate[0]["q"], "0.10000000");
    let day = world.public("/api/v3/ticker/24hr?symbol=BTCUSDT").await.ok();
    assert_eq!(
        (text(&day["volume"]), text(&day["quoteVolume"])),
        ("0.10000000".into(), "5999.00000000".into())
    );
    assert_eq!(text(&day["priceChange"]), "-10.00000000");
    assert_eq!(world.public("/api/v3/avgPrice?symbol=BTCUSDT").await.ok()["price"], "59990.00000000");
}

#[tokio::test]
async fn candles_are_as_many_and_as_long_as_asked() {
    let world = World::new().await;
    let candles = world.public("/api/v3/klines?symbol=BTCUSDT&interval=1h&limit=3").await.ok();
    let opens: Vec<i64> =
        candles.as_array().unwrap().iter().map(|candle| candle[0].as_i64().unwrap()).collect();
    let last = NOW - NOW % 3_600_000;
    assert_eq!(opens, [last - 7_200_000, last - 3_600_000, last]);
    let since = format!("/api/v3/klines?symbol=BTCUSDT&interval=1m&startTime={}", NOW - 120_000);
    assert_eq!(world.public(&since).await.ok().as_array().unwrap().len(), 2);
    let msg = world.public("/api/v3/klines?symbol=BTCUSDT&interval=7m").await.refused(400, -1120);
    assert_eq!(msg, "Invalid interval.");
}
