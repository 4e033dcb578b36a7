"""The commands, one module a family: each takes what it works with from the `Desk` and prints. None reads a setting."""
