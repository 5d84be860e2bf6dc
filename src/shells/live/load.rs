//! Statements that compute, so many at once for a while: how many are done, which is what a server's cores can be told by.

use std::thread;
use std::time::{Duration, Instant};

use super::address::Address;
use super::session::Session;
use crate::kernel::time::Span;
use crate::shells::cli::Failure;

/// Statements per second with `active` sessions that ask without a pause for `lasting`, each time for `rows` made-up rows.
/// No table is touched.
pub fn throughput(address: &Address, active: u32, rows: u64, lasting: Span) -> Result<f64, Failure> {
    let question = format!("select count(*) from (select generate_series(1, {rows})) as made_up");
    let sessions: Vec<Session> = (0..active).map(|_| Session::open(address)).collect::<Result<_, _>>()?;
    let (lasting, begun) = (Duration::from_nanos(lasting.nanos()), Instant::now());
    let ask = |session: Session| -> Result<f64, Failure> {
        let (mut done, mut before) = (0.0, begun.elapsed());
        loop {
            session.ask(&question)?;
            let now = begun.elapsed();
            if now >= lasting {
                // The last one counts for the part of it that lay within the time.
                let part = lasting.saturating_sub(before).as_secs_f64() / (now - before).as_secs_f64().max(1e-9);
                return Ok(done + part);
            }
            (done, before) = (done + 1.0, now);
        }
    };
    let all = thread::scope(|scope| {
        let asking: Vec<_> = sessions.into_iter().map(|session| scope.spawn(|| ask(session))).collect();
        asking.into_iter().map(|asking| asking.join().expect("asking does not panic")).sum::<Result<f64, Failure>>()
    })?;
    Ok(all / lasting.as_secs_f64())
}
