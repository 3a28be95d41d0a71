"""The same way with the device killed at every line it prints, then another with the service killed at every line."""
import os
import signal
import subprocess

import contoso
import lab as laboratory
from lab import LabError, say

MAX_KILLS = 150


def shape(line):
    """A line without its numbers: a counter that moves is no new step."""
    return "".join(c for c in line if not c.isdigit()).strip()


def watched(lab, **more):
    return subprocess.Popen(lab.device_args(**more), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            stdin=subprocess.DEVNULL, start_new_session=True)


def kill_device_everywhere(lab, name, hardware=None):
    """Every line that was not seen before costs the device its life; it starts again until nothing is new."""
    seen, kills, code = set(), 0, None
    while code is None:
        p = watched(lab, name=name, hardware=hardware)
        killed = False
        for line in p.stdout:
            if shape(line) in seen or kills >= MAX_KILLS:
                continue
            seen.add(shape(line))
            os.kill(p.pid, signal.SIGKILL)
            kills, killed = kills + 1, True
            break
        rest = p.stdout.read()
        if p.wait() != -signal.SIGKILL or not killed:
            code = p.returncode
    if code != 0:
        raise LabError(f"killed {kills} times, then exit {code}\n{rest[-3000:]}")
    return kills


def kill_service_everywhere(lab, name, hardware=None):
    """The device goes on; every new line of it costs the service its life, at once replaced."""
    seen, kills = set(), 0
    p = watched(lab, name=name, hardware=hardware)
    lines = []
    for line in p.stdout:
        lines.append(line)
        if shape(line) in seen or kills >= MAX_KILLS:
            continue
        seen.add(shape(line))
        lab.kill_server()
        lab.serve()
        kills += 1
    if p.wait() != 0:
        raise LabError(f"service killed {kills} times, device exit {p.returncode}\n{''.join(lines[-40:])}")
    return kills


def scenario(lab):
    lab.init()
    lab.serve()
    contoso.configure(lab)
    second = os.path.join(laboratory.FIXTURES, "hardware", "laptop.json")
    serials = [lab.register(), lab.register(hardware=second, name="second")]
    say(f"device killed {kill_device_everywhere(lab, 'device')} times, and ready")
    say(f"service killed {kill_service_everywhere(lab, 'second', second)} times, and ready")
    for serial in serials:
        shown = lab.timeline(serial)
        if shown["state"] != "ready":
            raise LabError(f"{serial} is {shown['state']}")
        for once in ("device.registered", "device.ready"):
            if [e["type"] for e in shown["timeline"]].count(once) != 1:
                raise LabError(f"{once} stands {[e['type'] for e in shown['timeline']].count(once)} times in the timeline of {serial}")
    say(lab.cli("device", "show", serials[0], "--timeline"))
