"""Devices and services killed on the way: at every line, and by the clock. What goes on must end ready."""
import os
import signal
import subprocess

from lab import LabError

MAX_KILLS = 150
STEP_MS, LONGEST_MS = 20, 1500


def shape(line):
    """A line without its numbers: a counter that moves is no new step."""
    return "".join(c for c in line if not c.isdigit()).strip()


def watched(lab, **device):
    argv, env = lab.inside(lab.device_args(**device))
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL, start_new_session=True, env=env)


def device_everywhere(lab, **device):
    """Every line that was not seen before costs the device its life; it starts again until nothing is new."""
    seen, kills, code = set(), 0, None
    while code is None:
        p = watched(lab, **device)
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


def service_everywhere(lab, **device):
    """The device goes on; every new line of it costs the service its life, at once replaced."""
    def kill():
        lab.kill_server()
        lab.serve()

    return other_everywhere(lab, kill, **device)


def other_everywhere(lab, kill, **device):
    """The device goes on; at every new line of it kill() ends somebody else, and puts another in the place."""
    seen, kills = set(), 0
    p = watched(lab, **device)
    lines = []
    for line in p.stdout:
        lines.append(line)
        if shape(line) in seen or kills >= MAX_KILLS:
            continue
        seen.add(shape(line))
        kill()
        kills += 1
    if p.wait() != 0:
        raise LabError(f"killed {kills} times, device exit {p.returncode}\n{''.join(lines[-40:])}")
    return kills


def device_by_clock(lab, step_ms=STEP_MS, **device):
    """Killed after one step, two, ...: in the middle of requests and writes. What it left must be readable each time."""
    name = device["name"]
    for kills in range(MAX_KILLS):
        p = lab.start_device(**device)
        try:
            code = p.wait(min((kills + 1) * step_ms, LONGEST_MS) / 1000)
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
