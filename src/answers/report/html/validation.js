// The page of a validation: live and simulated side by side, with the functions of charts.js.
"use strict";

/** Marks beside the words: told apart without colour. */
const JUDGED = { agrees: ["✓", "good"], differs: ["✗", "bad"], "too noisy": ["?", "open"] };
/** How what a request spends its time on is drawn. */
const SPENT = { checkout: "other", queueing: "wait", connect: "open", statements: "serve", "giving back": "away", application: "work" };
/** The picture of a difference reaches so many margins to either side. */
const MARGINS = 3;

/** The cards of a validation, or none. */
function validation(shown) {
  if (!shown) return [];
  const costs = costsOf(shown);
  return [verdicts(shown), ...shown.points.flatMap((point, index) => [figures(point, index), ingredients(point, index)]), costs, machine(shown)];
}

function judged(verdict) {
  const [sign, look] = JUDGED[verdict];
  return el("span", { class: look }, el("span", { "aria-hidden": "true" }, sign + " "), verdict);
}

function verdicts({ points, fit }) {
  const figures = points.flatMap((point) => point.figures);
  const tile = (name, value, look) => el("section", { class: "card tile", "aria-label": name }, el("h2", {}, name), el("strong", { class: look }, value));
  const number = (verdict) => figures.filter((figure) => figure.verdict === verdict).length;
  const counted = (name, verdict) => {
    const [sign, look] = JUDGED[verdict];
    return tile(name, (number(verdict) ? sign + " " : "") + count(number(verdict)) + " of " + count(figures.length), number(verdict) ? look : "");
  };
  return el("div", { class: "tiles" }, counted("figures agree", "agrees"), counted("figures differ", "differs"), counted("too noisy to say", "too noisy"),
    tile("the machine", fit ? "✓ had time" : "✗ was busy", fit ? "good" : "bad"));
}

/** Each figure, and its difference as a picture that decides: the verdict is where the interval lies. */
function figures(point, index) {
  const row = (figure) => [
    el("span", {}, figure.name, el("br"), judged(figure.verdict)),
    el("span", {}, figure.live[0], el("span", { class: "aside" }, spread(figure))),
    figure.simulated,
    el("span", {}, difference(figure), el("span", { class: "aside" }, figure.difference + (figure.interval ? " (" + figure.interval + ")" : "") + ", margin " + figure.margin)),
  ];
  return card("figures-" + index, "Live and simulated" + (point.name ? ": " + point.name : ""),
    "Does the model say what the real system did? Means over the runs; below a live one the least and the most of them. In the pictures the field is the margin and the stroke the 90\u00a0% interval of simulated less live: inside the field it agrees, outside it differs, across an edge the runs are too noisy to say. Each has the scale of its own margin.",
    table("Live and simulated" + (point.name ? ": " + point.name : ""), ["", "live", "simulated", "simulated less live"], point.figures.map(row), 1, "figures folds"));
}

function spread({ live: [, least, most] }) {
  return least === most ? "in every run" : least + " to " + most;
}

/** The margin as a field around zero, the difference as a dot with its interval; what is beyond the picture ends in an arrow. */
function difference({ off_by: off, within, verdict }) {
  const at = (margins) => 200 + (190 / MARGINS) * Math.max(-MARGINS, Math.min(MARGINS, margins));
  const [low, high] = within || [off, off];
  const look = JUDGED[verdict][1];
  const drawing = shape("svg", { class: "margin-picture is-" + look, viewBox: "0 0 400 18", "aria-hidden": "true" },
    shape("rect", { class: "field", x: at(-1), width: at(1) - at(-1), y: 0, height: 18 }),
    shape("line", { class: "zero", x1: 200, x2: 200, y1: 0, y2: 18 }));
  if (off === null) return drawing;
  drawing.append(shape("line", { class: "range", x1: at(low).toFixed(1), x2: at(high).toFixed(1), y1: 9, y2: 9 }));
  if (low < -MARGINS) drawing.append(shape("path", { class: "arrow", d: "M2 9 L9 5 V13 Z" }));
  if (high > MARGINS) drawing.append(shape("path", { class: "arrow", d: "M398 9 L391 5 V13 Z" }));
  if (Math.abs(off) <= MARGINS) drawing.append(shape("circle", { cx: at(off).toFixed(1), cy: 9, r: 4 }));
  return drawing;
}

