//! What holds at every exchange, in every carrier its parameters have.
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

mod support;

use std::{collections::BTreeMap, sync::LazyLock};

use base64::{Engine, prelude::BASE64_STANDARD};
use exchange::{Credentials, Definition, Options, Signed, Stamp, Typed};
use proptest::{prelude::*, sample::Index};
use serde::Deserialize;
use support::{
    Message, builtin,
    folder::{Folder, NEWCOMER, folders, newcomer, root},
    generate::{flat_json, json, query},
    upstream,
};

/// `carriers.json` of an exchange.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Carriers {
    /// The names its signer puts among the parameters.
    own: Vec<String>,
    places: Vec<Place>,
}

/// A signed endpoint whose parameters nobody reads, another one of its method and carrier, and what the exchange's
/// signature covers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    #[serde(skip)]
    exchange: String,
    #[serde(skip)]
    own: Vec<String>,
    endpoint: String,
    carrier: Carrier,
    /// What the envelope calls the endpoint.
    #[serde(default)]
    called: String,
    /// A path.
    other: String,
    covered: Vec<Covered>,
}

/// Where the parameters of an endpoint travel.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Carrier {
    Query,
    Form,
    Json,
    /// JSON without objects inside.
    #[serde(rename = "flat json")]
    FlatJson,
    /// JSON in base64.
    Payload,
    /// JSON inside the member `params`.
    Envelope,
}

use Carrier::{Envelope, FlatJson, Form, Json, Payload, Query};

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Covered {
    Path,
    /// Query and body.
    Params,
}

impl Place {
    fn method(&self) -> &str {
        self.endpoint.split_once(' ').unwrap().0
    }

    fn path(&self) -> &str {
        self.endpoint.split_once(' ').unwrap().1
    }
}

/// The places of one exchange; none without the file.
fn places_of(folder: &Folder) -> Vec<Place> {
    let file = folder.json("carriers.json");
    if file.is_null() {
        return Vec::new();
    }
    let Carriers { own, places } =
        serde_json::from_value(file).unwrap_or_else(|error| panic!("{} carriers.json: {error}", folder.id()));
    let of = |place| Place { exchange: folder.id().to_owned(), own: own.clone(), ..place };
    places.into_iter().map(of).collect()
}

static PLACES: LazyLock<Vec<Place>> = LazyLock::new(|| folders(&root()).iter().flat_map(places_of).collect());

const NOW: u64 = 1_700_000_000_123;

/// Two pairs for each exchange: one of the client, one of the exchange.
static PAIRS: LazyLock<BTreeMap<String, [Credentials; 2]>> = LazyLock::new(|| {
    folders(&root()).iter().map(|own| (own.id().to_owned(), pairs(&own.definition))).collect()
});

fn pairs(definition: &Definition) -> [Credentials; 2] {
    let pair = |definition: &Definition, name: &str, seed: u8| {
        let made = definition.virtual_pair(&seal::Key::filled(|key| key.fill(seed)));
        let typed = Typed { api_key: name, secret: &made.secret, passphrase: made.passphrase.as_ref() };
        Credentials::parse(definition, typed, Options::default()).unwrap()
    };
    [pair(definition, "kg_12345678", 1), pair(definition, "REALKEY", 2)]
}

/// An unsigned request of a place with these parameters; `text` is the client's own.
fn unsigned(place: &Place, text: &str) -> Message {
    let (method, path) = (place.method(), place.path());
    let header = |value: &str| vec![("Content-Type".to_owned(), value.to_owned())];
    let (query, headers, body) = match place.carrier {
        Query => (format!("?{text}"), Vec::new(), String::new()),
        Form => (String::new(), header("application/x-www-form-urlencoded"), text.to_owned()),
        Json | FlatJson | Payload => (String::new(), header("application/json"), text.to_owned()),
        Envelope => (
            String::new(),
            header("application/json"),
            format!("{{\"id\": 7,\"method\":\"{}\" ,\"params\":{text} }}", place.called),
        ),
    };
    Message {
        method: method.to_owned(),
        url: format!("https://host{path}{query}"),
        headers,
        body: body.into_bytes(),
    }
}

