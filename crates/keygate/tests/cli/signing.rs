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
