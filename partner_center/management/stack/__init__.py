"""The embedded setup in one command: broker, worker, beat and web, started and stopped in order."""