fn sign(definition: &Definition, message: &Message, pair: &Credentials, now_ms: u64, random: u8) -> Message {
    let request = message.parse(definition).unwrap_or_else(|refusal| panic!("{message:?}: {refusal}"));
    let nonce =
        definition.nonce_kind(&request, &Options::default()).map(|kind| kind.text(now_ms, [random; 16]));
    let upstream = upstream(definition, &request).unwrap();
    let signed = definition.sign(&request, &upstream, pair, &Stamp { now_ms, nonce }).unwrap();
    let url = signed.url();
    let Signed { method, headers, body, .. } = signed;
    let mut headers: Vec<_> = headers.into_iter().map(|(name, value)| (name.to_string(), value)).collect();
    headers.sort();
    Message { method: method.as_str().to_owned(), url, headers, body }
}

fn accepted(definition: &Definition, message: &Message, pair: &Credentials) -> bool {
    message.parse(definition).is_ok_and(|request| definition.verify(&request, pair, NOW).is_ok())
}

/// A query or form without the signer's parameters.
fn without(text: &str, own: &[String]) -> String {
    let kept = text.split('&').filter(|piece| own.iter().all(|own| own != piece.split_once('=').unwrap().0));
    kept.collect::<Vec<_>>().join("&")
}

/// JSON without the signer's members.
fn without_members(text: &str, own: &[String]) -> String {
    own.iter().fold(text.to_owned(), |text, name| {
        let Some(at) = text.find(&format!("\"{name}\":")) else { return text };
        let value = at + name.len() + 3;
        let length = match text[value..].strip_prefix('"') {
            Some(rest) => rest.find('"').unwrap() + 2,
            None => text[value..].find(|c: char| !c.is_ascii_digit()).unwrap(),
        };
        let (before, after) = (&text[..at], &text[value + length..]);
        match before.strip_suffix(',') {
            Some(before) => format!("{before}{after}"),
            None => format!("{before}{}", after.strip_prefix(',').unwrap_or(after)),
        }
    })
}

/// What the client wrote, in what leaves.
fn client_text(place: &Place, sent: &Message) -> String {
    let own = &place.own;
    let body = String::from_utf8(sent.body.clone()).unwrap();
    match place.carrier {
        Query => without(sent.url.split_once('?').unwrap().1, own),
        Form => without(&body, own),
        Json | FlatJson | Envelope => without_members(&body, own),
        Payload => without_members(&String::from_utf8(BASE64_STANDARD.decode(body).unwrap()).unwrap(), own),
    }
}

/// Signatures with a random part compare by what they sign.
fn comparable(mut message: Message) -> Message {
    for (name, value) in &mut message.headers {
        if name == "authorization" && value.split('.').count() == 3 && value.contains("eyJhbGciOiJFUzI1NiI") {
            value.truncate(value.rfind('.').unwrap());
        }
    }
    message
}

/// A place and parameters for it.
fn requests() -> impl Strategy<Value = (&'static Place, String)> {
    (0..PLACES.len()).prop_flat_map(|at| {
        let place = &PLACES[at];
        let text = match place.carrier {
            Query | Form => query().boxed(),
            Envelope | FlatJson => flat_json().boxed(),
            Json | Payload => json().boxed(),
        };
        (Just(place), text)
    })
}

