#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| dwell::fuzzing::run_history(bytes));
