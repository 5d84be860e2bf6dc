//! The simulator's part in a conversation: it is told what the real clients said when they said it, and answers.

use std::collections::BTreeMap;

use poolcast::kernel::latency::LatencySpec;
use poolcast::kernel::rng::Seed;
use poolcast::kernel::time::{SimTime, Span};
use poolcast::parts::database::{Postgres, ServiceSpec};
use poolcast::parts::fault::{At, FaultSpec};
use poolcast::parts::proxy::pgbouncer::PgBouncer;
use poolcast::protocol::conn::{Statement, StatementKind, TxStatus};
use poolcast::simulation::blueprint::{Blueprint, Network};
use poolcast::simulation::conversation::{Conversation as Talk, Heard, Line};
use serde::Deserialize;

use super::script::{Conversation, Database};

/// One line of a transcript: milliseconds, who, and "> what was said" or "< what was heard".
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "(i64, String, String)")]
pub struct Said {
    pub when: i64,
    pub who: String,
    pub what: String,
}

impl From<(i64, String, String)> for Said {
    fn from((when, who, what): (i64, String, String)) -> Said {
        Said { when, who, what }
    }
}

impl Said {
    pub fn is_heard(&self) -> bool {
        !self.what.starts_with('>')
    }

    /// Without saying which of PgBouncer's connections it was.
    pub fn by_whomever(&self) -> Said {
        let mut words: Vec<&str> = self.words().split(' ').collect();
        if let Some(by) = words.iter().position(|word| matches!(*word, "by" | "closes")) {
            words[by + 1] = if words[by + 1].ends_with(',') { "any," } else { "any" };
        }
        Said { what: words.join(" "), ..self.clone() }
    }

    /// Without the reason that only PgBouncer's log tells.
    pub fn words(&self) -> &str {
        match self.what.split_once(':') {
            Some((closes, _)) if closes.starts_with("closes") => closes,
            _ => &self.what,
        }
    }
}

/// What is heard if the clients say what they said to the real programs, in the order of time.
pub fn play(conversation: &Conversation, real: &[Said], login: Span, phase: u64) -> Vec<Said> {
    let settings = conversation.settings();
    let blueprint = blueprint(&settings, &conversation.database, login, faults(real));
    let mut talk = Talk::new(&blueprint, &Seed::new(phase, 0)).expect("the settings are right");
    let (mut numbers, mut names) = (BTreeMap::new(), Vec::new());
    let mut shown = Vec::new();
    for said in real {
        talk.run(SimTime::from_nanos(said.when.max(0) as u64 * 1_000_000));
        match said.what.as_str() {
            "> connect" => {
                names.push(said.who.clone());
                _ = numbers.insert(said.who.clone(), talk.connect());
            }
            "> disconnect" => talk.leave(numbers[&said.who]),
            what if said.who == "database" || said.who == "pgbouncer" => {
                let answers = what.starts_with("< ");
                shown.extend(answers.then(|| Said { what: format!("< {}", show(&said.who, &talk)), ..said.clone() }));
            }
            what if what.starts_with("> ") => talk.ask(numbers[&said.who], statement(&what[2..])),
            _ => {}
        }
    }
    talk.run(SimTime::ZERO + conversation.lasts);
    let mut heard: Vec<Said> = talk.heard().iter().map(|line| said(line, &names, &settings)).chain(shown).collect();
    heard.sort_by_key(|said| said.when);
    heard
}

fn blueprint(settings: &PgBouncer, database: &Database, usual: Span, faults: Vec<At>) -> Blueprint {
    let login = match database.login.as_deref() {
        None => usual,
        Some("never") => Span::from_secs(1_000_000),
        Some(more) => usual + Span::parse(more).expect("the login is a duration"),
    };
    let ordinary = Postgres::default();
    let loopback = || LatencySpec::always(Span::from_nanos(100_000));
    Blueprint {
        workload: Vec::new(),
        apps: Vec::new(),
        proxy: settings.clone().into(),
        database: Postgres {
            max_connections: database.max_connections.unwrap_or(500),
            superuser_reserved_connections: database.superuser_reserved_connections.unwrap_or(ordinary.superuser_reserved_connections),
            statement_timeout: database.statement_timeout,
            idle_in_transaction_session_timeout: database.idle_in_transaction_session_timeout,
            connect: LatencySpec::always(login),
            service: ServiceSpec::Delay,
        },
        network: Network { app: loopback(), proxy: loopback() },
        faults,
    }
}

