"""wslog: who closed these WebSockets with 1006, how do we know, and what do we change?"""

from __future__ import annotations

__version__ = "0.1.0"