function ingredients(point, index) {
  if (!point.spent.length) return null;
  const sum = (side) => point.spent.reduce((all, one) => all + one[side], 0);
  const most = Math.max(sum("live"), sum("simulated"));
  const bar = (side) => {
    const parts = point.spent.map((one) => ({ name: one.what, value: one[side], look: SPENT[one.what] || "other" }));
    const words = parts.map((part) => part.name + " " + seconds(part.value)).join(", ");
    const stack = stackedBar(parts, most, side + ": " + words);
    // Both to one scale: the shorter one ends earlier.
    const rest = el("span", { class: "rest" });
    rest.style.flexGrow = String(Math.max(0, 1 - sum(side) / most));
    stack.append(rest);
    return el("div", { class: "bar-row" }, el("span", { class: "who" }, side), stack, el("span", { class: "total" }, seconds(sum(side))));
  };
  const off = point.spent.find((one) => one.off);
  const signed = (value) => (/[1-9]/.test(seconds(value)) ? (value < 0 ? "−" : "+") : "") + seconds(Math.abs(value));
  const row = (one) => [
    el("span", { class: "whole" }, el("span", { class: "swatch look-" + (SPENT[one.what] || "other"), "aria-hidden": "true" }), one.what,
      one.off && el("strong", { class: "bad" }, " ✗ off")),
    seconds(one.live), seconds(one.simulated),
    el("span", {}, signed(one.difference), one.difference_ci90 && el("span", { class: "aside" }, one.difference_ci90.map(signed).join(" to "))),
  ];
  return card("spent-" + index, "What a request spends its time on" + (point.name ? ": " + point.name : ""),
    "Where they differ, in what? Means of the requests that ended well in both; below the difference its 90\u00a0% interval." + (off ? " Off: " + off.what + ". A queue that differs follows from a connection that is held longer or shorter." : ""),
    bar("live"), bar("simulated"),
    table("What a request spends its time on", ["", "live", "simulated", "difference"], point.spent.map(row), 1, "folds"));
}

/** What was measured comes point by point, each time in the same order. */
function costsOf({ costs, points }) {
  if (!costs.length) return card("costs", "What the model rests on", "What did wires, library and server cost by themselves? Its costs are those of the file: nothing was measured beside the runs.");
  const rounds = [];
  for (const cost of costs) {
    if (!rounds.length || rounds.at(-1).has(cost.what)) rounds.push(new Map());
    rounds.at(-1).set(cost.what, cost);
  }
  const names = [...new Set(costs.map((cost) => cost.what))];
  const heads = rounds.length > 1 ? points.map((point) => point.name.replace(/[\w.]+\.(\w+) = /g, "$1 = ")) : ["mean"];
  const cell = (cost) => (cost ? el("span", {}, seconds(cost.mean), el("span", { class: "aside" }, cost.quartiles.map(seconds).join(" to "))) : "–");
  const place = card("costs", "What the model rests on",
    "What did wires, library and server cost by themselves? Measured beside the runs with little else going on; below each mean the span in which half of them lie.",
    table("What the model rests on", ["", ...heads.slice(0, rounds.length)], names.map((name) => [name, ...rounds.map((round) => cell(round.get(name)))])));
  if (rounds.length === 1) place.classList.add("half");
  return place;
}

function machine({ machine, left_out: leftOut, notes }) {
  const sign = (fits) => el("span", { class: fits ? "good" : "bad" }, (fits ? "✓" : "✗") + (fits ? " fit" : " not fit"));
  const out = leftOut ? count(leftOut) + (leftOut === 1 ? " run was" : " runs were") + " left out because the machine was busy with something else." : "";
  const place = card("machine", "The machine", "Was it the pools that were measured, or the machine? Of all runs the worst. " + out,
    table("The machine", ["", "at worst", "fit up to", ""], machine.map((one) => [one.what, one.worst, one.limit, sign(one.is_fit)])),
    notes.map((note) => el("p", { class: "question" }, "Note: " + note)));
  place.classList.add("half");
  return place;
}