/// What was done to the real database. A stop lasts until the start after it.
fn faults(real: &[Said]) -> Vec<At> {
    let done: Vec<_> =
        real.iter().filter(|said| said.who == "database").map(|said| (said.when.max(0) as u64, said.what.as_str())).collect();
    let mut faults = Vec::new();
    for (number, (when, what)) in done.iter().enumerate() {
        let fault = match *what {
            "> kill" => FaultSpec::KillConnections { fraction: 1.0 },
            "> stop" => {
                let start = done[number..].iter().find(|(_, what)| *what == "> start").map_or(1_000_000_000, |(start, _)| *start);
                FaultSpec::restart(Span::from_millis(start - when))
            }
            _ => continue,
        };
        faults.push(At(Span::from_millis(*when), fault));
    }
    faults
}

fn statement(what: &str) -> Statement {
    let (verb, takes) = what.split_once(' ').unwrap_or((what, "0s"));
    let demand = Span::parse(takes).expect("a statement takes a duration");
    let kind = match verb {
        "commit" => StatementKind::Commit,
        "rollback" => StatementKind::Rollback,
        _ => StatementKind::Query,
    };
    Statement { kind, demand, begins: verb == "begin", extra_trips: 0 }
}

fn said(line: &Line, names: &[String], settings: &PgBouncer) -> Said {
    let (when, who, heard) = line;
    let what = match *heard {
        Heard::Accepted => "< accepted".to_owned(),
        Heard::Reply { error, status, by } => {
            let text = error.map_or("done", |why| settings.text(why));
            let by = by.map_or(String::new(), |server| format!(" by {server}"));
            format!("< {text}{by}{}", ["", ", in transaction", ", in failed transaction"][status_place(status)])
        }
        Heard::Lost(why) => format!("< closed: {}", settings.text(why)),
        Heard::Launched(server) => format!("launches {server}"),
        Heard::Closed(server) => format!("closes {server}"),
    };
    let who = who.map_or("pgbouncer", |client| &names[client]).to_owned();
    Said { when: (when.nanos() / 1_000_000) as i64, who, what }
}

fn status_place(status: TxStatus) -> usize {
    match status {
        TxStatus::Idle => 0,
        TxStatus::InTransaction => 1,
        TxStatus::Failed => 2,
    }
}

/// The console's table, or the count of sessions, as the player of the real programs writes it.
fn show(who: &str, talk: &Talk) -> String {
    let now = talk.model().world.agenda.now();
    if who == "database" {
        let table = talk.model().database().status(now);
        let rows = table.lines().skip(2).filter_map(|row| row.split_once('|')).map(|(state, count)| (state.trim(), count.trim()));
        return rows.filter(|(_, count)| *count != "0").map(|(state, count)| format!("{state} {count}")).collect::<Vec<_>>().join(", ");
    }
    let table = talk.model().proxy().expect("there is a proxy").status(now);
    let mut rows = table.lines().map(|row| row.split('|').map(str::trim));
    let (names, cells) = (rows.next().expect("a line of names"), rows.nth(1).expect("a line of cells"));
    let wanted = ["cl_active", "cl_waiting", "sv_active", "sv_idle", "sv_used", "sv_tested", "sv_login"];
    let shown = names.zip(cells).filter(|(name, _)| wanted.contains(name)).map(|(name, cell)| format!("{name} {cell}"));
    shown.collect::<Vec<_>>().join(", ")
}
