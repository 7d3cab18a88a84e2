"""Run one command and print what it took: `python -I -S launch.py OUTPUT COMMAND…`.

Prints a line of six numbers: the monotonic clock at its start and end in seconds, its CPU time in
seconds, its peak resident memory in KiB, and its exit code (negative: the signal that ended it).
Its standard output and standard error go to the file OUTPUT.

A process of its own because Linux counts the memory of whoever starts a program into that
program's peak: this one holds as little as a Python can.
"""

import os
import sys
import time

output = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
actions = [
    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
    (os.POSIX_SPAWN_DUP2, output, 1),
    (os.POSIX_SPAWN_DUP2, output, 2),
]
started = time.monotonic()
child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ, file_actions=actions)
_, status, usage = os.wait4(child, 0)
ended = time.monotonic()
cpu = usage.ru_utime + usage.ru_stime
print(started, ended, cpu, usage.ru_maxrss, os.waitstatus_to_exitcode(status))
