// Words for numbers, elements of a page, and the charts: plain functions that know nothing of what is drawn.
"use strict";

// ── numbers, as the terminal writes them ──

/** A time in seconds: "0 ms", "0.35 ms", "12.1 ms", "9.8 s", "41 s", "12 min", "2.5 h". */
function seconds(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  const [divisor, unit] = size < 0.9995 ? [1e-3, "ms"] : size < 600 ? [1, "s"] : size < 7200 ? [60, "min"] : [3600, "h"];
  const number = value / divisor;
  const digits = unit === "ms" && size < 5e-7 ? 0 : unit === "ms" && size < 0.000995 ? 2 : Math.abs(number) < (unit === "ms" ? 99.95 : 9.95) ? 1 : 0;
  return number.toFixed(digits) + "\u00a0" + unit;
}

/** A time on an axis: no more digits than it has. */
function tick(value) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  const [divisor, unit] = size < 0.001 ? [1e-6, "µs"] : size < 1 ? [1e-3, "ms"] : [1, "s"];
  return Number((value / divisor).toPrecision(3)) + " " + unit;
}

/** A count with its thousands apart, by a narrow space. */
function count(value) {
  return value === null || value === undefined ? "–" : String(Math.round(value)).replace(/\B(?=(\d{3})+(?!\d))/g, "\u00a0");
}

/** A share: "34 %", "1.3 %", "0.02 %", "0 %". */
function percent(share) {
  if (share === null || share === undefined) return "–";
  const value = share * 100;
  if (value === 0 || Math.abs(value) >= 9.95) return value.toFixed(0) + "\u00a0%";
  return Math.abs(value) < 0.001 ? "< 0.001 %" : Number(value.toPrecision(2)) + "\u00a0%";
}

/** An instant of the run as minutes and seconds, with `digits` of a second. */
function clock(value, digits = 0) {
  const whole = Number(value.toFixed(digits));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const rest = (whole % 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  return hours ? hours + ":" + String(minutes).padStart(2, "0") + ":" + rest : minutes + ":" + rest;
}

// ── elements ──

/** An element. Text becomes text, never markup: what stands in a file cannot become part of the page. */
function el(name, attributes, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same for a drawing. */
function shape(name, attributes, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/**
 * A table; the first cell of each row is its heading. `numbers` says from which column on cells stand at the right, `look`
 * is a class of its own.
 */
function table(caption, heads, rows, numbers = 1, look = null) {
  const place = (index) => (index >= numbers ? { class: "number" } : {});
  return el(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    el(
      "table",
      { class: look },
      el("caption", { class: "unseen" }, caption),
      el("thead", {}, el("tr", {}, heads.map((head, index) => el("th", { scope: "col", ...place(index) }, head)))),
      el("tbody", {}, rows.map((row) =>
        el("tr", {}, row.map((cell, index) =>
          index === 0 ? el("th", { scope: "row", ...place(index) }, cell) : el("td", place(index), cell))))),
    ),
  );
}

/** A part of the page with its heading, the question that it answers, and what is in it. */
function card(id, title, question, ...content) {
  return el(
    "section",
    { class: "card", id, "aria-labelledby": id + "-title" },
    el("h2", { id: id + "-title" }, title),
    question && el("p", { class: "question" }, question),
    ...content,
  );
}

/** The figures of a chart as a table, for whoever cannot or does not want to see it. */
function numbers(caption, heads, rows) {
  const details = el("details", { class: "numbers" }, el("summary", {}, "The numbers"));
  // Long tables are built when somebody wants them.
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) details.append(table(caption, heads, rows(), 0));
  });
  return details;
}

/** A colour of the style, for canvases. */
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

// ── line charts ──

/** All charts on the page, so that they can be let go. */
const charts = [];
/** Charts over time move their cursors together. */
const together = typeof uPlot === "undefined" ? null : uPlot.sync("time");

