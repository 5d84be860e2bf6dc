"""The models of ../src/queue.rs on SimPy, a process for each request: prints requests, nanoseconds of processor time and the
mean wait.

    run.py MODEL REQUESTS
"""

import math
import random
import sys
import time

import simpy

MS = 1e-3


class Model:
    """Workers in front of their pools; times in seconds."""

    def __init__(self, workers, rate, hold, size, overflow, patience, mean_wait):
        self.workers, self.rate, self.hold = workers, rate, hold
        self.size, self.overflow, self.patience = size, overflow, patience
        # Least and most: an exact value with room for the chance of 100,000 requests, or what all peers agree on.
        self.mean_wait = mean_wait


def exponential(mean):
    return lambda: random.expovariate(1 / mean)


def lognormal(mean, cv):
    sigma2 = math.log(1 + cv * cv)
    mu, sigma = math.log(mean) - sigma2 / 2, math.sqrt(sigma2)
    return lambda: random.lognormvariate(mu, sigma)


def fleet(rate, mean_wait):
    return Model(4, rate, lognormal(40 * MS, 1.5), 20, 10, 30.0, mean_wait)


MODELS = {
    "m1": Model(1, 900, exponential(10 * MS), 10, 0, None, (0.0053, 0.0080)),
    "m2": fleet(400, (0.0, 0.001)),
    "m2w": fleet(680, (0.005, 0.1)),
}
OPENING = exponential(5 * MS)


class Pool:
    """One worker's pool: places for all its connections, and how many of them are open and idle."""

    def __init__(self, env, model):
        self.places = simpy.Resource(env, model.size + model.overflow)
        self.idle = 0


def request(env, model, pool, waits):
    asked = env.now
    with pool.places.request() as place:
        if not place.triggered:
            if model.patience is None:
                yield place
            else:
                yield place | env.timeout(model.patience)
                if not place.triggered:
                    return
            waits.append(env.now - asked)
        if pool.idle > 0:
            pool.idle -= 1
        elif model.overflow > 0:
            yield env.timeout(OPENING())
        yield env.timeout(model.hold())
        if pool.idle < model.size:
            pool.idle += 1


def arrivals(env, model, requests, waits):
    pool = Pool(env, model)
    for _ in range(requests):
        yield env.timeout(random.expovariate(model.rate))
        env.process(request(env, model, pool, waits))


def main():
    model, requests = MODELS[sys.argv[1]], int(sys.argv[2])
    random.seed(1)
    env, waits = simpy.Environment(), []
    begun = time.process_time_ns()
    for _ in range(model.workers):
        env.process(arrivals(env, model, requests // model.workers, waits))
    env.run()
    nanos = time.process_time_ns() - begun
    mean_wait = sum(waits) / requests
    least, most = model.mean_wait
    assert least <= mean_wait <= most, f"a mean wait of {mean_wait} s instead of {least} to {most}"
    print(requests, nanos, f"{mean_wait:.9f}")


main()
