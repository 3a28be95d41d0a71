"""The matrix of resets (autopilot.md 3.8), stated once more for scenarios: what a device holds before an action and after
it, part by part, as `touchdown-device show --json` tells it under "holds"."""
import fcntl
import json
import os
import subprocess

import contoso
import lab as laboratory
from lab import LabError, run

KEPT, GONE, AGAIN = "kept", "gone", "again"

# Parts that each action leaves as they are, takes away, or takes away and management brings back before the desktop.
# Written by hand from the document, not from the program's own table. What only a sign-in makes (accounts, profiles) is
# told by its user's name: see nothing_of().
RESET = {KEPT: ["provisioning packages", "maker's apps"],
         GONE: ["user files", "data outside profiles", "user-installed apps"], AGAIN: ["policies", "managed apps"]}
WIPE = {GONE: ["user files", "data outside profiles", "user-installed apps", "provisioning packages", "maker's apps"],
        AGAIN: ["policies", "managed apps"]}
WIPE_KEEP_PROVISIONING = {KEPT: ["provisioning packages"],
                          GONE: ["user files", "data outside profiles", "user-installed apps", "maker's apps"],
                          AGAIN: ["policies", "managed apps"]}
WIPE_KEEP_USER = {KEPT: ["user accounts", "data outside profiles", "maker's apps"],
                  GONE: ["user files", "user-installed apps", "provisioning packages"], AGAIN: ["policies", "managed apps"]}
FRESH_START_KEEP_USER = {KEPT: ["user accounts", "user files", "data outside profiles"],
                         GONE: ["user-installed apps", "maker's apps"], AGAIN: ["policies", "managed apps"]}

# What a device is after its first deployment and after every other one (S20): effects of `show`.
EFFECTS = ("computerName", "edition", "wifi", "apps", "trustedRoots", "accountGroup", "policies", "azureAdJoined", "provider")


def shown(lab, name="device"):
    return json.loads(run(laboratory.DEVICE, "show", "--state", lab.path(name), "--json").stdout)


def holds(lab, name="device"):
    return shown(lab, name)["holds"]


def same(one, other):
    """The two are one and the same, but for the count of what was asked of people."""
    drop = lambda parts: {word: {k: v for k, v in things.items() if k != "state ui.inputs"} for word, things in parts.items()}
    return drop(one) == drop(other)


def must(condition, what):
    if not condition:
        raise LabError(f"not so: {what}")


def use(lab, user=None, name="device", package=None):
    lab.use_device(name, user, package)


def ask(lab, serial, action, *more):
    """An administrator's order; returns the action as JSON."""
    return lab.cli("device", "action", action, serial, *more, "--json")


def action(lab, order):
    return lab.cli("action", "show", order["id"], "--json")


def must_be(lab, order, state):
    now = action(lab, order)
    must(now["state"] == state, f"the action is {state}, not {now}")
    return now


def sync(lab, name="device", expect=0):
    return run(laboratory.DEVICE, "sync", "--state", lab.path(name), "--pace", "60", expect=expect, timeout=120).stdout


def events(lab, serial):
    return [e["type"] for e in lab.timeline(serial)["timeline"]]


def ready_again(lab, serial, first, user=None, name="device"):
    """The service says ready, and the device is as after its first deployment."""
    now, state = shown(lab, name), lab.timeline(serial)["state"]
    must(state == "ready", f"the service says ready, not {state}: {events(lab, serial)}")
    for effect in EFFECTS:
        one, other = (json.dumps(x[effect]).replace(now["user"], "USER").replace(first["user"], "USER") for x in (now, first))
        must(one == other, f"{effect} is as after the first deployment: {one}, was {other}")
    must(user is None or now["user"] == user, f"{user} is signed in, not {now['user']}")
    return now


def oem(lab, serial, number, **more):
    """Hardware whose maker has put something on it."""
    facts = dict(contoso.hardware(serial, number), oemApps=["MakerAssistant"], **more)
    return lab.write(f"{serial}.json", facts)


def traces(lab, word, name="device"):
    """Files of the device that hold this word in their name or their octets."""
    found, folder, octets = [], lab.path(name), word.lower().encode()
    for path, _, files in os.walk(folder):
        for f in files:
            whole = os.path.join(path, f)
            with open(whole, "rb") as handle:
                if octets in handle.read().lower() or word.lower() in whole[len(folder):].lower():
                    found.append(whole[len(folder) + 1:])
    return found


def nothing_of(lab, user, name="device"):
    found = traces(lab, user, name)
    must(not found, f"nothing is left of {user}, yet there is {found}")


def named(part, things):
    """What an administrator configured; the progress of the status page, which is kept beside policies, may differ."""
    return [k for k in things if part != "policies" or "/Policy/Config/" in k]


def compare(before, after, fates):
    """Each named part is as the action's row says; nothing else is looked at."""
    for part in fates.get(KEPT, []):
        must(before.get(part) is not None, f"there was something of '{part}' before")
        must(after.get(part) == before[part], f"'{part}' is kept: {difference(before.get(part), after.get(part))}")
    for part in fates.get(GONE, []):
        must(before.get(part) is not None, f"there was something of '{part}' before")
        must(not set(after.get(part, {})) & set(before[part]), f"'{part}' is gone: {after.get(part)}")
    for part in fates.get(AGAIN, []):
        must(before.get(part) is not None, f"there was something of '{part}' before")
        one, other = (set(named(part, x.get(part, {}))) for x in (before, after))
        must(one and one == other, f"'{part}' is there again: {one ^ other}")


def difference(one, other):
    one, other = one or {}, other or {}
    return {"missing": sorted(set(one) - set(other)), "new": sorted(set(other) - set(one)),
            "changed": sorted(k for k in set(one) & set(other) if one[k] != other[k])}


def cut_at(argv, said, reached):
    """Runs a device's command in front of a pipe that has room for the lines in `said` and no more: it stands still where it
    prints the next one. Once it has `reached` what it was to reach its power is cut there, not a moment earlier or later."""
    page = os.sysconf("SC_PAGESIZE")
    out, into = os.pipe()
    fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, page)
    os.write(into, b"\n" * (page - len("".join(said).encode())))
    p = subprocess.Popen(argv, stdout=into, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, start_new_session=True)
    os.close(into)
    try:
        laboratory.wait_for(reached, 60, "the device is where its power is to fail", lambda: p.poll() is None)
    finally:
        p.kill()
        p.wait()
        text = os.read(out, 2 * page).decode().strip()
        os.close(out)
    must(text == "".join(said).strip(), f"it said {said}, and nothing more: {text}")


def killed_at_each_line(argv, shape, limit=150):
    """Runs a device's command; every line that was not seen before costs it its life; begun again until nothing is new.
    Returns the number of kills and the exit code of the last run, with its output."""
    seen, kills = set(), 0
    while True:
        p = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL,
                             start_new_session=True)
        lines = []
        for line in p.stdout:
            lines.append(line)
            if shape(line) not in seen and kills < limit:
                seen.add(shape(line))
                p.kill()
                kills += 1
                break
        lines.append(p.stdout.read())
        if p.wait() >= 0:
            return kills, p.returncode, "".join(lines)
