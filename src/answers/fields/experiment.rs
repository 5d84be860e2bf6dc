//! Fields of an experiment.

use super::{Family, field};

pub(super) const ALL: &[Family] = &[
    Family {
        place: "",
        owner: "Experiment",
        fields: &[
            field("question", "", "What the experiment asks, in one line; it heads the answer.", ""),
            field(
                "from",
                "[]",
                "Names of partial systems that are laid under this one in this order: built-in ones (see `poolcast models`), or files in models/ beside the experiment.",
                "",
            ),
            field("system", "", "The system, or the part of it that `from` leaves open.", ""),
            field(
                "scenarios",
                "{}",
                "Variants by name: Scenario(system: what is laid over the system, set: [(path, value)]).",
                "Every scenario meets the same requests with the same demands, so differences are due to the scenario alone.",
            ),
            field(
                "vary",
                "[]",
                "Values that paths take: [(\"apps.api.workers\", [1, 2, 4])]. All combinations are run, for each scenario.",
                "",
            ),
            field("objectives", "[]", "What must hold. One that is missed makes the exit code 1.", ""),
            field(
                "warmup",
                "Auto",
                "Virtual time at the start that is not counted. Auto is a tenth of the duration, and a note says if that was too short.",
                "",
            ),
            field("duration", "", "Virtual time that is counted. Requests that arrived in it are followed to their end.", ""),
            field(
                "replications",
                "32",
                "Independent runs, of which the intervals speak; or Precise(relative: 0.02, at_most: 200): until the 95 % intervals of mean latency, p99 and error rate are that narrow.",
                "",
            ),
            field("seed", "", "The seed of all chance. The same seed gives the same answer on every machine.", ""),
        ],
    },
    Family {
        place: "scenarios.*",
        owner: "Scenario",
        fields: &[
            field("system", "nothing", "A partial system that is laid over the experiment's.", ""),
            field("set", "[]", "Single values by their paths, set after that: [(\"apps.api.pool.pool_pre_ping\", false)].", ""),
        ],
    },
    Family {
        place: "objectives",
        owner: "objectives",
        fields: &[
            field(
                "Latency",
                "",
                "A quantile of the time from arrival to reply, of completed requests: Latency(p: 0.99, below: \"500ms\").",
                "",
            ),
            field("Wait", "", "A quantile of the wait for a connection: Wait(p: 0.99, below: \"50ms\").", ""),
            field("Errors", "", "Failed requests as a fraction of all that ended: Errors(below: 0.001).", ""),
            field("Connections", "", "The most connections at the database at once: Connections(below: 100).", ""),
            field(
                "Recovery",
                "",
                "Time from the last fault until latency and error rate are back where they were before it, in every replication: Recovery(below: \"30s\").",
                "",
            ),
        ],
    },
    Family {
        place: "objectives.*",
        owner: "Latency",
        fields: &[field("p", "", "Which quantile, between 0 and 1.", ""), field("below", "", "The limit.", "")],
    },
    Family { place: "objectives.*", owner: "Connections", fields: &[field("below", "", "The limit, not reached.", "")] },
];
