"""The real process against a real loopback socket."""
