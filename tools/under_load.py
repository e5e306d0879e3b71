"""Run a command while other processes keep the machine busy: `python tools/under_load.py [N] -- make test`.

Whatever is right must pass there as well, slower. The busy processes, eight unless N says otherwise, end with
this one, in whatever way it ends, and after an hour at the latest. The exit status is the command's.
"""

import subprocess
import sys

_USUAL = 8
#: A busy process ends when its standard input does, or after an hour.
_BUSY = """
import os, sys, threading, time
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
end = time.monotonic() + 3600
while time.monotonic() < end:
    sum(range(10_000))
"""


def main(arguments: list[str]) -> int:
    """Run the command behind `--`; its exit status."""
    numbers, dashes, command = arguments[:1], arguments[:2], arguments[2:]
    if arguments[:1] == ["--"]:
        numbers, dashes, command = [str(_USUAL)], ["", "--"], arguments[1:]
    if len(dashes) < 2 or dashes[1] != "--" or not command or not numbers[0].isdecimal():
        print("usage: python tools/under_load.py [PROCESSES] -- COMMAND...", file=sys.stderr)
        return 2
    busy = [
        subprocess.Popen([sys.executable, "-c", _BUSY], stdin=subprocess.PIPE, start_new_session=True)
        for _ in range(int(numbers[0]))
    ]
    try:
        return subprocess.run(command, check=False).returncode
    finally:
        for process in busy:
            process.kill()
            process.communicate()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
