#![no_main]

#[path = "../../tests/parsers/subject.rs"]
mod subject;

libfuzzer_sys::fuzz_target!(|data: &[u8]| subject::wrapped_key(data));
