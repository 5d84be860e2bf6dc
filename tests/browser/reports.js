// Reports of the guide's experiment, of a restart, of waves and deadlocks, of a sweep, of a comparison, of a size and of a
// validation.
"use strict";

const assert = require("node:assert/strict");
const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { SIZES, THEMES, check, open } = require("./watch.js");

/** The README's. */
const PICTURE = "tests/browser/report.png";

/** What each report is made with, how many lines or drawings it has at least, and what it says. */
const REPORTS = [
  { name: "movehub", arguments: ["run", "experiments/movehub.ron", "--replications", "4", "--set", "duration=2min"], charts: 1, says: ["session, as in the guide", "QueryWaitTimeout", "Objectives"] },
  { name: "restart", arguments: ["run", "experiments/restart.ron", "--replications", "4"], charts: 0, says: ["pre-ping", "Errors by cause"] },
  { name: "waves", arguments: ["run", "experiments/recycling-wave.ron", "--scenario", "every minute", "--scenario", "pgx, jitter", "--replications", "4"], charts: 1, says: ["Connects a second: database", "apps.api.pool.pool_recycle"] },
  { name: "deadlocks", arguments: ["run", "experiments/nested-sessions.ron", "--scenario", "250 a second", "--scenario", "250 a second, fourteen at once", "--replications", "4", "--set", "duration=1min"], charts: 1, says: ["Deadlocks", "each of them waits for another"] },
  { name: "sweep", arguments: ["sweep", "target/browser/sweep.ron"], charts: 0, says: ["Sweep", "pool_size"] },
  { name: "compare", arguments: ["compare", "experiments/movehub.ron", "--baseline", "direct", "--scenario", "direct", "--scenario", "transaction", "--replications", "4", "--set", "duration=40s", "--set", "warmup=5s"], charts: 1, says: ["Beside direct"] },
  { name: "size", arguments: ["size", "target/browser/size.ron", "--tune", "apps.api.pool.pool_size=2..12"], charts: 1, says: ["Settings tried"] },
  // Real servers were measured for it; the suite makes the page from what was kept of that.
  { name: "validation", charts: 0, says: ["1 of 11 figures differs", "✗ differs", "? too noisy", "✓ agrees", "statements ✗ off", "The machine"] },
];

async function reports(browser, made, wantsPicture) {
  const grid = fs.readFileSync("experiments/pool-size.ron", "utf8").replace(/vary: .*/, 'vary: [("workload.api.arrivals.rate", [150, 200, 240, 280]), ("apps.api.pool.pool_size", [4, 5, 6, 8, 10])],').replace(/duration: .*/, 'duration: "1min",').replace(/warmup: .*/, 'warmup: "5s",');
  fs.writeFileSync(`${made}/sweep.ron`, grid);
  const sized = grid.replace(/vary: .*/, 'objectives: [Wait(p: 0.95, below: "20ms")],');
  fs.writeFileSync(`${made}/size.ron`, sized);
  for (const report of REPORTS) {
    const file = `${made}/${report.name}.html`;
    if (report.arguments) make([...report.arguments, "--quiet", "--report", file]);
    else fs.copyFileSync(process.env.VALIDATION, file);
    const address = "file://" + path.resolve(file);
    for (const size of SIZES) {
      for (const theme of THEMES) {
        const name = `${report.name}-${size.width}-${theme}`;
        const { page, wrong, close } = await open(browser, address, size, theme, (url) => url === address);
        const found = await check(page, wrong, name);
        assert.ok(found.canvases.length >= report.charts, `${name}: ${found.canvases.length} charts`);
        const text = await page.locator("#report").innerText();
        for (const words of report.says) assert.ok(text.includes(words), `${name} says ${words}`);
        await page.screenshot({ path: `${made}/${name}.png`, fullPage: true });
        await close();
      }
    }
    console.log(`report of ${report.name}: opens at ${SIZES.map((size) => size.width).join(" and ")} pixels, ${THEMES.join(" and ")}`);
  }
  if (wantsPicture) await picture(browser, made);
}

/** Whoever reads the README sees what a report looks like: where the time went, and connections and queues over time. */
async function picture(browser, made) {
  const address = "file://" + path.resolve(`${made}/movehub.html`);
  const context = await browser.newContext({ viewport: { width: 1240, height: 900 }, colorScheme: "light", deviceScaleFactor: 0.58 });
  const page = await context.newPage();
  await page.goto(address);
  const box = await page.evaluate(() => {
    const [first, last] = [document.getElementById("spent"), document.getElementById("queue")].map((card) => card.getBoundingClientRect());
    return { x: 0, y: first.top - 12, width: 1240, height: last.bottom - first.top + 24 };
  });
  await page.screenshot({ path: PICTURE, fullPage: true, clip: box });
  await context.close();
  assert.ok(fs.statSync(PICTURE).size < 100_000, "the README's picture is small");
}

function make(words) {
  try {
    execFileSync(process.env.POOLCAST, words, { stdio: ["ignore", "ignore", "inherit"] });
  } catch (error) {
    // 1: an objective was missed, which is an answer.
    if (error.status !== 1) throw error;
  }
}

module.exports = { reports };
