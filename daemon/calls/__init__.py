"""What happens to callers, decided without any I/O.

events.py says what Asterisk told us; tracker.py turns events of one PBX into calls and stints; verdict.py says when
a call is missed and why; effects.py says what the world outside is asked to keep or to show.
"""
