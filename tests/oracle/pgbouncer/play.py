#!/usr/bin/env python3
"""Plays conversations.json with a real PgBouncer in front of a real PostgreSQL, and writes down who said and heard what, and when.

    play.py OUTPUT [PART OF A NAME]

Every conversation has its own PgBouncer process and its own PostgreSQL role; those that restart or limit the database
have a cluster of their own. All are played at the same time, on free ports of the loopback interface, in a directory
that is thrown away. The clients speak the wire protocol themselves (simple queries), so that texts and times are exact.
Only the standard library is needed. Started as root, the daemons run as nobody.
"""

import asyncio
import calendar
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
POSTGRES = pathlib.Path(os.environ.get("POSTGRES_BIN", "/usr/lib/postgresql/15/bin"))
NOBODY = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
BOUNCERS = []  # started so far
BETWEEN_STARTS = 0.2  # seconds from one conversation's start to the next one's


def seconds(text):
    """What a duration such as "1500ms", "2s" or "1h" is in seconds."""
    number, unit = re.fullmatch(r"([0-9.]+)(us|ms|s|min|h)", text).groups()
    return float(number) * {"us": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600}[unit]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Cluster:
    """One PostgreSQL server."""

    def __init__(self, directory, template, settings):
        self.directory, self.port = directory, free_port()
        shutil.copytree(template, directory)
        lines = ["fsync = off", "shared_buffers = 16MB", "autovacuum = off", "jit = off", "wal_level = minimal", "max_wal_senders = 0"]
        lines += ["listen_addresses = '127.0.0.1'", f"port = {self.port}", f"unix_socket_directories = '{directory}'"]
        lines += ["logging_collector = off"] + [f"{name} = {value}" for name, value in settings.items()]
        with open(directory / "postgresql.conf", "a") as conf:
            conf.write("\n".join(lines) + "\n")
        for path in [directory, *directory.rglob("*")]:
            if NOBODY:
                shutil.chown(path, "nobody", "nogroup")

    def control(self, *words):
        command = [POSTGRES / "pg_ctl", "-D", self.directory, "-l", self.directory / "log", *words]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **NOBODY)

    def sql(self, text):
        command = [POSTGRES / "psql", "-h", self.directory, "-p", str(self.port), "-U", "postgres", "-d", "postgres", "-qAtc", text]
        return subprocess.run(command, check=True, capture_output=True, text=True, **NOBODY).stdout


def startup(user, database):
    body = struct.pack("!I", 196608) + f"user\0{user}\0database\0{database}\0\0".encode()
    return struct.pack("!I", len(body) + 4) + body


def message(kind, body=b""):
    return kind + struct.pack("!I", len(body) + 4) + body


async def receive(reader):
    kind, length = struct.unpack("!cI", await reader.readexactly(5))
    return kind, await reader.readexactly(length - 4)


def columns(row):
    """The texts of a DataRow."""
    place, texts = 2, []
    while place < len(row):
        length = struct.unpack_from("!i", row, place)[0]
        texts.append(row[place + 4 : place + 4 + max(length, 0)].decode())
        place += 4 + max(length, 0)
    return texts


def titles(description):
    """The names in a RowDescription."""
    place, names = 2, []
    while place < len(description):
        end = description.index(b"\0", place)
        names.append(description[place:end].decode())
        place = end + 19  # the end of the name, and 18 bytes about the type
    return names


