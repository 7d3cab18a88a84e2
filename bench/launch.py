"""Run a command; print its seconds, peak memory in KiB and exit code in a last line.

A small process, because Linux counts the memory of who starts a program into its peak.
"""

import resource
import subprocess
import sys
import time

started = time.monotonic()
code = subprocess.run(sys.argv[1:], check=False).returncode
seconds = time.monotonic() - started
print(f"\n{seconds} {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss} {code}")
