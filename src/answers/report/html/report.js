// The report: every part of the page from the data document (see data.rs), with the functions of charts.js.
"use strict";

/** Colours in the order of the points: told apart without colour vision. */
const COLOURS = 6;
/** More points than these are told in a table, not in lines. */
const MOST_LINES = 6;

/** Of rows that look the same so many are drawn; and of all rows no more than these fit. */
const MOST_ALIKE = 4;
const MOST_ROWS = 40;

/** How what a request does is drawn: waiting in warm colours, being served in cool ones, all else grey. */
const DOING = {
  "event loop": "loop", "app queue": "loop", "work": "work", "await": "away", "driver": "work", "pool": "other",
  "pool wait": "wait", "connect": "open", "initialise": "open", "ping": "open", "close": "other", "query": "serve",
  "commit": "serve2", "proxy wait": "wait2", "reset": "other", "retry pause": "away",
};
/** How the states of a connection are drawn. */
const STATE = {
  "idle": ["idle", 0.12], "connecting": ["open", 0.5], "ping": ["open", 0.5], "reset": ["other", 0.5],
  "in a statement": ["serve", 1], "lent, no statement": ["away", 0.6], "waits for the proxy": ["wait2", 1],
};

/** What the reader looks at closely, kept when the page is drawn again. */
const chosen = { point: null };

/**
 * Draws the report into #report. `baseline` is another document to compare with, or null: its points then come first,
 * under their names with "before".
 */
function draw(data, baseline = null) {
  const root = document.getElementById("report");
  root.style.minHeight = root.clientHeight + "px";
  forget();
  const points = [...(baseline ? baseline.points.map((point) => ({ ...point, name: join("before", point.name) })) : []), ...data.points];
  points.forEach((point, index) => {
    point.colour = "s" + (index % COLOURS);
    point.label = point.name || (baseline ? "now" : "this system");
  });
  const few = points.length <= MOST_LINES ? points : [];
  const filmed = few.filter((point) => point.film);
  root.replaceChildren(
    ...[
      head(data),
      verdict(data.verdict),
      tiles(few),
      objectives(few, data.is_part),
      recoveries(few),
      ...waves(few),
      deadlocks(few),
      sizes(data.size),
      heatMap(data.grid, data.points),
      few.length || !points.length ? null : everything(points, Boolean(data.grid)),
      percentiles(few),
      spent(filmed),
      ...courses(filmed),
      comparisons(data.comparisons),
      ...validation(data.validation),
      closely(filmed, few),
      errors(few),
      advice(points.length <= 12 ? points : []),
      experiment(data),
    ].filter(Boolean),
  );
  root.style.minHeight = "";
}

const join = (first, second) => (second ? first + ", " + second : first);

// ── what came out ──

function head(data) {
  const line = el("code", {}, data.reproduce);
  const copy = el("button", { type: "button", class: "copy" }, "Copy");
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(data.reproduce);
      copy.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(line);
    }
  });
  return el("header", {},
    el("h1", {}, data.question),
    el("p", { class: "about" }, data.about, data.digest && [" · digest ", el("code", {}, data.digest)]),
    data.reproduce && el("p", { class: "about reproduce" }, "The same again: ", line, " ", copy));
}

function verdict({ tone, sentence, more }) {
  const sign = { good: "✓ ", bad: "✗ ", open: "" }[tone];
  return el("section", { class: "verdict is-" + tone, id: "verdict", "aria-label": "What came out" },
    el("p", { class: "sentence" }, el("span", { class: "sign", "aria-hidden": "true" }, sign), sentence),
    more.map((text) => el("p", {}, text)));
}

const TILES = [
  ["p99 latency", "latency.p99", seconds],
  ["failed requests", "requests.error_rate", percent],
  ["most that waited at once", "queue_most", count],
  ["most connections at the database", "database.connections_max", count],
];

function tiles(points) {
  if (!points.length) return null;
  return el("div", { class: "tiles" }, TILES.map(([name, figure, words]) =>
    el("section", { class: "card tile", "aria-label": name },
      el("h2", {}, name),
      el("ul", {}, points.map((point) => {
        const value = point.figures[figure];
        return el("li", {},
          el("strong", { class: "text-" + point.colour }, value === null ? lacking(point) : words(value)),
          points.length > 1 && el("span", {}, " " + point.label));
      })))));
}

