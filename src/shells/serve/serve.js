// The page of `poolcast serve`: sliders beside the report of what they make of the system, with the functions of charts.js.
"use strict";

/** What is open. */
const opened = { name: "", text: "", scenarios: [], varied: [] };
/** What is looked at: a scenario, what differs in it from the file (path → text), and what stands beside it. */
const wanted = { scenario: null, values: new Map(), beside: null };
/** Looks at what stands beside, by scenario and level: they do not change while the file stays. */
const known = new Map();
/** The look under way, and whether something was moved since it began. */
let looking = null;
let again = false;
/** Wall-clock seconds that a virtual second cost last. */
let cost = null;

/** A first look that has just begun is seen through, or a moving slider would never show anything. */
const PATIENCE_MS = 150;
/** Longer looks begin once the slider rests. */
const REST_MS = 150;
/** Places of a slider that moves in equal ratios. */
const PLACES = 200;

// ── asking ──

async function ask(path, question, signal) {
  const response = await fetch(path, { method: "POST", signal, headers: { "content-type": "application/json" }, body: JSON.stringify({ name: opened.name, text: opened.text, ...question }) });
  if (response.ok) return response;
  const told = await response.text();
  let problem = told;
  try {
    problem = JSON.parse(told).problem;
  } catch { /* a text of its own */ }
  throw new Error(problem);
}

async function look(scenario, values, level, signal) {
  const response = await ask("/look", { scenario, values, level, cost }, signal);
  return response.json();
}

/** What stands beside, looked at for as long. */
async function lookBeside(scenario, level, signal) {
  const key = JSON.stringify([scenario, level]);
  if (!known.has(key)) known.set(key, await look(scenario, [], level, signal));
  return known.get(key);
}

const isChanged = () => wanted.values.size > 0;

/** Something was moved: what is under way no longer counts. */
function moved() {
  if (looking && looking.isFirst && performance.now() - looking.since < PATIENCE_MS) {
    again = true;
    return;
  }
  if (looking) looking.stop.abort();
  show();
}

/** Shows what is wanted: a short look at once, then longer ones as long as nothing moves. */
async function show() {
  const mine = { stop: new AbortController(), isFirst: true, since: performance.now() };
  looking = mine;
  again = false;
  const asked = { scenario: wanted.scenario, values: [...wanted.values], beside: wanted.beside };
  try {
    for (let level = null; ; ) {
      const seen = await look(asked.scenario, asked.values, level, mine.stop.signal);
      const isAlone = asked.values.length === 0 && asked.beside === asked.scenario;
      const beside = isAlone ? null : await lookBeside(asked.beside, seen.level, mine.stop.signal);
      if (mine !== looking) return;
      cost = seen.cost;
      present(asked, seen, beside);
      mine.isFirst = false;
      if (again || seen.level >= seen.last) break;
      await new Promise((rested) => setTimeout(rested, REST_MS));
      if (mine !== looking) return;
      level = seen.level + 1;
    }
  } catch (error) {
    if (mine !== looking) return;
    complain(error);
  }
  looking = null;
  if (again) show();
}

// ── showing ──

function present(asked, seen, beside) {
  const [own, other] = namesOf(asked);
  const named = (look, name) => (look ? look.data.points.map((point) => ({ ...point, name })) : []);
  draw({ ...seen.data, points: [...named(beside, other), ...named(seen, beside ? own : asked.scenario || "")] });
  report.classList.remove("stale");
  say("Shown: " + seen.words + (seen.level < seen.last ? "; a longer look follows." : "."), false);
  // The picture is there with the next frame.
  requestAnimationFrame(() => {
    report.dataset.shows = [asked.scenario || "-", ...asked.values.map(([path, text]) => path + "=" + text)].join(" ");
  });
}

/** What tells the two systems apart. */
function namesOf({ scenario, values, beside }) {
  if (scenario === beside) return ["changed", "as in the file"];
  return [values.length ? scenario + ", changed" : scenario, beside];
}

function complain(error) {
  report.classList.add("stale");
  say(error instanceof TypeError ? "poolcast serve does not answer: was it ended?" : error.message, true);
}

function say(text, isProblem) {
  status.replaceChildren(isProblem ? el("pre", { class: "problem" }, text) : text);
}

// ── controls ──

const report = document.getElementById("report");
const controls = document.getElementById("controls");
const status = el("div", { id: "status", role: "status" });
const knobs = el("div", { id: "knobs" });
const choices = el("div", { id: "choices" });
const file = el("input", { type: "file", id: "file", accept: ".ron,.json", class: "unseen" });
const save = el("button", { type: "button", id: "save" }, "Save as a file");
const reset = el("button", { type: "button", id: "reset" }, "Back to the file");
const fileName = el("strong", { id: "name" });
const reach = el("div", { id: "reach" });

function scenario() {
  return opened.scenarios.find((scenario) => scenario.name === wanted.scenario);
}

