//! What things are worth in dollars, by the exchange's own prices.
//!
//! Always holds: a price older than ten seconds is none, and what has no price has no worth; nothing is guessed. The way
//! from an asset to dollars is stated: a dollar token is one dollar; else its own market in dollars or dollar tokens; else
//! over one other asset, in this order: BTC, ETH, EUR, and what KRW markets quote.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use exchange::{Definition, MarketList, Probe, Request, Symbol};
use moka::future::Cache;
use rust_decimal::Decimal;
use time::OffsetDateTime;

use super::{Call, Denial, noted::Noted, queue::Rank};
use crate::{app::App, auth::Client, http::RequestId, risk::Seen};

/// Prices and market lists, by exchange and environment.
pub struct Prices {
    books: Cache<(String, String), Arc<Book>>,
    lists: Cache<(String, String), Arc<List>>,
}

/// The last prices of an exchange, in quote per base, by the usual names of the assets.
pub struct Book {
    /// When they were asked for.
    pub at: OffsetDateTime,
    pub last: HashMap<(String, String), Decimal>,
    pub list: Option<Arc<List>>,
}

/// The exchange's list of markets.
pub struct List {
    pub markets: MarketList,
    pub since: Instant,
}

impl Default for Prices {
    fn default() -> Self {
        Prices {
            books: Cache::builder().max_capacity(MOST).time_to_live(FRESH).build(),
            lists: Cache::builder().max_capacity(MOST).time_to_live(LIST_LIFE).build(),
        }
    }
}

impl Prices {
    /// The prices of now, or why there are none. Everybody who asks at the same moment waits for the same answer.
    pub async fn book(
        &self,
        app: &App,
        definition: &Definition,
        environment: &str,
    ) -> Result<Arc<Book>, Denial> {
        let key = (definition.id().to_owned(), environment.to_owned());
        if let Some(book) = self.books.get(&key).await {
            if (app.clock.now() - book.at).abs() <= FRESH {
                return Ok(book);
            }
            // the clock was set
            self.books.invalidate(&key).await;
        }
        let fetch = async {
            let at = app.clock.now();
            let body = ask(app, definition, environment, Probe::Prices).await?;
            let prices = definition.read_prices(&body).map_err(|error| none(&error.to_string()))?;
            let list = self.list(app, definition, environment).await?;
            let markets = list.as_ref().map(|list| &list.markets);
            let named = prices.into_iter().filter(|price| price.price > Decimal::ZERO);
            let last =
                named.filter_map(|price| Some((definition.assets(&price.symbol, markets)?, price.price)));
            Ok(Arc::new(Book { at, last: last.collect(), list }))
        };
        self.books.try_get_with(key, fetch).await.map_err(|denial: Arc<Denial>| (*denial).clone())
    }

    /// The exchange's list of markets, where names cannot be split without it.
    async fn list(
        &self,
        app: &App,
        definition: &Definition,
        environment: &str,
    ) -> Result<Option<Arc<List>>, Denial> {
        if definition.probe(Probe::Markets, "", "").is_none() {
            return Ok(None);
        }
        let key = (definition.id().to_owned(), environment.to_owned());
        let fetch = async {
            let body = ask(app, definition, environment, Probe::Markets).await?;
            let markets = definition.read_markets(&body).map_err(|error| none(&error.to_string()))?;
            Ok(Arc::new(List { markets, since: Instant::now() }))
        };
        let list = self.lists.try_get_with(key, fetch).await;
        list.map(Some).map_err(|denial: Arc<Denial>| (*denial).clone())
    }

    /// Forgets a list that does not know a market, unless it is new: markets are opened now and then.
    pub async fn doubt(&self, definition: &Definition, environment: &str, book: &Book) {
        if book.list.as_ref().is_some_and(|list| list.since.elapsed() > LIST_DOUBT) {
            let key = (definition.id().to_owned(), environment.to_owned());
            self.lists.invalidate(&key).await;
            self.books.invalidate(&key).await;
        }
    }
}

impl Book {
    /// Base and quote of a market.
    pub fn assets(&self, definition: &Definition, symbol: &Symbol) -> Option<(String, String)> {
        definition.assets(symbol, self.list.as_ref().map(|list| &list.markets))
    }

    /// The last price of a market, in quote per base.
    pub fn last(&self, base: &str, quote: &str) -> Option<Decimal> {
        self.last.get(&(base.to_owned(), quote.to_owned())).copied()
    }

