//! TLS to a server, by rustls: certificates are checked against those that the machine trusts.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use tokio::runtime::Runtime;
use tokio_postgres::{Client, Config, Error, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::Tls;

/// What makes a connection to a server secure.
pub fn connector() -> MakeRustlsConnect {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("ring knows TLS 1.2 and 1.3");
    MakeRustlsConnect::new(config.with_root_certificates(roots).with_no_client_auth())
}

/// Opens a connection, with TLS or without; what the server says is read on `runtime` from then on.
pub fn dial(runtime: &Runtime, config: &Config, tls: Tls) -> Result<Client, Error> {
    runtime.block_on(async {
        match tls {
            Tls::On => {
                let (client, connection) = config.connect(connector()).await?;
                tokio::spawn(connection);
                Ok(client)
            }
            Tls::Off => {
                let (client, connection) = config.connect(NoTls).await?;
                tokio::spawn(connection);
                Ok(client)
            }
        }
    })
}
