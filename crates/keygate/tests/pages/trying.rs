//! `/connections/{id}/limits`: trying an order.

use crate::{lint, visitor::site};

#[tokio::test]
async fn order_is_tried_on_the_page_without_being_placed() {
    let site = site().await;
    let mut owner = site.owner().await;
    let limits = format!("{}/limits", owner.connect().await);
    lint::answer(&owner.get(&limits).await);
    let symbols = owner
        .submit(
            &limits,
            &limits,
            &[
                ("can_read", "on"),
                ("can_trade", "on"),
                ("allowed_symbols", "BTC/USDT"),
                ("max_trade_amount_usd", "100"),
                ("max_daily_trade_volume_usd", "500"),
            ],
        )
        .await;
    lint::answer(&symbols);
    assert!(symbols.text.contains("<dt>Orders today, USD</dt><dd>0 of 500</dd>"), "{}", symbols.text);
    let test = format!("{limits}/test");
    for (act, quantity, symbol, price, said) in [
        ("buy", "0.001", "BTC/USDT", "50000", "<strong>allowed</strong>, worth 50 USD at most."),
        (
            "buy",
            "0.01",
            "BTC/USDT",
            "50000",
            "<strong>refused</strong>: an order may be worth 100 USD at most",
        ),
        ("sell", "1", "ETH/USDT", "", "this connection may trade BTC/USDT only"),
        ("withdraw", "1", "BTC", "", "(<code>permission</code>)"),
        ("buy", "much", "BTC/USDT", "", "is no amount"),
    ] {
        let fields = [("act", act), ("quantity", quantity), ("symbol", symbol), ("price", price)];
        let page = owner.submit(&limits, &test, &fields).await;
        lint::answer(&page);
        assert!(page.text.contains(said), "{act} {quantity} {symbol}: {}", page.text);
    }
    site.server.stop().await;
}
