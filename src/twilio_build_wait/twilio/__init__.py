"""All that knows Twilio: one bounded GET, what its response means, and what can be read."""
