//! `keygate exchange sign` against every signing vector, without a server or a database.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::home::Home;

#[test]
fn every_vector_is_reproduced_in_both_flows() {
    let vectors = vectors();
    assert!(vectors.len() >= 181);
    let home = Home::new();
    for flow in ["request", "dummy_signed"] {
        let other = if flow == "request" { "dummy_signed" } else { "request" };
        let wanted: Vec<&Value> = vectors
            .iter()
            .filter(|vector| vector["flows"].as_array().unwrap().contains(&flow.into()))
            .collect();
        let lines = wanted.iter().map(|vector| {
            let mut line = (*vector).clone();
            line.as_object_mut().unwrap().remove(other);
            line.as_object_mut().unwrap().remove("signed");
            format!("{line}\n")
        });
        let answers = home.feed("exchange sign", &lines.collect::<String>()).ok().out;
        let answers: Vec<Value> = answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(answers.len(), wanted.len());
        for (vector, answer) in wanted.iter().zip(&answers) {
            let random = vector["compare"] == "jwt_es256";
            let expected = normal(&vector["signed"], random);
            assert_eq!(normal(answer, random), expected, "{} by {flow}", vector["id"]);
            assert_eq!(answer["id"], vector["id"]);
        }
    }
}

#[test]
fn a_line_that_cannot_be_signed_answers_with_an_error_and_the_rest_goes_on() {
    let good = vectors().swap_remove(0);
    let input = format!("not JSON\n{}\n\n{good}\n", json!({"id": 7, "exchange": "nowhere"}));
    let answers = Home::new().feed("exchange sign", &input).ok().out;
    let answers: Vec<Value> = answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), 3);
    assert!(answers[0]["error"].is_string() && answers[0]["id"].is_null());
    assert!(answers[1]["error"].is_string() && answers[1]["id"] == 7);
    assert!(answers[2]["error"].is_null(), "{}", answers[2]);
}

fn vectors() -> Vec<Value> {
    let exchanges = Path::new(env!("CARGO_MANIFEST_DIR")).join("../exchange/exchanges");
    let files = fs::read_dir(exchanges).unwrap().map(|folder| folder.unwrap().path().join("vectors.json"));
    let files = files.filter(|file| file.is_file());
    files.flat_map(|file| serde_json::from_slice::<Vec<Value>>(&fs::read(file).unwrap()).unwrap()).collect()
}

/// Header names have no case, and no body is an empty one. Of a token whose signature is random only the rest counts.
fn normal(message: &Value, random: bool) -> Value {
    let headers = message["headers"].as_object().unwrap();
    let mut headers: serde_json::Map<String, Value> =
        headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone())).collect();
    if random {
        let token = headers["authorization"].as_str().unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        assert_eq!(signature.len(), 86, "64 bytes");
        headers["authorization"] = signed.into();
    }
    let body = message["body"].as_str().unwrap_or_default();
    json!({ "method": message["method"], "url": message["url"], "headers": headers, "body": body })
}

/// The example of the documentation is a sound one.
#[test]
fn the_documented_exchange_is_checked_and_fits() {
    let (home, folder) = documented();
    let checked = home.json(&format!("exchange check {folder}"));
    assert_eq!(checked["id"], "example");
    assert_eq!(
        [&checked["signatures"], &checked["verified"], &checked["endpoints"], &checked["orders"]],
        [&json!(2), &json!(1), &json!(3), &json!(7)]
    );
    assert_eq!(checked["problems"], json!([]));
}

#[test]
fn every_exchange_that_is_built_in_fits() {
    let home = Home::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../exchange/exchanges");
    for folder in fs::read_dir(root).unwrap() {
        let folder = folder.unwrap().path();
        assert_eq!(home.json(&format!("exchange check {}", folder.display()))["problems"], json!([]));
    }
}

