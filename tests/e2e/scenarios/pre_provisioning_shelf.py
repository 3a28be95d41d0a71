"""A sealed device is retired, deleted or deregistered on its shelf: what its user finds at the next switch-on is true, and the way out is open."""
import contoso
import lab as laboratory
import tpms
import userless
from graph_script import DEVICES, Program
from lab import run
from pre_provisioning import PROFILE, Bench, types
from userless import must


def retired(lab, bench):
    """It hears of it on the shelf: then it is in its box, not at a desktop that nobody ever had; its user enrols it anew."""
    serial = bench.register("retired", 21)
    bench.provision("retired")
    lab.cli("device", "retire", serial)
    run(laboratory.DEVICE, "sync", "--state", lab.path("retired"), "--pace", "60")
    must(lab.timeline(serial)["state"] == "retired", lab.timeline(serial)["state"])
    out = bench.run("retired")
    must("no longer managed" not in out and "enrolled: " in out, f"from its box: {out[-900:]}")
    must(lab.timeline(serial)["state"] == "ready", lab.timeline(serial)["state"])


def deleted(lab, bench, graph):
    """Its enrolment is void: the page says so, and what to do about it."""
    serial = bench.register("deleted", 22)
    bench.provision("deleted")
    graph.ask(204, "DELETE", f"{DEVICES}/{graph.only(serial)['id']}")
    out = bench.run("deleted", expect=1)
    must("refuses this device" in out and "reset --reinstall" in out, f"cause and remedy: {out[-600:]}")
    must("management.refused" in types(lab, serial), types(lab, serial))
    run(laboratory.DEVICE, "reset", "--reinstall", "--state", lab.path("deleted"))
    bench.run("deleted")
    must(lab.timeline(serial)["state"] == "ready", lab.timeline(serial)["state"])


def deregistered(lab, bench, graph):
    """Its enrolment ends with its registration: nothing is listed as managed that nobody could ever use."""
    serial = bench.register("deregistered", 23)
    bench.provision("deregistered")
    lab.cli("device", "remove", serial)
    found = graph.ask(200, "GET", f"{DEVICES}?$filter=serialNumber eq '{serial}'")["value"]
    must(found == [], f"no managed device is left: {found}")
    out = bench.run("deregistered", expect=3, timeout=10)
    must("not known" in out, f"it shows a code for its administrator: {out[-600:]}")


def scenario(lab):
    tpms.skip_without()
    lab.init()
    lab.serve()
    with tpms.Tpms(lab) as box:
        userless.trust(lab, box)
        contoso.PROFILE = PROFILE
        contoso.configure(lab)
        graph = Program(lab, "shelf", "DeviceManagementManagedDevices.ReadWrite.All",
                        "DeviceManagementManagedDevices.PrivilegedOperations.All")
        bench = Bench(lab, box)
        retired(lab, bench)
        deleted(lab, bench, graph)
        deregistered(lab, bench, graph)
