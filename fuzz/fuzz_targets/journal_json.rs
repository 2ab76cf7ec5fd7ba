#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    plainsight_fuzz::log_file(bytes, plainsight_fuzz::Depth::One);
});
