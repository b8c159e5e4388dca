//! What there is under `/storage/`: from paths and methods to resources. Knows nothing of answers.

use http::Method;

use crate::migrate::Ask;

/// What a path under `/storage/` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resource {
    Live,
    Ready,
    Info,
    TestS3,
    Spool,
    Flush,
    Retry,
    UsageByCompany,
    Stats,
    Verify,
    VerifyJob,
    VerifyCancel,
    Compact,
    CompactJob,
    CompactCancel,
    Metrics,
    Url,
    Object,
    OpenApi,
    Cleanup,
    CleanupJob,
    CleanupReport,
    CleanupCancel,
    MigrateToS3,
    MigrateToLocal,
    Migrations,
    Migration,
    MigrationEvents,
    MigrationReport,
    MigrationAsk(Ask),
    MigrationLimits,
}

#[cfg(test)]
impl Resource {
    /// Every one.
    pub(super) const ALL: [Self; 34] = [
        Self::Live,
        Self::Ready,
        Self::Info,
        Self::TestS3,
        Self::Spool,
        Self::Flush,
        Self::Retry,
        Self::UsageByCompany,
        Self::Stats,
        Self::Verify,
        Self::VerifyJob,
        Self::VerifyCancel,
        Self::Compact,
        Self::CompactJob,
        Self::CompactCancel,
        Self::Metrics,
        Self::Url,
        Self::Object,
        Self::OpenApi,
        Self::Cleanup,
        Self::CleanupJob,
        Self::CleanupReport,
        Self::CleanupCancel,
        Self::MigrateToS3,
        Self::MigrateToLocal,
        Self::Migrations,
        Self::Migration,
        Self::MigrationEvents,
        Self::MigrationReport,
        Self::MigrationAsk(Ask::Pause),
        Self::MigrationAsk(Ask::Run),
        Self::MigrationAsk(Ask::Cancel),
        Self::MigrationAsk(Ask::RollBack),
        Self::MigrationLimits,
    ];
}

/// A resource, and what its path says behind the fixed part.
pub(super) type Named<'a> = (Resource, &'a str);

impl Resource {
    /// What a path behind `/storage/` names; `None` where that is nothing.
    pub(super) fn named(path: &str) -> Option<Named<'_>> {
        if let Some(resource) = Self::fixed(path) {
            return Some((resource, ""));
        }
        let (folder, rest) = path.split_once('/')?;
        let resource = match folder {
            "verify" => return Self::of_job(rest, Self::VerifyJob, Self::VerifyCancel),
            "compact" => return Self::of_job(rest, Self::CompactJob, Self::CompactCancel),
            "cleanup" => return Self::of_cleanup(rest),
            "objects" => Self::Object,
            "migrations" => return Self::of_migration(rest),
            _ => return None,
        };
        (!rest.is_empty()).then_some((resource, rest))
    }

    fn of_job(rest: &str, job: Self, cancel: Self) -> Option<Named<'_>> {
        let (resource, id) = rest.strip_suffix("/cancel").map_or((job, rest), |id| (cancel, id));
        (!id.is_empty() && !id.contains('/')).then_some((resource, id))
    }

    fn of_cleanup(rest: &str) -> Option<Named<'_>> {
        match rest.strip_suffix("/report") {
            Some(id) => Self::of_job(id, Self::CleanupReport, Self::CleanupReport),
            None => Self::of_job(rest, Self::CleanupJob, Self::CleanupCancel),
        }
    }

    fn of_migration(rest: &str) -> Option<Named<'_>> {
        let (id, part) = rest.split_once('/').map_or((rest, None), |(id, part)| (id, Some(part)));
        let resource = match part {
            None => Self::Migration,
            Some("events") => Self::MigrationEvents,
            Some("report") => Self::MigrationReport,
            Some("limits") => Self::MigrationLimits,
            Some("pause") => Self::MigrationAsk(Ask::Pause),
            Some("resume") => Self::MigrationAsk(Ask::Run),
            Some("cancel") => Self::MigrationAsk(Ask::Cancel),
            Some("rollback") => Self::MigrationAsk(Ask::RollBack),
            Some(_) => return None,
        };
        (!id.is_empty()).then_some((resource, id))
    }

    fn fixed(path: &str) -> Option<Self> {
        Some(match path {
            "health/live" => Self::Live,
            "health/ready" => Self::Ready,
            "info" => Self::Info,
            "test-s3" => Self::TestS3,
            "spool" => Self::Spool,
            "spool/flush" => Self::Flush,
            "spool/retry" => Self::Retry,
            "usage-by-company" => Self::UsageByCompany,
            "stats" => Self::Stats,
            "verify" => Self::Verify,
            "compact" => Self::Compact,
            "metrics" => Self::Metrics,
            "url" => Self::Url,
            "openapi.json" => Self::OpenApi,
            "cleanup" => Self::Cleanup,
            "migrate-to-s3" => Self::MigrateToS3,
            "migrate-to-local" => Self::MigrateToLocal,
            "migrations" => Self::Migrations,
            _ => return None,
        })
    }

    /// Whether anyone may ask for it.
    pub(super) fn is_open(self) -> bool {
        matches!(self, Self::Live | Self::Ready)
    }

    /// `None` where the method is one that it has.
    pub(super) fn refuses(self, method: &Method) -> Option<&'static str> {
        let reads = matches!(*method, Method::GET | Method::HEAD);
        let (fits, allowed) = match self {
            Self::Flush
            | Self::Retry
            | Self::VerifyCancel
            | Self::CompactCancel
            | Self::CleanupCancel
            | Self::MigrateToS3
            | Self::MigrateToLocal
            | Self::MigrationAsk(_)
            | Self::MigrationLimits => (method == Method::POST, "POST"),
            Self::Verify | Self::Compact | Self::Cleanup => {
                (reads || method == Method::POST, "GET, HEAD, POST")
            }
            _ => (reads, "GET, HEAD"),
        };
        (!fits).then_some(allowed)
    }

    /// Whether a list of keys may come along.
    pub(super) fn takes_manifest(self, method: &Method) -> bool {
        let takes = matches!(self, Self::Cleanup | Self::MigrateToS3 | Self::MigrateToLocal);
        takes && method == Method::POST
    }
}
