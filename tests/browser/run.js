// All browser tests, one browser: reports first, then the served page.
"use strict";

const fs = require("node:fs");
const { chromium } = require("playwright-core");
const { reports } = require("./reports.js");
const { served } = require("./served.js");

const MADE = "target/browser";

(async () => {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  try {
    for (const picture of fs.readdirSync(MADE).filter((name) => name.endsWith(".png"))) fs.rmSync(`${MADE}/${picture}`);
    await reports(browser, MADE, process.argv.includes("--picture"));
    await served(browser, MADE);
  } finally {
    await browser.close();
  }
})().catch((error) => {
  console.error(error.stack || error);
  process.exit(1);
});