/** The sign for what cannot be said. */
function lacking(point) {
  return point.verdict === "unstable" ? "✕ unstable" : "–";
}

function objectives(points, isPart) {
  const wanted = points.length ? points[0].objectives : [];
  if (!wanted.length) return null;
  const cell = (met) => met.measured === null && isPart ? "not yet" : el("span", { class: met.met ? "good" : "bad" }, (met.met ? "✓ " : "✗ ") + measured(met));
  return card("objectives", "Objectives", "Is what must hold met?",
    table("Objectives", ["", ...wanted.map((met) => met.objective)], points.map((point) => [dot(point), ...point.objectives.map(cell)])));
}

/** What became of each system after its faults. */
function recoveries(points) {
  const some = points.filter((point) => point.recovery.length);
  if (!some.length) return null;
  const one = (point) => el("li", {}, el("h3", {}, dot(point)), point.recovery.map((text) => el("p", {}, text)));
  return card("recovery", "After the fault", "How long is it felt, what does it cost, and is it ever over? Beside the time when it strikes, from the start of the run.",
    el("ul", { class: "plain" }, some.map(one)));
}

/** Connects that come in waves: a chart for each place, and why they come. */
function waves(points) {
  const places = [...new Set(points.flatMap((point) => point.waves.map((wave) => wave.place)))];
  return places.map((place) => {
    const own = points.flatMap((point) => point.waves.filter((wave) => wave.place === place).map((wave) => [point, wave]));
    const { from, until, curve } = own[0][1];
    const x = curve.map((_, part) => from + ((part + 0.5) * (until - from)) / curve.length);
    const shown = chartOverTime("waves-" + place, "Connects a second: " + place,
      `Are connections opened together, again and again? The fullest second of each ${seconds((until - from) / curve.length)}, mean over the replications.`,
      x, own.map(([point, wave]) => ({ name: point.label, colour: point.colour, values: wave.curve, step: true })),
      { format: (value) => (Number.isInteger(value) ? count(value) : value.toFixed(1)), tickFormat: count });
    shown.classList.toggle("half", places.length > 1);
    shown.append(...own.map(([point, wave]) => el("p", { class: "question" }, dot(point), ": ", wave.sentence)));
    return shown;
  });
}

/** Whether requests that hold one connection and wait for another come to a standstill. */
function deadlocks(points) {
  const some = points.filter((point) => point.deadlocks);
  if (!some.length) return null;
  return card("deadlocks", "Deadlocks", "Do requests that hold one connection and ask for another stop each other, and how likely is it?",
    el("ul", { class: "plain" }, some.map((point) => el("li", {}, el("h3", {}, dot(point)), el("p", {}, point.deadlocks)))));
}

/** Many points: their figures, one line each; folded where a table of one figure shows them already. */
function everything(points, folded) {
  const row = (point) => {
    const { figures } = point;
    const time = (path) => (figures[path] === null ? lacking(point) : seconds(figures[path]));
    const met = point.objectives.map((met) => el("span", { class: met.met ? "good" : "bad" }, met.met ? "✓" : "✗"));
    return [point.label, count(figures["requests.throughput"]), time("latency.p50"), time("latency.p99"), time("pool_wait.p99"), percent(figures["requests.error_rate"]), met];
  };
  const wanted = points[0].objectives.map((met) => met.objective).join(", ");
  return card("points", "All points", "What came out at each of them?" + (wanted ? " Met: " + wanted + "." : ""),
    el("details", { open: !folded }, el("summary", {}, count(points.length) + " points"),
      table("All points", ["", "requests/s", "p50", "p99", "wait p99", "errors", wanted ? "met" : ""], points.map(row))));
}

function measured(met) {
  if (met.measured === null) return "cannot be said";
  if (met.objective.startsWith("errors")) return percent(met.measured);
  return met.objective.startsWith("connections") ? count(met.measured) : seconds(met.measured);
}

function dot(point) {
  return el("span", {}, swatch(point.colour), point.label);
}

// ── how long, and what for ──

