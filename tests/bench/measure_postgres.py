#!/usr/bin/env python3
"""Measures a throw-away PostgreSQL on this machine: the figures behind `models/` and the drivers.

Needs PostgreSQL's server programs (`initdb`, `postgres`, `pgbench`), optionally `pgbouncer`, and a
Python >= 3.9 with `sqlalchemy[asyncio] asyncpg psycopg[binary]`. It starts its own servers on free
loopback ports from a temporary directory, as `nobody` when started by root, and removes them.

    chrt -f 10 python tests/bench/measure_postgres.py --only wire,connect,flights,drivers --repeat 4
    nice -n -14 python tests/bench/measure_postgres.py --only sharing

`chrt` lets short measurements pass the neighbours on a shared machine (root only; leave it out on an idle one). It is
wrong for `sharing`, which loads all cores.

How a time is taken apart. `wire` speaks the protocol over a bare blocking socket, so that
    network round trip  = Sync -> ReadyForQuery (no statement: nothing but wire, wake-ups, one message)
    a statement's work  = "SELECT 1" - network round trip
    driver's own time   = the operation under SQLAlchemy - its round trips over the bare socket,
both in one process, in turn, after the same random pauses ("paced": a process that slept answers
later than one in a tight loop, and applications sleep between requests). Round trips are not
assumed but counted by a relay: a flight is a burst from the client that follows one from the server.

FIGURES (2026-11; PostgreSQL 15.18, SQLAlchemy 2.1.9, asyncpg 0.32.0, psycopg 3.3.9, PgBouncer 1.18.0, Python 3.11.7;
2 shared cores of an AMD EPYC, loopback, plaintext; `chrt -f 10`, 4 repetitions, other programs compiling beside it:
load 3 to 7; the last of three runs. The first, at ordinary priority and load 2, is quoted where it says so; the second, at
load 6, was no use: connects took three times as long)

Time of the driver's own under SQLAlchemy, beyond its round trips, mean in microseconds (largest - smallest repetition
of the whole operation, relative to the median); round trips counted.

                            asyncpg          psycopg, async    psycopg, sync    round trips (asyncpg / psycopg)
    checkout, idle          142 (28 %)       144 (50 %)         86 (71 %)       0 / 0
    statement, prepared     120 (9 %)        150 (39 %)         74 (50 %)       1 / 1
    BEGIN with the first    185 (32 %)       218 (45 %)        179 (62 %)       1 / 1, by itself before the statement
    ping at checkout         99 (37 %)       147 (54 %)         76 (74 %)       3 (BEGIN, `;`, ROLLBACK) / 1
    reset on return         105 (13 %)       104 (27 %)         60 (31 %)       1 / 1 (none if no statement was sent)
    close                  2390 (7 %)         98 (12 %)         73 (17 %)       waits until the server is gone / none
    connect, trust         +810 (12 %)      +670 (8 %)        +510 (8 %)        1 after TCP's own (SCRAM: 3)
    engine's first connect                                                      10 more / 9 more
    first statement of a
    fresh connection       +323             +138              +118              1 more (asyncpg prepares)

Of asyncpg's close 2,010 us is the server's going away (a bare socket waits as long). A connect costs the server and a
bare socket 2.5 ms with trust and 4.0 ms with SCRAM-SHA-256, 0.9 ms of which is the client's hashing (OpenSSL's). A round
trip without a statement takes 40 us in a tight loop; paced ones take 76 to 86 us on average (111 to 143 the first after a
pause, 50 those right behind it). At ordinary priority and half the load: 16 and 49. SELECT 1 adds 4 us. PgBouncer adds 40
to 43 us to a round trip in either mode, answers a connect in 0.38 ms, and spends 19 us of processor time per SELECT 1 at
ordinary priority (16 %; under `chrt` 56, probably how such processes are placed). At ordinary priority the drivers'
own times agree within a quarter if taken from midmeans (asyncpg: statement 107, reset 99); means are useless there, as
each per cent of requests that waits for a neighbour's time slice of 4 ms adds 40 us.

Processor time of one statement with 1, 2, 4, 8, 16, 32 active clients (`nice -n -14`, load 5 to 7, 3 repetitions):
    sum of 50 000 rows  3.67 3.84 3.91 3.77 3.87 3.93 ms (spread 3-19 %): sigma 0.004, kappa 0
    pgbench -S          19 23 22 23 26 31 us (3-28 %): sigma 0.047 (probably switching between processes)
    pgbench tpcb-like   117 114 174 160 212 246 us (13-95 %): sigma 0.115 (probably locks and switching)

tokio-postgres 0.7.18 (a separate Rust program, same server and pauses): statement +2, BEGIN +25, reset +5, ping (empty
query) 0 us beyond one round trip each; close 48 us, not waited for; connect as the bare socket.
"""