class Client:
    """A client that speaks the PostgreSQL protocol, version 3, and tells `play` what it hears."""

    def __init__(self, name, play):
        self.name, self.play = name, play
        self.busy, self.gone = False, False
        self.waiting = []
        self.writer = self.reading = None
        self.error, self.backend = None, None

    async def connect(self):
        self.busy = True
        self.play.note(self.name, "> connect")
        reader, self.writer = await asyncio.open_connection("127.0.0.1", self.play.port)
        self.writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.writer.write(startup(self.play.role, "app"))
        self.reading = asyncio.create_task(self.listen(reader))

    def tell(self, what):
        """Says it now, or after the answer that is still to come; going waits for nothing."""
        if self.gone:
            return
        if what == "disconnect":
            self.hang_up()
        elif self.busy:
            self.waiting.append(what)
        else:
            self.say(what)

    def say(self, what):
        self.busy = True
        self.play.note(self.name, "> " + what)
        verb, _, takes = what.partition(" ")
        sleep = f"SELECT pg_sleep({seconds(takes)}), pg_backend_pid()" if takes else ""
        text = {"query": sleep, "begin": f"BEGIN; {sleep}" if takes else "BEGIN", "commit": "COMMIT", "rollback": "ROLLBACK"}[verb]
        self.writer.write(message(b"Q", text.encode() + b"\0"))

    def hang_up(self):
        self.play.note(self.name, "> disconnect")
        self.gone = True
        if self.writer:
            self.writer.write(message(b"X"))
            self.writer.close()
        if self.reading:
            self.reading.cancel()

    async def listen(self, reader):
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionResetError):
            accepted = False
            while True:
                kind, body = await receive(reader)
                if kind == b"E":
                    fields = dict((field[:1], field[1:]) for field in body.rstrip(b"\0").split(b"\0"))
                    self.error = self.error or (fields[b"S"].decode(), fields[b"M"].decode())
                elif kind == b"D":
                    self.backend = columns(body)[1]
                elif kind == b"Z" and not accepted:
                    accepted = True
                    self.answered("accepted")
                elif kind == b"Z":
                    self.answered(self.reply(body.decode()))
        self.gone = True
        self.play.note(self.name, "< closed: " + (self.error[1] if self.error else "server closed the connection unexpectedly"))
        self.writer.close()

    def reply(self, status):
        text = self.error[1] if self.error else "done"
        if self.backend:
            text += f" by {self.play.backends.setdefault(self.backend, len(self.play.backends) + 1)}"
        self.error = self.backend = None
        return text + {"I": "", "T": ", in transaction", "E": ", in failed transaction"}[status]

    def answered(self, text):
        self.play.note(self.name, "< " + text)
        self.busy = False
        if self.waiting:
            self.say(self.waiting.pop(0))


