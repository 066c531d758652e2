#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| gearbench::fuzzing::run("scenario", data));
