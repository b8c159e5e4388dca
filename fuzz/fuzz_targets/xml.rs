//! Every document that a client may send, under any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| stowgate::s3::xml::fuzzing::request_documents(data));
