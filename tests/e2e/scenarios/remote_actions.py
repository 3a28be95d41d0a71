"""What an administrator asks of a device without taking anything away: sync, restart, rename, lock, and a rotated password that opens the lock screen's page."""
import contoso
import lab as laboratory
import local_reset
from lab import say
from matrix import ask, must, must_be, oem, shown, sync

LAPS = {"kind": "policy", "track": False, "settings": [
    {"uri": "./Device/Vendor/MSFT/LAPS/Policies/BackupDirectory", "value": 1},
    {"uri": "./Device/Vendor/MSFT/LAPS/Policies/PasswordLength", "value": 20},
    {"uri": "./Device/Vendor/MSFT/LAPS/Policies/AdministratorAccountName", "value": "helper", "format": "chr"}]}


def laps(lab, serial):
    return lab.cli("device", "laps", serial, "--json")["passwords"][0]


def plain_ones(lab, serial):
    for name in ("sync", "restart"):
        order = ask(lab, serial, name)
        before = int(shown(lab)["restarts"])
        sync(lab)
        must_be(lab, order, "done")
        must(int(shown(lab)["restarts"]) == before + (name == "restart"), f"{name}: restarts {before} -> {shown(lab)['restarts']}")


def renamed(lab, serial):
    order = ask(lab, serial, "rename", "--name", "NEW-%RAND:3%")
    sync(lab)
    must_be(lab, order, "done")
    name = shown(lab)["computerName"]
    must(name.startswith("NEW-") and len(name) == 7 and name[4:].isdigit(), f"the macro was drawn: {name}")
    lab.cli("device", "action", "rename", serial, "--name", "no good name!", expect=2)


def not_supported(lab, serial):
    order = ask(lab, serial, "lock")
    sync(lab)
    must_be(lab, order, "not supported")


def rotated(lab, serial):
    """The password is known to the service before it is good on the device; it opens the page of a local reset."""
    local_reset.add(lab, "laps", LAPS)
    local_reset.add(lab, "reset-allowed", local_reset.POLICY)
    sync(lab)
    first = laps(lab, serial)
    order = ask(lab, serial, "rotate-laps")
    sync(lab)
    must_be(lab, order, "done")
    second = laps(lab, serial)
    one, other = first["password"], second["password"]
    must(one != other and len(other) == 20, "another password, as long as the policy says")
    must("helper" in second.values(), f"the account's name is told: {[k for k in second]}")
    must(not [p for p in (lab.path("device", "state.json"), lab.path("device", "csp.json"), lab.path("device", "log"))
              if other in open(p, encoding="utf-8").read()], "the device keeps no password")
    local_reset.reset(lab, administrator="helper", password=one, expect=1)
    say(local_reset.reset(lab, administrator="helper", password=other))


def scenario(lab):
    lab.init()
    lab.serve()
    contoso.configure(lab)
    hardware = oem(lab, "ACTIONS-01", 50)
    serial = lab.register(hardware=hardware)
    lab.run_device(hardware=hardware)
    plain_ones(lab, serial)
    renamed(lab, serial)
    not_supported(lab, serial)
    rotated(lab, serial)
    say(lab.cli("device", "show", serial, "--timeline"))
