//! A new process takes the place of this one: all sockets are closed, and nothing is remembered.

use super::clients::ClientState;
use super::pool::Pool;
use super::process::Process;
use super::servers::ServerState;
use crate::kernel::time::Span;
use crate::protocol::cx::Cx;
use crate::protocol::error::Error;

impl Process {
    /// SIGTERM as 1.18 takes it: the process is gone at once, and its sockets with it; nobody is told anything. PostgreSQL
    /// goes on with statements under way. The next process listens after `down`.
    pub(super) fn start_again(&mut self, down: Span, cx: &mut Cx) {
        for client in self.clients.numbers() {
            if self.clients[client].state == ClientState::Gone {
                continue;
            }
            if let Some(server) = self.clients[client].link {
                self.unlink(server, cx);
            }
            if let Some(conn) = self.clients[client].conn {
                cx.shut(conn, Error::ConnectionLost);
            }
            self.forget_client(client, cx);
        }
        for server in self.servers.numbers() {
            if self.servers[server].state != ServerState::Gone {
                self.close_server(server, cx);
            }
        }
        self.pool = Pool::after(&self.pool);
        self.busy_until = cx.now();
        self.listens_from = self.listens_from.max(cx.now() + down);
    }
}