function percentiles(points) {
  const known = points.filter((point) => point.percentiles.length);
  if (!known.length) return null;
  const x = [...new Set(known.flatMap((point) => point.percentiles.map(([p]) => p)))].sort((a, b) => a - b);
  const lines = known.map((point) => {
    const at = (place) => x.map((p) => (point.percentiles.find(([own]) => own === p) || [])[place] ?? null);
    const banded = point.percentiles.some(([, , low]) => low !== null);
    return { name: point.label, colour: point.colour, values: at(1), points: true, ...(banded ? { low: at(2), high: at(3) } : {}) };
  });
  const limits = limitsOf(known[0].objectives, "latency");
  const silent = points.filter((point) => !point.percentiles.length).map((point) => point.label);
  const name = (p) => "p" + Number((100 * p).toFixed(3));
  return card("percentiles", "Latency by percentile",
    "How long do requests take, and how bad are the worst? From arrival to reply, completed requests; a band is a 95\u00a0% interval, and a line ends where the runs no longer carry it." +
      (silent.length ? " No steady value: " + silent.join(", ") + "." : ""),
    lineChart({ label: "Latency by percentile", x: x.map((p) => -Math.log10(1 - p)), lines, limits, axis: { kind: "nines" }, scale: "log", format: seconds, tickFormat: tick, height: 260 }),
    numbers("Latency by percentile", ["", ...x.map(name)], () => lines.map((line) => [line.name, ...line.values.map(seconds)])));
}

/** The limits that objectives set to a latency or a wait. */
function limitsOf(wanted, kind) {
  const units = { ns: 1e-9, us: 1e-6, ms: 1e-3, s: 1, min: 60, h: 3600 };
  return wanted.flatMap(({ objective }) => {
    const found = objective.match(/^(p[\d.]+) (latency|wait) below ([\d.]+)(ns|us|ms|s|min|h)$/);
    return found && found[2] === kind ? [{ value: found[3] * units[found[4]], colour: "limit", label: found[1] + " below " + found[3] + " " + found[4] }] : [];
  });
}

/** What each colour stands for; what looks the same stands together. */
function looks(used) {
  const groups = new Map();
  for (const [name, look] of used) groups.set(look, [...(groups.get(look) || []), name]);
  return el("ul", { class: "legend" }, [...groups].map(([look, names]) => el("li", {}, el("span", { class: "swatch look-" + look, "aria-hidden": "true" }), names.join(", "))));
}

function spent(points) {
  if (!points.length) return null;
  const used = new Map();
  const rows = points.flatMap((point) => {
    const { names, all, slowest, requests, slow, slow_from } = point.film.spent;
    const parts = (values) => names.map((name, index) => ({ name, value: values[index], look: DOING[name] || "other" })).filter((part) => part.value > 0);
    const row = (who, values) => {
      const total = values.reduce((sum, value) => sum + value, 0);
      parts(values).forEach((part) => used.set(part.name, part.look));
      const words = parts(values).map((part) => part.name + " " + percent(part.value / total)).join(", ");
      return el("div", { class: "bar-row" }, el("span", { class: "who" }, who), stackedBar(parts(values), total, point.label + ", " + who + ": " + words), el("span", { class: "total" }, seconds(total)));
    };
    if (!requests) return [];
    return [
      el("h3", {}, dot(point)),
      row("all " + count(requests), all),
      slow ? row("slowest " + count(slow), slowest) : null,
      slow ? el("p", { class: "question" }, "The slowest took " + seconds(slow_from) + " or more.") : null,
    ];
  });
  const legend = looks(used);
  const means = ({ label, film }) => film.spent.names.map((name, index) => [label, name, seconds(film.spent.all[index]), seconds(film.spent.slowest[index])]);
  return card("spent", "Where the time went",
    "What does a request do or wait for, on average, from its arrival to its end? Shares of the mean, which stands at the right; failed requests count up to their failure.",
    legend, rows,
    numbers("Where the time went", ["", "doing", "all", "slowest"], () => points.flatMap(means)));
}

// ── as time went by ──

