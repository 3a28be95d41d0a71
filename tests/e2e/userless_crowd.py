"""Many devices, each with a TPM of its own, deploy themselves at the same moment."""
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import contoso
import lab as laboratory
import tpms
import userless
from lab import LabError, run, say
from userless import must

AT_ONCE = 8  # of the preparations, which are not what is measured


def describe(lab, number, tpm):
    """A machine and the row that registers it, the key of its TPM in its hash."""
    serial = f"CROWD-{number:04d}"
    spec = lab.write(f"{serial}.json", contoso.hardware(serial, 3000 + number))
    lines = run(laboratory.DEVICE, "hash", "--csv", "--hardware", spec, "--tpm", tpm.tcti).stdout.splitlines()
    return serial, spec, lines[0] + ",Group Tag", lines[1] + "," + userless.TAG


def register(lab, box, count):
    """All of them in one file. Returns serial -> (description, TPM)."""
    chips = box.make_many([f"c{i}" for i in range(count)], start=True)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda i: describe(lab, i, chips[i]), range(count)))
    lab.cli("device", "import", lab.write("crowd.csv", "\n".join([found[0][2], *(f[3] for f in found)]) + "\n"))
    for chip in chips:
        chip.restart()  # they are powered on together, with measurements at zero
    for serial, *_ in found:
        userless.wait_profile(lab, serial, 60)
    return {serial: (spec, chips[i]) for i, (serial, spec, _, _) in enumerate(found)}


def power_on(lab, machines, limit):
    """Every device is started before one is waited for; seconds of each."""
    running, took = {}, {}
    begin = time.monotonic()
    for serial, (spec, chip) in machines.items():
        out = open(lab.path(serial + ".out"), "ab")
        argv = lab.device_args(name=serial, hardware=spec, tpm=chip.tcti, alone=True, timeout=limit)
        running[serial] = (subprocess.Popen(argv, stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True), time.monotonic())
        lab.others.append(running[serial][0])
        out.close()
    while running:
        for serial, (p, since) in list(running.items()):
            if p.poll() is not None:
                took[serial] = time.monotonic() - since
                del running[serial]
                lab.others.remove(p)
                must(p.returncode == 0, f"{serial} reaches its end: {tail(lab, serial)}")
        if time.monotonic() - begin > limit + 60:
            raise LabError(f"{len(running)} devices are not ready after {limit} s: {tail(lab, next(iter(running)))}")
        time.sleep(0.01)
    return time.monotonic() - begin, sorted(took.values())


def tail(lab, serial):
    with open(lab.path(serial + ".out"), encoding="utf-8", errors="replace") as f:
        return f.read()[-1500:]


def check(lab, serial):
    """Ready, admitted once, asked for nothing; its endorsement key's hash."""
    shown = lab.timeline(serial)
    types = [e["type"] for e in shown["timeline"]]
    must(shown["state"] == "ready", f"{serial} is ready, not {shown['state']}: {types}")
    for word in ("device.attested", "device.joined", "device.enrolled", "device.ready"):
        must(types.count(word) == 1, f"{serial}: {word} once: {types}")
    must("inputs asked: 0" in tail(lab, serial), f"{serial}: nothing was asked")
    return userless.binding(lab, serial)["ekSha256"]


def crowd(lab, count, limit=300):
    with tpms.Tpms(lab) as box:
        lab.init()
        userless.trust(lab, box)
        userless.profile(lab)
        lab.serve()
        begin = time.monotonic()
        machines = register(lab, box, count)
        say(f"  {count} TPMs made and their machines registered in {time.monotonic() - begin:.0f} s")
        whole, took = power_on(lab, machines, limit)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            keys = list(pool.map(lambda serial: check(lab, serial), machines))
        must(len(set(keys)) == count, f"{count} devices, {len(set(keys))} endorsement keys")
        waits = sum(tail(lab, serial).count("\nwait ") for serial in machines)
        say(f"  {count} devices ready in {whole:.1f} s: one takes {took[len(took) // 2]:.1f} s (p50), {took[int(len(took) * 0.95)]:.1f} s (p95); "
            f"{waits} waits for a busy service")