import argparse
import asyncio
import base64
import hashlib
import hmac
import math
import os
import random
import re
import shutil
import socket
import statistics
import struct
import subprocess
import tempfile
import threading
import time
from pathlib import Path

PASSWORD = "throw-away"
CLIENTS = [1, 2, 4, 8, 16, 32]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", default="/usr/lib/postgresql/15/bin", help="folder of the server programs")
    parser.add_argument("--repeat", type=int, default=5, help="repetitions (of sharing at most 3)")
    parser.add_argument("--only", default="wire,connect,flights,drivers,sharing", help="parts to measure")
    options = parser.parse_args()
    parts = options.only.split(",")
    with Servers(Path(options.bin)) as servers:
        print(servers.describe())
        before = cpu_ticks()
        if "wire" in parts:
            measure_wire(servers, options.repeat)
        if "connect" in parts:
            measure_connects(servers, options.repeat)
        if "flights" in parts:
            asyncio.run(count_flights(servers))
        if "drivers" in parts:
            measure_drivers(servers, options.repeat)
        if "sharing" in parts:
            measure_sharing(servers, min(options.repeat, 3))
        print(noise_since(before))


# ---- servers -------------------------------------------------------------------------------


class Servers:
    """One PostgreSQL and, where installed, one PgBouncer in front of it."""

    def __init__(self, programs):
        self.programs = programs
        self.home = Path(tempfile.mkdtemp(prefix="measure-postgres-"))
        self.who = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}
        self.running = []
        self.port = free_port()
        self.pgbouncer_port = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.running):
            process.send_signal(2)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    def start(self):
        if self.who:
            shutil.chown(self.home, self.who["user"], self.who["group"])
        data = self.home / "data"
        self.run([self.programs / "initdb", "-D", data, "-U", "super", "-A", "trust", "--locale=C", "-E", "UTF8"])
        (data / "pg_hba.conf").write_text(
            "host all scram 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n"
        )
        self.spawn([self.programs / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(self.port),
                    "-c", "unix_socket_directories=", "-c", "max_connections=100"])
        wait_for(self.port)
        admin = Wire(self.port, "super")
        for sql in ["CREATE ROLE plain LOGIN SUPERUSER", f"CREATE ROLE scram LOGIN PASSWORD '{PASSWORD}'",
                    "CREATE DATABASE bench OWNER plain"]:
            admin.simple(sql)
        admin.close()
        if shutil.which("pgbouncer") or os.path.exists("/usr/sbin/pgbouncer"):
            self.start_pgbouncer()

    def start_pgbouncer(self):
        self.pgbouncer_port = free_port()
        ini = self.home / "pgbouncer.ini"
        ini.write_text(
            f"[databases]\nsession = host=127.0.0.1 port={self.port} dbname=bench pool_mode=session\n"
            f"transaction = host=127.0.0.1 port={self.port} dbname=bench pool_mode=transaction\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self.pgbouncer_port}\nunix_socket_dir =\n"
            f"auth_type = trust\nauth_file = {self.home}/users\nlogfile = {self.home}/pgbouncer.log\n"
        )
        (self.home / "users").write_text('"plain" ""\n')
        self.spawn([shutil.which("pgbouncer") or "/usr/sbin/pgbouncer", "-q", ini])
        wait_for(self.pgbouncer_port)

    def run(self, command, **more):
        done = subprocess.run([str(word) for word in command], cwd=self.home, capture_output=True, text=True,
                              **self.who, **more)
        if done.returncode != 0:
            raise SystemExit(f"{command[0]} failed:\n{done.stderr}")
        return done.stdout

    def spawn(self, command):
        log = open(self.home / "servers.log", "ab")
        self.running.append(subprocess.Popen([str(word) for word in command], cwd=self.home, stdout=log,
                                             stderr=log, **self.who))

    def processor_seconds(self, of_pgbouncer=False):
        """PgBouncer's, or those of all backends that have ended."""
        words = Path(f"/proc/{self.running[1 if of_pgbouncer else 0].pid}/stat").read_text().rsplit(")", 1)[1].split()
        user, system = words[11:13] if of_pgbouncer else words[13:15]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def describe(self):
        from importlib.metadata import version

        libraries = " ".join(f"{name} {version(name)}" for name in ["sqlalchemy", "asyncpg", "psycopg"])
        model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())[1]
        server = self.run([self.programs / "postgres", "--version"]).strip()
        return f"{server}; {libraries}; {os.cpu_count()} cores {model}; load {os.getloadavg()[0]:.2f}"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port):
    for _ in range(200):
        try:
            Wire(port, "super", "postgres").close()
            return
        except OSError:
            time.sleep(0.05)
        except ServerError as error:
            if "C57P03" not in str(error):
                return  # it refuses this user: that is an answer too
            time.sleep(0.05)
    raise SystemExit(f"nothing answers on port {port}")