/**
 * Lines over a common axis.
 *
 * `x`: places. `lines`: {name, colour, values, low, high, step} with a band between `low` and `high` if they are there.
 * `limits`: {value, colour, label}, dashed. `events`: [place, name], upright strokes. `axis`: {kind: "time" | "nines", label}. `scale`: "linear", "log" or "asinh"
 * (logarithmic from about a millisecond on, and with a place for zero). `format` words a value; `least` is the lowest
 * value that a logarithm can have.
 */
function lineChart({ label, x, lines, limits = [], events = [], axis, scale = "linear", format, tickFormat = format, height = 220 }) {
  const host = el("div", { class: "plot", tabindex: "0", role: "img", "aria-label": label + ", the arrow keys move through it" });
  layOnEachOther(lines, scale);
  const keys = lines.map((line) => {
    const value = el("span", { class: "value" });
    const same = line.on ? el("span", { class: "place" }, line.same ? "the same as “" : "dashed, mostly on “", line.on.name, "” ") : null;
    return { value, item: el("li", {}, swatch(line.colour, line.dash), line.name + " ", same, value) };
  });
  const place = el("span", { class: "place" });
  const legend = el("ul", { class: "legend" }, keys.map((key) => key.item), el("li", {}, place));
  const shown = limits.filter((limit) => scale !== "linear" || limit.value <= 3 * highest(lines));
  const hidden = limits.filter((limit) => !shown.includes(limit));
  const note = hidden.length
    ? el("p", { class: "question" }, "Above the picture: " + hidden.map((limit) => limit.label).join(", ") + ".")
    : null;
  const spoken = el("p", { class: "unseen", "aria-live": "polite" });
  const figure = el("figure", {}, legend, host, spoken, note);
  const options = {
    width: 400,
    height,
    legend: { show: false },
    padding: [10, axis.kind === "nines" ? 24 : 14, 0, 0],
    cursor: {
      points: { size: 6 },
      drag: { x: axis.kind === "time", y: false },
      ...(axis.kind === "time" ? { sync: { key: "time", setSeries: false } } : {}),
    },
    scales: { x: { time: false, range: xRange(x, axis) }, y: yScale(scale, lines, shown) },
    axes: [xAxis(axis), yAxis(scale, tickFormat)],
    ...bandsOf(lines),
    hooks: {
      draw: [(plot) => shown.forEach((limit) => drawLimit(plot, limit)), (plot) => events.forEach((event) => drawEvent(plot, event))],
      setCursor: [(plot) => tell(plot, lines, keys, place, axis, format)],
    },
  };
  watch(host, options, [x, ...options.data]);
  host.addEventListener("keydown", (event) => {
    if (step(event, host)) spoken.textContent = [place.textContent, ...keys.map((key, index) => lines[index].name + " " + key.value.textContent)].join(", ");
  });
  return figure;
}

function swatch(name, dash) {
  return el("span", { class: "swatch " + (dash ? "dashed " : "") + "fill-" + name, "aria-hidden": "true" });
}

/** Nearer to each other than this share of the picture's height, two lines look like one. */
const NEAR = 0.012;

/**
 * Lines that lie on an earlier one for most of their way are dashed, so that both can be seen, and say on which: `on` and
 * `dash`, and `same` if they do so all the way.
 */
function layOnEachOther(lines, scale) {
  const [most, least] = [highest(lines), Math.min(lowest(lines), highest(lines))];
  const tall = scale === "log" ? (value) => Math.log(Math.max(value, least)) / (Math.log(most / least) || 1)
    : scale === "asinh" ? (value) => Math.asinh(value / 2e-4) / (Math.asinh(most / 2e-4) || 1)
    : (value) => value / (most || 1);
  lines.forEach((line, index) => {
    const seen = line.values.filter((value) => value !== null && value !== undefined).length;
    const share = (other) => {
      const both = line.values.map((value, at) => [value, other.values[at]]).filter((pair) => pair.every((value) => value !== null && value !== undefined));
      return seen ? both.filter(([one, two]) => Math.abs(tall(one) - tall(two)) < NEAR).length / seen : 0;
    };
    const under = lines.slice(0, index).map((other) => [other, share(other)]).filter(([, share]) => share > 0.6);
    if (!under.length) return;
    line.on = under.reduce((most, next) => (next[1] > most[1] ? next : most))[0];
    line.same = line.values.every((value, at) => value === line.on.values[at]);
    line.dash = [[9, 9], [3, 9], [2, 14]][Math.min(under.length, 3) - 1];
  });
}

