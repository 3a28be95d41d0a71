"""A device of a domain whose lines are read one by one, so that something can be done at one of them.

    device = Watched(lab, dc, {"name": "pc1", "hardware": spec})
    device.hold("offline domain join applied")   # stands still behind this line
    ...; device.go()
    device.ready()                                # or device.last("0x80070774"): it fails, and says so"""
import os
import select
import signal
import subprocess
import threading

import hybrid_lab
from lab import LabError

PATIENCE = 400  # seconds that one of them may take on a busy machine


class Watched:
    """pc: what device_args is given for it. by: who signs in, None: Ada. place: where it is, if not where the lab lives. prefix: words
    before the program's."""
    looked = 0

    def __init__(self, lab, dc, pc, by="alice", place=None, prefix=(), **more):
        who = {"answers": hybrid_lab.answers(lab, dc, by), "alone": True} if by else {}
        argv, env = lab.inside([*prefix, *lab.device_args(**{"timeout": PATIENCE, **who, **pc, **more})], place)
        self.p = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, bufsize=0,
                                  start_new_session=True, env=env)
        lab.others.append(self.p)
        self.lines, self.rest, self.timer = [], b"", threading.Timer(PATIENCE, self.p.kill)
        self.timer.daemon = True
        self.timer.start()

    def read(self):
        """What it says next; False at its end."""
        more = os.read(self.p.stdout.fileno(), 65536)
        *whole, self.rest = (self.rest + more).split(b"\n")
        self.lines += [line.decode(errors="replace") for line in whole]
        return bool(more)

    def until(self, words):
        """The line that holds the words, said behind everything that was looked for before."""
        while True:
            while self.looked < len(self.lines):
                self.looked += 1
                if words in self.lines[self.looked - 1]:
                    return self.lines[self.looked - 1]
            if not self.read():
                raise LabError(f"the device ended before \"{words}\":\n" + "\n".join(self.lines[-30:]))

    def hold(self, words):
        """It stands still behind a line until it may go on."""
        self.until(words)
        self.p.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.p.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        return self

    def has_said(self, words):
        """Whether it came as far as that before it stood still."""
        while select.select([self.p.stdout], [], [], 0)[0] and self.read():
            pass
        return any(words in line for line in self.lines)

    def go(self):
        self.p.send_signal(signal.SIGCONT)

    def finish(self):
        while self.read():
            pass
        self.p.wait()
        self.timer.cancel()
        return self.p.returncode, "\n".join(self.lines)

    def end(self):
        self.p.kill()  # one that stands still hears nothing else
        self.finish()

    def last(self, *words):
        """It ends with a failure that says one of these, and what to do."""
        code, out = self.finish()
        last = out.strip().splitlines()[-1]
        if code != 1 or not any(w in last for w in words) or last.count(";") < 3:
            raise LabError(f"{words} and a remedy are not in the last line: {out[-1500:]}")
        return last

    def ready(self):
        code, out = self.finish()
        if code != 0:
            raise LabError(f"not ready in the end:\n{out[-2500:]}")
        return out
