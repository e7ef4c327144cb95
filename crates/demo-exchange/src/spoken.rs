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
    /// Its ready-made pairs, accounts and keys.
    pub(crate) venue: &'static str,
    pub(crate) open: fn(&Venue, &Limits, i64) -> Box<dyn Exchange>,
}

pub(crate) static SPOKEN: [Spoken; 17] = [
    Spoken {
        id: "binance",
        venue: include_str!("../venues/binance.json"),
        open: |venue, limits, now| Box::new(Binance::new(venue, limits, now)),
    },
    house::<Bitfinex>(include_str!("../venues/bitfinex.json")),
    house::<Bitget>(include_str!("../venues/bitget.json")),
    house::<Bithumb>(include_str!("../venues/bithumb.json")),
    house::<Bitstamp>(include_str!("../venues/bitstamp.json")),
    house::<Bybit>(include_str!("../venues/bybit.json")),
    house::<Coinbase>(include_str!("../venues/coinbase.json")),
    house::<CoinbaseExchange>(include_str!("../venues/coinbaseexchange.json")),
    Spoken {
        id: "coinone",
        venue: include_str!("../venues/coinone.json"),
        open: |venue, limits, now| Box::new(Coinone::new(venue, limits, now)),
    },
    house::<Cryptocom>(include_str!("../venues/cryptocom.json")),
    house::<Gate>(include_str!("../venues/gate.json")),
    house::<Htx>(include_str!("../venues/htx.json")),
    house::<Kraken>(include_str!("../venues/kraken.json")),
    house::<Kucoin>(include_str!("../venues/kucoin.json")),
    house::<Mexc>(include_str!("../venues/mexc.json")),
    house::<Okx>(include_str!("../venues/okx.json")),
    house::<Upbit>(include_str!("../venues/upbit.json")),
];

const fn house<D: Dialect>(venue: &'static str) -> Spoken {
    Spoken { id: D::ID, venue, open: |venue, limits, now| Box::new(House::<D>::new(venue, limits, now)) }
}