function courses(points) {
  if (!points.length) return [];
  const { from, until } = points[0].film;
  const events = distinct(points.flatMap((point) => point.film.faults));
  const slices = points[0].film.queue.most.length;
  const x = Array.from({ length: slices }, (_, index) => from + ((index + 0.5) * (until - from)) / slices);
  const line = (point, course) =>
    points.length === 1
      ? { name: point.label + ", mean and most", colour: point.colour, values: course.mean, low: course.mean, high: course.most, step: true }
      : { name: point.label, colour: point.colour, values: course.most, step: true };
  const which = points.length === 1 ? "The line is the mean of each slice, the band reaches to the most in it." : "The most in each slice.";
  const anybody = points.some((point) => point.film.queue.most.some((most) => most > 0));
  const replication = "Replication " + (points[0].film.replication + 1) + (anybody ? ", which had the longest queue." : ".");
  // As a request meets them: a point with all layers knows the order.
  const fullest = [...points].sort((one, other) => other.film.in_use.length - one.film.in_use.length);
  const layers = [...new Set(fullest.flatMap((point) => point.film.in_use.map((course) => course.name)))];
  const inUse = layers.map((name, index) => {
    const own = points.map((point) => [point, point.film.in_use.find((course) => course.name === name)]).filter(([, course]) => course);
    const all = [...new Set(own.map(([, course]) => course.limit))];
    const limits = all.length === 1
      ? all.filter((limit) => limit !== null).map((limit) => ({ value: limit, colour: "limit", label: "limit " + count(limit) }))
      : own.filter(([, course]) => course.limit !== null).map(([point, course]) => ({ value: course.limit, colour: point.colour, label: "limit " + count(course.limit) }));
    return chartOverTime("in-use-" + index, "Connections in use: " + name, "Does this layer reach its limit, and when? " + which,
      x, own.map(([point, course]) => line(point, course)), { limits, events, format: (value) => (Number.isInteger(value) ? count(value) : value.toFixed(1)), tickFormat: count });
  });
  const queue = chartOverTime("queue", "Queue", "How many requests wait for a connection, in the pools or at the proxy? " + (anybody ? which : "Nobody does.") + " " + replication,
    x, points.map((point) => line(point, point.film.queue)), { events, format: (value) => (Number.isInteger(value) ? count(value) : value.toFixed(1)), tickFormat: count });
  return [...inUse, queue, ...waits(points, from, until, events)];
}

/** Faults of all points, each once. */
function distinct(events) {
  return [...new Map(events.map((event) => [event.join(), event])).values()];
}

function waits(points, from, until, events) {
  const places = [...new Set(points.flatMap((point) => point.film.waits.map((course) => course.name)))];
  return places.map((name, index) => {
    const own = points.map((point) => [point, point.film.waits.find((course) => course.name === name)]).filter(([, course]) => course);
    const windows = own[0][1].p99.length;
    const x = Array.from({ length: windows }, (_, at) => from + ((at + 0.5) * (until - from)) / windows);
    const limits = [...new Set(own.map(([, course]) => course.limit))].filter((limit) => limit !== null)
      .map((limit) => ({ value: limit, colour: "limit", label: "at most " + seconds(limit) }));
    return chartOverTime("waits-" + index, "p99 wait " + name, "How long do the unlucky wait, as time goes by? Waits that ended in each window of " + seconds((until - from) / windows) + ", well or not; the longest where there were fewer than 100.",
      x, own.map(([point, course]) => ({ name: point.label, colour: point.colour, values: course.p99 })), { limits, events, scale: "asinh", format: seconds, tickFormat: tick });
  });
}

function chartOverTime(id, title, question, x, lines, options) {
  const place = card(id, title, question,
    lineChart({ label: title, x, lines, axis: { kind: "time" }, ...options }),
    numbers(title, ["at", ...lines.map((line) => line.name)], () => x.map((at, index) => [clock(at), ...lines.map((line) => (line.values[index] === null ? "–" : options.format(line.values[index])))])));
  place.classList.add("half");
  return place;
}

// ── one system, closely ──

