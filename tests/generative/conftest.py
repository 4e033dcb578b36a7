"""How many examples each property is given: few by default, many with LONG_TESTS=1."""

import os

from hypothesis import settings

settings.register_profile("long", settings.get_profile("default"), max_examples=3_000)
settings.load_profile("long" if os.environ.get("LONG_TESTS") else "default")
