"""An emulator of Twilio's Serverless API and Monitor's alerts: ``python3 -m emulator --help``."""

from emulator.account import SERVICE_SID
from emulator.emulator import Emulator
from emulator.resources import ACCOUNT_SID
from emulator.routes import API_KEY, API_SECRET, AUTH_TOKEN

__all__ = ["ACCOUNT_SID", "API_KEY", "API_SECRET", "AUTH_TOKEN", "SERVICE_SID", "Emulator"]