function highest(lines) {
  const values = lines.flatMap((line) => [...line.values, ...(line.high || [])]).filter((value) => value !== null);
  return values.length ? values.reduce((most, value) => Math.max(most, value), 0) : 0;
}

function lowest(lines) {
  const values = lines.flatMap((line) => [...line.values, ...(line.low || [])]).filter((value) => value !== null && value > 0);
  return values.reduce((least, value) => Math.min(least, value), Infinity);
}

/** Each line, and where it has a band the two ends of that: uPlot fills between two series. */
function bandsOf(lines) {
  const series = [{}];
  const bands = [];
  const data = [];
  for (const [index, line] of lines.entries()) {
    // Lines that lie on each other can both be seen: the lower ones are wider.
    const width = line.dash ? 1.8 : Math.min(4, 1.6 + 0.8 * (lines.length - 1 - index));
    const path = line.step ? { paths: uPlot.paths.stepped({ align: 1 }) } : {};
    if (line.low) {
      const edge = { stroke: "transparent", width: 0, points: { show: false }, ...path };
      series.push({ ...edge }, { ...edge });
      data.push(line.high, line.low);
      bands.push({ series: [series.length - 2, series.length - 1], fill: () => colour(line.colour) + "30" });
    }
    series.push({ stroke: () => colour(line.colour), width, dash: line.dash, points: { show: true, size: line.points ? 5 : 4, fill: () => colour(line.points ? "paper" : line.colour), ...(line.points ? {} : { filter: alone }) }, ...path });
    data.push(line.values);
    line.at = series.length - 1;
  }
  return { series, bands, data };
}

/** The values without neighbours: a line does not show them. */
function alone(plot, index) {
  const values = plot.data[index];
  const missing = (at) => values[at] === null || values[at] === undefined;
  return values.map((_, at) => at).filter((at) => !missing(at) && missing(at - 1) && missing(at + 1));
}

function xRange(x, { kind }) {
  if (kind === "nines") return [0, Math.max(1, x[x.length - 1])];
  return x.length > 1 ? [x[0], x[x.length - 1]] : [x[0] || 0, (x[0] || 0) + 1];
}

function yScale(scale, lines, limits) {
  const most = Math.max(highest(lines), ...limits.map((limit) => limit.value));
  if (scale === "linear") return { range: [0, most > 0 ? most * 1.06 : 1] };
  const top = 10 ** Math.ceil(Math.log10(Math.max(most, 1e-3)) - 1e-9);
  if (scale === "asinh") return { distr: 4, asinh: 2e-4, range: [0, top] };
  const bottom = 10 ** Math.floor(Math.log10(Math.min(lowest(lines), top / 10)) + 1e-9);
  return { distr: 3, range: [bottom, top] };
}

const LOOK = () => ({ stroke: () => colour("faint"), grid: { stroke: () => colour("line"), width: 1 }, ticks: { stroke: () => colour("line"), width: 1, size: 4 }, font: "12px system-ui, sans-serif", gap: 4 });

function xAxis({ kind }) {
  if (kind === "nines") {
    const at = [0, Math.log10(2), 1, 2, 3, 4];
    const names = ["0", "p50", "p90", "p99", "p99.9", "p99.99"];
    return { ...LOOK(), size: 30, splits: () => at, values: () => names };
  }
  return { ...LOOK(), size: 30, space: 60, incrs: [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 43200, 86400], values: (_, at) => at.map((value) => clock(value, at.length > 1 && at[1] - at[0] < 1 ? 1 : 0)) };
}

