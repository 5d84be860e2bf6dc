//! What the admin console shows.

use super::PoolMode;
use super::clients::ClientState;
use super::process::Process;
use super::settings::V1_24;
use crate::kernel::time::SimTime;
use crate::protocol::server::ShowPools;

impl Process {
    /// `SHOW POOLS`, as numbers.
    pub(super) fn pools_now(&self, now: SimTime) -> ShowPools {
        let waited = self.first_waiter().filter(|client| client.state == ClientState::Waiting).map(|client| now - client.request_time);
        let active = self.clients.numbers().filter(|client| self.clients[*client].state == ClientState::Active).count();
        ShowPools {
            cl_active: active as u64,
            cl_waiting: self.pool.waiting.len() as u64,
            sv_active: self.active_server_count() as u64,
            sv_idle: self.pool.idle.len() as u64,
            sv_used: self.pool.used.len() as u64,
            sv_tested: self.pool.tested.len() as u64,
            sv_login: u64::from(self.pool.login.is_some()),
            maxwait: waited.unwrap_or_default(),
        }
    }

    /// `SHOW POOLS`, as psql prints it.
    pub(super) fn print_pools(&self, now: SimTime) -> String {
        let pools = self.pools_now(now);
        let micros = pools.maxwait.nanos() / 1000;
        let mode = match self.settings.written.pool_mode {
            PoolMode::Session => "session",
            PoolMode::Transaction => "transaction",
            PoolMode::Statement => "statement",
        };
        let number = |name, count: u64| (name, count.to_string());
        let mut columns = vec![
            ("database", "app".to_owned()),
            ("user", "app".to_owned()),
            number("cl_active", pools.cl_active),
            number("cl_waiting", pools.cl_waiting),
            number("cl_active_cancel_req", 0),
            number("cl_waiting_cancel_req", 0),
            number("sv_active", pools.sv_active),
            number("sv_active_cancel", 0),
            number("sv_being_canceled", 0),
            number("sv_idle", pools.sv_idle),
            number("sv_used", pools.sv_used),
            number("sv_tested", pools.sv_tested),
            number("sv_login", pools.sv_login),
            ("maxwait", (micros / 1_000_000).to_string()),
            ("maxwait_us", (micros % 1_000_000).to_string()),
            ("pool_mode", mode.to_owned()),
        ];
        if self.settings.version >= V1_24 {
            columns.push(("load_balance_hosts", String::new()));
        }
        table(&columns)
    }
}

/// A table of one row: text to the left, numbers to the right.
fn table(columns: &[(&str, String)]) -> String {
    let width = |(name, cell): &(&str, String)| name.len().max(cell.len());
    let join = |cells: Vec<String>, between: &str| cells.join(between).trim_end().to_owned();
    let names = columns.iter().map(|column| format!(" {:^1$} ", column.0, width(column))).collect();
    let rules = columns.iter().map(|column| "-".repeat(width(column) + 2)).collect();
    let cells = columns.iter().map(|column| {
        let is_number = column.1.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { format!(" {:>1$} ", column.1, width(column)) } else { format!(" {:<1$} ", column.1, width(column)) }
    });
    format!("{}\n{}\n{}", join(names, "|"), join(rules, "+"), join(cells.collect(), "|"))
}
