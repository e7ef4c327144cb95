//! What Bitfinex calls assets and pairs.

use crate::config::Pair;
use crate::floor::Floor;
use crate::request::form_decode;

use super::Error;

/// `USDT` goes by `UST`.
pub(super) fn currency(asset: &str) -> &str {
    if asset == "USDT" { "UST" } else { asset }
}

/// `BTCUSD`, or `DOGE:USD` where a name has more than three letters.
pub(super) fn pair_name(pair: &Pair) -> String {
    let (base, quote) = (currency(&pair.base), currency(&pair.quote));
    let colon = if base.len() == 3 && quote.len() == 3 { "" } else { ":" };
    format!("{base}{colon}{quote}")
}

/// `tBTCUSD`
pub(super) fn symbol(pair: &Pair) -> String {
    format!("t{}", pair_name(pair))
}

/// The pair with this symbol, as it stands in a path or parameter.
pub(super) fn pair(floor: &Floor, text: &str) -> Result<usize, Error> {
    let text = form_decode(text).ok_or(Error::SYMBOL)?;
    floor.pairs.iter().position(|pair| symbol(pair) == text).ok_or(Error::SYMBOL)
}

/// The way money goes out, which says the asset too.
pub(super) fn method(asset: &str) -> String {
    match asset {
        "BTC" => "BITCOIN".to_owned(),
        "ETH" => "ETHEREUM".to_owned(),
        "USDT" => "TETHERUSE".to_owned(),
        "USD" => "WIRE".to_owned(),
        _ => asset.to_owned(),
    }
}
