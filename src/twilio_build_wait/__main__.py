"""`python -m twilio_build_wait`."""

from twilio_build_wait.guard import main

main()
