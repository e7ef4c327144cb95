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

#[tokio::test]
async fn mistake_is_marked_at_its_field_and_what_was_typed_stays() {
    let site = site().await;
    let mut owner = site.owner().await;
    let limits = format!("{}/limits", owner.connect().await);
    let test = format!("{limits}/test");
    let typed =
        [("act", "sell"), ("quantity", "0.5"), ("symbol", "BTC USDT"), ("price", "7"), ("leverage", "3")];
    let page = owner.submit(&limits, &test, &typed).await;
    assert_eq!(page.status, 400);
    lint::answer(&page);
    assert!(page.text.contains("<a href=\"#symbol\">"), "{}", page.text);
    for kept in [
        "name=\"quantity\" required inputmode=\"decimal\" value=\"0.5\"",
        "value=\"BTC USDT\"",
        "<option value=\"sell\" selected>",
        "value=\"7\"",
        "value=\"3\"",
    ] {
        assert!(page.text.contains(kept), "{kept}: {}", page.text);
    }
    let typed = [("act", "withdraw"), ("quantity", "-1"), ("symbol", "BTC"), ("price", "")];
    let page = owner.submit(&limits, &test, &typed).await;
    assert!(page.text.contains("<a href=\"#quantity\">"), "{}", page.text);
    site.server.stop().await;
}

#[tokio::test]
async fn leverage_and_an_amount_of_the_quote_asset_can_be_tried() {
    let site = site().await;
    let mut owner = site.owner().await;
    let limits = format!("{}/limits", owner.connect().await);
    let form =
        [("can_read", "on"), ("can_trade", "on"), ("max_trade_amount_usd", "100"), ("max_leverage", "2")];
    owner.submit(&limits, &limits, &form).await;
    let test = format!("{limits}/test");
    for (quantity, in_quote, leverage, said) in [
        ("60", "on", "", "worth 60 USD at most"),
        ("160", "on", "", "an order may be worth 100 USD at most"),
        ("0.001", "", "3", "(<code>max-leverage</code>)"),
    ] {
        let mut fields = vec![
            ("act", "buy"),
            ("quantity", quantity),
            ("symbol", "BTC/USDT"),
            ("price", "50000"),
            ("leverage", leverage),
        ];
        fields.extend(Some(("in_quote", in_quote)).filter(|_| !in_quote.is_empty()));
        let page = owner.submit(&limits, &test, &fields).await;
        lint::answer(&page);
        assert!(page.text.contains(said), "{quantity}: {}", page.text);
    }
    site.server.stop().await;
}
