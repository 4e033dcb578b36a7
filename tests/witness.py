"""Stock Casbin, one process for all tests of a process: a busy machine may take its time to answer."""

import atexit

from service.witness import Witness

WITNESS = Witness(patience=60)
atexit.register(WITNESS.close)
