#!/usr/bin/env python3
"""Breaks each rule of the modelled pools in turn and asks the plain tests whether they notice.

    tests/mutants/run.py [WORD]

A copy of the tree is made under target/mutants, in which every rule of `rules.py` stands beside its broken form; the
environment chooses which of the two runs. So all of it is compiled once. With a word, only rules that contain it.
Prints the rules that nobody missed, and fails if there is one that is not among those explained in SURVIVORS.
"""

import os
import pathlib
import shutil
import subprocess
import sys

from rules import RULES, SURVIVORS

ROOT = pathlib.Path(__file__).resolve().parents[2]
COPY = ROOT / "target/mutants"
TESTS = ["sqlalchemy::", "pools::"]
SWITCH = '''
/// Whether this rule is broken.
pub fn mutant(number: u32) -> bool {
    static BROKEN: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
    *BROKEN.get_or_init(|| std::env::var("POOLCAST_MUTANT").map_or(u32::MAX, |number| number.parse().expect("a number"))) == number
}
'''


def broken(text, number, rule, original, mutant):
    """The text with both forms in it."""
    if text.count(original) != 1:
        raise SystemExit(f"{rule}: what is to be broken stands {text.count(original)} times in its file:\n{original}")
    if "@" in mutant:
        return text.replace(original, mutant.replace("@", str(number)))
    is_statement = original.rstrip().endswith((";", "}")) and not original.startswith("if self.spec.pool_use_lifo")
    is_arm = "=>" in original.split("\n")[0] and original.rstrip().endswith(",")
    if is_arm:
        raise SystemExit(f"{rule}: an arm of a match needs a switch of its own: write @")
    both = f"if crate::mutant({number}) {{ {mutant} }} else {{ {original} }}"
    return text.replace(original, both if is_statement else f"({both})")


def copy():
    kept = COPY / "target"
    for place in ("src", "tests", "experiments", "models"):
        shutil.rmtree(COPY / place, ignore_errors=True)
        shutil.copytree(ROOT / place, COPY / place)
    for file in ("Cargo.toml", "Cargo.lock", "README.md"):
        shutil.copy(ROOT / file, COPY / file)
    texts = {}
    for number, (rule, file, original, mutant) in enumerate(RULES):
        text = texts.get(file) or (COPY / file).read_text()
        texts[file] = broken(text, number, rule, original, mutant)
    for file, text in texts.items():
        (COPY / file).write_text(text)
    lib = COPY / "src/lib.rs"
    lib.write_text(lib.read_text() + SWITCH)
    return kept


def build():
    command = ["cargo", "test", "--quiet", "--test", "suite", "--no-run", "--message-format", "json"]
    said = subprocess.run(command, cwd=COPY, stdout=subprocess.PIPE, text=True, check=True).stdout
    lines = [line for line in said.splitlines() if '"executable":"' in line and '"name":"suite"' in line]
    return lines[-1].split('"executable":"')[1].split('"')[0]


def notices(program, number):
    """Whether a test fails, hangs or crashes."""
    environment = {**os.environ, "POOLCAST_MUTANT": str(number), "RUST_BACKTRACE": "0", "PROPTEST_CASES": "16"}
    try:
        done = subprocess.run([program, *TESTS], cwd=COPY, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
        return done.returncode != 0
    except subprocess.TimeoutExpired:
        return True


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    copy()
    program = build()
    if notices(program, "4000000000"):
        raise SystemExit("the tests fail although no rule is broken")
    survivors = []
    for number, (rule, file, _, _) in enumerate(RULES):
        if wanted in rule:
            seen = notices(program, number)
            print(f"{'noticed ' if seen else 'SURVIVED'}  {file.removeprefix('src/parts/pool/')}: {rule}", flush=True)
            if not seen:
                survivors.append(rule)
    asked = sum(wanted in rule for rule, *_ in RULES)
    print(f"{asked - len(survivors)} of {asked} broken rules are noticed")
    unexplained = [rule for rule in survivors if rule not in SURVIVORS]
    if unexplained:
        raise SystemExit("nobody misses: " + "; ".join(unexplained))


if __name__ == "__main__":
    main()
