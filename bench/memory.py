"""What 5,000 waiting calls cost, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from bench.measure import Figure, at_most

PROGRAM = """
import gc, os
from daemon.ami.translate import translate
from daemon.calls.board import Board
import daemon.ami.listener, daemon.ami.link
def rss():
    gc.collect()
    return int(open('/proc/self/statm').read().split()[1]) * os.sysconf('SC_PAGESIZE')
board = Board()
idle = rss()
for n in range(5000):
    u = f"pbx-1700000000.{n}"
    base = {"Channel": f"PJSIP/trunk-{n:08x}", "CallerIDNum": f"030{n:07d}", "CallerIDName": f"Caller {n}",
            "Context": "queues", "Exten": "100", "Priority": "3", "Uniqueid": u, "Linkedid": u}
    for e in ({"Event": "Newexten", "Application": "Queue", "AppData": "support,tT,,,600"},
              {"Event": "QueueCallerJoin", "Queue": "support", "Position": str(n + 1), "Count": str(n + 1)},
              {"Event": "AgentCalled", "Queue": "support", "Interface": "PJSIP/1000", "MemberName": "Anna",
               "DestUniqueid": u + "9"}):
        event = translate({**base, **e}, 1700000000.0 + n)
        if event is not None:
            board.feed(event)
assert len(board.calls) == 5000
print(idle, rss())
"""


def figures() -> Iterator[Figure]:
    """MB of resident memory above idle."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)
    idle, full = (int(word) / 1e6 for word in done.stdout.split())
    yield at_most("memory: 5,000 waiting calls above idle", full - idle, "MB", 50, f"idle {idle:.0f} MB")
