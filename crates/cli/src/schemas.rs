//! `alchemiser schemas`.

use std::{fs, io, path::PathBuf};

use alchemiser_wire::event;
use clap::Args as ClapArgs;
use serde_json::{Map, Value};

use crate::exit::{Exit, Stopped};

#[derive(ClapArgs, Debug)]
pub(crate) struct SchemasArgs {
    /// Write a file for each event, DIR/TYPE.schema.json, instead of printing one JSON object
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Prints or writes the JSON Schema of each event's detail.
pub(crate) fn schemas(args: &SchemasArgs) -> Result<Exit, Stopped> {
    let schemas = event::schemas();
    let Some(directory) = &args.out else {
        let all = schemas.into_iter().map(|(name, schema)| (name.to_owned(), schema));
        return crate::print_json(&Value::Object(all.collect::<Map<_, _>>()));
    };
    for (name, schema) in schemas {
        let path = directory.join(format!("{name}.schema.json"));
        let write = || -> io::Result<()> {
            fs::create_dir_all(directory)?;
            fs::write(&path, format!("{}\n", serde_json::to_string_pretty(&schema)?))
        };
        write().map_err(|error| {
            let message = format!(
                "{}: expected a directory that can be written, found: {error}",
                path.display()
            );
            Stopped::new(Exit::Refused, "UNWRITABLE", message)
        })?;
        crate::print(&path.display().to_string())?;
    }
    Ok(Exit::Completed)
}
