//! Whoever can write to the database cannot make a sealed value open that was not sealed for this
//! place and this key: every form, every kind of change.

#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use proptest::sample::Index;

use specimen::{PLAINTEXT, Parts, Specimen, all};

mod specimen;

#[test]
fn untouched_values_open() {
    for specimen in all() {
        assert_eq!((specimen.open)(&specimen.parts).unwrap(), PLAINTEXT, "{}", specimen.form);
        assert_eq!((specimen.open)(&specimen.twin).unwrap(), PLAINTEXT, "{}", specimen.form);
    }
}

#[test]
fn a_value_opens_only_at_its_place_and_under_its_key() {
    for specimen in all() {
        assert!(specimen.elsewhere.len() >= 2);
        for (difference, open) in &specimen.elsewhere {
            assert!(open(&specimen.parts).is_none(), "{}: another {difference}", specimen.form);
        }
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    each_part(|specimen, part| {
        for bit in 0..specimen.parts[part].len() * 8 {
            refused(specimen, part, |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
        }
    });
}

#[test]
fn every_shortening_is_refused() {
    each_part(|specimen, part| {
        for length in 0..specimen.parts[part].len() {
            refused(specimen, part, |bytes| bytes.truncate(length));
            refused(specimen, part, |bytes| drop(bytes.drain(..bytes.len() - length)));
            refused(specimen, part, |bytes| drop(bytes.drain(length..=length)));
        }
    });
}

#[test]
fn every_lengthening_is_refused() {
    each_part(|specimen, part| {
        for byte in 0..=u8::MAX {
            refused(specimen, part, |bytes| bytes.push(byte));
            refused(specimen, part, |bytes| bytes.insert(0, byte));
        }
        for tail in ["==", "AAAA", ".", ".AAAA", "\r\n", " "] {
            refused(specimen, part, |bytes| bytes.extend_from_slice(tail.as_bytes()));
        }
    });
}

/// Salt, IV, commitment, ciphertext and tag of one sealing do not fit another of the same value.
#[test]
fn parts_of_two_sealings_do_not_mix() {
    each_part(|specimen, part| {
        let twin = &specimen.twin[part];
        if *twin != specimen.parts[part] {
            assert_eq!(twin.len(), specimen.parts[part].len());
            refused(specimen, part, |bytes| bytes.clone_from(twin));
            // Windows of four bytes are whole bytes of text and payload alike at some offset.
            for start in 0..twin.len().saturating_sub(4) {
                refused(specimen, part, |bytes| {
                    bytes[start..start + 4].copy_from_slice(&twin[start..start + 4])
                });
                let tail = &twin[start + 4..];
                refused(specimen, part, |bytes| bytes[start + 4..].copy_from_slice(tail));
            }
        }
    });
}

proptest! {
    #[test]
    fn any_edit_is_refused(
        specimen in any::<Index>(), part in any::<Index>(), at in any::<Index>(),
        cut in 0..8_usize, put in prop::collection::vec(any::<u8>(), 0..8),
    ) {
        SPECIMENS.with(|all| {
            let specimen = specimen.get(all);
            let part = part.index(specimen.parts.len());
            let at = at.index(specimen.parts[part].len() + 1);
            let end = (at + cut).min(specimen.parts[part].len());
            refused(specimen, part, |bytes| drop(bytes.splice(at..end, put)));
        });
    }

    #[test]
    fn any_letter_for_a_letter_is_refused(
        specimen in any::<Index>(), part in any::<Index>(), at in any::<Index>(), letter in "[A-Za-z0-9_.+/=-]",
    ) {
        SPECIMENS.with(|all| {
            let specimen = specimen.get(all);
            let part = part.index(specimen.parts.len());
            let at = at.index(specimen.parts[part].len());
            refused(specimen, part, |bytes| bytes[at] = letter.as_bytes()[0]);
        });
    }
}

thread_local! {
    static SPECIMENS: Vec<Specimen> = all();
}

fn each_part(check: impl Fn(&Specimen, usize)) {
    for specimen in all() {
        (0..specimen.parts.len()).for_each(|part| check(&specimen, part));
    }
}

/// Applies a change to one part; unless that gives a value which was sealed, it must not open.
fn refused(specimen: &Specimen, part: usize, change: impl FnOnce(&mut Vec<u8>)) {
    let mut parts: Parts = specimen.parts.clone();
    change(&mut parts[part]);
    if parts != specimen.parts && parts != specimen.twin {
        let opened = (specimen.open)(&parts);
        assert!(opened.is_none(), "{} part {part} opens as {:02x?}", specimen.form, parts[part]);
    }
}
