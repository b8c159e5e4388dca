//! A browser's form under any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = stowgate::body::fuzzing::form_data(data);
});
