"""The same way with the device killed at every line it prints, another with the service killed at every line, a third by the clock."""
import json
import os
import signal
import subprocess

import contoso
import lab as laboratory
from lab import LabError, say

MAX_KILLS = 150
STEP_MS, LONGEST_MS = 20, 1500


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


def kill_device_by_clock(lab, name, hardware=None):
    """Killed after 20 ms, 40 ms, ...: in the middle of requests and writes. What it left must be readable each time."""
    for kills in range(MAX_KILLS):
        p = lab.start_device(name=name, hardware=hardware)
        try:
            code = p.wait(min((kills + 1) * STEP_MS, LONGEST_MS) / 1000)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
            lab.others.remove(p)
            if os.path.isdir(lab.path(name)):
                lab.show_device(name)
            continue
        lab.others.remove(p)
        if code != 0:
            with open(lab.path(name + ".out"), encoding="utf-8") as f:
                raise LabError(f"killed {kills} times by the clock, then exit {code}\n{f.read()[-3000:]}")
        return kills
    raise LabError(f"not ready after {MAX_KILLS} kills by the clock")


def third_hardware(lab):
    with open(os.path.join(laboratory.FIXTURES, "hardware", "laptop.json"), encoding="utf-8") as f:
        facts = json.load(f)
    facts.update(serial="LB-2030-0003", uuid="5b1f4c2e-8a77-4d11-9c3e-0f6a2b7d9e03",
                 disks=[{"serial": "EXD0000000000003", "capacity": 512110190592, "bus": 17}],
                 nics=[{"mac": "00:00:5E:00:53:31", "medium": 14, "bus": "PCI"}])
    return lab.write("third.json", facts)


def scenario(lab):
    lab.init()
    lab.serve()
    contoso.configure(lab)
    second = os.path.join(laboratory.FIXTURES, "hardware", "laptop.json")
    third = third_hardware(lab)
    serials = [lab.register(), lab.register(hardware=second, name="second"), lab.register(hardware=third, name="third")]
    say(f"device killed {kill_device_everywhere(lab, 'device')} times, and ready")
    say(f"service killed {kill_service_everywhere(lab, 'second', second)} times, and ready")
    say(f"device killed {kill_device_by_clock(lab, 'third', third)} times by the clock, and ready")
    for serial in serials:
        shown = lab.timeline(serial)
        if shown["state"] != "ready":
            raise LabError(f"{serial} is {shown['state']}")
        for once in ("device.registered", "device.ready"):
            if [e["type"] for e in shown["timeline"]].count(once) != 1:
                raise LabError(f"{once} stands {[e['type'] for e in shown['timeline']].count(once)} times in the timeline of {serial}")
    say(lab.cli("device", "show", serials[0], "--timeline"))
