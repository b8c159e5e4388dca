//! aws-chunked framing under any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = stowgate::body::fuzzing::chunk_framing(data);
});
