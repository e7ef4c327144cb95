//! `keygate limits`: what would be decided, and what is used.

use crate::home::Home;

#[test]
fn order_is_tried_without_being_placed() {
    let home = Home::new();
    let _server = home.with_bot();
    home.run("limits set Primary max_trade_amount_usd=100 allowed_symbols=BTC/USDT").ok();
    let fits = home.json("limits test Primary BUY 0.001 BTC/USDT --price 50000");
    assert_eq!((fits["decision"].as_str(), fits["usd"].as_str()), (Some("allow"), Some("50")), "{fits}");
    let over = home.json("limits test Primary buy 0.01 BTC/USDT --price 50000");
    assert_eq!(
        (over["decision"].as_str(), over["rule"].as_str()),
        (Some("deny"), Some("max-trade")),
        "{over}"
    );
    let quote = home.json("limits test Primary BUY 60 BTC/USDT --in-quote --price 50000");
    assert_eq!((quote["decision"].as_str(), quote["usd"].as_str()), (Some("allow"), Some("60")), "{quote}");
    let other = home.run("limits test Primary SELL 1 ETH/USDT").ok().out;
    assert!(other.contains("this connection may trade BTC/USDT only"), "{other}");
    let gone = home.json("limits test Primary WITHDRAW 0.5 BTC");
    assert_eq!(gone["rule"], "permission", "{gone}");
    let shown = home.json("limits show Primary");
    let usage = shown["usage"].as_array().unwrap();
    assert!(
        !usage.is_empty() && usage.iter().all(|own| own["used"] == "0"),
        "nothing was set aside: {shown}"
    );
}