/** The sliders of the scenario that is looked at. */
function lay() {
  choices.replaceChildren();
  if (opened.scenarios.length > 1) {
    choices.append(select("scenario", "System", wanted.scenario, (name) => {
      const alone = wanted.beside === wanted.scenario;
      wanted.scenario = name;
      if (alone) wanted.beside = name;
      wanted.values.clear();
      lay();
      moved();
    }), select("beside", "Beside, as in the file", wanted.beside, (name) => {
      wanted.beside = name;
      moved();
    }));
  }
  knobs.replaceChildren(...scenario().knobs.map((knob, index) => (knob.moves.kind === "choice" ? choice(knob, index) : slider(knob, index))));
  changed();
}

function select(id, label, value, chosen) {
  const options = opened.scenarios.map(({ name }) => el("option", { value: name, selected: name === value }, name));
  const list = el("select", { id }, options);
  list.addEventListener("change", () => chosen(list.value));
  return el("p", { class: "knob" }, el("label", { for: id }, label), list);
}

function set(knob, text) {
  if (text === knob.text) wanted.values.delete(knob.path);
  else wanted.values.set(knob.path, text);
  changed();
  moved();
}

function changed() {
  save.disabled = !isChanged();
  reset.disabled = !isChanged();
  reach.textContent = isChanged() ? reaches() : "";
}

/** Which systems of the file a saved change is about: said before anybody saves it. */
function reaches() {
  const forAll = [...wanted.values.keys()].filter((path) => opened.varied.includes(path));
  if (forAll.length) return "The file varies " + forAll.join(", ") + ": what is saved is the first of its values, for all scenarios.";
  const others = opened.scenarios.length - 1;
  return others > 0 ? "Saving changes “" + wanted.scenario + "” alone: " + (others === 1 ? "the other scenario stays" : "the other " + others + " scenarios stay") + " as in the file." : "";
}

function choice(knob, index) {
  const id = "knob-" + index;
  const list = el("select", { id, "data-path": knob.path }, knob.moves.choices.map((word) => el("option", { value: word, selected: word === knob.text }, word)));
  list.addEventListener("change", () => set(knob, list.value));
  return el("p", { class: "knob" }, el("label", { for: id, title: knob.path }, knob.label), list);
}

function slider(knob, index) {
  const { kind, value, low, high } = knob.moves;
  const id = "knob-" + index;
  const whole = kind === "whole";
  const placeOf = (value) => Math.round((PLACES * Math.log(value / low)) / Math.log(high / low));
  const start = whole ? value : placeOf(value);
  const range = el("input", { type: "range", id, "data-path": knob.path, min: whole ? low : 0, max: whole ? high : PLACES, step: 1, value: start });
  const at = () => {
    const place = Number(range.value);
    if (place === start) return value;
    return whole ? place : Number((low * (high / low) ** (place / PLACES)).toPrecision(3));
  };
  const words = (value) => (kind === "time" ? seconds(value) : String(value));
  const now = el("output", { for: id }, words(value));
  range.addEventListener("input", () => {
    now.replaceChildren(words(at()), at() === value ? "" : el("span", { class: "was" }, " was " + words(value)));
    range.setAttribute("aria-valuetext", words(at()));
    set(knob, at() === value ? knob.text : kind === "time" ? '"' + duration(at()) + '"' : String(at()));
  });
  return el("p", { class: "knob" }, el("label", { for: id, title: knob.path }, knob.label), now, range);
}

/** Seconds as a file writes them. */
function duration(value) {
  const [divisor, unit] = value >= 1 ? [1, "s"] : value >= 1e-3 ? [1e-3, "ms"] : [1e-6, "us"];
  return Number((value / divisor).toPrecision(3)) + unit;
}

// ── files ──

async function open(name, text) {
  Object.assign(opened, { name, text });
  try {
    const { scenarios, varied } = await (await ask("/knobs", {})).json();
    Object.assign(opened, { scenarios, varied });
  } catch (error) {
    return complain(error);
  }
  known.clear();
  fileName.textContent = name;
  wanted.values.clear();
  wanted.scenario = wanted.beside = opened.scenarios[0].name;
  lay();
  moved();
}

file.addEventListener("change", async () => {
  if (file.files.length) await open(file.files[0].name, await file.files[0].text());
  file.value = "";
});

reset.addEventListener("click", () => {
  wanted.values.clear();
  lay();
  moved();
});

save.addEventListener("click", async () => {
  try {
    const text = await (await ask("/save", { scenario: wanted.scenario, values: [...wanted.values] })).text();
    const address = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    el("a", { href: address, download: opened.name.split(/[\\/]/).pop() }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  } catch (error) {
    complain(error);
  }
});

controls.addEventListener("submit", (event) => event.preventDefault());
controls.append(
  el("p", { id: "files" }, fileName, " ", el("label", { for: "file", class: "button" }, "Open a file"), file),
  el("p", { id: "deeds" }, save, " ", reset), reach,
  status, choices, knobs,
);
fetch("/start").then((response) => response.json()).then(({ name, text }) => open(name, text)).catch(complain);
