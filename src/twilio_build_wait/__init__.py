"""Wait for a Twilio Serverless build to finish, as a gate in a CI pipeline."""

__version__ = "1.0.0"
