//! Parameters in the spellings clients use.

use proptest::{collection::vec, prelude::*};

/// A name no endpoint gives a meaning, so that order and repetition are all that counts.
fn names() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::btree_set("[a-z]{1,8}x", 1..8)
        .prop_map(|names| names.into_iter().collect())
        .prop_shuffle()
}

/// A value in the spellings clients use for it: raw, encoded, needlessly encoded, small and capital hex.
fn value() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[A-Za-z0-9_.~*!'(),:@/?|{}\\[\\]-]",
        Just("+".to_owned()),
        any::<char>().prop_filter("no control characters", |c| !c.is_control()).prop_flat_map(|c| {
            let upper: String = c.to_string().bytes().map(|b| format!("%{b:02X}")).collect();
            let lower = upper.to_lowercase();
            prop_oneof![Just(upper), Just(lower)]
        }),
    ];
    vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

pub fn query() -> impl Strategy<Value = String> {
    names().prop_flat_map(|names| {
        let values = vec(value(), names.len());
        values.prop_map(move |values| {
            let pieces: Vec<_> =
                names.iter().zip(values).map(|(name, value)| format!("{name}={value}")).collect();
            pieces.join("&")
        })
    })
}

/// JSON as clients write it: odd spacing, numbers of any length, escapes.
pub fn json() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
        "\"[A-Za-z0-9 ,:{}é가/-]{0,10}(\\\\(\"|/|\\\\|u00e9|ud83d\\\\ude00))?\"",
        Just("true".to_owned()),
        Just("null".to_owned()),
    ];
    let any = scalar.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|items| format!("[ {}]", items.join(" , "))),
            (names(), vec(inner, 8)).prop_map(|(names, values)| object(&names, &values)),
        ]
    });
    (names(), vec(any, 8)).prop_map(|(names, values)| object(&names, &values))
}

fn object(names: &[String], values: &[String]) -> String {
    let members: Vec<_> =
        names.iter().zip(values).map(|(name, value)| format!(" \"{name}\" :{value}")).collect();
    format!("{{{}\n}}", members.join(","))
}

/// JSON without objects inside, which some exchanges have no signed form for.
pub fn flat_json() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,9})?",
        "\"[A-Za-z0-9 ,:é가/-]{0,10}\"",
        Just("true".to_owned())
    ];
    let any =
        prop_oneof![scalar.clone(), vec(scalar, 1..4).prop_map(|items| format!("[ {}]", items.join(" , "))),];
    (names(), vec(any, 8)).prop_map(|(names, values)| object(&names, &values))
}
