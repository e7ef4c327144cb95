#![no_main]

#[path = "../../tests/readers/subject.rs"]
mod subject;

libfuzzer_sys::fuzz_target!(|data: &[u8]| subject::json(data));
