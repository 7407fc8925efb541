# SPDX-License-Identifier: Apache-2.0
"""The sleepers of clock_bench on SimPy: sleepers.py N WAKEUPS MEAN_S. Prints wakeups and simulated seconds per second."""
import random
import sys
import time

import simpy

n, wakeups, mean = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
env, draw, left = simpy.Environment(), random.Random(1).random, wakeups
end = env.event()


def sleeper():
    global left
    while True:
        yield env.timeout(draw() * 2 * mean)
        left -= 1
        if not left:
            end.succeed()


for _ in range(n):
    env.process(sleeper())
env.run(until=2 * mean)
left, begun, at = wakeups, time.perf_counter(), env.now
env.run(until=end)
took = time.perf_counter() - begun
print(wakeups / took, (env.now - at) / took)
