"""Autopilot Reset from afar: 10, 20, 1; a device that is off gets it when it comes back; cancelled in time it does not; the next user takes over."""
import contoso
import lab as laboratory
import matrix
from lab import say
from matrix import ask, compare, events, must, must_be, nothing_of, oem, ready_again, shown, sync, use

SECOND, THIRD = f"grace@{laboratory.TENANT}", f"joan@{laboratory.TENANT}"


def people(lab):
    for upn, name in ((SECOND, "Grace Example"), (THIRD, "Joan Example")):
        lab.cli("user", "add", upn, "--password-file", lab.password_file, "--name", name)


def user_of(lab, serial):
    return lab.cli("device", "show", serial, "--json")["user"]


def cancelled_before_it_was_delivered(lab, serial):
    """The device is off while somebody asks and somebody thinks better of it."""
    before = shown(lab)
    order = ask(lab, serial, "reset")
    must_be(lab, order, "pending")
    lab.cli("action", "cancel", order["id"])
    must_be(lab, order, "cancelled")
    sync(lab)
    compare(before["holds"], shown(lab)["holds"], {matrix.KEPT: matrix.RESET[matrix.KEPT] + matrix.RESET[matrix.GONE]})
    must(user_of(lab, serial) == laboratory.USER, "and nobody loses the device")


def delivered_when_it_comes_back(lab, serial):
    """Asked while the device is off; `run` is somebody switching it on."""
    order = ask(lab, serial, "reset", "--reason", "given to another person")
    must_be(lab, order, "pending")
    first = shown(lab)
    out = lab.run_device(answers={"user": SECOND}, echo=say)
    must("restart  reset" in out and "lock screen: other user" in out, "the reset was carried out, and nobody is known")
    now = must_be(lab, order, "done")
    must(now["report"] == "complete", f"the last report is 1: {now}")
    lab.cli("action", "cancel", order["id"], expect=1)
    return first


def killed_at_every_line(lab, serial, fourth):
    """Power cuts at each line from the order to the desktop: it goes on, and ends ready."""
    order = ask(lab, serial, "reset")

    def shape(line):
        return "".join(c for c in line if not c.isdigit()).strip()

    kills, code, out = matrix.killed_at_each_line(lab.device_args(answers={"user": fourth}), shape)
    must(code == 0, f"killed {kills} times, then exit {code}: {out[-2000:]}")
    must(kills > 5, f"killed {kills} times only")
    must_be(lab, order, "done")
    say(f"killed {kills} times between order and desktop, and ready")


def refused_by_the_device(lab):
    """Without a recovery environment 30, on battery 40: failed with code, cause and remedy, and the device is as it was."""
    for number, facts, code in ((60, {"recovery": False}, "80070032"), (61, {"power": "battery"}, "800710df")):
        name, hardware = f"pc{number}", oem(lab, f"REMOTE-{number}", number, **facts)
        serial = lab.register(hardware=hardware, name=name)
        lab.run_device(name=name, hardware=hardware)
        before, order = shown(lab, name), ask(lab, serial, "reset")
        sync(lab, name)
        sync(lab, name)
        now = must_be(lab, order, "failed")
        must(code in str(now["code"]).lower() and now["cause"] and now["remedy"], f"code, cause and remedy: {now}")
        ready_again(lab, serial, before, laboratory.USER, name)
        must(shown(lab, name)["resetStatus"] == {60: 30, 61: 40}[number], "AutomaticRedeployment/Status tells it too")


def scenario(lab):
    lab.init()
    people(lab)
    lab.serve()
    contoso.configure(lab)
    hardware = oem(lab, "REMOTE-01", 2)
    serial = lab.register(hardware=hardware)
    lab.run_device(hardware=hardware, echo=say)
    first = shown(lab)
    use(lab, package=lab.write("corp.ppkg", "a provisioning package"))
    cancelled_before_it_was_delivered(lab, serial)
    before = delivered_when_it_comes_back(lab, serial)
    after = ready_again(lab, serial, first, SECOND)
    compare(before["holds"], after["holds"], matrix.RESET)
    nothing_of(lab, laboratory.USER)
    must(after["deviceId"] == first["deviceId"] and after["mdmThumbprint"] == first["mdmThumbprint"], "join and enrolment stay")
    must(user_of(lab, serial) == SECOND, f"the next user is the primary user: {user_of(lab, serial)}")
    must(events(lab, serial).count("device.ready") == 2, f"ready twice: {events(lab, serial)}")
    killed_at_every_line(lab, serial, THIRD)
    ready_again(lab, serial, first, THIRD)
    nothing_of(lab, SECOND)
    say(lab.cli("device", "show", serial, "--timeline"))
    refused_by_the_device(lab)