# ---- the bare protocol ---------------------------------------------------------------------


class ServerError(Exception):
    pass


class Wire:
    """One connection over a blocking socket: the least a client can do."""

    def __init__(self, port, user, database="bench", password=PASSWORD):
        self.hashing = 0.0
        self.buffer = b""
        database = "postgres" if user == "super" else database
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        start = struct.pack("!i", 196608) + f"user\0{user}\0database\0{database}\0\0".encode()
        self.socket.sendall(struct.pack("!i", len(start) + 4) + start)
        for kind, body in self.messages():
            if kind == b"R" and body[:4] == b"\0\0\0\x0a":
                self.scram_first()
            elif kind == b"R" and body[:4] == b"\0\0\0\x0b":
                self.scram_final(body[4:].decode(), password)

    def messages(self):
        """Messages up to and including ReadyForQuery."""
        while True:
            while len(self.buffer) < 5 or len(self.buffer) < 1 + struct.unpack("!i", self.buffer[1:5])[0]:
                more = self.socket.recv(65536)
                if not more:
                    raise ServerError("closed by the server")
                self.buffer += more
            size = 1 + struct.unpack("!i", self.buffer[1:5])[0]
            kind, body, self.buffer = self.buffer[:1], self.buffer[5:size], self.buffer[size:]
            if kind == b"E":
                raise ServerError(body.replace(b"\0", b" ").decode())
            yield kind, body
            if kind == b"Z":
                return

    def send(self, kind, body=b""):
        self.socket.sendall(kind + struct.pack("!i", len(body) + 4) + body)

    def simple(self, sql):
        self.send(b"Q", sql.encode() + b"\0")
        for _ in self.messages():
            pass

    def sync(self):
        self.send(b"S")
        for _ in self.messages():
            pass

    def close(self):
        """Says goodbye and waits until the server has gone, as asyncpg does."""
        self.send(b"X")
        while self.socket.recv(65536):
            pass
        self.socket.close()

    def scram_first(self):
        self.nonce = base64.b64encode(os.urandom(18)).decode()
        self.bare = f"n=,r={self.nonce}"
        first = f"n,,{self.bare}".encode()
        self.send(b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", len(first)) + first)

    def scram_final(self, challenge, password):
        began = time.perf_counter()
        fields = dict(part.split("=", 1) for part in challenge.split(","))
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
        client = hmac.digest(salted, b"Client Key", "sha256")
        without_proof = f"c=biws,r={fields['r']}"
        signed = f"{self.bare},{challenge},{without_proof}".encode()
        signature = hmac.digest(hashlib.sha256(client).digest(), signed, "sha256")
        proof = base64.b64encode(bytes(a ^ b for a, b in zip(client, signature))).decode()
        self.hashing = time.perf_counter() - began
        self.send(b"p", f"{without_proof},p={proof}".encode())


STEPS = ["sync", "BEGIN", "SELECT 1", "SELECT 1 again", "COMMIT"]


def wire_cycle(wire, times):
    """One request's worth of round trips; each time is appended under its name."""
    for step in STEPS:
        began = time.perf_counter()
        wire.sync() if step == "sync" else wire.simple(step.removesuffix(" again"))
        times.setdefault(step, []).append(time.perf_counter() - began)


def measure_wire(servers, repeat):
    targets = {"direct": (servers.port, "bench")}
    if servers.pgbouncer_port:
        targets["pgbouncer session"] = (servers.pgbouncer_port, "session")
        targets["pgbouncer transaction"] = (servers.pgbouncer_port, "transaction")
    runs = {}
    for _ in range(repeat):
        for name, (port, database) in targets.items():
            for pace, cycles in [("tight", 1500), ("paced", 150)]:
                wire = Wire(port, "plain", database)
                times = {}
                for _ in range(cycles):
                    if pace == "paced":
                        time.sleep(random.expovariate(1 / 0.010))
                    wire_cycle(wire, times)
                wire.close()
                for step in STEPS:
                    runs.setdefault((name, pace, step), []).append(times[step])
    heading("wire: round trips over a bare socket")
    for (name, pace, step), samples in runs.items():
        line(f"{name}, {pace}: {step}", samples)
    if servers.pgbouncer_port:
        measure_pgbouncer_processor(servers, repeat)


def measure_pgbouncer_processor(servers, repeat, queries=10_000):
    heading("PgBouncer's processor time per SELECT 1 and its reply, tight", columns=False)
    for mode in ["session", "transaction"]:
        costs = []
        for _ in range(repeat):
            wire = Wire(servers.pgbouncer_port, "plain", mode)
            before = servers.processor_seconds(of_pgbouncer=True)
            for _ in range(queries):
                wire.simple("SELECT 1")
            costs.append((servers.processor_seconds(of_pgbouncer=True) - before) / queries)
            wire.close()
        print(f"{mode}: {statistics.median(costs) * 1e6:.1f} us ({spread_of(costs):.0%})")


def measure_connects(servers, repeat):
    targets = {"trust": (servers.port, "plain", "bench"), "scram": (servers.port, "scram", "bench")}
    if servers.pgbouncer_port:
        targets["pgbouncer session"] = (servers.pgbouncer_port, "plain", "session")
    runs = {}
    for _ in range(repeat):
        for name, (port, user, database) in targets.items():
            times = {}
            for _ in range(60):
                time.sleep(random.expovariate(1 / 0.015))
                stamps = [time.perf_counter()]
                wire = Wire(port, user, database)
                stamps.append(time.perf_counter())
                wire.simple("SELECT 1")
                stamps.append(time.perf_counter())
                wire.simple("SELECT 1")
                stamps.append(time.perf_counter())
                wire.close()
                stamps.append(time.perf_counter())
                spans = [b - a for a, b in zip(stamps, stamps[1:])] + [wire.hashing]
                for what, span in zip(["connect", "first SELECT 1", "second SELECT 1", "close", "hashing"], spans):
                    times.setdefault(what, []).append(span)
            for what, samples in times.items():
                runs.setdefault((name, what), []).append(samples)
    heading("connect: start of TCP to ReadyForQuery; close: until the server is gone; paced")
    for (name, what), samples in runs.items():
        line(f"{name}: {what}", samples)


# ---- drivers under SQLAlchemy --------------------------------------------------------------

DRIVERS = ["asyncpg", "psycopg_async", "psycopg"]


class Driver:
    """A driver under SQLAlchemy; a synchronous one is awaited like the others, without a thread."""

    def __init__(self, name, port, **engine):
        import sqlalchemy
        from sqlalchemy.ext.asyncio import create_async_engine

        self.select = sqlalchemy.text("SELECT 1")
        self.asynchronous = name != "psycopg"
        url = f"postgresql+{name}://plain@127.0.0.1:{port}/bench"
        if name.startswith("psycopg"):
            # libpq would ask for encryption first, with one more round trip; asyncpg would not here.
            url += "?sslmode=disable&gssencmode=disable"
        else:
            engine["connect_args"] = {"ssl": False}
        self.engine = (create_async_engine if self.asynchronous else sqlalchemy.create_engine)(url, **engine)

    async def wait(self, result):
        return await result if hasattr(result, "__await__") else result

    async def connect(self):
        connection = self.engine.connect()
        return await connection if self.asynchronous else connection

    async def pause(self, mean):
        seconds = random.expovariate(1 / mean)
        await asyncio.sleep(seconds) if self.asynchronous else time.sleep(seconds)


async def count_flights(servers):
    from sqlalchemy.pool import NullPool

    heading("flights: bursts from the client, each answered by the server (the goodbye of close is not answered)", columns=False)
    relay = Relay(servers.port)
    for name in DRIVERS:
        plain, ping = Driver(name, relay.port, pool_size=1), Driver(name, relay.port, pool_size=1, pool_pre_ping=True)
        fresh = Driver(name, relay.port, poolclass=NullPool, pool_reset_on_return=None)
        for _ in range(8):  # after some rounds statements are prepared and each step costs what it always will
            checkout, held = await relay.counted(plain.connect)
            first, _ = await relay.counted(lambda: plain.wait(held.execute(plain.select)))
            second, _ = await relay.counted(lambda: plain.wait(held.execute(plain.select)))
            reset, _ = await relay.counted(lambda: plain.wait(held.close()))
            pinging, held = await relay.counted(ping.connect)
            await ping.wait(held.close())
        engine_first, held = await relay.counted(fresh.connect)
        closing, _ = await relay.counted(lambda: fresh.wait(held.close()))
        connecting, held = await relay.counted(fresh.connect)
        await fresh.wait(held.close())
        steps = [("checkout", checkout), ("first statement", first), ("second statement", second),
                 ("reset on return", reset), ("checkout with ping", pinging)]
        steps += [("engine's first connect", engine_first), ("later connect", connecting), ("close", closing)]
        print(f"{name:14} " + " · ".join(f"{what} {count}" for what, count in steps))
        for driver in [plain, ping, fresh]:
            await driver.wait(driver.engine.dispose())


class Relay:
    """Forwards connections to the server and counts the client's flights."""

    def __init__(self, target):
        self.target, self.flights = target, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    async def counted(self, work):
        before, result = self.flights, await work()
        await asyncio.sleep(0.02)  # the goodbye of a close may still be on its way
        return self.flights - before, result

    def accept(self):
        while True:
            near = self.listener.accept()[0]
            far = socket.create_connection(("127.0.0.1", self.target))
            turn = {"client": False}
            for source, sink, client in [(near, far, True), (far, near, False)]:
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self.pump, args=(source, sink, client, turn), daemon=True).start()

    def pump(self, source, sink, client, turn):
        try:
            while data := source.recv(65536):
                if client and not turn["client"]:
                    self.flights += 1
                turn["client"] = client
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def measure_drivers(servers, repeat):
    runs = {}
    for _ in range(repeat):
        for name in DRIVERS:
            for what, samples in asyncio.run(drive(servers, name)).items():
                runs.setdefault((name, what), []).append(samples)
    heading("drivers under SQLAlchemy, paced, one request at a time; wire: the bare socket in the same process")
    for (name, what), samples in runs.items():
        line(f"{name}: {what}", samples)


