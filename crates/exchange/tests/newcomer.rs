//! A new exchange of a known scheme is a folder of new files, and nothing else is edited. Here each folder that is there
//! is given another name, as if it had been added: it fits by itself, and every table of the tests has it. What the tests
//! make of their part of it, they show themselves (`a_newcomer...` in `bypasses.rs`, `denial.rs`, `everywhere.rs`).
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests: also outside the test functions")]

mod support;

use exchange::check;
use support::folder::{Folder, NEWCOMER, folders, newcomer, root};

/// What `keygate exchange check` reads of a folder.
fn checked(folder: &Folder) -> exchange::Checked {
    let texts =
        ["exchange.toml", "vectors.json", "endpoints.txt", "orders.json"].map(|name| folder.text(name));
    let [definition, vectors, endpoints, orders] = &texts;
    check(&exchange::Folder { definition, vectors, endpoints, orders }).unwrap()
}

#[test]
fn a_new_folder_fits_whatever_it_is_called() {
    for own in folders(&root()) {
        let exchanges = newcomer("fits", own.id());
        let [folder] = &folders(&exchanges)[..] else { panic!("one was made") };
        let (before, after) = (checked(&own), checked(folder));
        assert_eq!((after.id.as_str(), &after.problems[..]), (NEWCOMER, &[][..]), "of {}", own.id());
        let counts = |checked: &exchange::Checked| {
            (checked.signatures, checked.verified, checked.endpoints, checked.orders)
        };
        assert_eq!(counts(&after), counts(&before), "of {}", own.id());
        assert!(after.signatures > 0 && after.endpoints > 0, "of {}: {after:?}", own.id());
    }
}

#[test]
fn every_table_of_the_tests_has_a_new_folder() {
    for own in folders(&root()) {
        let exchanges = newcomer("tables", own.id());
        let [folder] = &folders(&exchanges)[..] else { panic!("one was made") };
        let counts = |folder: &Folder| {
            let places = folder.json("carriers.json")["places"].as_array().map_or(0, Vec::len);
            (folder.endpoints().len(), folder.bypasses().len(), folder.excuses().len(), places)
        };
        assert_eq!(counts(folder), counts(&own), "{}", own.id());
        let (endpoints, bypasses, _, places) = counts(folder);
        assert!(endpoints > 0 && bypasses > 0 && places > 0, "{}", own.id());
    }
}