    /// Dollars for one unit of an asset.
    pub fn usd(&self, asset: &str) -> Option<Decimal> {
        self.direct(asset).or_else(|| {
            let over = |hop: &&str| self.rate(asset, hop)?.checked_mul(self.direct(hop)?);
            HOPS.iter().filter(|hop| **hop != asset).find_map(over)
        })
    }

    fn direct(&self, asset: &str) -> Option<Decimal> {
        match DOLLARS.contains(&asset) {
            true => Some(Decimal::ONE),
            false => DOLLARS.iter().find_map(|dollar| self.rate(asset, dollar)),
        }
    }

    /// How much of one asset is one unit of another, by their market in either direction.
    fn rate(&self, from: &str, to: &str) -> Option<Decimal> {
        self.last(from, to).or_else(|| Decimal::ONE.checked_div(self.last(to, from)?))
    }
}

/// Money is what is paid with: holding it is no position.
pub fn is_money(asset: &str) -> bool {
    DOLLARS.contains(&asset) || MONEY.contains(&asset)
}

async fn ask(
    app: &App,
    definition: &Definition,
    environment: &str,
    probe: Probe,
) -> Result<axum::body::Bytes, Denial> {
    let request: Request = definition.probe(probe, "", "").ok_or_else(|| none("it has no such list"))?;
    let client = Client { ip: std::net::Ipv4Addr::UNSPECIFIED.into(), agent: None, language: None };
    let (id, seen, noted) = (RequestId(app.clock.id()), Seen::default(), Noted::default());
    let call = Call { app, definition, request, client, id, begun: app.clock.now(), seen, noted };
    // orders wait for it, so it is as urgent as they are; and prices are never the kept ones, which are older than they look
    let asked = match probe {
        Probe::Prices => call.asked_now(environment, Rank::Order).await?,
        _ => call.public_answer(environment, Rank::Order).await?,
    };
    match (asked.outcome, asked.error) {
        (Ok(answer), None) if answer.status.is_success() => Ok(answer.body),
        (Ok(answer), _) => Err(none(&format!("it answered {}", answer.status))),
        (Err(_), _) => Err(none("it cannot be reached")),
    }
}

fn none(why: &str) -> Denial {
    Denial::denied("no-price", format!("a limit in dollars needs the exchange's prices, and {why}"))
}

/// Dollars, and the tokens that count as one each.
const DOLLARS: [&str; 3] = ["USD", "USDT", "USDC"];
/// Money of states that markets quote in.
const MONEY: [&str; 8] = ["EUR", "GBP", "CHF", "AUD", "CAD", "JPY", "KRW", "TRY"];
const HOPS: [&str; 4] = ["BTC", "ETH", "EUR", "KRW"];
/// With the time they take to arrive, well within ten seconds.
const FRESH: Duration = Duration::from_secs(5);
const LIST_LIFE: Duration = Duration::from_secs(3600);
const LIST_DOUBT: Duration = Duration::from_secs(60);
const MOST: u64 = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn book(prices: &[(&str, &str, &str)]) -> Book {
        let price = |(base, quote, price): &(&str, &str, &str)| {
            (((*base).to_owned(), (*quote).to_owned()), price.parse().unwrap())
        };
        Book { at: OffsetDateTime::UNIX_EPOCH, last: prices.iter().map(price).collect(), list: None }
    }

    fn usd(book: &Book, asset: &str) -> Option<String> {
        book.usd(asset).map(|price| price.normalize().to_string())
    }

    #[test]
    fn assets_are_worth_what_a_stated_path_says() {
        let seoul = book(&[("USDT", "KRW", "1250"), ("XRP", "KRW", "2500"), ("BTC", "KRW", "125000000")]);
        assert_eq!(usd(&seoul, "KRW").as_deref(), Some("0.0008"));
        assert_eq!(usd(&seoul, "XRP").as_deref(), Some("2"));
        let europe = book(&[("EUR", "USD", "1.25"), ("ADA", "EUR", "0.8"), ("ADA", "BTC", "0.1")]);
        assert_eq!(usd(&europe, "EUR").as_deref(), Some("1.25"));
        assert_eq!(usd(&europe, "ADA").as_deref(), Some("1"));
        assert_eq!(usd(&europe, "USDC").as_deref(), Some("1"));
    }

    #[test]
    fn what_no_market_leads_from_to_dollars_is_worth_nothing_we_know() {
        let thin = book(&[("AAA", "BBB", "3"), ("BBB", "CCC", "3"), ("CCC", "USDT", "3")]);
        assert_eq!(usd(&thin, "AAA"), None);
        assert_eq!(usd(&thin, "BBB"), None, "two steps over an asset that is not on the list");
        assert_eq!(usd(&thin, "CCC").as_deref(), Some("3"));
    }
}
