//! Servers of one's own: over TLS with a certificate that is checked, and through a PgBouncer that stands there already.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use poolcast::shells::live::address::Address;
use poolcast::shells::live::binaries::Binaries;
use poolcast::shells::live::servers::Servers;
use poolcast::shells::live::session::Session;

use crate::system::blueprint;

fn servers(system: &str) -> Servers {
    let binaries = Binaries::find(None, "python3").unwrap_or_else(|failure| panic!("{failure:?}"));
    let blueprint = blueprint("Regular(rate: 1)", "[Session([])]", "pool: NullPool", system);
    Servers::start(&binaries, &blueprint).unwrap_or_else(|failure| panic!("{failure:?}"))
}

fn url(address: &Address, options: &str) -> String {
    let (user, password) = (&address.user, address.password().tell());
    format!("postgres://{user}:{password}@localhost:{}/{}{options}", address.port, address.database)
}

/// Two seconds of an experiment on servers that are there.
fn live(file: &str, words: &[&str], trusted: Option<&Path>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_poolcast"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null()).env_remove("POOLCAST_URL").env_remove("POOLCAST_PGBOUNCER_URL");
    command.args(["live", file, "--set", "duration=2s", "--set", "warmup=500ms", "--format", "json"]).args(words);
    if let Some(certificate) = trusted {
        command.env("SSL_CERT_FILE", certificate);
    }
    command.output().expect("it runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn completed(output: &Output) -> u64 {
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(output)));
    let requests = &document["points"][0]["requests"];
    assert_eq!(requests["arrived"], requests["completed"], "{requests}");
    requests["completed"].as_u64().expect("a number")
}

/// A certificate of this machine in the server's directory, which lets nobody in without TLS from now on.
fn insist_on_tls(session: &Session) -> PathBuf {
    let value = |name: &str| PathBuf::from(session.value(&format!("show {name}")).expect("it answers"));
    let (data, rules) = (value("data_directory"), value("hba_file"));
    let (certificate, key) = (data.join("server.crt"), data.join("server.key"));
    let words = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
                 -addext basicConstraints=critical,CA:FALSE";
    let made = Command::new("openssl").args(words.split(' ')).arg("-keyout").arg(&key).arg("-out").arg(&certificate).output();
    assert!(made.expect("openssl runs").status.success());
    let owner = fs::metadata(&data).expect("it is there");
    let owner = [std::os::unix::fs::MetadataExt::uid(&owner), std::os::unix::fs::MetadataExt::gid(&owner)];
    for file in [&certificate, &key] {
        chown(file, Some(owner[0]), Some(owner[1])).expect("it can be given to the server");
    }
    fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).expect("it can be hidden");
    fs::write(rules, "hostssl all all all scram-sha-256\n").expect("the rules can be written");
    session.ask("ALTER SYSTEM SET ssl = on").expect("it obeys");
    session.ask("SELECT pg_reload_conf()").expect("it obeys");
    // Whoever may not read the server's directory may read this one.
    let copy = std::env::temp_dir().join(format!("poolcast-certificate-{}.pem", std::process::id()));
    fs::copy(&certificate, &copy).expect("it can be copied");
    copy
}

#[test]
fn a_server_is_dialled_over_tls_only_with_a_certificate_that_is_trusted() {
    let servers = servers("database: Postgres(max_connections: 40)");
    let certificate = insist_on_tls(&Session::open(&servers.database()).expect("it lets us in"));
    let secure = url(&servers.entrance(), "?sslmode=require");
    // In Python by OpenSSL, in Rust by rustls; poolcast itself looks at the server too.
    for app in [&[] as &[&str], &["--set", "apps.api.pool=Deadpool(max_size: 5)", "--set", "apps.api.driver=TokioPostgres"]] {
        let output = live("experiments/live/steady.ron", &[&["--url", &secure], app].concat(), Some(&certificate));
        assert!(completed(&output) > 100, "{}", said(&output));
    }
    for (address, trusted, why) in
        [(secure, None, "certificate"), (url(&servers.entrance(), "?sslmode=disable"), Some(&*certificate), "no encryption")]
    {
        let output = live("experiments/live/steady.ron", &["--url", &address], trusted);
        assert_eq!(output.status.code(), Some(3), "{}", said(&output));
        assert!(said(&output).contains(why), "{}", said(&output));
        assert!(!said(&output).contains(servers.entrance().password().tell()), "a password is said");
    }
    fs::remove_file(certificate).expect("it can be removed");
}

#[test]
fn a_pgbouncer_that_stands_there_is_used_and_the_database_behind_it_looked_at() {
    let servers = servers("proxy: PgBouncer(pool_mode: Transaction, default_pool_size: 8), database: Postgres(max_connections: 60)");
    let (database, bouncer) = (url(&servers.behind(), ""), url(&servers.entrance(), ""));
    let output = live("experiments/live/transaction.ron", &["--url", &database, "--pgbouncer-url", &bouncer], None);
    assert!(completed(&output) > 300, "{}", said(&output));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let most = document["points"][0]["database"]["connections_max"].as_f64().expect("somebody has looked");
    assert!((1.0..=9.0).contains(&most), "eight places and whoever looks: {most}");
}