async def drive(servers, name, requests=150):
    """A low-rate run: pauses, a request through the driver, pauses, the same over the bare socket."""
    from sqlalchemy.pool import NullPool

    plain, ping = Driver(name, servers.port, pool_size=1), Driver(name, servers.port, pool_size=1, pool_pre_ping=True)
    fresh = Driver(name, servers.port, poolclass=NullPool, pool_reset_on_return=None)
    wire, times = Wire(servers.port, "plain"), {}
    for request in range(-20, requests):
        kept = times if request >= 0 else {}
        await plain.pause(0.008)
        await request_through(plain, kept)
        await plain.pause(0.008)
        pinged = {}
        await request_through(ping, pinged)
        kept.setdefault("checkout with ping", []).append(pinged["checkout"][0])
        await plain.pause(0.008)
        wires = {}
        wire_cycle(wire, wires)
        for step in STEPS:
            kept.setdefault(f"wire {step}", []).append(wires[step][0])
        if request % 3 == 0:
            await plain.pause(0.008)
            opened = {}
            await request_through(fresh, opened, commit=True)
            for what, old in [("connect", "checkout"), ("first statement, fresh connection", "BEGIN and statement"),
                              ("close", "return")]:
                kept.setdefault(what, []).append(opened[old][0])
    wire.close()
    for driver in [plain, ping, fresh]:
        await driver.wait(driver.engine.dispose())
    return times


