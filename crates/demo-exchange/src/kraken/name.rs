//! What Kraken calls assets and pairs. The old assets have a letter in front: X for coins, Z for money.

use crate::config::Pair;
use crate::floor::Floor;

use super::Error;

/// `XXBT`
pub(super) fn asset_id(asset: &str) -> String {
    match asset {
        "BTC" | "ETH" | "LTC" | "XRP" => format!("X{}", altname(asset)),
        "USD" | "EUR" | "GBP" | "JPY" => format!("Z{asset}"),
        _ => asset.to_owned(),
    }
}

/// `XBT`
pub(super) fn altname(asset: &str) -> &str {
    if asset == "BTC" { "XBT" } else { asset }
}

/// `XXBTZUSD`; the letters are there only if both assets have one.
pub(super) fn pair_id(pair: &Pair) -> String {
    let (base, quote) = (asset_id(&pair.base), asset_id(&pair.quote));
    match base != pair.base && quote != pair.quote {
        true => base + &quote,
        false => pair_altname(pair),
    }
}

/// `XBTUSD`
pub(super) fn pair_altname(pair: &Pair) -> String {
    format!("{}{}", altname(&pair.base), altname(&pair.quote))
}

/// `XBT/USD`
pub(super) fn pair_wsname(pair: &Pair) -> String {
    format!("{}/{}", altname(&pair.base), altname(&pair.quote))
}

/// The pair that goes by this name, whichever of its three it is.
pub(super) fn pair(floor: &Floor, name: &str) -> Result<usize, Error> {
    let goes =
        |pair: &Pair| [pair_id(pair), pair_altname(pair), pair_wsname(pair)].iter().any(|own| own == name);
    floor.pairs.iter().position(goes).ok_or(Error::PAIR)
}

/// The asset that goes by this name.
pub(super) fn asset<'a>(floor: &'a Floor, name: &str) -> Option<&'a str> {
    floor.assets().into_iter().find(|asset| asset_id(asset) == name || altname(asset) == name)
}
