//! The PgBouncer of the simulator against the real one: the same conversations, the same words at the same times.
//!
//! `tests/oracle/pgbouncer/conversations.json` says what is said; `recorded.json` beside it what a real PgBouncer in
//! front of a real PostgreSQL answered, and when. The only thing about the real one that cannot be known is where in its
//! third of a second the janitor stood, so there has to be one such phase with which the simulator says every word of
//! the conversation within 50 ms of the real one. `compare.sh` records afresh and allows a fresh recording more.

mod play;
mod script;

use play::{Said, play};
use poolcast::kernel::time::Span;
use script::{Conversation, Recording, conversations, recording};

/// How far a word may be from the committed recording's, in milliseconds: what the machine adds.
const TOLERANCE_MS: i64 = 50;
/// How far it may be from a fresh one's, made on a machine that may be busy: a janitor's period more.
const FRESH_TOLERANCE_MS: i64 = 383;
/// Phases of the janitor that are tried, one every 2 ms on average.
const PHASES: u64 = 167;

#[test]
fn every_conversation_goes_as_with_the_real_programs() {
    let recording = recording();
    let (mut different, mut farthest) = (Vec::new(), 0);
    let all = conversations();
    for conversation in &all {
        match compare(conversation, &recording) {
            Ok(distance) => farthest = farthest.max(distance),
            Err(difference) => different.push(format!("{}\n{difference}", conversation.name)),
        }
    }
    let versions = format!("PgBouncer {}, PostgreSQL {}, {}", recording.pgbouncer, recording.postgresql, recording.date);
    let agreeing = all.len() - different.len();
    println!("{agreeing} of {} conversations agree with {versions}, every word within {farthest} ms", all.len());
    assert!(different.is_empty(), "{agreeing} of {} agree with {versions}:\n\n{}", all.len(), different.join("\n"));
}

#[test]
fn a_word_that_comes_late_or_is_another_is_noticed() {
    let said = |when, what: &str| Said { when, who: "a".to_owned(), what: what.to_owned() };
    let real = [said(100, "< done"), said(200, "< closed: query_wait_timeout")];
    assert_eq!(distance(&real, &[said(120, "< done"), said(199, "< closed: query_wait_timeout")]), Some(20));
    assert_eq!(distance(&real, &[said(100, "< done"), said(200, "< closed: query_timeout")]), None);
    assert_eq!(distance(&real, &real[..1]), None);
}

impl Recording {
    fn tolerance_ms(&self) -> i64 {
        if self.is_fresh { FRESH_TOLERANCE_MS } else { TOLERANCE_MS }
    }
}

/// How far apart the simulator's conversation, with the phase that suits best, and the real one are; or how they differ.
fn compare(conversation: &Conversation, recording: &Recording) -> Result<i64, String> {
    let real = recording.transcripts.get(&conversation.name).ok_or("was not recorded: run tests/oracle/pgbouncer/compare.sh")?;
    let heard = |said: &&Said| said.is_heard();
    let words = |said: &Said| if conversation.which_server { said.clone() } else { said.by_whomever() };
    let real_heard: Vec<Said> = real.iter().filter(heard).map(words).collect();
    let mut best: Option<(i64, Vec<Said>)> = None;
    let mut first = None;
    let login = Span::from_seconds(recording.login_ms / 1000.0);
    for phase in 0..PHASES {
        let said: Vec<Said> = play(conversation, real, login, phase).iter().map(words).collect();
        match distance(&real_heard, &said) {
            Some(distance) if best.as_ref().is_none_or(|(least, _)| distance < *least) => best = Some((distance, said)),
            Some(_) => {}
            None => _ = first.get_or_insert(said),
        }
    }
    match best {
        Some((distance, _)) if distance <= recording.tolerance_ms() => Ok(distance),
        Some((distance, said)) => Err(format!("  same words, {distance} ms apart\n{}", side_by_side(real, &said))),
        None => Err(side_by_side(real, &first.expect("some phase was played"))),
    }
}

/// How far apart the two are at most, in milliseconds, if everybody hears the same words. In the same instant the order
/// does not count.
fn distance(real: &[Said], model: &[Said]) -> Option<i64> {
    let mut most = 0;
    let mut left: Vec<&Said> = model.iter().collect();
    for said in real {
        let same = left.iter().position(|other| other.who == said.who && other.words() == said.words())?;
        most = most.max((left.remove(same).when - said.when).abs());
    }
    left.is_empty().then_some(most)
}

fn side_by_side(real: &[Said], model: &[Said]) -> String {
    let of = |said: &[Said], title: &str| {
        let lines: Vec<_> = said.iter().map(|said| format!("    {:>6} {:10} {}", said.when, said.who, said.what)).collect();
        format!("  {title}\n{}\n", lines.join("\n"))
    };
    of(real, "real") + &of(model, "simulated")
}
