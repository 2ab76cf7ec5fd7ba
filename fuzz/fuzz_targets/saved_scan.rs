#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    plainsight_fuzz::saved_scan(bytes, plainsight_fuzz::Depth::One);
});
