//! How the machine fares during a run: what the hypervisor takes, what others use, how busy the drivers are.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::clock::{Clock, pause};
use crate::measure::recording::Health;
use crate::shells::files;

/// The processes of a run.
pub struct Processes<'a> {
    /// Drivers with a process of their own.
    pub drivers: Vec<u32>,
    /// The servers that poolcast has started, whatever they are just now.
    pub servers: &'a (dyn Fn() -> Vec<u32> + Sync),
}

const EVERY: Duration = Duration::from_millis(500);
/// Linux tells times in hundredths of a second.
const TICKS: f64 = 100.0;

/// Looks until it is told to stop; nothing where there is no /proc.
pub fn look(processes: &Processes, clock: Clock, over: &AtomicBool) -> Vec<Health> {
    let mut looks = Vec::new();
    pause(clock.until(0));
    let Some(mut last) = Snapshot::take(processes, clock) else { return looks };
    while !over.load(Ordering::Relaxed) {
        pause(EVERY);
        let Some(next) = Snapshot::take(processes, clock) else { return looks };
        looks.push(next.since(&last));
        last = next;
    }
    looks
}

/// Processor time so far, in ticks.
struct Snapshot {
    at: u64,
    all: f64,
    steal: f64,
    own: f64,
    drivers: Vec<f64>,
    servers: f64,
}

impl Snapshot {
    fn take(processes: &Processes, clock: Clock) -> Option<Snapshot> {
        let (all, steal) = machine(&files::text("/proc/stat")?)?;
        let own = used(&files::text("/proc/self/stat")?)?.0;
        let drivers = processes.drivers.iter().map(|process| process_time(*process)).collect();
        Some(Snapshot { at: clock.now(), all, steal, own, drivers, servers: servers(&(processes.servers)()) })
    }

    fn since(&self, last: &Snapshot) -> Health {
        let seconds = ((self.at - last.at) as f64 / 1e9).max(1e-3);
        // A process that has ended takes its time with it.
        let cores = |now: f64, before: f64| (now - before).max(0.0) / TICKS / seconds;
        let drivers: Vec<f64> = self.drivers.iter().zip(&last.drivers).map(|(now, before)| cores(*now, *before)).collect();
        let own = cores(self.own, last.own);
        let (client, servers) = (own + drivers.iter().sum::<f64>(), cores(self.servers, last.servers));
        let busiest_driver = drivers.iter().copied().fold(own, f64::max);
        let foreign = (cores(self.all, last.all) - client - servers).max(0.0);
        Health { at: self.at, steal: cores(self.steal, last.steal), client, busiest_driver, servers, foreign }
    }
}

/// Used by everybody and stolen, from the first line of /proc/stat: user nice system idle iowait irq softirq steal.
fn machine(text: &str) -> Option<(f64, f64)> {
    let fields: Vec<f64> = text.lines().next()?.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    let busy = [0, 1, 2, 5, 6].iter().map(|index| fields.get(*index)).sum::<Option<f64>>()?;
    Some((busy, *fields.get(7)?))
}

/// A process's time, its ended children's, and its parent. The name, in brackets, may have spaces in it.
fn used(text: &str) -> Option<(f64, f64, u32)> {
    let fields: Vec<&str> = text[text.rfind(')')? + 1..].split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?, ticks(13)? + ticks(14)?, fields.get(1)?.parse().ok()?))
}

fn process_time(process: u32) -> f64 {
    files::text(&format!("/proc/{process}/stat")).and_then(|text| used(&text)).map_or(0.0, |(time, ..)| time)
}

/// The servers with their children, the ended ones included.
fn servers(roots: &[u32]) -> f64 {
    let mut all = 0.0;
    for name in files::names_in("/proc") {
        let Ok(process) = name.parse::<u32>() else { continue };
        let Some((time, ended, parent)) = files::text(&format!("/proc/{process}/stat")).and_then(|text| used(&text)) else { continue };
        if roots.contains(&process) {
            all += time + ended;
        } else if roots.contains(&parent) {
            all += time;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_linux_writes_them() {
        let stat = "cpu  100 10 20 5000 7 3 2 50 0 0\ncpu0 50 5 10 2500 3 1 1 25 0 0\n";
        assert_eq!(machine(stat), Some((135.0, 50.0)));
        let process = "4242 (a (strange) name) S 17 4242 4242 0 -1 4194560 1 0 0 0 30 12 5 4 20 0 1 0 100 0 0";
        assert_eq!(used(process), Some((42.0, 9.0, 17)));
    }
}
