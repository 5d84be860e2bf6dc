//! Fields of a system: workload, apps, database, network, faults.

use super::{Family, field};

pub(super) const ALL: &[Family] = &[
    Family {
        place: "system",
        owner: "System",
        fields: &[
            field(
                "workload",
                "",
                "What is asked: a list of Stream. Streams merge by name when partial systems are laid over each other.",
                "",
            ),
            field("apps", "", "The applications: a list of App, merged by name.", ""),
            field(
                "proxy",
                "Direct",
                "What stands between the apps and the database: Direct, PgBouncer(…) or RdsProxy(…). Replaced whole.",
                "",
            ),
            field("database", "Postgres()", "The PostgreSQL server, with its defaults where nothing is said.", ""),
            field("network", "Network()", "The wires, as round trips.", ""),
            field(
                "faults",
                "[]",
                "What goes wrong, and when: At(\"1min\", RestartDatabase(down: \"3s\")), counted from the start of the run, warm-up included.",
                "",
            ),
        ],
    },
    Family {
        place: "workload.*",
        owner: "Stream",
        fields: &[
            field("name", "", "Its name, in results and paths.", ""),
            field("app", "the only app", "The app it goes to.", ""),
            field("arrivals", "", "When its requests are born, for all workers together.", ""),
            field("steps", "", "What each request does, in order.", ""),
            field(
                "deadline",
                "None",
                "When its client gives up, from the arrival through all attempts.",
                "The handler is cancelled where it stands, as asyncio cancels a task.",
            ),
            field("retry", "None", "What its client does about failures: Retry(attempts: 3, …).", ""),
        ],
    },
    Family {
        place: "workload.*.retry",
        owner: "Retry",
        fields: &[
            field("attempts", "", "Attempts in all, the first included.", ""),
            field("backoff", "0s", "The pause before another attempt.", ""),
            field("jitter", "0", "Adds up to this fraction of the pause at random.", ""),
            field("budget", "None", "Retries allowed as a fraction of all first attempts so far: 0.1 is one for ten requests.", ""),
            field("on", "None", "Names of the errors that are retried; all but a passed deadline if left out.", ""),
        ],
    },
    Family {
        place: "apps.*",
        owner: "App",
        fields: &[
            field("name", "", "Its name, in results and paths.", ""),
            field(
                "workers",
                "1",
                "Processes (uvicorn --workers, gunicorn -w, replicas times workers). Each has an event loop and a pool of its own, so connections multiply.",
                "",
            ),
            field("balance", "RoundRobin", "How requests are spread over the workers: RoundRobin, Random or LeastBusy.", ""),
            field(
                "concurrency",
                "None",
                "Requests that a worker handles at once (uvicorn --limit-concurrency without its 503, threads); the rest queue. No limit if left out.",
                "",
            ),
            field(
                "driver",
                "Ideal",
                "The client library's own times and round trips: Ideal, Asyncpg, Psycopg, TokioPostgres, Custom(…).",
                "Measured figures; Ideal takes no time and one round trip each.",
            ),
            field("pool", "", "The connection pool in each worker.", ""),
        ],
    },
    Family {
        place: "database",
        owner: "Postgres",
        fields: &[
            field("max_connections", "100", "Connection slots of the server.", "Beyond them a connection is refused with TooManyClients."),
            field(
                "superuser_reserved_connections",
                "3",
                "Slots of max_connections that only superusers get.",
                "Applications get max_connections minus these.",
            ),
            field("statement_timeout", "0s", "A statement that runs longer is cancelled. 0s is off.", ""),
            field(
                "idle_in_transaction_session_timeout",
                "0s",
                "A session that is idle inside a transaction for longer is ended. 0s is off.",
                "",
            ),
            field(
                "connect",
                "3ms",
                "One connection set-up on an idle server: fork and authentication.",
                "Without the network, which comes on top.",
            ),
            field(
                "service",
                "Sharing(cores: 8, sigma: 0.03, kappa: 0.0001)",
                "How statements share the server: Delay (each as if alone), Sharing (processor sharing with contention) or Queue (first come, first served).",
                "",
            ),
        ],
    },
    Family {
        place: "database.service",
        owner: "service",
        fields: &[
            field("cores", "", "Processor cores of the database server.", ""),
            field(
                "sigma",
                "0",
                "Contention: what each further active statement adds to the time of all, as a fraction (serialisation on locks and buffers).",
                "N active statements each run at min(1, cores/N) / (1 + sigma (m-1) + kappa m (m-1)), m = min(N, 4 cores).",
            ),
            field(
                "kappa",
                "0",
                "Coherency: what each further pair of active statements adds. Above zero, more connections make the server slower in all.",
                "",
            ),
            field("Delay", "", "Each statement takes its demand, however many there are: a server without limits.", ""),
            field("Sharing", "", "Statements share the cores and disturb each other, as they do in PostgreSQL.", ""),
            field("Queue", "", "Statements wait for a core and then run alone.", ""),
        ],
    },
    Family {
        place: "network",
        owner: "Network",
        fields: &[
            field("app", "0s", "Round trip from an app to its next hop: the proxy, or the database if there is none.", ""),
            field("proxy", "0s", "Round trip from the proxy to the database.", ""),
        ],
    },
    Family {
        place: "faults",
        owner: "faults",
        fields: &[
            field(
                "At",
                "",
                "When and what: At(\"1min\", RestartDatabase(down: \"3s\")).",
                "Counted from the start of the run, warm-up included.",
            ),
            field(
                "RestartDatabase",
                "",
                "A restart: every session ends with AdminShutdown, new connections are refused for `down`, then told for `starting` that the system is starting up.",
                "",
            ),
            field(
                "CrashDatabase",
                "",
                "A backend crashes: every session ends without a word, and nobody gets in until recovery is over.",
                "",
            ),
            field("Failover", "", "The server is gone with its sessions; another answers after `down`.", ""),
            field(
                "RestartProxy",
                "",
                "PgBouncer's process is replaced: all connections on both sides end without a word, and nobody listens for `down`.",
                "As 1.18 does at SIGTERM; an online restart (-R) loses nothing and needs no fault.",
            ),
            field(
                "SlowDatabase",
                "",
                "A checkpoint, a neighbour, a bad disk: statements take `factor` times as long.",
                "With Sharing, those under way too; with Delay or Queue, those that begin meanwhile.",
            ),
            field("SlowConnects", "", "Set-ups of connections that begin meanwhile take `factor` times as long.", ""),
            field(
                "Partition",
                "",
                "The way to the database is cut and no reset tells anybody: clients hang until a timeout of their own.",
                "What is sent meanwhile arrives when the way is free again, as if TCP tried again in that instant.",
            ),
            field(
                "LockTable",
                "",
                "A migration holds an exclusive lock on the table that all use: statements wait for its end and keep their connections.",
                "The lock is there at once: statements under way do not hold it up.",
            ),
            field(
                "Deploy",
                "",
                "A rolling deploy: every `each` a new worker comes for an old one of `app`, which goes on for `overlap`, then gets no more requests, finishes those that it has, and ends with its connections.",
                "A new worker takes requests at once, with an empty pool. An app may thus have more connections open than ever before.",
            ),
            field(
                "Scale",
                "",
                "From now on `app` has so many workers: new ones take requests at once; those too many get no more, finish those that they have, and end with their connections.",
                "",
            ),
            field("KillConnections", "", "pg_terminate_backend, a firewall, a dying node: this fraction of the sessions ends.", ""),
            field("down", "", "How long new connections are refused.", ""),
            field("fraction", "", "Of all sessions, 0 to 1.", ""),
            field("starting", "0s", "How long the server then says that it is starting up.", ""),
            field("recovery", "", "How long the server replays its log and says that it is not ready.", ""),
            field("factor", "", "So many times as long.", ""),
            field("lasting", "", "For how long.", ""),
            field("app", "", "The app whose workers come and go.", ""),
            field("each", "", "From one replacement of a worker to the next; \"0s\" replaces all at once.", ""),
            field("overlap", "", "How long the old worker takes requests beside the new one.", ""),
            field("workers", "", "How many workers the app has from then on.", ""),
        ],
    },
];
