"""FastAGI: the PBX asks, we answer. A leaf: imports nothing of the daemon."""
