#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| dwell::fuzzing::delta_log(bytes));
