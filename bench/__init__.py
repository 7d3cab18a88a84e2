"""Measures lag, polls, start-up time and memory: `make bench` writes docs/performance.md."""
