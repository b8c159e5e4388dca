//! The command line: raw arguments, one file for each subcommand, and the exit code.

mod check;
mod healthcheck;
mod serve;

use std::fmt::Display;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::app::AppError;
use crate::config::{Config, ConfigError, Env, Flags, LogFormat};

/// An S3 gateway in one binary.
#[derive(Debug, Parser)]
#[command(name = "stowgate", version, about, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve S3
    Serve(ConfigArgs),
    /// Ask the gateway that runs with this configuration whether it is alive
    Healthcheck(ConfigArgs),
    /// Check the local store, which nobody may be serving meanwhile
    Check(check::CheckArgs),
    /// Say which version this is
    Version,
}

/// What says which configuration to use. A flag beats the environment, which beats the file.
#[derive(Debug, Args)]
struct ConfigArgs {
    /// The configuration file [env: STOWGATE_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The address to listen on [env: STOWGATE_LISTEN] [default: 127.0.0.1:9000]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// The directory of the local store [env: STOWGATE_DATA_DIR] [default: stowgate-data]
    #[arg(long, value_name = "DIR")]
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
            Self::Config(_) => ExitCode::from(2),
            Self::Failed(_) => ExitCode::from(1),
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

/// Runs the program: 0 is success, 1 a failure, 2 wrong usage or configuration.
pub fn run() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve(args) => serve::run(&args),
        Command::Healthcheck(args) => healthcheck::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Version => {
            say(format_args!("stowgate {}", env!("CARGO_PKG_VERSION")));
            Ok(())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // With standard error gone there is nobody left to tell.
            let _ = writeln!(io::stderr(), "stowgate: {failure}");
            failure.exit_code()
        }
    }
}

/// A line for people and programs that read standard output; that nobody reads it is no failure.
fn say(line: impl Display) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
