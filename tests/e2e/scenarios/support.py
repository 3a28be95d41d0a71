"""The managed local administrator: backed up, shown with the audit told, rotated from afar; logs collected; destroyed when the device is retired; a deleted device is told to leave."""
import json
import os
import stat
import zipfile

import contoso
from lab import say
from matrix import ask, must, must_be, oem, shown, sync

LAPS = "./Device/Vendor/MSFT/LAPS/Policies/"
ITEM = {"kind": "policy", "settings": [
    {"uri": LAPS + leaf, "operation": "add", "format": "int", "value": value}
    for leaf, value in (("BackupDirectory", 1), ("PasswordAgeDays", 30), ("PasswordComplexity", 4), ("PasswordLength", 20))]}


def local_administrator(lab, serial):
    lab.cli("policy", "add", "local-administrator", "--file", lab.write("laps.json", ITEM))
    lab.cli("policy", "assign", "local-administrator", "--all-devices")
    lab.cli("device", "laps", serial, expect=1)
    sync(lab)
    first = lab.cli("device", "laps", serial, "--json")["passwords"][0]
    must(len(first["password"]) == 20, f"a password as the policy wants it: {len(first['password'])} characters")
    order = ask(lab, serial, "rotate-laps")
    sync(lab)
    must_be(lab, order, "done")
    now = lab.cli("device", "laps", serial, "--history", "--json")["passwords"]
    must(now[0]["password"] != first["password"] and now[1]["password"] == first["password"], "a new one, and the one before")
    audit = lab.cli("audit", "list", "--json")
    told = [row for row in audit if "DeviceLocalCredential" in json.dumps(row)]
    must(len(told) == 2, f"each of the two readings is told to the audit: {told}")
    for place, _, files in os.walk(lab.data):
        for name in files:
            with open(os.path.join(place, name), "rb") as f:
                must(first["password"].encode() not in f.read(), f"no password rests in {name}")


def logs(lab, serial):
    lab.cli("device", "diagnostics", serial, expect=1)
    order = ask(lab, serial, "diagnostics")
    sync(lab)
    must_be(lab, order, "done")
    out = lab.path("logs.zip")
    lab.cli("device", "diagnostics", serial, "--out", out)
    must(stat.S_IMODE(os.stat(out).st_mode) == 0o600, "what was fetched is for its owner alone")
    with zipfile.ZipFile(out) as archive:
        must(archive.testzip() is None and archive.namelist(), f"a whole archive: {archive.namelist()}")
        say("archive", *archive.namelist())


def told_to_leave(lab):
    """Its record was deleted while it was off; it is not refused for ever, but told to leave."""
    hardware = oem(lab, "SUPPORT-02", 8)
    serial = lab.register(hardware=hardware, name="second")
    lab.run_device(name="second", hardware=hardware)
    lab.cli("tenant", "set", "deleted-device=retire")
    must_be(lab, ask(lab, serial, "delete"), "done")
    must(shown(lab, "second")["provider"] is not None, "the device does not know it yet")
    sync(lab, "second")
    must(shown(lab, "second")["provider"] is None, f"the device has left: {shown(lab, 'second')}")


def scenario(lab):
    lab.init()
    lab.serve()
    contoso.configure(lab)
    hardware = oem(lab, "SUPPORT-01", 7)
    serial = lab.register(hardware=hardware)
    lab.run_device(hardware=hardware, echo=say)
    local_administrator(lab, serial)
    logs(lab, serial)
    order = ask(lab, serial, "retire")
    out = lab.run_device(hardware=hardware)
    must("retire: management and join are gone" in out, f"switched on at work it is retired, which is no failure: {out}")
    must_be(lab, order, "done")
    lab.cli("device", "laps", serial, expect=1)
    told_to_leave(lab)
    say(lab.cli("device", "show", serial, "--timeline"))
