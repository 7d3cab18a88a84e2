"""The tests: one floor a folder, from the clock handed in to the built image."""