async def request_through(driver, times, commit=False):
    clock, stamps = time.perf_counter, []
    stamps.append(clock())
    connection = await driver.connect()
    stamps.append(clock())
    await driver.wait(connection.execute(driver.select))
    stamps.append(clock())
    await driver.wait(connection.execute(driver.select))
    stamps.append(clock())
    if commit:  # nothing is left to roll back: the return is the close alone
        await driver.wait(connection.commit())
        stamps[-1] = clock()
    await driver.wait(connection.close())
    stamps.append(clock())
    names = ["checkout", "BEGIN and statement", "statement", "return"]
    for name, began, ended in zip(names, stamps, stamps[1:]):
        times.setdefault(name, []).append(ended - began)


# ---- how active statements share the cores -------------------------------------------------

MIXES = {
    "processor (sum of 50 000 rows)": ["-f", "sum.sql"],
    "read only (pgbench -S, prepared)": ["-S", "-M", "prepared"],
    "mixed (pgbench tpcb-like, prepared)": ["-b", "tpcb-like", "-M", "prepared"],
}


def measure_sharing(servers, repeat):
    (servers.home / "sum.sql").write_text("SELECT sum(g) FROM generate_series(1, 50000) g;\n")
    pgbench = [servers.programs / "pgbench", "-h", "127.0.0.1", "-p", servers.port, "-U", "plain"]
    servers.run(pgbench + ["-i", "-q", "-s", "20", "bench"])
    for setting in ["jit = off", "synchronous_commit = off"]:
        wire = Wire(servers.port, "plain")
        wire.simple(f"ALTER DATABASE bench SET {setting}")
        wire.close()
    heading("sharing: per second with N pgbench clients, and the server's processor time of each; medians", columns=False)
    for mix, words in MIXES.items():
        seen = {clients: [] for clients in CLIENTS}
        for _ in range(repeat):
            for clients in CLIENTS:
                seen[clients].append(burst(servers, [*pgbench, "-n", "-c", clients, *words], clients))
        cost = {clients: statistics.median(cost for _, cost in each) for clients, each in seen.items()}
        print(f"{mix}: " + " · ".join(
            f"{clients}: {statistics.median(rate for rate, _ in each):.0f}/s {cost[clients] * 1e3:.3f} ms "
            f"({spread_of([cost for _, cost in each]):.0%})" for clients, each in seen.items()))
        error, service, sigma, kappa = fit_sharing(cost, os.cpu_count())
        print(f"    fit: service {service * 1e3:.3f} ms, sigma {sigma:.3f}, kappa {kappa:.1e}, rms log error {error:.3f}")


