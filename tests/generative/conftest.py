"""How many examples each property is given: few by default, many with LONG_TESTS=1."""

import os

from hypothesis import HealthCheck, settings

# A slow machine is no fault of the code, so no example has a time limit.
settings.register_profile("default", max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("long", settings.get_profile("default"), max_examples=3_000)
settings.load_profile("long" if os.environ.get("LONG_TESTS") else "default")
