//! The command line: raw arguments, one file for each subcommand, and the exit code.
//!
//! What asks the gateway goes through `gateway`, whose side API and S3 it uses as any client does.

mod check;
mod cleanup;
mod compact;
mod copy;
mod files;
mod gateway;
mod healthcheck;
mod init;
mod interrupt;
mod job;
mod manual;
mod migrate;
mod objects;
mod offline;
mod output;
mod overview;
mod presign;
mod progress;
mod query;
mod report;
mod serve;
mod spool;
mod test_s3;
mod usage;
mod verify;

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::app::AppError;
use crate::config::{Config, ConfigError, Env, Flags, LogFormat};

/// What programs are told.
const EXIT_CODES: &str = "\
Exit codes:
  0  all is well
  1  something failed
  2  wrong usage or configuration
  3  no gateway where one should be
  4  a migration is over, and left objects that the target has otherwise";

/// An S3 gateway in one binary.
#[derive(Debug, Parser)]
#[command(
    name = "stowgate",
    version,
    about,
    after_help = EXIT_CODES,
    disable_help_subcommand = true,
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve S3
    Serve(ConfigArgs),
    /// Ask whether the gateway of this configuration is alive
    Healthcheck(ConfigArgs),
    /// Check the local store, which nobody may be serving meanwhile
    Check(check::CheckArgs),
    /// Show what the gateway is, where its buckets are, and how it does
    Info(overview::InfoArgs),
    /// Try every permission at every upstream
    TestS3(test_s3::TestS3Args),
    /// Show objects and bytes by company, type, backend or month
    Usage(usage::UsageArgs),
    /// Check counters, bodies and what is upstream
    Verify(verify::VerifyArgs),
    /// Remove what nothing refers to
    Cleanup(cleanup::CleanupArgs),
    /// Give back the room that deleted objects still take in the log
    Compact(compact::CompactArgs),
    /// Move objects between the disk and the upstream
    Migrate(Box<migrate::MigrateArgs>),
    /// Take a tree of files over into a bucket
    Import(copy::import::ImportArgs),
    /// Write what a bucket holds as a tree of files
    Export(copy::export::ExportArgs),
    /// Show where an object is, and what became of it
    Objects(objects::ObjectsArgs),
    /// Show or move what waits to be forwarded upstream
    Spool(spool::SpoolArgs),
    /// Make a URL that lets whoever has it do one thing to one object
    Presign(presign::PresignArgs),
    /// Write a configuration to start from
    Init(init::InitArgs),
    /// Print completions for a shell
    Completions(manual::CompletionsArgs),
    /// Print the manual
    Man(manual::ManArgs),
    /// Say which version this is
    Version,
}

/// What says which configuration to use. A flag beats the environment, which beats the file.
#[derive(Debug, Args)]
#[command(next_line_help = true)]
struct ConfigArgs {
    /// The configuration file [env: STOWGATE_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The address to listen on [env: STOWGATE_LISTEN]
    /// [default: 127.0.0.1:9000]
    #[arg(long, value_name = "ADDR", verbatim_doc_comment)]
    listen: Option<String>,
    /// The directory of the local store [env: STOWGATE_DATA_DIR]
    /// [default: stowgate-data]
    #[arg(long, value_name = "DIR", verbatim_doc_comment)]
    data_dir: Option<PathBuf>,
    /// How log lines look [env: STOWGATE_LOG_FORMAT] [default: auto]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
}

/// Why a command failed; says which exit code.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// 2: the configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// 2: the arguments make no sense.
    #[error("{0}")]
    Usage(String),
    /// 3: nobody listens where the gateway should be, and the store can't be used without one.
    #[error("{0}")]
    Unreachable(String),
    /// 3: what answers is no gateway, or not for long enough.
    #[error("{0}")]
    NoGateway(String),
    /// 4: all that could be moved was, and other objects were left where they are.
    #[error("{0}")]
    Conflicts(String),
    /// 1: everything else.
    #[error("{0}")]
    Failed(String),
}

impl ConfigArgs {
    fn flags(&self) -> Flags {
        Flags {
            config: self.config.clone(),
            listen: self.listen.clone(),
            data_dir: self.data_dir.clone(),
            log_format: self.log_format,
        }
    }

    fn load(&self) -> Result<Config, ConfigError> {
        Config::load(&self.flags(), &Env::of_process())
    }
}

impl Failure {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_) | Self::Usage(_) => ExitCode::from(2),
            Self::Unreachable(_) | Self::NoGateway(_) => ExitCode::from(3),
            Self::Conflicts(_) => ExitCode::from(4),
            Self::Failed(_) => ExitCode::from(1),
        }
    }
}

impl Command {
    fn run(self) -> Result<(), Failure> {
        match self {
            Self::Serve(args) => serve::run(&args),
            Self::Healthcheck(args) => healthcheck::run(&args),
            Self::Check(args) => check::run(&args),
            Self::Info(args) => overview::run(&args),
            Self::TestS3(args) => test_s3::run(&args),
            Self::Usage(args) => usage::run(&args),
            Self::Verify(args) => verify::run(&args),
            Self::Compact(args) => compact::run(&args),
            Self::Cleanup(args) => cleanup::run(&args),
            Self::Migrate(args) => migrate::run(&args),
            Self::Import(args) => copy::import::run(&args),
            Self::Export(args) => copy::export::run(&args),
            Self::Objects(args) => objects::run(&args),
            Self::Spool(args) => spool::run(&args),
            Self::Presign(args) => presign::run(&args),
            Self::Init(args) => init::run(&args),
            Self::Completions(args) => {
                manual::completions(&args);
                Ok(())
            }
            Self::Man(args) => manual::man(&args),
            Self::Version => {
                say(format_args!("stowgate {}", env!("CARGO_PKG_VERSION")));
                Ok(())
            }
        }
    }
}

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Config(error) => Self::Config(error),
            other => Self::Failed(other.to_string()),
        }
    }
}

/// Runs the program: 0 is success, 1 a failure, 2 wrong usage or configuration, 3 that there is no
/// gateway, 4 that a migration left objects in conflict.
pub fn run() -> ExitCode {
    let result = Cli::parse().command.run();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // With standard error gone there is nobody left to tell.
            let said = format!("stowgate: {failure}");
            let mut out = io::stderr();
            let said = if out.is_terminal() { output::wrapped(&said, 2) } else { said + "\n" };
            let _ = out.write_all(said.as_bytes());
            failure.exit_code()
        }
    }
}

/// A line for people and programs that read standard output; that nobody reads it is no failure.
fn say(line: impl Display) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
