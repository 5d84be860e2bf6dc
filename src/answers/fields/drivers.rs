//! Drivers, and how requests are spread over workers.

use super::{Family, field};

pub(super) const ALL: &[Family] = &[
    Family {
        place: "apps.*.driver",
        owner: "drivers",
        fields: &[
            field("Ideal", "", "No time beyond the network's, one round trip each.", ""),
            field(
                "Asyncpg",
                "",
                "asyncpg under SQLAlchemy: BEGIN is sent by itself, a ping is three round trips, closing waits for the server.",
                "",
            ),
            field("Psycopg", "", "psycopg 3 under SQLAlchemy: BEGIN is sent by itself.", ""),
            field("TokioPostgres", "", "tokio-postgres: no time of its own.", ""),
            field(
                "Custom",
                "",
                "Your own measurements: Custom(checkout, statement, begin, ping, reset, close, connect), each a distribution, 0s where left out.",
                "",
            ),
        ],
    },
    Family {
        place: "apps.*.driver",
        owner: "Custom",
        fields: &[
            field("checkout", "0s", "The library's own time at each checkout.", ""),
            field("statement", "0s", "At each statement.", ""),
            field("begin", "0s", "More of it where a statement begins a transaction: a BEGIN sent by itself, its round trip included.", ""),
            field("ping", "0s", "At each ping.", ""),
            field("reset", "0s", "At each reset on return.", ""),
            field("close", "0s", "At each close, while the caller waits.", ""),
            field("connect", "0s", "When a connection has been set up, of the event loop: nobody else is served meanwhile.", ""),
        ],
    },
    Family {
        place: "apps.*.balance",
        owner: "balance",
        fields: &[
            field("RoundRobin", "", "One worker after the other.", ""),
            field("Random", "", "Any worker, by the request's own dice.", ""),
            field("LeastBusy", "", "The worker with the fewest requests, the first among equals.", ""),
        ],
    },
];
