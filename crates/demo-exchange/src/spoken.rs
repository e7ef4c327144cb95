//! The exchanges that are spoken: one line each. An exchange's port is the first port plus its place here.

use crate::binance::Binance;
use crate::bitfinex::Bitfinex;
use crate::bitget::Bitget;
use crate::bithumb::Bithumb;
use crate::bitstamp::Bitstamp;
use crate::bybit::Bybit;
use crate::coinbase::Coinbase;
use crate::coinbaseexchange::CoinbaseExchange;
use crate::coinone::Coinone;
use crate::config::{Limits, Venue};
use crate::cryptocom::Cryptocom;
use crate::gate::Gate;
use crate::house::{Dialect, Exchange, House};
use crate::htx::Htx;
use crate::kraken::Kraken;
use crate::kucoin::Kucoin;
use crate::mexc::Mexc;
use crate::okx::Okx;
use crate::upbit::Upbit;

/// An exchange that can be opened.
pub(crate) struct Spoken {
    pub(crate) id: &'static str,
    /// As it calls itself.
    pub(crate) name: &'static str,
    /// Its ready-made pairs, accounts and keys.
    pub(crate) venue: &'static str,
    pub(crate) open: fn(&Venue, &Limits, i64) -> Box<dyn Exchange>,
}

pub(crate) static SPOKEN: [Spoken; 17] = [
    Spoken {
        id: "binance",
        name: "Binance",
        venue: include_str!("../venues/binance.json"),
        open: |venue, limits, now| Box::new(Binance::new(venue, limits, now)),
    },
    house::<Bitfinex>("Bitfinex", include_str!("../venues/bitfinex.json")),
    house::<Bitget>("Bitget", include_str!("../venues/bitget.json")),
    house::<Bithumb>("Bithumb", include_str!("../venues/bithumb.json")),
    house::<Bitstamp>("Bitstamp", include_str!("../venues/bitstamp.json")),
    house::<Bybit>("Bybit", include_str!("../venues/bybit.json")),
    house::<Coinbase>("Coinbase", include_str!("../venues/coinbase.json")),
    house::<CoinbaseExchange>("Coinbase Exchange", include_str!("../venues/coinbaseexchange.json")),
    Spoken {
        id: "coinone",
        name: "Coinone",
        venue: include_str!("../venues/coinone.json"),
        open: |venue, limits, now| Box::new(Coinone::new(venue, limits, now)),
    },
    house::<Cryptocom>("Crypto.com", include_str!("../venues/cryptocom.json")),
    house::<Gate>("Gate", include_str!("../venues/gate.json")),
    house::<Htx>("HTX", include_str!("../venues/htx.json")),
    house::<Kraken>("Kraken", include_str!("../venues/kraken.json")),
    house::<Kucoin>("KuCoin", include_str!("../venues/kucoin.json")),
    house::<Mexc>("MEXC", include_str!("../venues/mexc.json")),
    house::<Okx>("OKX", include_str!("../venues/okx.json")),
    house::<Upbit>("Upbit", include_str!("../venues/upbit.json")),
];

const fn house<D: Dialect>(name: &'static str, venue: &'static str) -> Spoken {
    Spoken {
        id: D::ID,
        name,
        venue,
        open: |venue, limits, now| Box::new(House::<D>::new(venue, limits, now)),
    }
}
