"""How long a daemon's loop lets others wait, seen from outside: a process that asks its health 500 times a second.

A line in; a line out says the longest answer since the last one, in seconds.
"""

import select
import sys
import time
from http.client import HTTPConnection

PAUSE = 0.002


def main() -> None:
    """Ask until the input ends."""
    port = int(sys.argv[1])
    asked = HTTPConnection("127.0.0.1", port)
    longest = 0.0
    while True:
        began = time.perf_counter()
        asked.request("GET", "/-/healthy")
        answer = asked.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"not healthy: {answer.status}")
        longest = max(longest, time.perf_counter() - began)
        if select.select([sys.stdin], [], [], PAUSE)[0]:
            if not sys.stdin.readline():
                return
            print(longest, flush=True)
            longest = 0.0


if __name__ == "__main__":
    main()
