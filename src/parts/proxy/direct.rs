//! `Direct`: nothing stands between.

use super::ProxyKind;
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::Example;
use crate::kernel::rng::Seed;
use crate::protocol::server::{Proxy, Slots};

/// Nothing stands between the pools and the database.
pub struct Direct;

impl Example for Direct {
    const EXAMPLE: &'static str = "Direct";
    const WHAT: &'static str = "Nothing stands between the pools and the database.";
}

impl ProxyKind for Direct {
    fn check(&self) -> Result<(), Invalid> {
        Ok(())
    }
    fn build(&self, _: Slots, _: &Seed) -> Option<Box<dyn Proxy>> {
        None
    }
}
