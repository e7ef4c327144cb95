//! What the fuzz targets run, on random input, on input of nearly the right form, and on golden
//! values with a few bytes changed.

#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;

use subject::{ALL, Subject};

mod subject;

proptest! {
    #[test]
    fn arbitrary_bytes_are_parsed_calmly(subject in any::<Index>(), data in prop::collection::vec(any::<u8>(), 0..400)) {
        run(subject, &data);
    }

    #[test]
    fn nearly_right_texts_are_parsed_calmly(
        subject in any::<Index>(),
        data in r"(kg1|kg1v|kgm1|kgs1|kms1|kg2|)\.?([0-9]{0,11}\.){0,3}[A-Za-z0-9_-]{0,250}(\n[A-Za-z0-9+/=.]{0,48}){0,3}",
    ) {
        run(subject, data.as_bytes());
    }

    #[test]
    fn nearly_right_parameters_are_parsed_calmly(
        subject in any::<Index>(),
        data in r"\$?(argon2id|argon2id-hmac-sha256|pbkdf2-sha256)\$(v=19[$,])?(m=(65536|[0-9]{1,7}),t=[0-9]{1,2},p=1|i=[0-9]{6,8})(,k=1)?(\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43})?",
    ) {
        run(subject, data.as_bytes());
    }

    #[test]
    fn edited_golden_values_are_parsed_calmly(
        subject in any::<Index>(), value in any::<Index>(), at in any::<Index>(),
        put in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        GOLDEN.with(|golden| {
            let mut data = value.get(golden).clone().into_bytes();
            let start = at.index(data.len() + 1);
            let end = (start + 2).min(data.len());
            drop(data.splice(start..end, put));
            run(subject, &data);
        });
    }
}

/// The subjects' own keys sealed none of these.
#[test]
fn golden_values_are_parsed_by_every_parser() {
    GOLDEN.with(|golden| {
        assert!(golden.len() > 50);
        for value in golden {
            ALL.iter().for_each(|(_, parse)| parse(value.as_bytes()));
        }
    });
}

/// A parser without a fuzz target would be tested less than the others.
#[test]
fn every_parser_has_its_fuzz_target() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/fuzz_targets");
    let mut targets: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    targets.sort();
    assert_eq!(targets, ALL.map(|(name, _)| name.to_owned()));
}

thread_local! {
    static GOLDEN: Vec<String> = {
        let file = include_str!("../../testdata/golden/0001.json");
        let mut texts = Vec::new();
        collect(&serde_json::from_str(file).unwrap(), &mut texts);
        texts
    };
}

fn run(subject: Index, data: &[u8]) {
    let (_, parse): &Subject = subject.get(&ALL);
    parse(data);
}

/// All texts of a JSON value.
fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(fields) => fields.values().for_each(|field| collect(field, texts)),
        _ => {}
    }
}
