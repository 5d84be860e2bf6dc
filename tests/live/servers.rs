//! Throw-away servers have the experiment's settings, and nothing is left of them.

use std::path::PathBuf;

use poolcast::shells::live::binaries::Binaries;
use poolcast::shells::live::servers::Servers;
use poolcast::shells::live::session::Session;

use crate::system::blueprint;

/// Directories of throw-away servers whose name is in this list of processes' command lines.
fn processes_under(directory: &str) -> usize {
    let entries = std::fs::read_dir("/proc").expect("there is a /proc").filter_map(Result::ok);
    let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).contains(directory)).count()
}

#[test]
fn servers_have_the_settings_of_the_experiment_and_leave_nothing_behind() {
    let system = "proxy: PgBouncer(pool_mode: Transaction, default_pool_size: 7, query_wait_timeout: \"3s\", server_lifetime: \"90s\"),
        database: Postgres(max_connections: 40, superuser_reserved_connections: 4, statement_timeout: \"1500ms\")";
    let blueprint = blueprint("Regular(rate: 1)", "[Session([])]", "pool: NullPool", system);
    let binaries = Binaries::find(None, "python3").unwrap_or_else(|failure| panic!("{failure:?}"));
    let servers = Servers::start(&binaries, &blueprint).unwrap_or_else(|failure| panic!("{failure:?}"));
    let session = Session::open(&servers.database()).expect("it lets us in");
    let value = |name: &str| session.value(&format!("show {name}")).expect("it answers");
    assert_eq!(value("max_connections"), "41", "one more, for looking");
    assert_eq!(value("superuser_reserved_connections"), "4");
    assert_eq!(value("statement_timeout"), "1500ms");
    let directory = value("unix_socket_directories");
    assert!(PathBuf::from(&directory).is_dir() && processes_under(&directory) >= 2);
    let console = Session::open(&servers.console().expect("there is a PgBouncer")).expect("it lets us in");
    let rows = console.ask("SHOW CONFIG").expect("it answers");
    let setting = |name: &str| rows.iter().find(|row| row["key"] == name).map(|row| row["value"].clone()).expect("it has this setting");
    assert_eq!((setting("pool_mode"), setting("default_pool_size")), ("transaction".to_owned(), "7".to_owned()));
    assert_eq!((setting("query_wait_timeout"), setting("server_lifetime")), ("3".to_owned(), "90".to_owned()));
    let app = Session::open(&servers.entrance()).expect("applications are let in through PgBouncer");
    assert_eq!(app.value("select current_user").expect("it answers"), "app");
    drop((app, console, session));
    drop(servers);
    assert!(!PathBuf::from(&directory).exists(), "{directory} is still there");
    assert_eq!(processes_under(&directory), 0, "somebody lives on under {directory}");
}