/// A folder under another name stands for one that was added: nothing but its own files is asked.
#[test]
fn a_new_exchange_fits_without_being_known() {
    let home = Home::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../exchange/exchanges/kraken");
    let mut folder = String::new();
    for name in ["exchange.toml", "vectors.json", "endpoints.txt", "orders.json"] {
        let text = fs::read_to_string(root.join(name)).unwrap();
        let renamed = text
            .replace("id = \"kraken\"", "id = \"newcomer\"")
            .replace("\"exchange\": \"kraken\"", "\"exchange\": \"newcomer\"");
        let file = home.file(name, &renamed);
        folder = Path::new(&file).parent().unwrap().display().to_string();
    }
    let checked = home.json(&format!("exchange check {folder}"));
    assert_eq!((&checked["id"], &checked["problems"]), (&json!("newcomer"), &json!([])));
    assert!(checked["signatures"].as_u64().unwrap() >= 8, "{checked}");
    let listed = home.json("exchange list");
    assert!(!listed.to_string().contains("newcomer"), "it was not built in: {listed}");
}

#[test]
fn what_does_not_fit_is_named_with_its_place() {
    let changes = [
        (
            "exchange.toml",
            "hash = \"sha256\"",
            "hash = \"sha384\"",
            "vectors.json: example-01 by request: the headers",
        ),
        ("exchange.toml", "\"X-EX-TIME\" = \"{ts}\", ", "", "example-01 as a client's request"),
        (
            "vectors.json",
            "api.example.com/v1/orders",
            "elsewhere.example.com/v1/orders",
            "is not a host of this exchange",
        ),
        ("vectors.json", "\"flows\"", "\"flow\"", "a definition without one is a guess"),
        (
            "endpoints.txt",
            "read GET",
            "trade GET",
            "endpoints.txt: line 1: GET /v1/balances is read, not trade",
        ),
        (
            "exchange.toml",
            "scheme = \"header\"",
            "scheme = \"headers\"",
            "exchange.toml:30: unknown variant `headers`",
        ),
        (
            "exchange.toml",
            "https://api.example.com",
            "https://10.0.0.1",
            "exchange.toml:8: a host is a lower-case DNS name",
        ),
        ("exchange.toml", "public = [", "public = [\"POST /v1/orders\", ", "this pattern is listed twice"),
        (
            "exchange.toml",
            "not_found = [",
            "not_found = [\"other\"] #",
            "orders.json: status, POST /v1/orders: not found",
        ),
        (
            "exchange.toml",
            "max_length = 32",
            "max_length = 31",
            "ids of this form do not fit into max_length",
        ),
        ("orders.json", "\"BTC/USD\"", "\"USD/BTC\"", "orders.json: markets, BTC-USD"),
    ];
    for (file, from, to, reason) in changes {
        let (home, folder) = documented();
        let path = Path::new(&folder).join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no {from}");
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let done = home.run(&format!("exchange check {folder}"));
        assert_eq!(done.code, 1, "{from}: {done:?}");
        assert!(done.err.contains(reason), "{from}: {}", done.err);
    }
}

#[test]
fn a_folder_without_a_definition_is_said_so() {
    let home = Home::new();
    let done = home.run("exchange check nowhere");
    assert!(done.code == 1 && done.err.contains("nowhere/exchange.toml"), "{done:?}");
}

/// The files of docs/adding-an-exchange.md in a folder.
fn documented() -> (Home, String) {
    let home = Home::new();
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/adding-an-exchange.md"))
            .unwrap();
    let block = |kind: &str, nth: usize| {
        let rest = text.split(&format!("```{kind}\n")).nth(nth).unwrap();
        rest.split_once("```").unwrap().0.to_owned()
    };
    let mut folder = None;
    for (name, kind, nth) in [
        ("exchange.toml", "toml", 1),
        ("vectors.json", "json", 1),
        ("endpoints.txt", "text", 1),
        ("orders.json", "json", 2),
    ] {
        let file = home.file(name, &block(kind, nth));
        folder = Path::new(&file).parent().map(|folder| folder.display().to_string());
    }
    (home, folder.unwrap())
}
