// What holds for every page: it says nothing on the console, fetches nothing from elsewhere, fits, and has charts.
"use strict";

const assert = require("node:assert/strict");

const SIZES = [{ width: 1280, height: 900 }, { width: 400, height: 800 }];
const THEMES = ["light", "dark"];

/** A page of this size and theme, opened at `address`. `own` says of a request whether it may be made. */
async function open(browser, address, size, theme, own) {
  const context = await browser.newContext({ viewport: size, colorScheme: theme, acceptDownloads: true });
  const page = await context.newPage();
  const wrong = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && wrong.push(message.text()));
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("request", (request) => own(request.url()) || wrong.push("fetches " + request.url()));
  await page.goto(address);
  return { page, wrong, close: () => context.close() };
}

/** Every chart has been drawn on: the share of its pixels (or the number of its shapes) that are marks. */
async function marks(page) {
  return page.evaluate(() => {
    const canvases = [...document.querySelectorAll("#report canvas")].map((canvas) => {
      const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
      // Axes and grids are grey; lines are not.
      let marks = 0;
      for (let at = 0; at < pixels.length; at += 4) {
        const [red, green, blue, alpha] = pixels.slice(at, at + 4);
        if (alpha > 100 && Math.max(red, green, blue) - Math.min(red, green, blue) > 40) marks += 1;
      }
      return { of: canvas.closest("section")?.id, marks };
    });
    const drawings = [...document.querySelectorAll("#report svg")].map((svg) => ({ of: svg.closest("section")?.id, marks: svg.querySelectorAll("*").length }));
    return { canvases, drawings };
  });
}

async function check(page, wrong, name) {
  assert.deepEqual(wrong, [], `${name}: the console and the network are quiet`);
  const found = await marks(page);
  for (const chart of found.canvases) assert.ok(chart.marks > 60, `${name}: the chart ${chart.of} has ${chart.marks} coloured pixels`);
  for (const drawing of found.drawings) assert.ok(drawing.marks > 0, `${name}: the drawing ${drawing.of} is empty`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `${name}: ${wide} pixels stand out to the right`);
  return found;
}

module.exports = { SIZES, THEMES, open, check, marks };
