"""Wipe in its forms (plain, keep user data, keep provisioning data): what the matrix says goes and stays, interrupted it rolls back, ready again."""
import shutil
import subprocess

import contoso
import lab as laboratory
import matrix
from lab import say
from matrix import action, ask, compare, must, must_be, nothing_of, oem, ready_again, shown, sync, traces, use

FORMS = (("wipe", matrix.WIPE), ("wipe-keep-provisioning", matrix.WIPE_KEEP_PROVISIONING),
         ("wipe-keep-user-data", matrix.WIPE_KEEP_USER))


def in_its_box(lab):
    now = shown(lab)
    must(not now["azureAdJoined"] and now["provider"] is None and now["user"] is None, f"the device is in its box: {now}")
    nothing_of(lab, laboratory.USER)
    for secret in ("device.key.pem", "mdm.key.pem", "transport.key.pem"):
        must(not traces(lab, secret), f"{secret} is gone")


def wiped(lab, serial, form, fates, first):
    """Asked, taken in a session, and the device goes its whole way again."""
    use(lab, package=lab.write("corp.ppkg", f"a provisioning package for {form}"))
    before = shown(lab)
    order = ask(lab, serial, form)
    out = sync(lab)
    must(f"reset    {form}: done" in out, f"{form} was carried out: {out}")
    if form != "wipe-keep-user-data":
        in_its_box(lab)
    say(f"--- {form}: and again from where it stands")
    lab.run_device(echo=say)
    must_be(lab, order, "done")
    after = ready_again(lab, serial, first, laboratory.USER)
    compare(before["holds"], after["holds"], fates)
    same = after["deviceId"] == before["deviceId"] and after["mdmThumbprint"] == before["mdmThumbprint"]
    must(same == (form == "wipe-keep-user-data"), f"join and enrolment are kept by keep-user-data alone: {form}")


def journal(lab):
    try:
        with open(lab.path("device", "reset.json"), encoding="utf-8") as f:
            return f.read()
    except FileNotFoundError:
        return ""


def interrupted(lab, serial):
    """Cut off before the point of no return it rolls back, says so, and the device stays managed; asked again it works."""
    use(lab)
    before, argv = shown(lab), [laboratory.DEVICE, "sync", "--state", lab.path("device"), "--pace", "60"]
    order = ask(lab, serial, "wipe")
    matrix.cut_at(argv, ["manage   ordered by the service: wipe\n", "restart  wipe\n"], lambda: "restarted" in journal(lab))
    out = sync(lab)
    must("rolled back" in out, f"the device tells that it rolled back: {out}")
    compare(before["holds"], shown(lab)["holds"], {matrix.KEPT: ["user files", "data outside profiles", "user-installed apps", "managed apps"]})
    ready_again(lab, serial, before, laboratory.USER)
    now = must_be(lab, order, "failed")
    must(now["code"] and now["cause"] and now["remedy"], f"the failure has code, cause and remedy: {now}")


def by_the_clock(lab, serial, first):
    """Killed ever later, in the middle of sessions, writes and removals: each time whole as before, under way, or in its box."""
    use(lab)
    before, order, kills = shown(lab)["holds"], ask(lab, serial, "wipe"), 0
    while shown(lab)["provider"] is not None or shown(lab)["resetPending"] is not None:
        must(kills < 120, "the wipe comes to its end")
        p = subprocess.Popen([laboratory.DEVICE, "sync", "--state", lab.path("device"), "--pace", "60"], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            p.wait((20 + 10 * kills) / 1000)
        except subprocess.TimeoutExpired:
            p.kill()
            kills += 1
        p.wait()
        now = shown(lab)
        if now["resetPending"] is None and now["provider"] is not None:
            compare(before, now["holds"], {matrix.KEPT: ["user files", "data outside profiles", "user-installed apps", "managed apps"]})
        if action(lab, order)["state"] == "failed":  # rolled back, and told
            order = ask(lab, serial, "wipe")
    in_its_box(lab)
    say(f"killed {kills} times by the clock, and in its box")
    lab.run_device()
    must_be(lab, order, "done")
    ready_again(lab, serial, first, laboratory.USER)


def scenario(lab):
    lab.init()
    lab.serve()
    contoso.configure(lab)
    for number, (form, fates) in enumerate(FORMS, 10):
        hardware = oem(lab, f"WIPE-{number}", number)
        serial = lab.register(hardware=hardware, name=f"pc{number}")
        lab.run_device(hardware=hardware)
        if form == "wipe":
            interrupted(lab, serial)
        wiped(lab, serial, form, fates, shown(lab))
        if form == "wipe":
            by_the_clock(lab, serial, shown(lab))
        say(lab.cli("device", "show", serial, "--timeline"))
        shutil.rmtree(lab.path("device"))
