//! Blobs on the simulated file system and on the machine's.
