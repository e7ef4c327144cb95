//! Default deny: what no pattern lists is refused, also when it nearly is one, and no endpoint with a dangerous name
//! stands in a weak class.
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

mod support;

use std::collections::BTreeSet;

use exchange::{Class, Method};
use support::folder::{Endpoint, Excuse, Folder, NEWCOMER, folders, newcomer, root};

/// The folders of addresses in which an exchange has endpoints that need a key: each beginning of their paths.
fn beginnings(folder: &Folder) -> BTreeSet<String> {
    let endpoints = folder.endpoints().into_iter().filter(|own| own.class != "public");
    let each = |own: Endpoint| -> Vec<_> {
        own.path.match_indices('/').map(|(at, _)| own.path[..at].to_owned()).collect()
    };
    endpoints.flat_map(each).collect()
}

/// Whether the exchange's private calls in general are there: a fifth of them, under several names and of several classes.
/// That no pattern may list whole.
fn is_main(folder: &Folder, beginning: &str) -> bool {
    let private = folder.endpoints().into_iter().filter(|own| own.class != "public");
    let (all, mut here, mut names, mut classes) =
        (private.clone().count(), 0, BTreeSet::new(), BTreeSet::new());
    for own in private {
        let Some(rest) = own.path.strip_prefix(beginning).and_then(|rest| rest.strip_prefix('/')) else {
            continue;
        };
        here += 1;
        names.insert(rest.split('/').next().unwrap().to_owned());
        classes.insert(own.class);
    }
    here * 5 >= all && names.len() > 1 && classes.len() > 1
}

/// What the definition lists whole: a method or `*`, the folder, and how many more folders may follow, by a pattern that
/// ends with `*`, or with `**`.
struct Whole {
    method: String,
    folder: Vec<String>,
    deeper: usize,
}

fn listed_whole(folder: &Folder) -> Vec<Whole> {
    let file: toml::Table = folder.text("exchange.toml").parse().unwrap();
    let patterns = file["ops"].as_table().unwrap().values().flat_map(|own| own.as_array().unwrap());
    let whole = |pattern: &toml::Value| {
        let (method, path) = pattern.as_str().unwrap().split_once(' ').unwrap();
        let segments: Vec<_> = path.split('/').map(str::to_owned).collect();
        let stars = segments.iter().rev().take_while(|own| *own == "*").count();
        let (at, deeper) = match segments.last().unwrap().as_str() {
            "**" => (segments.len() - 1, usize::MAX),
            "*" => (segments.len() - stars, stars - 1),
            _ => return None,
        };
        Some(Whole { method: method.to_owned(), folder: segments[..at].to_vec(), deeper })
    };
    patterns.filter_map(whole).collect()
}

impl Whole {
    fn has(&self, method: &str, beginning: &str) -> bool {
        let own: Vec<&str> = beginning.split('/').collect();
        // `v*` and `*_withdrawal` have text around the star
        let same = |(here, own): (&String, &&str)| match here.split_once('*') {
            Some((before, behind)) => own.starts_with(before) && own.ends_with(behind),
            None => here == own,
        };
        [method, "*"].contains(&self.method.as_str())
            && own.len().checked_sub(self.folder.len()).is_some_and(|more| more <= self.deeper)
            && self.folder.iter().zip(&own).all(same)
    }
}

/// How many paths that nobody lists were tried, in every folder of addresses of one exchange. Each is refused; where the
/// definition says that no GET changes anything, that is a read: with a key that may read.
fn unknown_paths_are_refused(folder: &Folder) -> usize {
    let class = |method: &str, path: &str| folder.definition.classify(Method::parse(method).unwrap(), path);
    let (listed, mut tried) = (listed_whole(folder), 0);
    // what a client library knows is no unknown path
    let known: BTreeSet<_> = folder.endpoints().into_iter().map(|own| own.path).collect();
    for beginning in beginnings(folder) {
        let is_main = is_main(folder, &beginning);
        for method in ["POST", "PUT", "PATCH", "DELETE", "GET"] {
            let is_listed = !is_main && listed.iter().any(|own| own.has(method, &beginning));
            let deeper = ["/something-new", "/something/quite-new", "/Withdrawals/new", "/withdraw/apply2"];
            let own = if method == "GET" { &["", "/"][..] } else { &[] };
            for path in deeper.iter().chain(own).map(|path| format!("{beginning}{path}")) {
                let unknown = class(method, &path);
                let may_read = method == "GET" && !path.ends_with('/') && unknown == Some(Class::Read);
                let is_excused = (is_listed && !path.ends_with('/')) || known.contains(&path);
                let is_fine = unknown.is_none() || may_read || is_excused;
                assert!(is_fine, "{} {method} {path}: {unknown:?}", folder.id());
                tried += usize::from(!is_excused);
            }
        }
    }
    for endpoint in ["GET /", "GET /unheard/of", "POST /unheard/of", "GET /private", "GET /bapi/v1/private"] {
        let (method, path) = endpoint.split_once(' ').unwrap();
        assert_eq!(class(method, path), None, "{} {endpoint}", folder.id());
    }
    tried
}

