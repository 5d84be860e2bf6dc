//! Which workers there ever are, and when each of them comes and goes: known before the run, since deploys and scaling are.

use std::collections::BTreeMap;

use crate::kernel::time::Span;
use crate::parts::fault::{At, FaultSpec};
use crate::simulation::blueprint::AppSpec;

/// The workers of one app through the whole run. The first ones, as many as the app has, are there from the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roster {
    /// How many there ever are.
    pub ever: u32,
    /// Who comes and goes, in the order in which that happens.
    pub changes: Vec<Change>,
}

/// A worker comes or goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// When, from the start of the run.
    pub at: Span,
    /// Its number in the app, from 0.
    pub worker: u32,
    /// What becomes of it.
    pub turn: Turn,
}

/// What becomes of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It starts, and takes requests at once.
    Begins,
    /// It gets no more requests; when those that it has are over, its process ends.
    Retires,
}

/// What is still to be done of a fault.
enum Step<'a> {
    Fault(&'a FaultSpec),
    /// The worker in this slot is replaced, if it is still this one.
    Replace {
        slot: usize,
        worker: u32,
        overlap: Span,
    },
    Retire(u32),
}

impl Roster {
    /// The workers of `app` with these faults. An app has slots; in each of them one worker follows the other.
    pub fn of(app: &AppSpec, faults: &[At]) -> Roster {
        let mut slots: Vec<u32> = (0..app.workers).collect();
        let mut roster = Roster { ever: app.workers, changes: Vec::new() };
        // What comes first, and of what comes at once, what was known first.
        let mut agenda: BTreeMap<(Span, usize), Step> = BTreeMap::new();
        for At(at, fault) in faults.iter().filter(|At(_, fault)| fault.app() == Some(&app.name)) {
            agenda.insert((*at, agenda.len()), Step::Fault(fault));
        }
        let mut known = agenda.len();
        while let Some(((at, _), step)) = agenda.pop_first() {
            let mut later = |at, step| {
                agenda.insert((at, known), step);
                known += 1;
            };
            match step {
                Step::Fault(FaultSpec::Deploy { each, overlap, .. }) => {
                    for (slot, worker) in slots.iter().enumerate() {
                        let turn = Span::from_nanos(each.nanos().saturating_mul(slot as u64));
                        later(at + turn, Step::Replace { slot, worker: *worker, overlap: *overlap });
                    }
                }
                Step::Fault(FaultSpec::Scale { workers, .. }) => {
                    while slots.len() < *workers as usize {
                        slots.push(roster.begins(at));
                    }
                    for worker in slots.split_off(*workers as usize) {
                        roster.changes.push(Change { at, worker, turn: Turn::Retires });
                    }
                }
                Step::Fault(_) => {}
                Step::Replace { slot, worker, overlap } => {
                    if slots.get(slot) == Some(&worker) {
                        slots[slot] = roster.begins(at);
                        later(at + overlap, Step::Retire(worker));
                    }
                }
                Step::Retire(worker) => roster.changes.push(Change { at, worker, turn: Turn::Retires }),
            }
        }
        roster
    }

    /// The most workers that get requests at once.
    pub fn most(&self) -> u32 {
        let begun = self.changes.iter().filter(|change| change.turn == Turn::Begins).count() as u32;
        let mut living = self.ever - begun;
        let after = |change: &Change| {
            match change.turn {
                Turn::Begins => living += 1,
                Turn::Retires => living -= 1,
            }
            living
        };
        self.changes.iter().map(after).max().unwrap_or(0).max(self.ever - begun)
    }

    fn begins(&mut self, at: Span) -> u32 {
        let worker = self.ever;
        self.ever += 1;
        self.changes.push(Change { at, worker, turn: Turn::Begins });
        worker
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::pool::PoolSpec;

    fn roster(workers: u32, faults: &[(u64, FaultSpec)]) -> (u32, Vec<String>, u32) {
        let app = AppSpec { workers, ..AppSpec::new("api", PoolSpec::NullPool) };
        let faults: Vec<At> = faults.iter().map(|(at, fault)| At(Span::from_secs(*at), fault.clone())).collect();
        let roster = Roster::of(&app, &faults);
        let said = |change: &Change| format!("{} {} {:?}", change.at, change.worker, change.turn);
        (roster.ever, roster.changes.iter().map(said).collect(), roster.most())
    }

    fn deploy(each: u64, overlap: u64) -> FaultSpec {
        FaultSpec::Deploy { app: "api".into(), each: Span::from_secs(each), overlap: Span::from_secs(overlap) }
    }

    fn scale(workers: u32) -> FaultSpec {
        FaultSpec::Scale { app: "api".into(), workers }
    }

    #[test]
    fn a_deploy_replaces_one_after_the_other_and_the_new_one_comes_before_the_old_one_goes() {
        let (ever, changes, most) = roster(2, &[(60, deploy(10, 15))]);
        assert_eq!(changes, ["1min 2 Begins", "70s 3 Begins", "75s 0 Retires", "85s 1 Retires"]);
        assert_eq!((ever, most), (4, 4));
        assert_eq!(roster(3, &[(60, deploy(10, 15))]).2, 5, "two old ones beside their new ones at 75 s");
        assert_eq!(roster(1, &[(60, deploy(0, 0))]).1, ["1min 1 Begins", "1min 0 Retires"]);
    }

    #[test]
    fn scaling_adds_new_workers_and_sends_the_last_ones_away() {
        let (ever, changes, most) = roster(2, &[(10, scale(4)), (20, scale(1)), (30, scale(2))]);
        assert_eq!(changes, ["10s 2 Begins", "10s 3 Begins", "20s 1 Retires", "20s 2 Retires", "20s 3 Retires", "30s 4 Begins"]);
        assert_eq!((ever, most), (5, 4));
    }

    #[test]
    fn who_was_sent_away_is_not_replaced_and_who_came_during_a_deploy_is_new_already() {
        let (ever, changes, most) = roster(2, &[(60, deploy(10, 5)), (62, scale(1)), (63, scale(2))]);
        assert_eq!(changes, ["1min 2 Begins", "62s 1 Retires", "63s 3 Begins", "65s 0 Retires"]);
        assert_eq!((ever, most), (4, 3));
    }

    #[test]
    fn the_faults_of_others_move_nobody() {
        let other = FaultSpec::Scale { app: "jobs".into(), workers: 9 };
        assert_eq!(roster(3, &[(1, other), (2, FaultSpec::restart(Span::from_secs(1)))]), (3, Vec::new(), 3));
    }
}