function closely(points, all) {
  const shown = points.length ? points : all;
  if (!shown.length) return null;
  const worst = points.reduce((worst, point) => ((point.figures.queue_most ?? 0) > (worst?.figures.queue_most ?? -1) ? point : worst), null) || shown[0];
  const current = shown.find((point) => point.name === chosen.point) || worst;
  const place = el("div", {});
  const show = (point) => place.replaceChildren(...[layers(point), point.film && moment(point.film), point.film && slowest(point.film)].filter(Boolean));
  const choice = shown.length > 1 && el("fieldset", { class: "choice" }, el("legend", {}, "Looked at closely"),
    shown.map((point, index) => {
      const radio = el("input", { type: "radio", name: "closely", id: "closely-" + index, checked: point === current });
      radio.addEventListener("change", () => {
        chosen.point = point.name;
        show(point);
      });
      return el("label", { for: "closely-" + index }, radio, dot(point));
    }));
  show(current);
  return el("div", { class: "closely" }, choice, place);
}

function layers(point) {
  return card("layers", "Layers" + of(point), "Which layer is full, and where do requests wait or fail? From top to bottom as a request meets them; means over time.",
    table("Layers", ["layer", "limit", "in use", "busy", "wait p50", "wait p99", "errors"], point.layers));
}

const of = (point) => (point.name ? ": " + point.label : "");

function moment({ moment: shown, faults }) {
  if (!shown || !shown.lanes.length) return null;
  const length = shown.until - shown.from;
  const names = new Set();
  const lives = shown.lanes.map(([number, changes]) => ({ number, pieces: changes.flatMap(([from, state], index) => {
      if (state < 0) return [];
      const until = index + 1 < changes.length ? changes[index + 1][0] : length;
      const name = shown.states[state];
      names.add(name);
      return [{ from, until, name, title: "connection " + number + ": " + name + " for " + seconds(until - from) }];
    }) })).filter((life) => life.pieces.length);
  const { places, folded } = fold(inRows(lives), length);
  const rows = places.map((lives) => lives.flatMap((life) => life.pieces));
  const heads = places.map((lives) => lives[0].number + (lives.length > 1 ? " …" : ""));
  const look = ({ name }) => ({ name: (STATE[name] || ["other"])[0], thick: (STATE[name] || [0, 0.5])[1] });
  const busy = (row) => percent(row.filter((piece) => piece.name === "in a statement").reduce((sum, piece) => sum + piece.until - piece.from, 0) / length);
  const digits = length < 0.5 ? 3 : length < 5 ? 2 : 1;
  const meanwhile = shown.failed ? ` while ${count(shown.failed)} requests fail` : shown.waiting ? ` while ${count(shown.waiting)} of its requests wait` : "";
  const events = faults.filter(([at]) => at >= shown.from && at < shown.until);
  const struck = events.map(([at, name]) => ` The stroke is ${name} at ${clock(at, 1)}.`).join("");
  return card("moment", shown.failed ? "Single connections in the outage" : "Single connections at the worst moment",
    `What do the connections of ${shown.pool} do${meanwhile}? ${seconds(length)} from ${clock(shown.from, 2)}, one row a connection; a new one may take the row of one that was closed.${struck}`,
    looks(new Map([...names].map((name) => [name, STATE[name][0]]))),
    el("div", { class: "lane-box" },
      el("ol", { class: "lane-names", "aria-hidden": "true" }, heads.map((name) => el("li", {}, name))),
      lanes({ label: "States of " + lives.length + " connections", rows, from: 0, until: length, look, events: events.map(([at, name]) => [at - shown.from, name]) }),
      el("p", { class: "ends", "aria-hidden": "true" }, el("span", {}, clock(shown.from, digits)), el("span", {}, clock(shown.until, digits)))),
    folded.map((words) => el("p", { class: "question" }, words)),
    numbers("Single connections", ["connection", "in a statement"], () => lives.map((life) => [String(life.number), busy(life.pieces)])));
}

/** Connections in as few rows as their lives allow, in the order in which they began. */
function inRows(lives) {
  const rows = [];
  for (const life of lives) {
    const free = rows.find((row) => row[row.length - 1].pieces.at(-1).until < life.pieces[0].from);
    if (free) free.push(life);
    else rows.push([life]);
  }
  return rows;
}

/**
 * The rows worth drawing, and what is said of the others: connections with nothing to do, those beyond the first few that
 * do the same thing all the time, and those that were there for a blink.
 */
