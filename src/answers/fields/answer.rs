//! Parts of an answer, and questions, that need more words than a table has room for.

use super::{Family, field};

pub(super) const ALL: &[Family] = &[Family {
    place: "",
    owner: "answer",
    fields: &[
        field(
            "theory",
            "",
            "What queueing theory says of the same system, where it has an exact answer or nearly one: M/M/c (Erlang C), M/M/c+D (a timeout), M/G/c/c (Erlang B: no waiting), M/M/c//N (users who think), E_k/M/c and E_k/D/c (k workers in turn), M/D/c, M/G/c, MMPP/M/c (bursts), M[X]/M/c (batches), SQLAlchemy's overflow, M/G/c-PS (statements that share cores).",
            "The conditions of the result stand beside it in the JSON. Where all hold, the simulated figure must agree but for chance: one of twenty lies outside its 95 % interval. Where some hold only nearly, the difference is what your system adds. Where too much is different, nothing is said.",
        ),
        field(
            "recovery",
            "",
            "What became of the system after each fault: the time until mean latency and error rate are back inside the intervals in which they lay before the first fault, the requests that this cost, the storm of reconnects, the most connections, and a verdict.",
            "Verdicts: unhurt (never left), recovers, still recovering (at the end of the run), load has grown, overtaken by the next fault, undecided (too little is known of the time before), and metastable: load is what it was, the fault is over, and the system neither is back nor comes nearer. Means are over replications, with 95 % intervals.",
        ),
        field(
            "waves",
            "",
            "Connections that are opened together, again and again: those of one age fall due together, and those that were idle are closed together and opened together by the next load.",
            "A wave's fullest second has four connects at least, six times the mean, and more than chance explains in one run of a thousand. The period is the distance from wave to wave, and is said only if three in four of at least four distances are alike; the setting named is the one whose time that is. With faults there is recovery instead.",
        ),
        field(
            "deadlocks",
            "",
            "Requests that hold a connection and ask their pool for another, in such numbers that all of its connections are held by requests that wait: nobody can go on until somebody's wait times out.",
            "Counted when the circle closes, with who holds and who waits. One deadlock leads to the next, so only the first of each replication counts for the probability of one within an hour; its interval is exact (Poisson) for a first one that is as likely at any time.",
        ),
        field(
            "cliff",
            "",
            "The load from which a system does not come back after a push, though it carried that load before: retries, timeouts and cold caches keep it busy with what nobody waits for.",
            "poolcast cliff FILE --tune PATH=LOW..HIGH looks for two edges: up to where the system works from rest, and up to where it comes back after the push (the file's faults, or an overload at the start). Between the two it is metastable. Each tried load has an exact interval for the share of replications that worked.",
        ),
        field(
            "rare",
            "",
            "A wait for a connection that is longer than the pool allows, where plain runs see none.",
            "poolcast rare FILE estimates its probability down to 1e-9 and less by multilevel splitting: whenever the system comes nearer to a timeout than mostly, it is copied and the copies go on with other chance. The interval is over independent repetitions.",
        ),
    ],
}];
