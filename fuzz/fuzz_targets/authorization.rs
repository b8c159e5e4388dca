//! The Authorization header and the presigned query under any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| stowgate::auth::fuzzing::authorization(data));
