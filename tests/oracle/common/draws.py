"""What schedules are made of: steps, requests, faults. All times are whole nanoseconds.

Arrivals lie on microseconds and costs on odd nanoseconds, so that two things rarely happen in one instant unless one
causes the other.
"""

US, MS, S = 1_000, 1_000_000, 1_000_000_000


def span(dice, low, high):
    """A length between two times, log-uniform, that no sum of others is likely to meet."""
    return round(low * (high / low) ** dice.random()) | 1


def some(dice, probability, low, high):
    return span(dice, low, high) if dice.random() < probability else 0


def statement(dice):
    return ["query", some(dice, 0.95, 50 * US, 400 * MS)]


def session(dice, depth):
    steps = []
    kind = dice.random()
    if kind < 0.15:
        steps.append(["await", span(dice, 1 * MS, 2 * S)])
    elif kind < 0.5:
        for _ in range(dice.choice((1, 1, 2))):
            steps.append(["transaction", [statement(dice) for _ in range(dice.choice((0, 1, 1, 2)))]])
        if dice.random() < 0.2:
            steps.append(statement(dice))
    else:
        steps += [statement(dice) for _ in range(dice.choice((1, 1, 1, 2)))]
    if dice.random() < 0.5:
        steps.insert(dice.randrange(len(steps) + 1), ["await", span(dice, 1 * MS, 800 * MS)])
    if all(step == ["transaction", []] for step in steps):
        steps.insert(0, ["await", span(dice, 1 * MS, 20 * MS)])
    if depth == 0 and dice.random() < 0.03:
        steps.append(["session", session(dice, 1)])
    return steps


def request(dice, at, deadline):
    steps = []
    for number in range(dice.choice((1, 1, 1, 2, 3))):
        if number and dice.random() < 0.5:
            steps.append(["await", span(dice, 1 * MS, 300 * MS)])
        steps.append(["session", session(dice, 0)])
    return {"at": at, "deadline": deadline, "steps": steps}


def faults(dice, length, one_connection):
    found = []
    if dice.random() < 0.5:
        for _ in range(dice.choice((1, 1, 2, 3))):
            at = dice.randrange(length // US) * US + 1
            down = dice.choice((0, span(dice, 1 * MS, 1 * S)))
            if one_connection and down == 0:
                found.append(["kill", at])
            else:
                found.append(["restart", at, down])
    return sorted(found, key=lambda fault: fault[1])
