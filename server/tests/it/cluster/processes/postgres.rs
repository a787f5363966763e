//! A PostgreSQL server of this test's own, that can crash and come back with everything it had confirmed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::{Death, Folder, Process, database_user, free_port, mortal, run, until};
use crate::support::postgres::{connect, programs};

const START_WITHIN: Duration = Duration::from_secs(30);

/// The server.
pub struct Postgres {
    process: Option<Process>,
    port: u16,
    programs: PathBuf,
    folder: PathBuf,
}

impl Postgres {
    /// Starts one with its files in this folder.
    pub async fn start(folder: &Folder) -> Self {
        let programs = programs();
        let template = template(&programs);
        run(Command::new("cp").arg("-a").arg(template).arg(folder.path().join("database")));
        let mut server = Self { process: None, port: free_port(), programs, folder: folder.path().to_owned() };
        server.start_again().await;
        server
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts it and waits until it answers. Whatever it had confirmed is on the disk: `fsync` is on.
    pub async fn start_again(&mut self) {
        let mut command = mortal(self.programs.join("postgres"), Death::Quit, database_user());
        command.arg("-D").arg(self.folder.join("database")).arg("-k").arg(&self.folder);
        command.args(["-p", &self.port.to_string()]);
        for setting in [
            "listen_addresses=127.0.0.1",
            "max_connections=120",
            "shared_buffers=32MB",
            "fsync=on",
            "synchronous_commit=on",
        ] {
            command.args(["-c", setting]);
        }
        self.process = Some(Process::start(&mut command, Death::Quit, &self.folder.join("postgres.log")));
        let port = self.port;
        until("PostgreSQL answers", START_WITHIN, async || connect(port).await.is_ok()).await;
    }

    /// Runs statements behind everybody's back, one by one, able to write whatever is the default.
    pub async fn does(&self, statements: &[&'static str]) {
        let mut connection = connect(self.port).await.expect("a connection");
        sqlx::raw_sql("SET default_transaction_read_only = off").execute(&mut connection).await.expect("done");
        for statement in statements {
            sqlx::raw_sql(*statement).execute(&mut connection).await.expect("done");
        }
    }

    /// The number that a statement gives.
    pub async fn counts(&self, statement: &'static str) -> i64 {
        let mut connection = connect(self.port).await.expect("a connection");
        let (count,): (i64,) = sqlx::query_as(statement).fetch_one(&mut connection).await.expect("a number");
        count
    }

    /// A copy that follows this one, and only reads.
    pub async fn gets_replica(&self) -> Self {
        let folder = self.folder.join("replica");
        let mut copy = mortal(self.programs.join("pg_basebackup"), Death::Kill, database_user());
        copy.args([
            "-h",
            "127.0.0.1",
            "-p",
            &self.port.to_string(),
            "-U",
            "postgres",
            "-R",
            "-c",
            "fast",
            "-X",
            "stream",
            "-D",
        ]);
        fs::create_dir_all(&folder).expect("a folder for the replica");
        run(Command::new("chown").arg("--reference").arg(self.folder.join("database")).arg(&folder));
        run(copy.arg(folder.join("database")));
        let (programs, port) = (self.programs.clone(), free_port());
        let mut replica = Self { process: None, port, programs, folder };
        replica.start_again().await;
        replica
    }

    /// Keeps a copy of everything that is committed by now. It is away for a moment meanwhile.
    pub async fn is_copied(&mut self) {
        self.crash().await;
        let copy = self.folder.join("copy");
        run(Command::new("rm").arg("-rf").arg(&copy));
        run(Command::new("cp").arg("-a").arg(self.folder.join("database")).arg(&copy));
        self.start_again().await;
    }

    /// Crashes, and comes back as the copy: what was committed since is lost, as by a failover to a standby that had
    /// come no further.
    pub async fn is_set_back(&mut self) {
        self.crash().await;
        let database = self.folder.join("database");
        run(Command::new("rm").arg("-rf").arg(&database));
        run(Command::new("cp").arg("-a").arg(self.folder.join("copy")).arg(&database));
        self.start_again().await;
    }

    /// Crashes it: no goodbye to anybody, no checkpoint. The next start recovers from the log.
    pub async fn crash(&mut self) {
        let mut process = self.process.take().expect("PostgreSQL runs");
        let mut stop = mortal(self.programs.join("pg_ctl"), Death::Kill, database_user());
        stop.args(["stop", "--no-wait", "--mode=immediate", "-D"]).arg(self.folder.join("database"));
        run(&mut stop);
        assert!(process.ends(START_WITHIN).await.is_some(), "PostgreSQL crashes when told to");
    }
}

/// A folder as `initdb` makes it; made once and copied, since making it takes a second.
fn template(programs: &Path) -> PathBuf {
    let version = Command::new(programs.join("postgres")).arg("--version").output().expect("postgres runs").stdout;
    let version: String = String::from_utf8_lossy(&version).chars().filter(|c| !c.is_whitespace()).collect();
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cluster-postgres");
    fs::create_dir_all(&home).expect("a folder for the template");
    let template = home.join(version.replace(['/', '(', ')'], "-"));
    let making = File::create(home.join("lock")).expect("the lock of those who make the template");
    making.lock().expect("the lock of those who make the template");
    if !template.exists() {
        let folder = Folder::create(database_user());
        let made = folder.path().join("made");
        let mut initdb = mortal(programs.join("initdb"), Death::Kill, database_user());
        initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]);
        run(initdb.arg("--wal-segsize=4").arg("--pgdata").arg(&made));
        // Copied beside its place and renamed into it: whoever is killed halfway leaves no half of a template.
        let beside = template.with_extension(std::process::id().to_string());
        run(Command::new("cp").arg("-a").arg(&made).arg(&beside));
        fs::rename(&beside, &template).expect("the template");
    }
    template
}