def burst(servers, pgbench, clients):
    """Rate, and processor time per transaction; what connecting costs is measured and taken off."""
    spent, done = [], []
    for length in [["-t", "1"], ["-T", "2"]]:
        before = servers.processor_seconds()
        out = servers.run([*pgbench, *length, "bench"])
        time.sleep(0.1)  # backends are counted when the postmaster has buried them
        spent.append(servers.processor_seconds() - before)
        done.append(int(re.search(r"actually processed: (\d+)", out)[1]))
    return float(re.search(r"tps = ([\d.]+)", out)[1]), (spent[1] - spent[0]) / (done[1] - done[0])


def fit_sharing(cost, cores):
    """Least squares in the logarithm over a grid of sigma and kappa; the service demand follows.

    The processor time of a statement is fitted, not the rate: the rate also falls when neighbours
    take the cores away, and the more clients there are the larger their share against them.
    """
    best = None
    for sigma in [step / 1000 for step in range(0, 201)]:
        for kappa in [0.0] + [10 ** (step / 10) for step in range(-60, -19)]:
            gaps = []
            for clients, seconds in cost.items():
                m = min(clients, 4 * cores)
                gaps.append(math.log(seconds / (1 + sigma * (m - 1) + kappa * m * (m - 1))))
            middle = statistics.fmean(gaps)
            error = math.sqrt(statistics.fmean((gap - middle) ** 2 for gap in gaps))
            if best is None or error < best[0] - 1e-9:
                best = (error, math.exp(middle), sigma, kappa)
    return best


