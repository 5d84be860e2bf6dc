#!/usr/bin/env bash
# The report and the served page in a real browser: nothing on the console, nothing fetched, charts that are there, and
# sliders that move them within 200 ms. Pictures of all of it go to target/browser.
#     tests/browser/run.sh [--picture]     also makes the README's picture anew
set -euo pipefail
cd "$(dirname "$0")/../.."
tests/needs.sh chromium fonts-dejavu-core
command -v npm >/dev/null || tests/needs.sh nodejs npm
export POOLCAST="${POOLCAST:-${CARGO_TARGET_DIR:-target}/debug/poolcast}"
made=target/browser
mkdir -p "$made"
if ! cmp -s tests/browser/package-lock.json "$made/package-lock.json"; then
    cp tests/browser/package.json tests/browser/package-lock.json "$made"
    npm ci --silent --prefix "$made" --ignore-scripts
fi
# The suite makes the page of a kept validation.
cargo test --quiet --test suite a_kept_validation_has_a_page >/dev/null
export VALIDATION="${CARGO_TARGET_DIR:-target}/tmp/validation.html"
NODE_PATH="$PWD/$made/node_modules" exec node tests/browser/run.js "$@"
