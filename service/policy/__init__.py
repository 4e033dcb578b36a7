"""The policy as written: model, rows, screens, cases, and everything that can be found wrong with them. Pure."""
