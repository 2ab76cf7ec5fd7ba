#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    plainsight_fuzz::main_cf(bytes, plainsight_fuzz::Depth::One);
});
