//! `/v2/conf`: lists of what there is, by label, several at once.

use serde_json::{Value, json};

use super::symbol::{currency, method, pair_name};
use super::{Bitfinex, Error, Reply};
use crate::config::Pair;
use crate::floor::Floor;
use crate::house::{Ask, House, Route};
use crate::request::form_decode;

pub(super) const ROUTES: &[Route<Bitfinex>] = &[Route::public("/v2/conf/*", conf)];

fn conf(house: &mut House<Bitfinex>, ask: &Ask) -> Reply {
    let labels = form_decode(&ask.rest[0]).ok_or(Error::argument("config"))?;
    labels.split(',').map(|label| list(&house.desk.floor, label)).collect()
}

fn list(floor: &Floor, label: &str) -> Reply {
    let currencies = || floor.assets().into_iter().map(currency);
    Ok(match label {
        "pub:list:pair:exchange" => floor.pairs.iter().map(pair_name).collect(),
        "pub:info:pair" => floor.pairs.iter().map(about).collect(),
        "pub:list:currency" => currencies().collect(),
        "pub:map:currency:sym" => {
            currencies().filter(|name| *name == "UST").map(|name| json!([name, "USDt"])).collect()
        }
        "pub:map:currency:label" => currencies().map(|name| json!([name, name])).collect(),
        "pub:map:currency:pool" => {
            currencies().filter(|name| *name != "USD").map(|name| json!([name, name])).collect()
        }
        "pub:map:currency:tx:fee" => currencies().map(|name| json!([name, [0, 0]])).collect(),
        "pub:map:tx:method" => {
            floor.assets().iter().map(|asset| json!([method(asset), [currency(asset)]])).collect()
        }
        "pub:info:tx:status" => floor.assets().iter().map(|asset| status(asset)).collect(),
        "pub:info:pair:futures"
        | "pub:list:pair:securities"
        | "pub:list:pair:margin"
        | "pub:list:currency:margin"
        | "pub:map:currency:explorer"
        | "pub:map:currency:undl"
        | "pub:map:currency:unit" => json!([]),
        _ => return Err(Error::argument("config")),
    })
}

/// Only the sizes of an order are told; prices have five significant digits everywhere.
fn about(pair: &Pair) -> Value {
    let (least, most) = (pair.min_quantity.to_string(), pair.max_quantity.to_string());
    json!([pair_name(pair), [null, null, null, least, most, null, null, null, null, null, null, null]])
}

/// Deposits and withdrawals are possible.
fn status(asset: &str) -> Value {
    json!([method(asset), 1, 1, null, null, null, null, 0, null, null, null, null])
}
