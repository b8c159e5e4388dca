//! `stowgate completions` and `stowgate man`: what shells and `man` want to know of the commands.

use std::io;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::output::raw;
use super::{Cli, Failure, say};

#[derive(Debug, clap::Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

#[derive(Debug, clap::Args)]
#[command(next_line_help = true)]
pub(super) struct ManArgs {
    /// Write a page for each command into this directory, instead
    /// of the first page to standard output
    #[arg(long, value_name = "DIR", verbatim_doc_comment)]
    dir: Option<PathBuf>,
}

/// Writes the completions to standard output.
pub(super) fn completions(args: &CompletionsArgs) {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "stowgate", &mut script);
    raw(&script);
}

/// Writes the manual.
pub(super) fn man(args: &ManArgs) -> Result<(), Failure> {
    let command = Cli::command();
    let Some(folder) = &args.dir else {
        raw(&page(command).map_err(|error| Failure::Failed(error.to_string()))?);
        return Ok(());
    };
    let written = pages(&command, folder).map_err(|error| {
        Failure::Failed(format!("{} cannot be written to: {error}", folder.display()))
    })?;
    say(format_args!("{written} pages in {}", folder.display()));
    Ok(())
}

/// One page for each command and subcommand.
#[allow(clippy::disallowed_methods, reason = "the manual is the user's, not the store's")]
fn pages(command: &clap::Command, folder: &Path) -> io::Result<usize> {
    std::fs::create_dir_all(folder)?;
    let mut built = command.clone();
    built.build();
    let mut left = vec![(built.get_name().to_owned(), built)];
    let mut written = 0;
    while let Some((name, command)) = left.pop() {
        for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
            left.push((format!("{name}-{}", below.get_name()), below.clone()));
        }
        let title: &'static str = Box::leak(name.clone().into_boxed_str());
        std::fs::write(folder.join(format!("{name}.1")), page(command.name(title))?)?;
        written += 1;
    }
    Ok(written)
}

fn page(command: clap::Command) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command).render(&mut text)?;
    Ok(text)
}