# ---- printing ------------------------------------------------------------------------------


def heading(text, columns=True):
    print(f"\n{text}")
    if columns:
        print(f"{'microseconds':48}  midmean     mean      p10      p90      p99   spread")


def line(name, repetitions):
    """Medians over the repetitions; the spread is (largest - smallest) / median of the midmeans.

    The midmean (mean of the middle half) is robust: on a shared machine a few samples per cent wait
    a whole time slice of some neighbour, which says nothing about what is measured here.
    """
    rows = []
    for samples in map(sorted, repetitions):
        quarter = len(samples) // 4
        tail = samples[math.ceil(len(samples) * 0.99) - 1]
        rows.append((statistics.fmean(samples[quarter:-quarter]), statistics.fmean(samples),
                     samples[len(samples) // 10], samples[len(samples) * 9 // 10], tail))
    columns = list(zip(*rows))
    figures = " ".join(f"{statistics.median(each) * 1e6:8.1f}" for each in columns)
    print(f"{name:48} {figures}   {spread_of(columns[0]):.0%}")


def spread_of(values):
    middle = statistics.median(values)
    return (max(values) - min(values)) / middle if middle else 0.0


def cpu_ticks():
    return [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]


def noise_since(before):
    passed = [b - a for a, b in zip(before, cpu_ticks())]
    total = sum(passed)
    shares = f"stolen by the hypervisor {passed[7] / total:.1%}, idle {passed[3] / total:.0%}"
    return f"\nprocessor time {shares}; load {os.getloadavg()[0]:.2f}"


if __name__ == "__main__":
    main()
