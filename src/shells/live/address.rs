//! Where a server is and who asks: an address whose password is never printed.

use std::fmt;
use std::net::IpAddr;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::experiment::Problem;
use crate::shells::cli::Failure;

/// A database behind a server's address.
#[derive(Clone, PartialEq)]
pub struct Address {
    /// Name, number, or a directory with the server's socket.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Who asks.
    pub user: String,
    /// Which database.
    pub database: String,
    /// Whether TLS is used: never, if the server can, always.
    pub tls: Tls,
    password: Secret,
}

/// Whether TLS is used. Where it is, the server's certificate is checked against those that the machine trusts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Never.
    Off,
    /// Always.
    On,
}

/// Something that never shows.
#[derive(Clone, Default, PartialEq)]
pub struct Secret(String);

impl Secret {
    /// A new one.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// For whoever must say it to a server.
    pub fn tell(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl Address {
    /// Of a server on this machine's loopback interface.
    pub fn local(port: u16, user: &str, password: Secret, database: &str) -> Address {
        Address { host: "127.0.0.1".to_owned(), port, user: user.to_owned(), database: database.to_owned(), tls: Tls::Off, password }
    }

    /// Reads `postgres://user:password@host:port/database?sslmode=require`, which came with this option. No message
    /// repeats the text: there is a password in it.
    pub fn parse(text: &str, option: &str) -> Result<Address, Failure> {
        let wrong = |why: &str| {
            let problem = Problem::nowhere(format!("{option}: {why}"));
            Failure::Input(problem.help("an address is such as postgres://user:password@host:5432/database?sslmode=require"))
        };
        // Where TLS is used the certificate is always checked, so these ask for nothing more.
        let text = text.replace("sslmode=verify-full", "sslmode=require").replace("sslmode=verify-ca", "sslmode=require");
        let config: Config = text.parse().map_err(|_| wrong("this is no address of a PostgreSQL database"))?;
        let host = match config.get_hosts() {
            [Host::Tcp(name)] => name.clone(),
            [Host::Unix(path)] => path.to_string_lossy().into_owned(),
            [] => return Err(wrong("the address names no host")),
            _ => return Err(wrong("the address names several hosts; one is needed")),
        };
        let user = config.get_user().ok_or_else(|| wrong("the address names no user"))?.to_owned();
        let password = config.get_password().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
        let database = config.get_dbname().unwrap_or(&user).to_owned();
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let mut address = Address { host, port, user, database, tls: Tls::Off, password: Secret(password) };
        address.tls = match config.get_ssl_mode() {
            SslMode::Disable => Tls::Off,
            SslMode::Prefer if address.is_near() => Tls::Off,
            _ => Tls::On,
        };
        Ok(address)
    }

    /// The same server asked by somebody else, or for another database.
    pub fn with(&self, user: &str, password: Secret, database: &str) -> Address {
        Address { user: user.to_owned(), password, database: database.to_owned(), ..self.clone() }
    }

    /// The password, for whoever must say it to the server.
    pub fn password(&self) -> &Secret {
        &self.password
    }

    /// Whether the server is reached over this machine's loopback interface or a socket.
    pub fn is_near(&self) -> bool {
        let number = self.host.parse::<IpAddr>().is_ok_and(|number| number.is_loopback());
        number || self.host == "localhost" || self.is_socket()
    }

    /// Whether the host is a directory with a socket.
    pub fn is_socket(&self) -> bool {
        self.host.starts_with('/')
    }

    /// As tokio-postgres wants it.
    pub fn config(&self) -> Config {
        let mut config = Config::new();
        config.host(&self.host).port(self.port).user(&self.user).dbname(&self.database).application_name("poolcast");
        config.ssl_mode(if self.tls == Tls::On { SslMode::Require } else { SslMode::Disable });
        if !self.password.0.is_empty() {
            config.password(&self.password.0);
        }
        config
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "postgres://{}@{}:{}/{}", self.user, self.host, self.port, self.database)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "postgres://app:hunter2@db.example.com:6432/shop";

    #[test]
    fn a_password_shows_nowhere() {
        let address = Address::parse(URL, "--url").expect("it is an address");
        let shown = format!("{address} {address:?} {:?}", address.password());
        assert!(!shown.contains("hunter2"), "{shown}");
        assert_eq!(address.to_string(), "postgres://app@db.example.com:6432/shop");
        assert_eq!(address.password().tell(), "hunter2");
    }

    #[test]
    fn a_slip_in_an_address_is_told_without_repeating_it() {
        for slip in ["postgres://app:hunter2@host:port/x", "mysql://app:hunter2@host/x", "postgres://app:hunter2@/x?sslmode=hunter2"] {
            let Err(Failure::Input(problem)) = Address::parse(slip, "--url") else { panic!("{slip} is no address") };
            assert!(!problem.render(false).contains("hunter2"), "{}", problem.render(false));
        }
    }

    #[test]
    fn only_this_machine_is_near_and_only_there_tls_is_left_out() {
        let read = |text: &str| Address::parse(text, "--url").expect("it is an address");
        for near in ["postgres://a@localhost/x", "postgres://a@127.0.0.1/x", "postgres://a@[::1]/x", "postgres://a@%2Fvar%2Frun/x"] {
            assert!(read(near).is_near() && read(near).tls == Tls::Off, "{near}");
        }
        for far in [URL, "postgres://a@10.0.0.7/x", "postgres://a@localhost.example.com/x?sslmode=verify-full"] {
            assert!(!read(far).is_near() && read(far).tls == Tls::On, "{far}");
        }
        assert_eq!(read("postgres://a@10.0.0.7/x?sslmode=disable").tls, Tls::Off);
    }
}
