#![no_main]

// Readers of damaged files panic and are caught: a hook that aborts would be too early.
libfuzzer_sys::fuzz_target!(
    init: std::panic::set_hook(Box::new(|_| {})),
    |bytes: &[u8]| dwell::fuzzing::pages(bytes)
);
