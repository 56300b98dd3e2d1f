//! Servers that a test starts for itself, on ports and sockets that nobody else has, and ends with its value.
//!
//! In: files or SQL. Out: an address. A server that is not installed is a failure where outside tools are required, and a
//! skipped test elsewhere; `.ci/run` installs all of them.

#![cfg_attr(
    not(all(feature = "postgres", feature = "mysql")),
    allow(unused_imports, reason = "some servers belong to features")
)]

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::project::{is_outside_required, repository};

/// A running server.
pub struct Served {
    process: Child,
    /// Where it answers.
    pub address: String,
    /// What it keeps, gone when it is.
    folder: Option<TempDir>,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Says that a test is skipped, unless that is forbidden.
fn skip(missing: &str) {
    assert!(!is_outside_required(), "{missing}");
    eprintln!("skipped: {missing}; `.ci/run` installs it");
}

/// Serves a folder: `s3` and `google` with a bucket, `locked-s3` and `locked-google` with one for nobody, `http`.
pub fn serve(kind: &str, folder: &Path, bucket: &str) -> Option<Served> {
    let packages = match kind {
        "http" => "import http.server",
        // The server needs no package, but whoever looks at a warehouse in it does.
        "google" | "locked-google" => "import boto3",
        _ => "import moto.server, boto3",
    };
    if !Command::new("python3").args(["-c", packages]).output().is_ok_and(|output| output.status.success()) {
        skip("python3 with moto[server] and boto3 is needed");
        return None;
    }
    let script = repository("tests/outside/place.py");
    let mut command = Command::new("python3");
    command.arg(script).arg(kind).arg(folder).arg(bucket).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let mut address = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut address).unwrap();
    assert!(address.starts_with("http://"), "the server did not start: `{address}`");
    Some(Served { process, address: address.trim().to_owned(), folder: None })
}

/// Starts a PostgreSQL server with some tables.
#[cfg(feature = "postgres")]
pub fn postgres(sql: &str) -> Option<Served> {
    let Some(programs) = postgres_programs() else {
        skip("a PostgreSQL server is needed");
        return None;
    };
    let folder = folder_of_nobody();
    let (data, sockets) = (folder.path().join("data"), folder.path());
    let made = unprivileged(&programs.join("initdb"))
        .args(["--username=tally", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"])
        .arg(&data)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let process = unprivileged(&programs.join("postgres"))
        .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c"])
        .arg(format!("unix_socket_directories={}", sockets.display()))
        .arg("-D")
        .arg(&data)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let served =
        Served { process, address: format!("postgres:///postgres?host={}", sockets.display()), folder: Some(folder) };
    let socket = served.folder.as_ref().unwrap().path().to_owned();
    wait_for("PostgreSQL", || psql(&programs, &socket, "SELECT 1"));
    assert!(psql(&programs, &socket, sql), "the SQL of the test fails");
    Some(served)
}

/// Runs SQL in a server that [`postgres`] started.
#[cfg(feature = "postgres")]
pub fn postgres_sql(served: &Served, sql: &str) {
    let socket = served.folder.as_ref().unwrap().path().to_owned();
    assert!(psql(&postgres_programs().unwrap(), &socket, sql), "the SQL of the test fails");
}

#[cfg(feature = "postgres")]
fn psql(programs: &Path, socket: &Path, sql: &str) -> bool {
    let mut command = Command::new(programs.join("psql"));
    command.arg("-h").arg(socket).args(["-U", "tally", "-d", "postgres", "-v", "ON_ERROR_STOP=1", "-q", "-c", sql]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() || said.contains("connection to server"), "{said}");
    output.status.success()
}

/// Finds the programs of a PostgreSQL server, those named by the environment first.
#[cfg(feature = "postgres")]
fn postgres_programs() -> Option<PathBuf> {
    let named = std::env::var_os("TALLYHOUSE_POSTGRES").map(PathBuf::from);
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut places: Vec<PathBuf> = installed.map(|version| version.path().join("bin")).collect();
    places.sort();
    named.into_iter().chain(places.into_iter().rev()).find(|place| place.join("initdb").exists())
}

/// Starts a MariaDB server without a password and with some tables; every line is one statement.
#[cfg(feature = "mysql")]
pub fn mariadb(sql: &str) -> Option<Served> {
    let named = std::env::var_os("TALLYHOUSE_MARIADB").map(PathBuf::from);
    let Some(root) = named.into_iter().chain([PathBuf::from("/")]).find(|root| root.join("usr/sbin/mariadbd").exists())
    else {
        skip("a MariaDB server is needed");
        return None;
    };
    let folder = folder_of_nobody();
    let (at, share) = (folder.path(), root.join("usr/share/mysql"));
    std::fs::write(at.join("init.sql"), format!("{};\n", sql.replace('\n', ";\n"))).unwrap();
    let make = unprivileged(Path::new("mkdir")).arg(at.join("data")).status().unwrap();
    assert!(make.success());
    let socket = at.join("socket");
    let process = unprivileged(&root.join("usr/sbin/mariadbd"))
        .args(["--no-defaults", "--skip-networking", "--skip-grant-tables", "--innodb-flush-log-at-trx-commit=0"])
        .arg(format!("--datadir={}", at.join("data").display()))
        .arg(format!("--lc-messages-dir={}", share.display()))
        .arg(format!("--character-sets-dir={}", share.join("charsets").display()))
        .arg(format!("--socket={}", socket.display()))
        .arg(format!("--init-file={}", at.join("init.sql").display()))
        .stderr(std::fs::File::create(at.join("log")).unwrap())
        .spawn()
        .unwrap();
    let log = at.join("log");
    wait_for("MariaDB", || std::fs::read_to_string(&log).unwrap().contains("ready for connections"));
    let said = std::fs::read_to_string(&log).unwrap();
    assert!(!said.contains("ERROR: "), "{said}");
    Some(Served {
        process,
        address: format!("mysql://root@localhost/crm?socket={}", socket.display()),
        folder: Some(folder),
    })
}

/// Makes a folder with a short path, for sockets, that the user `nobody` may write to.
#[cfg(any(feature = "postgres", feature = "mysql"))]
fn folder_of_nobody() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    if is_root() {
        assert!(Command::new("chown").args(["65534:65534"]).arg(folder.path()).status().unwrap().success());
    }
    folder
}

/// Prepares a program that refuses to be run by root.
#[cfg(any(feature = "postgres", feature = "mysql"))]
fn unprivileged(program: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.stdin(Stdio::null()).stdout(Stdio::null()).current_dir("/");
    command
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
fn wait_for(server: &str, is_ready: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_ready() {
        assert!(began.elapsed() < Duration::from_mins(2), "{server} does not start");
        std::thread::sleep(Duration::from_millis(100));
    }
}
