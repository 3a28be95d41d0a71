"""The hybrid way with the device killed at every line, another with the service killed at every line, a third by the clock, a fourth with its connector killed: one account each, every join holds."""
import json
import os

import ad
import contoso
import hybrid_lab
import kills
import lab as laboratory
from lab import LabError, run, say

SOAK = True
NAMES = ("device", "second", "third", "fourth")


def must(condition, what):
    if not condition:
        raise LabError(f"not so: {what}")


def patiently(lab, who, everywhere, how):
    """A question about a password dies with the service that asked it, or its connector: the page says so, and whoever sits there tries again."""
    for _ in range(3):
        try:
            say(f"{who} killed {everywhere(lab, **how)} times, and ready")
            return
        except LabError as e:
            if "can't be asked about the password" not in str(e):
                raise
    lab.run_device(**how)


def scenario(lab):
    with ad.Domain() as dc:
        lab.enter(dc)
        lab.init()
        lab.serve()
        hybrid_lab.configure(lab)
        near = hybrid_lab.connector(lab, dc)
        files = {name: lab.write(f"{name}.hardware.json", contoso.hardware(f"HY-2030-{i}", i)) for i, name in enumerate(NAMES)}
        serials = [lab.register(hardware=files[name], name=name) for name in NAMES]
        how = [{"name": name, "hardware": files[name], "alone": True, "answers": hybrid_lab.answers(lab, dc, who)}
               for name, who in zip(NAMES, ("alice", "bob", "carol", "dan"))]
        say(f"device killed {kills.device_everywhere(lab, **how[0])} times, and ready")
        patiently(lab, "service", kills.service_everywhere, how[1])
        connector = [hybrid_lab.restart(lab, dc, near)]

        def kill():
            connector[0].kill()
            connector[0].wait()
            connector[0] = hybrid_lab.restart(lab, dc, connector[0])

        # what a dead one had lies until its lease is over: a minute that the device must have in its own time
        patiently(lab, "connector", lambda lab, **how: kills.other_everywhere(lab, kill, **how), {**how[3], "pace": 20, "timeout": 900})
        say(f"device killed {kills.device_by_clock(lab, **how[2])} times by the clock, and ready")
        for serial, name in zip(serials, NAMES):
            shown = lab.timeline(serial)
            words = [e["type"] for e in shown["timeline"]]
            must(shown["state"] == "ready" and words.count("device.ready") == 1, f"{serial} is ready, once: {words}")
            accounts = {e["detail"]["account"] for e in shown["timeline"] if e["type"] == "domain.created"}
            must(len(accounts) == 1, f"one account, however often it was asked for {serial}: {accounts}")
            pc = json.loads(run(laboratory.DEVICE, "show", "--state", lab.path(name), "--json").stdout)
            dc.testjoin(pc["computerName"], os.path.join(lab.path(name), "odj.txt"))
        found = dc.ldap("search", "-b", ad.OU, "(objectClass=computer)", "dn").stdout.count("dn: ")
        must(found == len(NAMES), f"as many accounts as devices: {found}")
