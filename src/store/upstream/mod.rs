//! Objects in buckets of a real S3 service: the only code that names the AWS SDK.
