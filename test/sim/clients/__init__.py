"""The clients of the matrix behind one interface; see client.py."""
