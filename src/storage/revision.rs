//! Definition files as they stood at a revision, read with the `git` executable.
//!
//! In: a file of a checkout and the name of a revision. Out: a temporary folder with the files that are wanted, laid out as in the
//! checkout. Nothing in the checkout is touched.

use std::{
    ffi::OsStr,
    io::{self, BufRead, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

use tempfile::TempDir;

/// What keeps a revision from being read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no `git` to be run.
    #[error("cannot run `git`: {0}")]
    Missing(#[source] io::Error),
    /// The file lies in no checkout.
    #[error("`{}` lies in no git checkout", .0.display())]
    NoCheckout(PathBuf),
    /// The repository has no such commit.
    #[error("git knows no revision `{0}`")]
    Unknown(String),
    /// The revision does not have the file.
    #[error("revision `{revision}` has no `{path}`")]
    NoFile {
        /// The revision.
        revision: String,
        /// The file, from the top of the checkout.
        path: String,
    },
    /// Git does not do what it is asked to.
    #[error("git fails: {0}")]
    Git(String),
    /// The disk refuses.
    #[error("cannot write the files of a revision: {0}")]
    Disk(#[from] io::Error),
}

/// Files of a revision in a temporary folder, which goes when this is dropped.
#[derive(Debug)]
pub struct Revision {
    /// Keeps the folder.
    _kept: TempDir,
    folder: PathBuf,
    /// The folder of the checkout.
    top: PathBuf,
    /// All files that the revision has, from the top of the checkout.
    names: Vec<String>,
    /// The full name of the commit.
    pub commit: String,
    /// The file by which the checkout was found, as it is there.
    pub file: PathBuf,
}

impl Revision {
    /// Reads the files with one of some extensions as a revision has them. `file` names the checkout.
    ///
    /// # Errors
    /// As [`Error`] lists.
    pub fn read(file: &Path, revision: &str, extensions: &[&str]) -> Result<Self, Error> {
        let path = file.canonicalize().map_err(|_| Error::NoCheckout(file.to_owned()))?;
        let folder = path.parent().unwrap_or(Path::new("/"));
        let no_checkout = || Error::NoCheckout(file.to_owned());
        let top = git(folder, &["rev-parse", "--show-toplevel"])?.ok_or_else(no_checkout)?;
        let top = PathBuf::from(top.trim_end_matches('\n')).canonicalize()?;
        let inner = path.strip_prefix(&top).map_err(|_| no_checkout())?;
        let wanted = format!("{revision}^{{commit}}");
        let commit = git(&top, &["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted])?
            .ok_or_else(|| Error::Unknown(revision.to_owned()))?
            .trim()
            .to_owned();
        let listed = git(&top, &["ls-tree", "-r", "-z", "--name-only", "--full-tree", &commit])?
            .ok_or_else(|| Error::Git(format!("cannot list the files of {commit}")))?;
        // No definition file has a name that `cat-file` could not be asked for.
        let is_askable = |name: &&str| !name.contains(['\n', char::REPLACEMENT_CHARACTER]);
        let is_wanted = |name: &&String| {
            let extension = Path::new(name).extension().and_then(OsStr::to_str);
            extension.is_some_and(|extension| extensions.contains(&extension)) || Path::new(name) == inner
        };
        let names: Vec<String> = listed.split('\0').filter(is_askable).map(str::to_owned).collect();
        if !names.iter().any(|name| Path::new(name) == inner) {
            return Err(Error::NoFile { revision: revision.to_owned(), path: inner.display().to_string() });
        }
        let target = tempfile::tempdir()?;
        // As paths are resolved, the folder must not be reached through a link.
        let root = target.path().canonicalize()?;
        copy(&top, &commit, names.iter().filter(is_wanted), &root)?;
        Ok(Self { file: root.join(inner), _kept: target, folder: root, top, names, commit })
    }

    /// Reads those of the other files that are wanted, by the paths that they have in the folder.
    ///
    /// # Errors
    /// When git does not give them, or the disk refuses.
    pub fn fetch(&self, is_wanted: impl Fn(&Path) -> bool) -> Result<(), Error> {
        let wanted = self.names.iter().filter(|name| is_wanted(&self.folder.join(name)));
        copy(&self.top, &self.commit, wanted, &self.folder)
    }

    /// Returns the folder of the files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Prepares a git that looks for the checkout of a folder, even if another git, as its hook, has started this process.
fn git_in(folder: &Path) -> Command {
    let mut command = Command::new("git");
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(name);
    }
    command.arg("-C").arg(folder);
    command
}

/// Runs git and returns what it says; None when it refuses.
fn git(folder: &Path, arguments: &[&str]) -> Result<Option<String>, Error> {
    let ran = git_in(folder).args(arguments).stdin(Stdio::null()).output();
    let ran = ran.map_err(Error::Missing)?;
    match ran.status.success() {
        true => Ok(Some(String::from_utf8_lossy(&ran.stdout).into_owned())),
        false => Ok(None),
    }
}

/// Writes files of a commit into a folder, all of them through one git.
fn copy<'a>(top: &Path, commit: &str, names: impl Iterator<Item = &'a String>, target: &Path) -> Result<(), Error> {
    let names: Vec<&str> = names.map(String::as_str).collect();
    if names.is_empty() {
        return Ok(());
    }
    let mut command = git_in(top);
    command.args(["cat-file", "--batch"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::null()).spawn().map_err(Error::Missing)?;
    let result = exchange(&mut child, commit, &names, target);
    let status = child.wait()?;
    result?;
    if status.success() { Ok(()) } else { Err(Error::Git("`cat-file` ended early".to_owned())) }
}

fn exchange(child: &mut Child, commit: &str, names: &[&str], target: &Path) -> Result<(), Error> {
    let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(Error::Git("it cannot be talked to".to_owned()));
    };
    let asked: Vec<String> = names.iter().map(|name| format!("{commit}:{name}\n")).collect();
    // Both pipes have an end: while answers wait to be read, questions must not wait to be written.
    let asking = thread::spawn(move || input.write_all(asked.concat().as_bytes()));
    let mut output = BufReader::new(output);
    for name in names {
        let body = answer(&mut output, name)?;
        let path = target.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, body)?;
    }
    drop(output);
    asking.join().map_err(|_| Error::Git("it cannot be talked to".to_owned()))?.map_err(Error::from)
}

/// Reads one answer: a line `<object> <type> <bytes>`, the bytes and a line end.
fn answer(output: &mut impl BufRead, name: &str) -> Result<Vec<u8>, Error> {
    let mut head = String::new();
    output.read_line(&mut head)?;
    let length = head.split_whitespace().nth(2).and_then(|length| length.parse::<u64>().ok());
    let length = length.ok_or_else(|| Error::Git(format!("it does not give `{name}`")))?;
    let mut body = Vec::new();
    output.take(length + 1).read_to_end(&mut body)?;
    body.pop();
    Ok(body)
}
