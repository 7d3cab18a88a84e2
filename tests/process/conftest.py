"""What process tests change in the fixtures of tests/conftest.py."""

import pytest


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    """The environment of a GitHub step, with the shortest interval."""
    return environ | {"TWILIO_BUILD_INTERVAL": "100ms"}
