"""An emulator of the Twilio endpoints that a wait for a build reads.

Run it by hand with ``python3 -m emulator --help``; in a test, start it in the same process with
``with Emulator(Options(...)) as emulator`` from :mod:`emulator.server`.
"""
