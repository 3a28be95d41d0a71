"""Devices without a user, cut off: one killed at every line it prints, another with the service killed at every line, a third by the clock, a fourth with its TPM switched off and on."""
import os
import signal

import contoso
import kills
import tpms
import userless
from lab import LabError, run, say
from userless import must

SOAK = True
STEP_MS = 120  # a TPM may be asked for fifty proofs in ten minutes: fewer kills before the join
ONCE = ("device.registered", "device.ready")


def without_its_tpm(lab, box, **device):
    """The TPM is gone when the device looks for it: it says so, and goes on once it is there."""
    box["fourth"].stop()
    out = run(*lab.device_args(**device), expect=1, timeout=400).stdout
    must("0x800705b4" in out, f"no TPM answers: {out[-400:]}")
    box["fourth"].start()
    os.kill(box["fourth"].process.pid, signal.SIGSTOP)  # it listens, and never answers
    try:
        out = run(*lab.device_args(**device), expect=1, timeout=100).stdout
    finally:
        os.kill(box["fourth"].process.pid, signal.SIGCONT)
    must("0x800705b4" in out, f"a TPM that hangs holds nobody: {out[-400:]}")
    lab.run_device(**device)


def scenario(lab):
    userless.begin(lab)
    with tpms.Tpms(lab) as box:
        userless.trust(lab, box)
        devices, serials = [], []
        for number, name in enumerate(("first", "second", "third", "fourth"), 1):
            hardware = lab.write(f"{name}.json", contoso.hardware(f"CUT-{number:04d}", number))
            devices.append({"name": name, "hardware": hardware, "tpm": box.make(name).tcti})
            serials.append(lab.register(tag=userless.TAG, **devices[-1]))
            userless.wait_profile(lab, serials[-1])
            devices[-1]["alone"] = True
        say(f"device killed {kills.device_everywhere(lab, **devices[0])} times, and ready")
        say(f"service killed {kills.service_everywhere(lab, **devices[1])} times, and ready")
        say(f"device killed {kills.device_by_clock(lab, STEP_MS, **devices[2])} times by the clock, and ready")
        without_its_tpm(lab, box, **devices[3])
    for serial in serials:
        shown = lab.timeline(serial)
        seen = [e["type"] for e in shown["timeline"]]
        if shown["state"] != "ready":
            raise LabError(f"{serial} is {shown['state']}: {seen}")
        for once in ONCE:
            must(seen.count(once) == 1, f"{once} stands {seen.count(once)} times in the timeline of {serial}")
        must("device.signed-in" not in seen, f"nobody signed in: {seen}")
    say(lab.cli("device", "show", serials[0], "--timeline"))