function fold(rows, length) {
  const only = (row) => (row.every((life) => life.pieces.every((piece) => piece.name === row[0].pieces[0].name)) ? row[0].pieces[0].name : null);
  const there = (row) => row.reduce((sum, life) => sum + life.pieces.at(-1).until - life.pieces[0].from, 0);
  const groups = new Map();
  const places = rows.filter((row) => {
    const name = only(row);
    const brief = there(row) < length / 100;
    if (!brief && (!name || there(row) < 0.98 * length)) return true;
    const words = brief ? "for less than a hundredth of this time" + (name ? ", " + name : "") : name + " all the time";
    const number = (groups.get(words) || 0) + 1;
    groups.set(words, number);
    return number <= (name === "idle" ? 1 : MOST_ALIKE);
  });
  const folded = [...groups].map(([words, number]) => [words, number - (words.startsWith("idle") ? 1 : MOST_ALIKE)]).filter(([, number]) => number > 0)
    .map(([words, number]) => `Not drawn: ${count(number)} more ${number === 1 ? "row that looks" : "rows that look"} the same (${words}).`);
  if (places.length > MOST_ROWS) folded.push(`Not drawn: ${count(places.length - MOST_ROWS)} more rows, for which there is no room.`);
  return { places: places.slice(0, MOST_ROWS), folded };
}

function slowest(film) {
  if (!film.slowest.length) return null;
  const longest = Math.max(...film.slowest.map((way) => way.took));
  const used = new Map();
  const rows = film.slowest.map((way) => {
    const sums = new Map();
    for (const [name, lasted] of way.steps) sums.set(name, (sums.get(name) || 0) + lasted);
    const words = [...sums].map(([name, sum]) => name + " " + seconds(sum)).join(" │ ");
    [...sums.keys()].forEach((name) => used.set(name, DOING[name] || "other"));
    let at = 0;
    const pieces = way.steps.map(([name, lasted]) => ({ from: at, until: (at += lasted), name, title: name + " " + seconds(lasted) }));
    return el("li", {},
      el("p", {}, el("strong", {}, way.name), " " + seconds(way.took) + ", " + way.end + ", arrived at " + clock(way.arrived, 1)),
      lanes({ label: way.name + ": " + words, rows: [pieces], from: 0, until: longest, look: ({ name }) => ({ name: DOING[name] || "other", thick: 1 }) }),
      el("p", { class: "question" }, words));
  });
  return card("slowest", "The worst requests", "What did the requests that took longest spend their time on? All drawn to the scale of the longest, " + seconds(longest) + ".",
    looks(used),
    el("ol", { class: "ways" }, rows));
}

function errors(points) {
  const some = points.filter((point) => point.errors.length);
  if (!some.length) return null;
  const most = Math.max(...some.flatMap((point) => point.errors.map(([, number]) => number)));
  const bar = (number, point) => {
    const bar = el("span", { class: "bar fill-" + point.colour, "aria-hidden": "true" });
    bar.style.width = Math.max(1, (100 * number) / most) + "%";
    return el("span", { class: "bar-place" }, bar);
  };
  const rows = some.flatMap((point) => point.errors.map(([name, number, share, text]) =>
    [dot(point), name, el("q", {}, text), count(number), percent(share), bar(number, point)]));
  return card("errors", "Errors by cause", "What fails, how often, and what would stand in the log? All replications together.",
    table("Errors by cause", ["", "error", "in the log", "requests", "share", ""], rows, 3, "errors"));
}

function advice(points) {
  if (!points.length) return null;
  const one = (point) => el("li", {},
    el("h3", {}, dot(point), ["stable", "finite"].includes(point.verdict) ? null : el("span", { class: "bad" }, " " + point.verdict)),
    el("p", {}, point.why),
    point.next && el("p", {}, "To try: " + point.next),
    point.command && el("p", {}, el("code", {}, point.command)),
    point.notes.map((note) => el("p", { class: "question" }, "Note: " + note)),
    el("p", { class: "question" }, "Basis: " + point.basis));
  return card("why", "Why, and what to try", "What binds, and what would change it? The basis: verdict, replications × requests counted in each, half the widths of the intervals, and for how long the system remembers its state.", el("ul", { class: "plain" }, points.map(one)));
}

