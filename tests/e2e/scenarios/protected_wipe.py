"""A protected wipe goes on whatever happens: kill -9 at every line and by the clock, never half wiped, and the way goes its whole length again."""
import os
import subprocess

import contoso
import lab as laboratory
import matrix
from lab import say
from matrix import ask, compare, must, must_be, nothing_of, oem, ready_again, shown, use

STEP_MS, LONGEST_MS, MAX_KILLS = 10, 900, 200


def shape(line):
    """A line without its numbers: a counter that moves is no new step."""
    return "".join(c for c in line if not c.isdigit()).strip()


def killed_by_the_clock(lab, name, hardware):
    """Killed after 10 ms, 20 ms, ...: in the middle of writes and removals. It can be read each time, and goes on."""
    for kills in range(MAX_KILLS):
        p = lab.start_device(name=name, hardware=hardware)
        try:
            code = p.wait(min((kills + 1) * STEP_MS, LONGEST_MS) / 1000 + kills // 90 * 10)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
            lab.others.remove(p)
            lab.show_device(name)
            continue
        lab.others.remove(p)
        must(code == 0, f"killed {kills} times by the clock, then exit {code}")
        return kills
    raise laboratory.LabError(f"not ready after {MAX_KILLS} kills by the clock")


def scenario(lab):
    lab.init()
    lab.serve()
    contoso.configure(lab)
    for number, name in ((30, "device"), (31, "second")):
        hardware = oem(lab, f"PROTECTED-{number}", number)
        serial = lab.register(hardware=hardware, name=f"pc{number}")
        lab.run_device(name=name, hardware=hardware)
        first = shown(lab, name)
        use(lab, name=name, package=lab.write("corp.ppkg", "a provisioning package"))
        before = shown(lab, name)
        order = ask(lab, serial, "protected-wipe", "--reason", "lost in a train")
        if name == "device":
            kills, code, out = matrix.killed_at_each_line(lab.device_args(name=name), shape)
            must(code == 0, f"killed {kills} times, then exit {code}: {out[-3000:]}")
            must(kills > 15, f"killed {kills} times only")
            say(f"killed {kills} times at its lines, and ready")
        else:
            say(f"killed {killed_by_the_clock(lab, name, hardware)} times by the clock, and ready")
        must_be(lab, order, "done")
        after = ready_again(lab, serial, first, laboratory.USER, name)
        compare(before["holds"], after["holds"], matrix.WIPE)
        must(after["deviceId"] != first["deviceId"] and after["mdmThumbprint"] != first["mdmThumbprint"], "a new join and enrolment")
        must(not os.path.exists(lab.path(name, "disk", "apps", "user")) or not os.listdir(lab.path(name, "disk", "apps", "user")),
             "no app of a user is left")
        say(lab.cli("device", "show", serial, "--timeline"))
    lost_for_good(lab)


def lost_for_good(lab):
    """Switched on by whoever found it: nothing of its user is there to be found."""
    hardware = oem(lab, "PROTECTED-32", 32)
    serial = lab.register(hardware=hardware, name="pc32")
    lab.run_device(name="third", hardware=hardware)
    use(lab, name="third")
    ask(lab, serial, "protected-wipe")
    out = matrix.sync(lab, "third")
    must("done, the device is back in its box" in out, f"wiped: {out}")
    nothing_of(lab, laboratory.USER, "third")
    now = shown(lab, "third")
    must(not now["azureAdJoined"] and now["provider"] is None, "neither joined nor managed")
