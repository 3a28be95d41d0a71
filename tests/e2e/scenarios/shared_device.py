"""A shared PC deploys itself; anybody of the organisation works on it as a standard user, guests where they are let in, and accounts go at the sign-out."""
import os

import lab as laboratory
import tpms
import userless
from graph_script import DEVICES, Program
from lab import run
from userless import Bench, must, types

ADMIN = f"admin@{laboratory.TENANT}"
SCREEN = "sign-in screen: shared PC for people of the organisation"


def item(lab, **members):
    lab.cli("policy", "add", "classroom", "--replace", "--file", lab.write("classroom.json", {"kind": "shared-pc", **members}))


def sit_down(lab, who, expect=0):
    answer = ["--answer", f"password=@{lab.password_file}"] if who != "Guest" else []
    return run(laboratory.DEVICE, "use", "--state", lab.path("room"), "--user", who, *answer, expect=expect).stdout


def get_up(lab, expect=0):
    return run(laboratory.DEVICE, "sign-out", "--state", lab.path("room"), expect=expect).stdout


def has_folder(lab, who):
    return os.path.isdir(lab.path("room", "disk", "users", who))


def deploys(lab, bench):
    serial = bench.register("room", 1)
    out = bench.run("room")
    must(f"page     {SCREEN}" in out and "inputs asked: 0 (none)" in out, f"ends at its sign-in screen: {out[-500:]}")
    now = bench.shown("room")
    must(now["sharedPc"] == "people of the organisation" and now["accountDeletion"] == "at sign-out", f"in effect: {now['sharedPc']}, {now['accountDeletion']}")
    must(not now["accounts"] and now["user"] is None, f"no account of anybody: {now['accounts']}")
    seen = [e for e in lab.timeline(serial)["timeline"] if e["type"] == "configuration.in-effect" and e["detail"].get("item") == "classroom"]
    must(len(seen) == 1, "the service read back what it wrote")
    return serial


def people_take_turns(lab, bench, graph, serial):
    """Each a standard user, each gone with the sign-out; the device stays nobody's."""
    for who in (laboratory.USER, ADMIN):
        sit_down(lab, who)
        now = bench.shown("room")
        must(now["accounts"] == [f"{who} (Users)"] and not now["administrators"], f"a standard user: {now['accounts']}, {now['administrators']}")
        must(has_folder(lab, who), "with a profile of his own")
        must(not graph.only(serial)["userPrincipalName"], "it stays nobody's")
        out = get_up(lab)
        must(f"account deleted: {who}" in out and SCREEN in out, f"gone at the sign-out: {out}")
        must(not has_folder(lab, who) and not bench.shown("room")["azureAdPrt"], "no profile and no token is left")
    get_up(lab, expect=1)
    device = graph.only(serial)
    must(graph.ask(200, "GET", f"{DEVICES}/{device['id']}/users")["value"] == [], "no primary user")
    must("device.failed" not in types(lab, serial), "nothing failed")


def guests(lab, bench):
    """Kept out until the item lets them in; then gone with everything at the sign-out, whatever the policy."""
    out = sit_down(lab, "Guest", expect=1)
    must("guests may not sign in" in out, f"refused with a remedy: {out}")
    item(lab, accountModel="directory-and-guests", deletionPolicy="disk-space")
    bench.sync("room")
    must(bench.shown("room")["sharedPc"] == "people of the organisation and guests", bench.shown("room")["sharedPc"])
    sit_down(lab, "Guest")
    must(has_folder(lab, "Guest"), "a guest works")
    get_up(lab)
    must(not has_folder(lab, "Guest"), "and leaves nothing")
    sit_down(lab, laboratory.USER)
    get_up(lab)
    must(has_folder(lab, laboratory.USER), "people stay until the disk fills")
    item(lab, accountModel="guests")
    bench.sync("room")
    out = sit_down(lab, laboratory.USER, expect=1)
    must("guests only" in out, f"people are kept out: {out}")


def ends(lab, bench):
    """Taken away it is a device like others: no guests, accounts stay."""
    lab.cli("policy", "remove", "classroom")
    bench.sync("room")
    now = bench.shown("room")
    must(now["sharedPc"] is None and now["screen"] == "sign-in screen", f"gone: {now['sharedPc']}")
    sit_down(lab, "Guest", expect=1)
    sit_down(lab, laboratory.USER)
    get_up(lab)
    must(has_folder(lab, laboratory.USER), "accounts stay")


def scenario(lab):
    userless.begin(lab)
    item(lab, deletionPolicy="at-sign-out", signInOnResume=True, sleepSeconds=600, maintenanceStart=120)
    lab.cli("policy", "assign", "classroom", "--group", "Kiosks")
    graph = Program(lab, "reports", "DeviceManagementManagedDevices.Read.All", "DeviceManagementConfiguration.Read.All")
    with tpms.Tpms(lab) as box:
        userless.trust(lab, box)
        bench = Bench(lab, box)
        serial = deploys(lab, bench)
        people_take_turns(lab, bench, graph, serial)
        guests(lab, bench)
        ends(lab, bench)
