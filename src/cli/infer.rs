//! `tallyhouse infer`

use std::{io, process::ExitCode};

use super::{
    arguments::{InferArguments, OutputFormat},
    print,
};
use crate::{
    Error,
    run::{self, Inference, Inferred},
};

/// Drafts a contract.
pub(super) async fn infer(arguments: &InferArguments) -> Result<ExitCode, Error> {
    let common = &arguments.common;
    if let Some(path) = arguments.out.as_deref().filter(|path| run::exists(path)) {
        return Err(Error::Usage {
            message: format!("`{}` exists already", path.display()),
            hint: Some("a contract that somebody has corrected is not written over: name another file".to_owned()),
        });
    }
    let inference = Inference {
        files: arguments.files.clone(),
        format: arguments.format.choice(),
        name: arguments.name.clone(),
        sample_rows: arguments.sample_rows,
        contract: arguments.out.clone(),
        parameters: run::parameters_for_drafts(&common.request(false)),
    };
    let inferred = run::infer(&inference, &mut io::stdin().lock()).await?;
    if let Some(path) = &arguments.out {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            run::output_folder(folder)?;
        }
        run::write_output(path, inferred.yaml.as_bytes(), false)?;
    }
    tell(&inferred, arguments);
    Ok(ExitCode::SUCCESS)
}

fn tell(inferred: &Inferred, arguments: &InferArguments) {
    let Inferred { name, yaml, files, rows, rejected } = inferred;
    match (arguments.common.output(), &arguments.out) {
        (OutputFormat::Json, out) => {
            let document = serde_json::json!({
                "name": name, "contract": yaml, "files": files, "rows": rows, "rejected": rejected,
                "written_to": out.as_ref().map(|path| path.display().to_string()),
            });
            print(&format!("{document}\n"));
        }
        (OutputFormat::Text, None) => print(yaml),
        (OutputFormat::Text, Some(path)) => {
            let files_word = if *files == 1 { "file" } else { "files" };
            print(&format!(
                "drafted `{name}` from {rows} rows of {files} {files_word}, {rejected} of them rejected, into `{}`\n\
                 correct it, then `tallyhouse check` and `tallyhouse run`\n",
                path.display()
            ));
        }
    }
}
