"""The matrix of resets (autopilot.md 3.8), stated once more for scenarios: what a device holds before an action and after
it, part by part, as `touchdown-device show --json` tells it under "holds"."""
import json
import os
import subprocess

import lab as laboratory
from lab import LabError, run

KEPT, GONE, AGAIN = "kept", "gone", "again"

# Parts that each action leaves as they are, takes away, or takes away and management brings back before the desktop.
# What only the next sign-in makes (accounts, profiles) is told by its user's name instead: see nothing_of().
RESET = {KEPT: ["provisioning packages"], GONE: ["user files", "data outside profiles", "user-installed apps"],
         AGAIN: ["policies", "managed apps"]}


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
    """Somebody works with the device, and leaves traces of every kind that a person leaves."""
    argv = [laboratory.DEVICE, "use", "--state", lab.path(name)]
    argv += ["--user", user] if user else []
    argv += ["--package", package] if package else []
    run(*argv)


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
        must(set(after.get(part, {})) == set(before[part]), f"'{part}' is there again: {difference(before.get(part), after.get(part))}")


def difference(one, other):
    one, other = one or {}, other or {}
    return {"missing": sorted(set(one) - set(other)), "new": sorted(set(other) - set(one)),
            "changed": sorted(k for k in set(one) & set(other) if one[k] != other[k])}


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