/// The text with one letter or digit that is no part of an escape changed to the next.
fn changed(text: &str, at: &Index) -> String {
    let escaped =
        |at: usize| text[..at].ends_with(['%', '\\']) || text[..at].bytes().rev().nth(1) == Some(b'%');
    let places: Vec<usize> = text
        .char_indices()
        .filter(|(at, letter)| letter.is_ascii_alphanumeric() && !escaped(*at))
        .map(|(at, _)| at)
        .collect();
    let at = places[at.index(places.len())];
    let next = match text.as_bytes()[at] {
        b'9' => b'0',
        b'z' => b'a',
        b'Z' => b'A',
        other => other + 1,
    };
    format!("{}{}{}", &text[..at], char::from(next), &text[at + 1..])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_clients_bytes_leave_as_they_came((place, text) in requests()) {
        let definition = builtin(&place.exchange);
        let message = unsigned(place, &text);
        let sent = sign(&definition, &message, &PAIRS[&place.exchange][1], NOW, 3);
        let own = if place.carrier == Envelope { String::from_utf8(message.body).unwrap() } else { text };
        prop_assert_eq!(client_text(place, &sent), own, "{:?}", place);
        let path = sent.target().split('?').next().unwrap().to_owned();
        prop_assert_eq!(path, place.path());
    }

    #[test]
    fn signing_what_was_signed_changes_the_signers_values_alone((place, text) in requests()) {
        let definition = builtin(&place.exchange);
        let [client, real] = &PAIRS[&place.exchange];
        let message = unsigned(place, &text);
        let arrived = sign(&definition, &message, client, NOW - 5_000, 1);
        let sent = sign(&definition, &arrived, real, NOW, 2);
        let direct = sign(&definition, &message, real, NOW, 2);
        let (sent, direct) = (comparable(sent), comparable(direct));
        prop_assert_eq!(&sent.url.len(), &direct.url.len());
        prop_assert_eq!(format!("{sent:?}"), format!("{direct:?}"));
        prop_assert!(!format!("{sent:?}").contains("kg_12345678"), "the client's key stays here");
    }

    #[test]
    fn a_signed_request_verifies_and_none_of_what_is_covered_can_be_changed(
        (place, text) in requests(), at in any::<Index>(),
    ) {
        let definition = builtin(&place.exchange);
        let [client, real] = &PAIRS[&place.exchange];
        let covers = |what| place.covered.contains(&what);
        let arrived = sign(&definition, &unsigned(place, &text), client, NOW, 1);
        prop_assert!(accepted(&definition, &arrived, client), "{arrived:?}");
        prop_assert!(!accepted(&definition, &arrived, real));
        let moved = Message { url: arrived.url.replacen(place.path(), &place.other, 1), ..arrived.clone() };
        prop_assert_eq!(accepted(&definition, &moved, client), !covers(Covered::Path), "{}", moved.url);
        let forged = match (place.carrier, arrived.url.split_once('?')) {
            (Query, Some((before, query))) => {
                Message { url: format!("{before}?{}", changed(query, &at)), ..arrived.clone() }
            }
            _ => {
                let body = changed(&String::from_utf8(arrived.body.clone()).unwrap(), &at).into_bytes();
                Message { body, ..arrived.clone() }
            }
        };
        let holds = accepted(&definition, &forged, client);
        prop_assert!(!(holds && covers(Covered::Params)), "{} {:?} {:?}", place.exchange, arrived, forged);
    }
}

#[test]
fn every_exchange_is_among_the_places() {
    for folder in folders(&root()) {
        assert!(
            PLACES.iter().any(|place| place.exchange == folder.id()),
            "{} has no carriers.json",
            folder.id()
        );
    }
    assert!(PLACES.len() >= 33, "{}", PLACES.len());
}

#[test]
fn a_newcomers_places_are_its_files() {
    let exchanges = newcomer("everywhere", "kraken");
    let [folder] = &folders(&exchanges)[..] else { panic!("one was made") };
    let places = places_of(folder);
    assert_eq!(places.len(), PLACES.iter().filter(|place| place.exchange == "kraken").count());
    let [client, real] = pairs(&folder.definition);
    for place in &places {
        assert_eq!(place.exchange, NEWCOMER);
        let text = if place.carrier == Form { "ax=1&bx=%20" } else { r#"{ "ax" :[1 , 2]}"# };
        let sent = sign(&folder.definition, &unsigned(place, text), &client, NOW, 3);
        assert_eq!(client_text(place, &sent), text, "{place:?}");
        assert!(accepted(&folder.definition, &sent, &client), "{place:?}");
        assert!(!accepted(&folder.definition, &sent, &real), "{place:?}");
    }
    std::fs::remove_file(exchanges.join(NEWCOMER).join("carriers.json")).unwrap();
    assert!(places_of(folder).is_empty());
}
