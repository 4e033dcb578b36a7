"""Rolewarden: may user X do Y on screen Z in practice P, answered from Casbin policy.

Two spines carry everything: `decide` answers a request, `publish` changes what is answered. All other modules are
leaves that those two call; `docs/flows.md` tells both in prose.
"""

__version__ = "0.1.0"
