//! What the fuzz targets run, on random input, on input of nearly the right form, and on the requests of the tables with a few
//! bytes changed.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{fs, path::Path};

use proptest::{prelude::*, sample::Index};
use serde_json::Value;

use subject::{ALL, Subject};

mod subject;

proptest! {
    #[test]
    fn arbitrary_bytes_are_read_calmly(subject in any::<Index>(), data in prop::collection::vec(any::<u8>(), 0..300)) {
        run(subject, &data);
    }

    #[test]
    fn nearly_right_requests_are_read_calmly(
        subject in any::<Index>(),
        method in 0..5u8,
        target in r"/(api/v3/(order|account)|fapi/v1/batchOrders|0/private/AddOrder|v5/order/create|api/v5/trade/(order|batch-orders)|v1/orders|%2[eEfF]|\.\.|//)\?([a-zA-Z]{1,8}=[a-zA-Z0-9%+.\[\]-]{0,8}&?){0,5}",
        body in r#"([a-zA-Z]{1,8}=[a-zA-Z0-9%.+-]{0,8}&?){0,5}|[\[{]{0,2}("(symbol|side|qty|sz|price|px|type|amount)":("(BTC|buy|SELL|1e3|0\.10|-1|)"|[0-9.e-]{0,5}|null|\[\]|\{\}),?){0,6}[\]}]{0,2}"#,
    ) {
        let data = [&[method], target.as_bytes(), b"\n", body.as_bytes()].concat();
        run(subject, &data);
    }

    #[test]
    fn edited_requests_of_the_tables_are_read_calmly(
        case in any::<Index>(), at in any::<Index>(), cut in 0..4usize,
        put in prop_oneof![prop::collection::vec(any::<u8>(), 0..4), "[\\[\\]{}\":,&=%0-9.eE+-]{0,4}".prop_map(String::into_bytes)],
    ) {
        TABLES.with(|tables| {
            let mut data = case.get(tables).clone();
            let start = at.index(data.len() + 1);
            let end = (start + cut).min(data.len());
            drop(data.splice(start..end, put));
            ["request", "form"].iter().for_each(|name| ALL.iter().find(|(own, _)| own == name).unwrap().1(&data));
        });
    }
}

#[test]
fn requests_of_the_tables_are_read_by_every_reader() {
    TABLES.with(|tables| {
        assert!(tables.len() > 400, "{}", tables.len());
        for data in tables {
            ALL.iter().for_each(|(_, read)| read(data));
        }
    });
}

/// A reader without a fuzz target would be tested less than the others.
#[test]
fn every_reader_has_its_fuzz_target() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/fuzz_targets");
    let mut targets: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    targets.sort();
    assert_eq!(targets, ALL.map(|(name, _)| name.to_owned()));
}

thread_local! {
    /// Every request of every `money.json`.
    static TABLES: Vec<Vec<u8>> = {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("exchanges");
        let files = fs::read_dir(root).unwrap().map(|folder| folder.unwrap().path().join("money.json"));
        let cases = files.filter(|file| file.is_file()).flat_map(|file| {
            serde_json::from_slice::<Vec<Value>>(&fs::read(file).unwrap()).unwrap()
        });
        cases.map(|case| bytes(&case)).collect()
    };
}

fn bytes(case: &Value) -> Vec<u8> {
    let (method, target) = case["endpoint"].as_str().unwrap().split_once(' ').unwrap();
    let method = ["GET", "POST", "PUT", "DELETE", "PATCH"].iter().position(|own| *own == method).unwrap();
    let body = case["body"].as_str().unwrap_or_default();
    [&[method as u8], target.as_bytes(), b"\n", body.as_bytes()].concat()
}

fn run(subject: Index, data: &[u8]) {
    let (_, read): &Subject = subject.get(&ALL);
    read(data);
}
