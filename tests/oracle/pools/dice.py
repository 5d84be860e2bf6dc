"""The random numbers that poolcast's own pool draws with the seed of the comparison (1, replication 0).

A test of `tests/suite/pools/recorded.rs` holds the list against the stream itself.
"""

import json
import pathlib

DRAWN = json.loads(pathlib.Path(__file__).with_name("dice.json").read_text())


class Dice:
    """Stands in for `random.random`."""

    def __init__(self, pool):
        self.numbers = iter(DRAWN[pool])

    def throw(self):
        return next(self.numbers)
