//! `tallyhouse infer`
use super::arguments::InferArguments;
use crate::Error;
use std::process::ExitCode;
pub(super) async fn infer(arguments: &InferArguments) -> Result<ExitCode, Error> {
    let _ = (&arguments.files, &arguments.format, &arguments.name, arguments.sample_rows, &arguments.out);
    Ok(ExitCode::SUCCESS)
}