function experiment(data) {
  if (!data.experiment.text) return null;
  return card("experiment", "The experiment", data.experiment.name + ", all of it. Models that it names come with poolcast " + data.poolcast + ".",
    el("pre", { tabindex: "0", "aria-label": "The experiment's file" }, data.experiment.text));
}

// ── sweeps, sizes, comparisons ──

function heatMap(grid, points) {
  if (!grid || !grid.axes.length) return null;
  const values = grid.cells.map((cell) => cell.value).filter((value) => value !== null);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const depth = (value) => {
    const log = (x) => Math.log(Math.max(x, high * 1e-6, 1e-12));
    return high > low ? Math.round((7 * (log(value) - log(low))) / (log(high) - log(low))) : 0;
  };
  const [across, down] = [grid.axes[grid.axes.length - 1], grid.axes.length > 1 ? grid.axes[grid.axes.length - 2] : null];
  const others = grid.axes.slice(0, Math.max(0, grid.axes.length - 2));
  const groups = new Map();
  grid.cells.forEach((cell, index) => {
    const key = cell.at.slice(0, others.length).join();
    groups.set(key, [...(groups.get(key) || []), { ...cell, index }]);
  });
  const cellOf = (cell) => {
    if (!cell) return el("td", {});
    const best = grid.recommended && grid.recommended[0] === cell.index;
    const look = cell.value === null ? (cell.verdict === "unstable" ? "unstable" : "unknown") : "heat-" + depth(cell.value);
    const words = (cell.met === false ? ", an objective is missed" : "") + (best ? ", recommended" : "");
    return el("td", { class: look + (best ? " best" : ""), title: points[cell.index].name + ": " + points[cell.index].verdict },
      cell.text, cell.met === false && cell.value !== null ? " ✗" : "", words && el("span", { class: "unseen" }, words));
  };
  const one = (cells) => {
    const fixed = others.map(([name, values], index) => name + " " + values[cells[0].at[index]]).join(", ");
    const rows = down ? down[1].map((value, row) => [value, across[1].map((_, column) => cells.find((cell) => cell.at[others.length] === row && cell.at[others.length + 1] === column))])
      : [["", across[1].map((_, column) => cells.find((cell) => cell.at[0] === column))]];
    return [fixed && el("h3", {}, fixed), el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Sweep" }, el("table", { class: "heat" },
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, (down ? down[0] + " ↓  " : "") + across[0] + " →"), across[1].map((value) => el("th", { scope: "col", class: "number" }, value)))),
      el("tbody", {}, rows.map(([name, cells]) => el("tr", {}, el("th", { scope: "row" }, name), cells.map(cellOf))))))];
  };
  const missed = grid.cells.some((cell) => cell.met === false);
  const unstable = grid.cells.some((cell) => cell.verdict === "unstable");
  const signs = [missed && "✗ an objective is missed", unstable && "✕ unstable: work comes faster than it is done, and there is no steady value", "– the runs do not carry the figure"];
  return card("sweep", "Sweep: " + grid.figure, "Where does it hold, and where does it break? Darker is more, in equal ratios. " + signs.filter(Boolean).join("; ") + "." + (grid.recommended ? " Outlined: " + grid.recommended[1] + "." : ""),
    [...groups.values()].map(one));
}

const METRICS = {
  "latency.mean": ["mean latency", seconds], "latency.p50": ["p50 latency", seconds], "latency.p99": ["p99 latency", seconds],
  "pool_wait.mean": ["mean wait", seconds], "requests.error_rate": ["error rate", percent],
  "database.connections_mean": ["connections", (value) => (value === null ? "–" : value.toFixed(1))],
};

