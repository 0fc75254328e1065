//! Completion scripts and manual pages, made from the command line itself.

use std::{fs, io::Write, path::Path};

use clap::CommandFactory;

use crate::{
    args::{Args, CompletionsArgs, ManArgs},
    exit::{Exit, Stopped},
};

/// Prints a completion script.
pub(crate) fn completions(args: &CompletionsArgs) -> Result<Exit, Stopped> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "alchemiser", &mut script);
    crate::print(String::from_utf8_lossy(&script).trim_end())
}

/// Prints the manual page, or writes all of them.
pub(crate) fn man(args: &ManArgs) -> Result<Exit, Stopped> {
    let failed = |error: std::io::Error| Stopped::failed("OUTPUT", &error);
    let Some(directory) = &args.dir else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Args::command()).render(&mut page).map_err(failed)?;
        return match std::io::stdout().write_all(&page) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(failed(error)),
            Ok(()) | Err(_) => Ok(Exit::Completed),
        };
    };
    written(directory).map_err(|error| {
        let message = format!(
            "expected a directory that can be written at {}, found: {error}",
            directory.display()
        );
        Stopped::new(Exit::Failed, "OUTPUT", message)
    })?;
    crate::say(&format!("manual pages are in {}", directory.display()))
}

fn written(directory: &Path) -> std::io::Result<()> {
    fs::create_dir_all(directory)?;
    clap_mangen::generate_to(Args::command(), directory)
}
