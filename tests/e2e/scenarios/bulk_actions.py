"""Two devices at once: a list past the limit is refused, a second administrator agrees, the service is killed, both are reset; a retirement is cancelled in time."""
import contoso
import lab as laboratory
from lab import say
from matrix import must, oem, shown, sync

BOSS, OTHER = f"boss@{laboratory.TENANT}", f"other@{laboratory.TENANT}"
NAMES = {"BULK-01": "one", "BULK-02": "two"}


def batch(lab, action, *more, expect=0):
    return lab.cli("device", "action", action, *more, "--json", expect=expect)


def progress(lab, order):
    return lab.cli("action", "show", order["id"], "--json")


def people(lab):
    for upn, role in ((BOSS, "Intune Administrator"), (OTHER, "Intune Administrator")):
        lab.cli("user", "add", upn, "--password-file", lab.password_file, "--role", role)


def past_the_limit(lab, path):
    """All of it or nothing."""
    lab.cli("tenant", "set", "action-limit=1")
    batch(lab, "wipe", "--file", path, expect=1)
    must(lab.cli("action", "list", "--json") == [], "nothing was asked")
    lab.cli("tenant", "set", "action-limit=20")


def agreed(lab, path):
    """Nothing reaches a device before another administrator has agreed; then a kill -9 of the service forgets nothing."""
    lab.cli("tenant", "set", "action-approval=on")
    order = batch(lab, "reset", "--file", path, "--reason", "end of term", "--as", BOSS)
    must(order["state"] == "waiting for approval" and order["toAsk"] == 2, f"it waits: {order}")
    sync(lab, "one")
    must(shown(lab, "one")["resetStatus"] == 0, "nothing was delivered")
    lab.cli("action", "approve", order["id"], "--as", BOSS, expect=1)
    lab.cli("action", "approve", order["id"], "--as", OTHER)
    lab.kill_server()
    lab.serve()
    now = progress(lab, order)
    must((now["state"], now["pending"]) == ("asked", 2), f"both are asked: {now}")
    return order


def carried_out(lab, order):
    for done, name in enumerate(NAMES.values(), 1):
        lab.run_device(name=name)
        now = progress(lab, order)
        must(now["done"] == done and now["pending"] == 2 - done, f"{done} of 2 are done: {now}")
    for serial in NAMES:
        shown_now = lab.timeline(serial)
        told = [e for e in shown_now["timeline"] if e["type"] == "device.reset"]
        must(shown_now["state"] == "ready", f"{serial} is ready again: {shown_now['state']}")
        must(len(told) == 1 and told[0]["detail"]["reason"] == "end of term" and told[0]["detail"]["by"] == BOSS, f"who and why: {told}")


def thought_better_of(lab):
    lab.cli("tenant", "set", "action-approval=off")
    order = batch(lab, "retire", "--group", "Sales")
    must(order["pending"] == 2, f"the group's devices are asked: {order}")
    now = lab.cli("action", "cancel", order["id"], "--json")
    must((now["state"], now["cancelled"]) == ("cancelled", 2), f"taken back: {now}")
    for serial, name in NAMES.items():
        sync(lab, name)
        must(lab.timeline(serial)["state"] == "ready", "and the devices stay managed")


def scenario(lab):
    lab.init()
    people(lab)
    lab.serve()
    contoso.configure(lab)
    for number, (serial, name) in enumerate(NAMES.items(), 70):
        hardware = oem(lab, serial, number)
        lab.register(hardware=hardware, name=name)
        lab.run_device(name=name, hardware=hardware)
    path = lab.write("list.csv", "Device Serial Number\n" + "\n".join(NAMES) + "\n")
    past_the_limit(lab, path)
    carried_out(lab, agreed(lab, path))
    thought_better_of(lab)
    say(lab.cli("action", "list"))
    say(lab.cli("device", "show", "BULK-01", "--timeline"))
