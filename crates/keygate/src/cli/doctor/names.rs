//! What a client library takes our own address for.

use super::{Finding, Severity, finding};
use crate::config::Config;

/// ccxt chooses how it signs for Bybit by words that stand anywhere in the address it calls.
pub fn look(config: &Config) -> Option<Finding> {
    let mut names = config.accepted_hosts(&config.listen);
    names.insert(0, config.public_url.clone());
    let mistaken = |name: &String| WORDS.iter().any(|word| name.contains(word));
    let name = names.into_iter().find(mistaken)?;
    let text = format!("ccxt signs for Bybit in another way because of what stands in {name}");
    Some(finding("address for ccxt", Severity::Medium, text, FIX))
}

const WORDS: [&str; 4] = ["openapi", "unified/v3", "contract/v3", "v5"];
const FIX: &str =
    "use a name without openapi, unified/v3, contract/v3 and v5 (public_url), if bots trade at Bybit";
