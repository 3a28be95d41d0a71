"""Fifty devices join a domain at once through one connector, fifty through two of which one is killed in their midst: an account and a name each, none twice."""
import collections
import json
import os
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import ad
import contoso
import hybrid_lab
import lab as laboratory
from lab import LabError, end, run, say, wait_for

SOAK = True
COUNT, AT_ONCE, LIMIT = 50, 8, 900
PEOPLE = ("alice", "bob", "carol", "dan")


def must(condition, what):
    if not condition:
        raise LabError(f"not so: {what}")


def register(lab, first, count):
    """All of them in one file; serial -> description."""
    def describe(number):
        serial = f"HC-{number:04d}"
        spec = lab.write(f"{serial}.json", contoso.hardware(serial, 5000 + number))
        return serial, spec, run(laboratory.DEVICE, "hash", "--csv", "--hardware", spec).stdout.splitlines()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(describe, range(first, first + count)))
    rows = [found[0][2][0] + ",Group Tag", *(lines[1] + "," + laboratory.TAG for _, _, lines in found)]
    lab.cli("device", "import", lab.write(f"crowd{first}.csv", "\n".join(rows) + "\n"))
    last = found[-1][0]
    wait_for(lambda: "device.assigned" in [e["type"] for e in lab.timeline(last)["timeline"]], 60, f"{last} has a profile")
    return {serial: spec for serial, spec, _ in found}


def tail(lab, serial):
    with open(lab.path(serial + ".out"), encoding="utf-8", errors="replace") as f:
        return f.read()[-1500:]


def power_on(lab, dc, machines, meanwhile):
    """Every device is started before one is waited for; seconds of all, and of each."""
    running, took = {}, []
    answers = [hybrid_lab.answers(lab, dc, who) for who in PEOPLE]  # once: a device may read a file while it is written anew
    begin = time.monotonic()
    for i, (serial, spec) in enumerate(machines.items()):
        p = lab.start_device(name=serial, hardware=spec, alone=True, timeout=LIMIT, answers=answers[i % len(PEOPLE)])
        running[serial] = (p, time.monotonic())
    while running:
        for serial, (p, since) in list(running.items()):
            if p.poll() is not None:
                took.append(time.monotonic() - since)
                del running[serial]
                lab.others.remove(p)
                must(p.returncode == 0, f"{serial} reaches its end: {tail(lab, serial)}")
        meanwhile(len(took))
        must(time.monotonic() - begin < LIMIT, f"{len(running)} devices are ready in {LIMIT} s: {tail(lab, next(iter(running), ''))}" if running else "")
        time.sleep(0.05)
    return time.monotonic() - begin, sorted(took)


def accounts(dc):
    """Computers under the unit: name -> description."""
    done = run(*dc.mounted("ldbsearch", "-H", "/var/lib/samba/private/sam.ldb", "-b", ad.OU, "(objectClass=computer)", "sAMAccountName", "description"))
    found = [(re.search(r"^sAMAccountName: (\S+)\$$", part, re.M), re.search(r"^description: (.*)$", part, re.M))
             for part in done.stdout.split("\n\n") if "sAMAccountName" in part]
    return {name[1]: mark[1] for name, mark in found}


def check(lab, dc, machines):
    """Each ready, once; its account is its own, and its password the one that the domain knows."""
    def look(serial):
        shown = lab.timeline(serial)
        types = [e["type"] for e in shown["timeline"]]
        must(shown["state"] == "ready", f"{serial} is ready, not {shown['state']}: {types}")
        for word in ("domain.queued", "domain.created", "domain.confirmed", "device.enrolled", "device.joined", "device.ready"):
            events = [e for e in shown["timeline"] if e["type"] == word and not (word == "domain.queued" and e["detail"].get("where"))]
            must(len(events) == 1, f"{serial}: {word} once: {types}")
        pc = json.loads(run(laboratory.DEVICE, "show", "--state", lab.path(serial), "--json").stdout)
        cache = dc.path(f"{serial}.cc")
        dc.kinit(pc["computerName"] + "$", keytab=lab.path(serial, "machine.keytab"), cache=cache)
        os.unlink(cache)
        return pc["computerName"], [e for e in shown["timeline"] if e["type"] == "domain.created"][0]["detail"]["account"], types.count("domain.creating")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(look, machines))


def crowd(lab, dc, machines, before, meanwhile=lambda done: None):
    whole, took = power_on(lab, dc, machines, meanwhile)
    found = check(lab, dc, machines)
    names, guids = {f[0] for f in found}, {f[1] for f in found}
    must(len(names) == len(guids) == len(machines), f"{len(machines)} devices, {len(names)} names, {len(guids)} accounts")
    now = accounts(dc)
    must(set(now) - set(before) == names, f"accounts that no device has: {set(now) - set(before) - names}")
    registrations = collections.Counter(mark.split()[1] for mark in now.values())
    must(max(registrations.values()) == 1, f"one account each: {registrations.most_common(3)}")
    return (f"{len(machines)} devices ready in {whole:.1f} s: one takes {took[len(took) // 2]:.1f} s (p50), {took[int(len(took) * 0.95)]:.1f} s (p95); "
            f"{sum(f[2] for f in found)} times begun"), now


def scenario(lab):
    with ad.Domain() as dc:
        lab.enter(dc)
        lab.init()
        lab.serve()
        hybrid_lab.configure(lab)
        one = hybrid_lab.connector(lab, dc, "one")
        line, before = crowd(lab, dc, register(lab, 0, COUNT), {})
        say(f"  one connector: {line}")
        hybrid_lab.connector(lab, dc, "two")
        killed = []

        def kill(done):
            """kill -9 once accounts are being made by both."""
            if not killed and len(accounts(dc)) >= COUNT + COUNT // 5:
                one.kill()
                one.wait()
                killed.append(len(accounts(dc)))

        line, _ = crowd(lab, dc, register(lab, COUNT, COUNT), before, kill)
        must(killed and killed[0] < 2 * COUNT, f"one of them was killed while accounts were made: {killed}")
        say(f"  two connectors, one killed after {killed[0] - COUNT} accounts: {line}")
        begin = time.monotonic()
        end(lab.server)
        took, code = time.monotonic() - begin, lab.server.returncode
        lab.server = None
        must(code == 0 and took < 10, f"the service ends with connectors that wait: exit {code} in {took:.1f} s")
        say(f"  the service ended in {took:.1f} s with a connector that waits")
