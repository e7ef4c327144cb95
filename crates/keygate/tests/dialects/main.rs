//! An order's whole life through the engine, at the demo exchange in every dialect: sent with an id made here, asked for,
//! listed, taken back, asked for again.
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

mod dialect;
mod orders;

use exchange::{OrderState::*, OrderStatus, Probe, Symbol};
use rust_decimal::Decimal;

use crate::{
    dialect::{Dialect, id},
    orders::ORDERS,
};

/// Where the answer to a request for an id that was used is no refusal: the first order is answered again.
const ANSWERED_AGAIN: &[&str] = &["coinbase"];
/// Where "not found" says nothing: an order that was cancelled without a fill may not be found either.
const SAYS_NOTHING: &[&str] = &["coinbaseexchange"];
const CENT: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

async fn life(exchange: &str) {
    let at = Dialect::new(exchange).await;
    let (_, endpoint, body) = ORDERS.iter().find(|(own, ..)| *own == exchange).unwrap();
    let resting = at.order(endpoint, body, at.price(false)).await;
    let found = |state, filled| OrderStatus::Found { state, filled: Some(filled) };

    let sent = at.placed(&resting, 1);
    at.send(&sent).await.success(&at);
    assert_eq!(at.status(&sent).await, found(Open, Decimal::ZERO), "it rests");
    let again = at.send(&sent).await;
    assert_eq!(again.refused(&at), !ANSWERED_AGAIN.contains(&exchange), "{again:?}");

    let open = at.open_orders(&sent).await;
    assert_eq!(open.len(), 1, "an id is used once: {open:?}");
    assert!(open[0].client_id.is_none() || open[0].client_id == sent.client_ids()[0], "{open:?}");
    assert_eq!(at.assets(&open[0].symbol), at.assets(at.symbol(&sent)), "{open:?}");

    at.send(&at.definition.cancel_order_request(&open[0]).unwrap()).await.success(&at);
    assert_eq!(at.open_orders(&sent).await, []);
    assert_eq!(at.status(&sent).await, found(Cancelled, Decimal::ZERO), "it was taken back");
    let missing = match SAYS_NOTHING.contains(&exchange) {
        true => OrderStatus::Unreadable,
        false => OrderStatus::NotFound,
    };
    assert_eq!(at.status(&at.placed(&resting, 2)).await, missing, "that one never was");

    let filled = at.placed(&at.order(endpoint, body, at.price(true)).await, 3);
    at.send(&filled).await.success(&at);
    assert_eq!(at.status(&filled).await, found(Done, CENT), "it was filled at once");
    at.panic(&resting).await;
}

async fn prices(exchange: &str) {
    let at = Dialect::new(exchange).await;
    let answer = at.ask(Probe::Prices).await;
    let prices = at.definition.read_prices(&answer).unwrap();
    assert!(prices.len() > 1, "{prices:?}");
    let pairs: Vec<_> = prices.iter().map(|price| at.assets(&price.symbol)).collect();
    assert!(pairs.contains(&Some(("BTC".to_owned(), at.quote().to_owned()))), "{pairs:?}");
    let pairs: Vec<(String, String)> =
        pairs.into_iter().map(|pair| pair.unwrap_or_else(|| panic!("{prices:?}"))).collect();
    for (base, quote) in &pairs {
        let steps = steps_to_dollars(quote, &pairs);
        assert!(steps.is_some_and(|steps| steps <= 2), "{base}/{quote} in {pairs:?}");
    }
    assert_eq!(at.assets(&Symbol::Market("NONESUCH".to_owned())), None);
}

/// How many prices lie between an asset and dollars.
fn steps_to_dollars(asset: &str, pairs: &[(String, String)]) -> Option<usize> {
    let mut reached = vec![asset];
    for steps in 0..=pairs.len() {
        if reached.iter().any(|asset| ["USD", "USDT", "USDC"].contains(asset)) {
            return Some(steps);
        }
        let next = pairs.iter().filter_map(|(base, quote)| match (base.as_str(), quote.as_str()) {
            (base, quote) if reached.contains(&base) => Some(quote),
            (base, quote) if reached.contains(&quote) => Some(base),
            _ => None,
        });
        reached = next.collect();
    }
    None
}

macro_rules! of {
    ($life:ident: $($exchange:ident),*) => {$(
        #[tokio::test]
        async fn $exchange() {
            super::$life(stringify!($exchange)).await;
        }
    )*};
}

macro_rules! every {
    ($($name:ident: $life:ident),*) => {$(
        mod $name {
            of!($life: binance, bitfinex, bitget, bithumb, bitstamp, bybit, coinbase, coinbaseexchange, coinone, cryptocom, gate, htx, kraken, kucoin, mexc, okx, upbit);
        }
    )*};
}

every! {
    an_order_is_known_by_the_id_it_was_given: life,
    every_price_is_that_of_two_assets: prices
}

#[test]
fn every_dialect_is_tried() {
    let tried: Vec<_> = ORDERS.iter().map(|(exchange, ..)| *exchange).collect();
    let mut spoken: Vec<_> = demo_exchange::spoken().collect();
    spoken.sort_unstable();
    assert_eq!(tried, spoken);
    assert_ne!(id(1), id(2));
}
