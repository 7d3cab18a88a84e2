"""Measurements of lag, requests, start-up and memory: `make bench` writes docs/performance.md."""

import sys
from pathlib import Path

# The package measured is the one of this tree, which is installed nowhere.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