/** As wide as its longest label: nothing is clipped. */
function yAxis(scale, format) {
  const isTen = (value) => value === 0 || Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-6;
  const powers = (plot) => {
    const splits = scale === "asinh" ? [0] : [];
    const [low, high] = [scale === "asinh" ? 1e-3 : plot.scales.y.min, plot.scales.y.max];
    for (let at = low; at <= high * 1.000001; at *= 10) splits.push(Number(at.toPrecision(6)));
    return splits;
  };
  return {
    ...LOOK(),
    // What has a linear axis is counted: no half of a connection is marked.
    ...(scale === "linear" ? { space: 32, incrs: Array.from({ length: 30 }, (_, at) => [1, 2, 5][at % 3] * 10 ** Math.floor(at / 3)) } : { splits: powers, filter: (_, splits) => splits.filter(isTen) }),
    values: (_, splits) => splits.map((value) => (value === null ? "" : format(value))),
    size: (plot, values, index, cycle) => {
      if (cycle > 1) return plot.axes[index]._size;
      if (!values || !values.length) return 40;
      plot.ctx.font = "12px system-ui, sans-serif";
      return Math.ceil(Math.max(...values.map((value) => plot.ctx.measureText(value).width)) + 16);
    },
  };
}

function drawLimit(plot, { value, colour: name, label }) {
  const { ctx, bbox } = plot;
  const y = Math.round(plot.valToPos(value, "y", true));
  const ratio = devicePixelRatio || 1;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour(name);
  ctx.lineWidth = 1.5 * ratio;
  ctx.setLineDash([6 * ratio, 4 * ratio]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.font = 11 * ratio + "px system-ui, sans-serif";
  ctx.textAlign = "right";
  const above = y - bbox.top > 16 * ratio;
  ctx.textBaseline = above ? "bottom" : "top";
  ctx.setLineDash([]);
  ctx.lineWidth = 4 * ratio;
  ctx.strokeStyle = colour("card");
  ctx.strokeText(label, bbox.left + bbox.width - 4 * ratio, y + (above ? -2 : 3) * ratio);
  ctx.fillText(label, bbox.left + bbox.width - 4 * ratio, y + (above ? -2 : 3) * ratio);
  ctx.restore();
}

/** Something that happens at a time: an upright stroke with its name beside it. */
function drawEvent(plot, [at, name]) {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio || 1;
  const x = Math.round(plot.valToPos(at, "x", true));
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour("limit");
  ctx.lineWidth = ratio;
  ctx.setLineDash([2 * ratio, 3 * ratio]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.font = 11 * ratio + "px system-ui, sans-serif";
  const isLate = x - bbox.left > bbox.width / 2;
  ctx.textAlign = isLate ? "right" : "left";
  ctx.textBaseline = "top";
  ctx.setLineDash([]);
  ctx.lineWidth = 4 * ratio;
  ctx.strokeStyle = colour("card");
  const place = [name, x + (isLate ? -4 : 4) * ratio, bbox.top + 2 * ratio];
  ctx.strokeText(...place);
  ctx.fillText(...place);
  ctx.restore();
}

/** The values under the cursor, in the legend. */
function tell(plot, lines, keys, place, axis, format) {
  const at = plot.cursor.idx;
  const inside = at !== null && at !== undefined && plot.cursor.left >= 0;
  lines.forEach((line, index) => {
    const value = inside ? plot.data[line.at][at] : undefined;
    keys[index].value.textContent = inside ? (value === null || value === undefined ? "–" : format(value)) : "";
  });
  place.textContent = !inside ? "" : axis.kind === "time" ? "at " + clock(plot.data[0][at], 0) : "at " + nines(plot.data[0][at]);
}

/** The percentile at a place of the nines' axis. */
function nines(place) {
  return "p" + Number((100 * (1 - 10 ** -place)).toFixed(3));
}

/** The arrow keys move the cursor, as a pointer does; says whether it moved. */
function step(event, host) {
  const plot = host.plot;
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!by || !plot) return false;
  event.preventDefault();
  const length = plot.data[0].length;
  const now = plot.cursor.idx === null || plot.cursor.left < 0 ? (by > 0 ? -1 : length) : plot.cursor.idx;
  const next = Math.min(length - 1, Math.max(0, now + by * (event.shiftKey ? 10 : 1)));
  plot.setCursor({ left: plot.valToPos(plot.data[0][next], "x"), top: plot.over.clientHeight / 2 });
  return true;
}

/** A chart is made when its place is known, and grows and shrinks with it. */
function watch(host, options, data) {
  const observer = new ResizeObserver(() => {
    const width = Math.floor(host.clientWidth);
    if (width < 40) return;
    if (host.plot) {
      if (host.plot.width !== width) host.plot.setSize({ width, height: options.height });
    } else {
      host.plot = new uPlot({ ...options, width }, data, host);
    }
  });
  observer.observe(host);
  charts.push({ host, observer });
}

/** Lets go of all charts. */
function forget() {
  for (const { host, observer } of charts.splice(0)) {
    observer.disconnect();
    if (host.plot) host.plot.destroy();
  }
}

/** Draws all charts again, in the colours of now. */
function repaint() {
  charts.forEach(({ host }) => host.plot && host.plot.redraw(false, true));
}

// ── bars and lanes ──

/** A bar of parts: {name, value, look}; a part that is wide enough bears its name. */
function stackedBar(parts, total, label) {
  const bar = el("div", { class: "stack", role: "img", "aria-label": label });
  for (const part of parts) {
    const share = total > 0 ? part.value / total : 0;
    if (share <= 0) continue;
    const piece = el("span", { class: "piece look-" + part.look, title: part.name + ": " + seconds(part.value) + ", " + percent(share) }, share > 0.12 ? part.name : "");
    piece.style.flexGrow = String(share);
    bar.append(piece);
  }
  return bar;
}

/** Rows of coloured pieces over a time: lanes of connections, ways of requests. `events` as in a chart, without their names. */
function lanes({ label, rows, from, until, look, height = 16, events = [] }) {
  const span = until - from || 1;
  const [wide, gap] = [1000, 5];
  const drawing = shape("svg", { class: "lanes", viewBox: `0 0 ${wide} ${rows.length * (height + gap)}`, preserveAspectRatio: "none", role: "img", "aria-label": label });
  rows.forEach((row, index) => {
    const top = index * (height + gap);
    for (const piece of row) {
      const left = ((piece.from - from) / span) * wide;
      const width = Math.max(((piece.until - piece.from) / span) * wide, 0.6);
      const thick = look(piece).thick * height;
      drawing.append(shape("rect", { x: left.toFixed(2), y: (top + (height - thick) / 2).toFixed(1), width: width.toFixed(2), height: thick.toFixed(1), class: "look-" + look(piece).name },
        shape("title", {}, piece.title)));
    }
  });
  for (const [at] of events) {
    const x = (((at - from) / span) * wide).toFixed(2);
    drawing.append(shape("line", { class: "event", x1: x, x2: x, y1: 0, y2: rows.length * (height + gap) }));
  }
  return drawing;
}

/** An interval around zero: a dot with whiskers. */
function whisker([low, high], value, most) {
  const at = (x) => 100 + 95 * Math.max(-1, Math.min(1, x / most));
  return shape("svg", { class: "whisker", viewBox: "0 0 200 16", "aria-hidden": "true" },
    shape("line", { x1: 100, x2: 100, y1: 1, y2: 15, class: "zero" }),
    shape("line", { x1: at(low).toFixed(1), x2: at(high).toFixed(1), y1: 8, y2: 8, class: "range" }),
    shape("circle", { cx: at(value).toFixed(1), cy: 8, r: 4 }));
}
