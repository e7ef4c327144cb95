//! Definitions: any text is read or refused, and a line in the refusal is a line of the text.
#![no_main]

use exchange::Definition;
use libfuzzer_sys::fuzz_target;

const FILES: [&str; 2] =
    [include_str!("../../exchanges/binance/exchange.toml"), include_str!("../../exchanges/coinone/exchange.toml")];

fuzz_target!(|input: (bool, u16, u8, &str)| {
    let (choice, at, length, text) = input;
    let mut file = FILES[usize::from(choice)].to_owned();
    let start = file.floor_char_boundary(usize::from(at) % file.len());
    let end = file.floor_char_boundary((start + usize::from(length)).min(file.len()));
    file.replace_range(start..end.max(start), text);
    for candidate in [file.as_str(), text] {
        if let Err(error) = Definition::parse(candidate) {
            assert!(error.line <= candidate.matches('\n').count() + 1);
        }
    }
});
