//! Balances, withdrawals and transfers at Binance.

use serde_json::json;

use crate::caller::{World, text};

const APPLY: &str = "/sapi/v1/capital/withdraw/apply";

#[tokio::test]
async fn a_withdrawal_leaves_the_account_and_shows_in_the_history() {
    let world = World::new().await;
    let before = world.exchange.supply("binance", "USDT");
    let params = "coin=USDT&network=TRX&address=demo-address&addressTag=7&amount=100.5&withdrawOrderId=mine";
    let id = world.binance("withdraw", "POST", APPLY, params).await.ok()["id"].clone();
    assert_eq!(text(&id).len(), 32);
    assert_eq!(world.balance("withdraw", "USDT").await.0, "99899.50000000");
    let history =
        world.binance("withdraw", "GET", "/sapi/v1/capital/withdraw/history", "coin=USDT").await.ok();
    assert_eq!((&history[0]["id"], &history[0]["address"]), (&id, &json!("demo-address")));
    let foreign = world.binance("trade", "GET", "/sapi/v1/capital/withdraw/history", "").await.ok();
    assert_eq!(foreign, json!([]));
    assert_eq!(world.exchange.supply("binance", "USDT"), before);
}

#[tokio::test]
async fn an_impossible_withdrawal_takes_nothing() {
    let world = World::new().await;
    for (params, code) in [
        ("coin=USDT&address=a&amount=100000.01", -4026),
        ("coin=USDT&address=a&amount=0.0001", -4024),
        ("coin=DOGE&address=a&amount=1", -4019),
        ("coin=USDT&amount=1", -1102),
        ("coin=USDT&address=a", -1102),
        ("address=a&amount=1", -1102),
    ] {
        world.binance("withdraw", "POST", APPLY, params).await.refused(400, code);
    }
    assert_eq!(world.balance("withdraw", "USDT").await.0, "100000.00000000");
}

#[tokio::test]
async fn a_transfer_moves_between_the_own_wallets_and_back() {
    let world = World::new().await;
    let transfer = "/sapi/v1/asset/transfer";
    world.binance("withdraw", "POST", transfer, "type=MAIN_FUNDING&asset=USDT&amount=10").await.ok();
    assert_eq!(world.balance("withdraw", "USDT").await.0, "99990.00000000");
    let funding = world.binance("withdraw", "POST", "/sapi/v1/asset/get-funding-asset", "").await.ok();
    assert_eq!(funding[0]["free"], "10.00000000");
    let back = "type=FUNDING_MAIN&asset=USDT&amount=10.5";
    world.binance("withdraw", "POST", transfer, back).await.refused(400, -5013);
    world.binance("withdraw", "POST", transfer, "type=FUNDING_MAIN&asset=USDT&amount=10").await.ok();
    world
        .binance("withdraw", "POST", transfer, "type=NOWHERE&asset=USDT&amount=10")
        .await
        .refused(400, -1130);
    assert_eq!(world.balance("withdraw", "USDT").await.0, "100000.00000000");
}

#[tokio::test]
async fn the_wallet_lists_what_clients_ask_for_at_their_start() {
    let world = World::new().await;
    let coins = world.binance("trade", "GET", "/sapi/v1/capital/config/getall", "anything=goes").await.ok();
    let names: Vec<String> = coins.as_array().unwrap().iter().map(|coin| text(&coin["coin"])).collect();
    assert_eq!(names, ["BNB", "BTC", "ETH", "LTC", "USDT"]);
    for path in ["/sapi/v1/margin/allPairs", "/sapi/v1/margin/isolated/allPairs"] {
        assert_eq!(world.binance("trade", "GET", path, "").await.ok(), json!([]));
    }
    let assets = world.binance("trade", "POST", "/sapi/v3/asset/getUserAsset", "asset=BTC").await.ok();
    assert_eq!(
        assets,
        json!([{ "asset": "BTC", "free": "2.00000000", "locked": "0.00000000",
        "freeze": "0.00000000", "withdrawing": "0.00000000", "ipoable": "0.00000000",
        "btcValuation": "0.00000000" }])
    );
    let fees = world.binance("trade", "GET", "/sapi/v1/asset/tradeFee", "").await.ok();
    assert_eq!(fees[0]["takerCommission"], "0.001");
    let status = world.public("/sapi/v1/system/status").await;
    assert!(status.headers["x-sapi-used-ip-weight-1m"].parse::<u32>().is_ok());
    assert_eq!(status.ok()["msg"], "normal");
}

#[tokio::test]
async fn the_account_shows_its_fees_and_can_leave_empty_assets_out() {
    let world = World::new().await;
    world
        .binance("trade", "POST", "/api/v3/order", "symbol=LTCBTC&side=SELL&type=MARKET&quantity=100")
        .await
        .ok();
    let full = world.binance("trade", "GET", "/api/v3/account", "").await.ok();
    let slim = world.binance("trade", "GET", "/api/v3/account", "omitZeroBalances=true").await.ok();
    assert_eq!(full["balances"].as_array().unwrap().len(), 5);
    assert_eq!(slim["balances"].as_array().unwrap().len(), 4);
    assert_eq!(full["commissionRates"]["taker"], "0.00100000");
    let rates = world.binance("trade", "GET", "/api/v3/account/commission", "symbol=BTCUSDT").await.ok();
    assert_eq!(rates["standardCommission"]["maker"], "0.00100000");
}
