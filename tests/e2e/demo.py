#!/usr/bin/env python3
"""make demo: the main job on an embedded store. The service comes up, this machine's own hardware hash is registered, and
a virtual device goes from its box to ready over TLS on loopback; then it is reset from afar and goes back to ready. Exit 0
only if it became ready both times.

make serve (--serve): the same, then the service stays up and the addresses and the sign-in are printed."""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import contoso  # noqa: E402
import lab as laboratory  # noqa: E402
from lab import say  # noqa: E402


class Stopwatch:
    """Times of the demo's own phases, printed as a table at the end."""

    def __init__(self):
        self.rows, self.begun = [], time.monotonic()

    def phase(self, name):
        now = time.monotonic()
        self.rows.append((name, now - self.begun))
        self.begun = now

    def table(self):
        for name, seconds in self.rows:
            say(f"  {name:<34} {seconds:6.2f} s")
        say(f"  {'together':<34} {sum(s for _, s in self.rows):6.2f} s")


def drive(lab, watch):
    lab.init()
    lab.serve()
    watch.phase("service up, tenant and users made")
    contoso.configure(lab)
    watch.phase("profile, policies, package")
    serial = lab.register()
    watch.phase("registered by its hardware hash")
    say("--- the device")
    out = lab.run_device(echo=say)
    watch.phase("from its box to ready")
    say("--- Autopilot Reset: what its user left goes, join and management stay")
    lab.use_device()
    lab.cli("device", "action", "reset", serial, "--reason", "demo")
    lab.run_device(echo=say)
    watch.phase("reset and back to ready")
    return serial, out


def report(lab, serial, out, watch):
    say("\n--- the timeline, as the service tells it")
    say(lab.cli("device", "show", serial, "--timeline"))
    say("--- the demo's phases")
    watch.table()
    word = lab.cli("device", "show", serial, "--json").get("state")
    inputs = [line for line in out.splitlines() if "inputs asked" in line]
    say(inputs[-1] if inputs else "inputs asked: not told")
    if word != "ready":
        raise laboratory.LabError(f"the service says '{word}', not 'ready'")
    states = [a["state"] for a in lab.cli("action", "list", "--device", serial, "--json")]
    if states != ["done"]:
        raise laboratory.LabError(f"the reset is {states}, not done")
    say("\nready")


def stay(lab, serial):
    say(f"\nThe service goes on with this data until Ctrl-C:\n  portal, sign-in, all doors  {lab.url}\n"
        f"  its root certificate        {lab.ca}\n  data folder                 {lab.data}\n"
        f"  administrator               admin@{laboratory.TENANT}   password {lab.password}\n"
        f"  user                        {laboratory.USER}   password {lab.password}\n"
        f"  try                         {laboratory.TOUCHDOWN} device show {serial} --timeline --data {lab.data}")
    try:
        code = lab.server.wait()
    except KeyboardInterrupt:
        say("the service is asked to end; its data goes with it")
        return
    raise laboratory.LabError(f"the service ended by itself, exit {code}\n{lab.log_tail()}")


def main():
    serving = "--serve" in sys.argv[1:]
    watch = Stopwatch()
    with laboratory.Lab(port=8443 if serving else None) as lab:
        serial, out = drive(lab, watch)
        report(lab, serial, out, watch)
        if serving:
            stay(lab, serial)
    return 0


laboratory.main_guard(main)
