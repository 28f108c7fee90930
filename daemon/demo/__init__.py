"""A real, private Asterisk with callers and agents, for the demonstration and for tests.

asterisk.py    starts and ends an Asterisk of its own ports and folder, as configured in etc/
wire.py        a bare manager client that drives and watches it; independent of daemon.ami
desks.py       queues and agents that one scenario has to itself
phone.py       a SIP telephone, for what Local channels cannot do
office.py      the plain office that the demonstration shows
callers.py     every way in which a caller can leave a queue, each with what is true of it
"""