class Play:
    """One conversation, being played."""

    def __init__(self, number, conversation, directory, cluster):
        self.conversation, self.cluster = conversation, cluster
        self.role, self.directory = f"role{number}", directory / f"bouncer{number}"
        self.lines, self.clients, self.backends = [], {}, {}
        self.port = self.silent = None

    def note(self, who, what):
        self.lines.append((time.time() - self.began, who, what))

    async def run(self, delay):
        await asyncio.sleep(delay)
        process = await self.start()
        try:
            self.began = time.time()
            tasks = [asyncio.create_task(self.step(*step)) for step in steps(self.conversation)]
            await asyncio.sleep(seconds(self.conversation["lasts"]))
            for task in tasks:
                await task
        finally:
            process.terminate()
            await process.wait()
            for client in self.clients.values():
                if client.reading:
                    client.reading.cancel()
            if self.silent:
                self.silent.close()
        lines = sorted(self.lines + list(self.logged()), key=lambda line: line[0])
        return [[round(when * 1000), who, what] for when, who, what in lines if when < seconds(self.conversation["lasts"])]

    async def start(self):
        """Starts PgBouncer and waits until it is up; if somebody took its port in the meantime, on another."""
        self.directory.mkdir()
        (self.directory / "users").write_text(f'"{self.role}" ""\n"admin" ""\n')
        ini, log = self.directory / "pgbouncer.ini", self.directory / "log"
        for _ in range(20):
            self.port = free_port()
            ini.write_text(self.ini())
            log.unlink(missing_ok=True)
            if NOBODY:
                shutil.chown(self.directory, "nobody", "nogroup")
            process = await asyncio.create_subprocess_exec("pgbouncer", "-q", ini, **NOBODY, stderr=asyncio.subprocess.DEVNULL)
            BOUNCERS.append(process)
            while process.returncode is None:
                if log.exists() and "process up" in log.read_text():
                    return process
                await asyncio.sleep(0.02)
        sys.exit(f"PgBouncer does not start: {log.read_text()}")

    def ini(self):
        login = self.conversation.get("database", {}).get("login")
        port, query = self.cluster.port, ""
        if login == "never":
            self.silent = socket.create_server(("127.0.0.1", 0), backlog=50)
            port = self.silent.getsockname()[1]
        elif login:
            query = f" connect_query='select pg_sleep({seconds(login)})'"
        lines = ["[databases]", f"app = host=127.0.0.1 port={port} dbname=postgres{query}", "[pgbouncer]"]
        lines += ["listen_addr = 127.0.0.1", f"listen_port = {self.port}", "unix_socket_dir =", f"logfile = {self.directory}/log"]
        lines += ["auth_type = trust", f"auth_file = {self.directory}/users", "admin_users = admin", "server_tls_sslmode = disable"]
        for name, value in self.conversation["pgbouncer"].items():
            if name == "pool_mode":
                value = value.lower()
            elif isinstance(value, bool):
                value = int(value)
            elif isinstance(value, str) and re.fullmatch(r"[0-9.]+(us|ms|s|min|h)", value):
                value = f"{seconds(value):g}"
            lines.append(f"{name} = {value}")
        return "\n".join(lines) + "\n"

    async def step(self, when, who, what):
        await asyncio.sleep(max(0, self.began + when / 1000 - time.time()))
        if who == "database":
            await self.fault(what)
        elif what == "show pools":
            self.note(who, "> show pools")
            self.note(who, "< " + await self.show_pools())
        elif what == "connect":
            self.clients[who] = Client(who, self)
            await self.clients[who].connect()
        else:
            self.clients[who].tell(what)

    async def fault(self, what):
        """Stops, starts, or ends sessions; noted is the moment when it is true."""
        if what == "stop":
            self.note("database", "> stop")
            os.kill(int((self.cluster.directory / "postmaster.pid").read_text().split()[0]), signal.SIGINT)
        elif what == "start":
            await asyncio.to_thread(self.cluster.control, "start", "-w")
            self.note("database", "> start")
        elif what == "kill":
            kill = f"select extract(epoch from clock_timestamp()), pg_terminate_backend(pid) from pg_stat_activity where usename = '{self.role}'"
            killed = await asyncio.to_thread(self.cluster.sql, kill)
            self.lines.append((float(killed.split("|")[0]) - self.began, "database", "> kill"))
        elif what == "show activity":
            count = f"select state || ' ' || count(*) from pg_stat_activity where usename = '{self.role}' group by state order by state"
            self.note("database", "> show activity")
            self.note("database", "< " + ", ".join((await asyncio.to_thread(self.cluster.sql, count)).split("\n")[:-1]))

    async def show_pools(self):
        """Asks the admin console."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(startup("admin", "pgbouncer") + message(b"Q", b"show pools\0"))
        names, rows = [], []
        while (found := await receive(reader))[0] != b"Z" or not names:
            kind, body = found
            if kind == b"T":
                names = titles(body)
            elif kind == b"D":
                rows.append(dict(zip(names, columns(body))))
        writer.close()
        wanted = ["cl_active", "cl_waiting", "sv_active", "sv_idle", "sv_used", "sv_tested", "sv_login"]
        return ", ".join(f"{name} {row[name]}" for row in rows if row["database"] == "app" for name in wanted)

    def logged(self):
        """What PgBouncer's log tells of its server connections."""
        names, launched = {}, 0
        for line in (self.directory / "log").read_text().splitlines():
            found = re.match(r"(\S+ \S+)\.(\d+) (\S+) \[\d+\] \w+ S-(\w+): app/\S+ (new connection to server|closing because: (.*) \(age=.*)", line)
            if not found:
                continue
            stamp, millis, zone, pointer, what, why = found.groups()
            assert zone == "UTC", "the log is written in UTC"
            when = calendar.timegm(time.strptime(stamp, "%Y-%m-%d %H:%M:%S")) + int(millis) / 1000 - self.began
            if what.startswith("new") or pointer not in names:
                launched += 1
                names[pointer] = launched
                yield when, "pgbouncer", f"launches {launched}"
            if why:
                yield when, "pgbouncer", f"closes {names.pop(pointer)}: {why}"


