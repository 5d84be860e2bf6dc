//! Fields of an answer that need more words than a table has room for.

use super::{Family, field};

pub(super) const ALL: &[Family] = &[Family {
    place: "",
    owner: "answer",
    fields: &[field(
        "theory",
        "",
        "What queueing theory says of the same system, where it has an exact answer or nearly one: M/M/c (Erlang C), M/M/c+D (a timeout), M/G/c/c (Erlang B: no waiting), M/M/c//N (users who think), E_k/M/c and E_k/D/c (k workers in turn), M/D/c, M/G/c, MMPP/M/c (bursts), M[X]/M/c (batches), SQLAlchemy's overflow, M/G/c-PS (statements that share cores).",
        "The conditions of the result stand beside it in the JSON. Where all hold, the simulated figure must agree but for chance: one of twenty lies outside its 95 % interval. Where some hold only nearly, the difference is what your system adds. Where too much is different, nothing is said.",
    )],
}];
