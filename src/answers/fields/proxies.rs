//! Words inside of proxies.

use super::{Family, field};

pub(super) const ALL: &[Family] = &[Family {
    place: "proxy.pool_mode",
    owner: "pool_mode",
    fields: &[
        field("Session", "", "A server connection belongs to its client until that disconnects.", ""),
        field("Transaction", "", "A server connection goes back when the transaction ends: session state does not survive it.", ""),
        field("Statement", "", "A server connection goes back after each statement; transactions are refused.", ""),
    ],
}];
