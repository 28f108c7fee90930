"""Webhooks: payloads and signatures. A leaf: imports nothing of the daemon."""
