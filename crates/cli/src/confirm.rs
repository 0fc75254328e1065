//! Asking before money moves, or before what moves it is switched.

use std::io::{BufRead, IsTerminal, Write};

use crate::{
    exit::{Exit, Stopped},
    table,
};

/// Goes on when `--yes` was given, or when a person at the terminal says so.
pub(crate) fn confirmed(question: &str, is_given: bool) -> Result<(), Stopped> {
    let refused = |message: &str| Err(Stopped::new(Exit::Refused, "NOT_CONFIRMED", message));
    if is_given {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return refused("expected --yes, or a terminal to ask on, found neither; nothing was done");
    }
    let failed = |error: std::io::Error| Stopped::failed("TERMINAL", &error);
    let mut terminal = std::io::stderr();
    write!(terminal, "{} ", table::flowed_error(&format!("{question} [y/N]")))
        .and_then(|()| terminal.flush())
        .map_err(failed)?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(failed)?;
    if ["y", "yes"].contains(&answer.trim().to_lowercase().as_str()) {
        Ok(())
    } else {
        refused("it was not confirmed; nothing was done")
    }
}
