"""The policy as answered: the compiled engine, the plain scan that defines it, and stock Casbin's opinion. Pure."""