function comparisons(document) {
  if (!document || !document.comparisons.length) return null;
  const groups = new Map();
  for (const one of document.comparisons) {
    const vary = Object.entries(one.vary || {}).map(([path, value]) => path + " = " + value);
    const name = [one.scenario, ...vary].join(", ");
    groups.set(name, [...(groups.get(name) || []), one]);
  }
  const amount = (one, value) => METRICS[one.metric][1](value);
  const change = (one) => {
    if (one.verdict === "cannot be said") return el("span", { class: "question" }, "cannot be said");
    if (one.verdict === "no difference seen") return "no difference seen";
    const sign = one.verdict === "lower" ? "−" : "+";
    const by = one.relative === null ? amount(one, Math.abs(one.difference)) : Math.abs(one.relative) >= 10 ? "× " + (1 + one.relative).toPrecision(3) : (100 * Math.abs(one.relative)).toPrecision(3) + " %";
    return el("span", { class: one.verdict === "lower" ? "good" : "bad" }, (by.startsWith("×") ? "" : sign) + by);
  };
  const interval = (one) => {
    if (!one.difference_ci95) return "";
    if (!one.baseline) return el("span", { class: "aside" }, one.difference_ci95.map((end) => (end < 0 ? "−" : "+") + amount(one, Math.abs(end))).join(" to "));
    const [low, high] = one.difference_ci95.map((end) => end / one.baseline);
    return [whisker([low, high], one.relative ?? 0, Math.max(Math.abs(low), Math.abs(high), 1e-9)),
      el("span", { class: "unseen" }, "from " + amount(one, one.difference_ci95[0]) + " to " + amount(one, one.difference_ci95[1]))];
  };
  const rows = (group) => group.map((one) => [METRICS[one.metric][0], amount(one, one.baseline), amount(one, one.value), change(one), interval(one)]);
  return card("comparisons", "Beside " + document.baseline, "Which is better, and by how much? Pair by pair in " + document.replications + " replications, each with the same requests on both sides; all intervals together cover with 95\u00a0%. Each interval has its own scale; the stroke is no change.",
    [...groups].map(([name, group]) => [el("h3", {}, name), group.every((one) => one.verdict === "cannot be said")
      ? el("p", { class: "question" }, "Nothing can be compared: one of the two has no steady figures.")
      : table(name, ["", document.baseline, name, "change", "interval of the change"], rows(group), 1, "folds pairs")]),
    document.notes.map((note) => el("p", { class: "question" }, "Note: " + note)));
}

function sizes(document) {
  if (!document) return null;
  const sign = { meets: "✓", misses: "✗", undecided: "?" };
  const wanted = document.tried.length ? document.tried[0].objectives.map((shown) => shown.objective) : [];
  const paths = document.tried.length ? Object.keys(document.tried[0].values) : [];
  const is = (tried) => document.answer && paths.every((path) => tried.values[path] === document.answer[path]);
  const cell = (shown) => el("span", { class: { meets: "good", misses: "bad" }[shown.verdict] || "" }, sign[shown.verdict] + " " + measured(shown));
  const rows = document.tried.map((tried) => [
    (is(tried) ? "→ " : "") + paths.map((path) => tried.values[path]).join(", "),
    ...wanted.map((name) => {
      const shown = tried.objectives.find((shown) => shown.objective === name);
      return shown ? cell(shown) : "–";
    }),
    count(tried.replications), sign[tried.verdict] + " " + tried.verdict]);
  const cliff = document.cliff;
  return card("size", "Settings tried", "Which is the smallest that meets every objective? " + paths.join(", ") + "; → is the answer. What is undecided lies within the margin around its limit.",
    table("Settings tried", [paths.map((path) => path.split(".").pop()).join(", "), ...wanted, "replications", ""], rows),
    el("p", {}, document.binding),
    cliff && el("p", {}, "The answer carries " + cliff.holds_at.toFixed(2) + " times the load" + (cliff.fails_at === null ? ", the most that was tried." : ", and at " + cliff.fails_at.toFixed(2) + " times it is no longer shown to: " + cliff.objectives.join(", ") + ".")),
    document.limits.map((line) => el("p", { class: "question" }, line)),
    Object.entries(document.configuration).map(([name, text]) => [el("h3", {}, name), el("pre", { tabindex: "0" }, text)]),
    document.notes.map((note) => el("p", { class: "question" }, "Note: " + note)));
}

// ── the page ──

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
/** Paper is white. */
addEventListener("beforeprint", () => {
  document.querySelectorAll("#points details").forEach((details) => (details.open = true));
  document.documentElement.classList.add("on-paper");
  repaint();
});
addEventListener("afterprint", () => {
  document.documentElement.classList.remove("on-paper");
  repaint();
});

const laid = document.getElementById("data");
if (laid) draw(JSON.parse(laid.textContent));
