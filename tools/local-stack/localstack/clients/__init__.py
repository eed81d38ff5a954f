"""Clients of the services and of a Connect worker, for tests and the demo. topics and databases need the virtual environment."""
