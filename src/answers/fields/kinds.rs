//! Steps, and the parameters that several kinds of arrivals and times share.

use super::{Family, field};

pub(super) const ALL: &[Family] = &[
    Family {
        place: "workload.*.arrivals",
        owner: "parameters of arrivals",
        fields: &[
            field("rate", "", "Per second, for all workers together.", ""),
            field("quiet", "", "Requests per second between bursts.", ""),
            field("burst", "", "Requests per second in a burst.", ""),
            field("mean_quiet", "", "Mean time between bursts.", ""),
            field("mean_burst", "", "Mean length of a burst.", ""),
            field("mean", "", "Mean: requests per second over a period (Daily), or the mean time (distributions).", ""),
            field("amplitude", "", "By how much the rate rises and falls, as a fraction of the mean, 0 to 1.", ""),
            field("period", "", "Length of a day.", ""),
            field("size", "", "Requests in each batch.", ""),
            field("users", "", "How many users there are.", ""),
            field("think", "", "How long a user thinks between an answer and the next request.", ""),
            field("file", "", "A file's name relative to the experiment's directory.", ""),
            field("speed", "1", "How many times faster than recorded.", ""),
        ],
    },
    Family {
        place: "workload.*.steps",
        owner: "steps",
        fields: &[
            field(
                "Work",
                "",
                "Occupies the worker's event loop for that long: parsing, templates, serialisation.",
                "Everything else in the same process waits, a finished query's reply too.",
            ),
            field("Await", "", "Waits for something else (another service) and holds what it holds, a connection included.", ""),
            field("Block", "", "Blocks the whole event loop: time.sleep or a synchronous call in a coroutine.", ""),
            field(
                "Session",
                "",
                "Checks a connection out, does the steps, checks it in. A Session inside a Session takes a second connection.",
                "",
            ),
            field("Transaction", "", "BEGIN … COMMIT inside a session.", ""),
            field(
                "Query",
                "",
                "One statement, with its service demand on an idle server.",
                "How long it takes in fact depends on what else the database is doing.",
            ),
            field("Leak", "", "From here on, with this probability, the session is never closed: Leak(probability: 0.001).", ""),
            field("Repeat", "", "The steps so many times: Repeat(3, [Query(…)]).", ""),
            field("Choose", "", "One of the branches, by weight: Choose([(0.9, […]), (0.1, […])]).", ""),
            field(
                "SessionState",
                "",
                "Marks that the session uses state that lives in the server's session, such as set_config. Takes no time.",
                "",
            ),
            field("probability", "", "Between 0 and 1.", ""),
        ],
    },
    Family {
        place: "",
        owner: "parameters of times",
        fields: &[
            field("cv", "", "Coefficient of variation: standard deviation over mean. 0 is constant, 1 is exponential.", ""),
            field("median", "", "Half of all are faster.", ""),
            field("p99", "", "99 of a hundred are faster.", ""),
            field("k", "", "Phases; more make it more regular.", ""),
            field("shape", "", "The tail: for Weibull below 1 is heavier than exponential; for Pareto smaller is heavier.", ""),
            field("minimum", "", "The shortest.", ""),
            field("maximum", "", "The longest.", ""),
            field("low", "", "The shortest.", ""),
            field("high", "", "The longest.", ""),
        ],
    },
];