def steps(conversation):
    """The steps with every row of clients spelled out: "c1..c3" is three clients, each so many milliseconds after the one before."""
    for when, who, what, *gap in conversation["steps"]:
        first, _, last = who.partition("..")
        if not last:
            yield when, who, what
            continue
        letter, low, high = first[0], int(first[1:]), int(last[1:])
        for number in range(low, high + 1):
            yield when + (number - low) * (gap[0] if gap else 10), f"{letter}{number}", what


def own_cluster(conversation):
    """What a conversation wants of its own PostgreSQL, or nothing if the common one will do."""
    wanted = {name: value for name, value in conversation.get("database", {}).items() if name in ("max_connections", "superuser_reserved_connections")}
    restarts = any(step[1] == "database" and step[2] in ("stop", "start") for step in conversation["steps"])
    return wanted if wanted or restarts else None


async def play_all(chosen, directory, clusters):
    template = directory / "template"
    template.mkdir()
    if NOBODY:
        shutil.chown(template, "nobody", "nogroup")
    initdb = [POSTGRES / "initdb", "-D", template, "-U", "postgres", "-A", "trust", "-N", "--no-locale", "-E", "UTF8"]
    subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, **NOBODY)
    common = Cluster(directory / "common", template, {"max_connections": 500})
    common.control("start", "-w")
    clusters.append(common)
    plays = []
    for number, conversation in enumerate(chosen):
        cluster, wanted = common, own_cluster(conversation)
        if wanted is not None:
            cluster = Cluster(directory / f"cluster{number}", template, wanted)
            cluster.control("start", "-w")
            clusters.append(cluster)
        cluster.sql(f"create role role{number} login")
        for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
            if name in conversation.get("database", {}):
                cluster.sql(f"alter role role{number} set {name} = '{conversation['database'][name]}'")
        plays.append(Play(number, conversation, directory, cluster))
    measured = asyncio.create_task(logins(common.port))
    transcripts = await asyncio.gather(*(play.run(number * BETWEEN_STARTS) for number, play in enumerate(plays)))
    return transcripts, round(statistics.median(await measured), 1)


async def logins(port):
    """How long logins without a proxy take on this machine while it is at work, in milliseconds."""
    took = []
    for _ in range(20):
        began = time.time()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(startup("postgres", "postgres"))
        while (await receive(reader))[0] != b"Z":
            pass
        took.append((time.time() - began) * 1000)
        writer.close()
        await asyncio.sleep(0.1)
    return took


def main():
    output, part = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    chosen = [c for c in json.loads((HERE / "conversations.json").read_text()) if part in c["name"]]
    os.environ["TZ"] = "UTC"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to stop"))
    with contextlib.suppress(PermissionError):  # what else the machine does is no part of the conversations
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    directory, clusters = pathlib.Path(tempfile.mkdtemp(prefix="poolcast-pgbouncer-")), []
    directory.chmod(0o755)
    if NOBODY:
        shutil.chown(directory, "nobody", "nogroup")
    try:
        transcripts, login_ms = asyncio.run(play_all(chosen, directory, clusters))
    finally:
        for bouncer in BOUNCERS:
            with contextlib.suppress(ProcessLookupError):
                bouncer.kill()
        for cluster in clusters:
            if (cluster.directory / "postmaster.pid").exists():
                cluster.control("stop", "-m", "immediate")
        shutil.rmtree(directory)
    versions = {
        "pgbouncer": subprocess.run(["pgbouncer", "--version"], capture_output=True, text=True).stdout.split()[1],
        "postgresql": subprocess.run([POSTGRES / "postgres", "--version"], capture_output=True, text=True).stdout.split()[2],
        "date": time.strftime("%Y-%m-%d"),
        "login_ms": login_ms,
    }
    with open(output, "w") as file:
        head = json.dumps(versions)[1:-1]
        file.write("{" + head + ', "transcripts": {\n')
        file.write(",\n".join(told(c["name"], lines) for c, lines in zip(chosen, transcripts)))
        file.write("\n}}\n")


def told(name, lines):
    """A transcript, one line to each thing said or heard."""
    return json.dumps(name) + ": [\n" + ",\n".join(json.dumps(line) for line in lines) + "\n]"


main()