#[test]
fn an_unknown_path_is_refused_at_every_exchange() {
    let mut all = 0;
    for folder in folders(&root()) {
        let tried = unknown_paths_are_refused(&folder);
        assert!(tried >= MIN_UNKNOWN, "{}: {tried}", folder.id());
        all += tried;
    }
    assert!(all > 20_000, "{all}");
}

/// Fewer would mean that `endpoints.txt` says next to nothing.
const MIN_UNKNOWN: usize = 40;

/// Every endpoint that moves something, with its last segment in capitals or with a slash more: refused or, where a
/// name of a market or an id stands there, of the same class.
#[test]
fn another_spelling_of_a_money_moving_path_is_never_weaker() {
    let mut tried = 0;
    for folder in folders(&root()) {
        let definition = &folder.definition;
        for Endpoint { method, path, .. } in folder.endpoints() {
            let Some(own) = definition.classify(method, &path).filter(|class| class.moves_money()) else {
                continue;
            };
            let start = path.trim_end_matches('/').rfind('/').unwrap() + 1;
            let slash = path.strip_suffix('/').map_or(format!("{path}/"), str::to_owned);
            let capitals = format!("{}{}", &path[..start], path[start..].to_uppercase());
            for other in [capitals, path.to_uppercase(), path.to_lowercase(), slash] {
                let class = definition.classify(method, &other);
                assert!(class.is_none_or(|class| class == own), "{} {other}: {class:?}", definition.id());
                tried += 1;
            }
        }
    }
    assert!(tried > 4_000, "{tried}");
}

/// What moves money out or around, or makes keys, is named after it.
const DANGEROUS: &[&str] = &[
    "withdraw",
    "transfer",
    "giftcard",
    "subaccount",
    "sub-account",
    "sub_account",
    "subuser",
    "sub-user",
    "submember",
    "broker",
    "fiat",
    "apikey",
    "api-key",
    "api_key",
    "te-api",
    "token",
    "redeem",
    "listen",
    "push",
    "bullet",
    "address-book",
    "move",
];

/// A second opinion that knows no pattern: the endpoints of an exchange that change something, are named after moving money
/// out or around, or after keys, and yet stand in a weak class; and how many are named so. Their reasons are in
/// `harmless.txt`.
fn weak_and_dangerous(folder: &Folder) -> (Vec<Endpoint>, usize) {
    let is_dangerous = |own: &Endpoint| {
        let name = own.path.to_lowercase();
        own.method != Method::Get && DANGEROUS.iter().any(|word| name.contains(word))
    };
    let named: Vec<_> = folder.endpoints().into_iter().filter(is_dangerous).collect();
    let count = named.len();
    let is_weak = |own: &Endpoint| ["read", "public", "trade"].contains(&own.class.as_str());
    (named.into_iter().filter(is_weak).collect(), count)
}

fn excuses(excuse: &Excuse, endpoint: &Endpoint) -> bool {
    endpoint.method.as_str() == excuse.method && endpoint.path.starts_with(&excuse.start)
}

#[test]
fn no_dangerous_word_is_a_read_or_a_trade_without_a_reason() {
    let mut seen = 0;
    for folder in folders(&root()) {
        let (weak, count) = weak_and_dangerous(&folder);
        for endpoint in weak {
            let excused = folder.excuses().iter().any(|own| excuses(own, &endpoint));
            assert!(excused, "{} {endpoint:?}", folder.id());
        }
        seen += count;
    }
    assert!(seen > 400, "{seen}");
}

#[test]
fn every_excuse_of_a_dangerous_word_is_needed() {
    for folder in folders(&root()) {
        let (weak, _) = weak_and_dangerous(&folder);
        for excuse in folder.excuses() {
            assert!(weak.iter().any(|endpoint| excuses(&excuse, endpoint)), "{} {excuse:?}", folder.id());
        }
    }
}

#[test]
fn a_newcomer_is_denied_by_default_too() {
    let exchanges = newcomer("denial", "kraken");
    let [folder] = &folders(&exchanges)[..] else { panic!("one was made") };
    assert!(unknown_paths_are_refused(folder) >= MIN_UNKNOWN);
    assert_eq!(weak_and_dangerous(folder).0.len(), folder.excuses().len(), "each has its own reason here");
    let without = exchanges.join(NEWCOMER).join("harmless.txt");
    std::fs::remove_file(without).unwrap();
    let [folder] = &folders(&exchanges)[..] else { panic!("one was made") };
    assert!(folder.excuses().is_empty() && !weak_and_dangerous(folder).0.is_empty());
}
