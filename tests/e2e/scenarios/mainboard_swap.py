"""Parts of a PC are exchanged: disk, memory and adapter unnoticed, a written board by itself, a blank one by an administrator; reset and reinstalled it is ready again."""
import copy
import shutil

import base64

import contoso
import lab as laboratory
from graph_script import Script
from lab import run, say
from matrix import events, must, ready_again, shown

DEVICES = "/beta/deviceManagement/windowsAutopilotDeviceIdentities"
SERIAL = "BOARD-01"
PROFILE = "sales"


class Pc:
    """What the one machine is made of."""

    def __init__(self, lab):
        self.lab, self.parts, self.times = lab, contoso.hardware(SERIAL, 1), 0
        self.board(1)

    def board(self, number, serial=SERIAL):
        """Another mainboard: UUID, TPM and the adapters on it are new; serial is what was written into its firmware."""
        self.parts.update(serial=serial, uuid=f"{number + 4096:08x}-1111-4222-8333-{number + 2097152:012x}",
                          tpmEk=base64.b64encode(f"endorsement key of board {number}".encode()).decode())
        for i, nic in enumerate(self.parts["nics"]):
            nic["mac"] = f"00:1B:21:7E:{number:02X}:{i:02X}"

    def disk(self, number):
        self.parts["disks"][0]["serial"] = f"DISK{number:06d}"

    def file(self):
        self.times += 1
        return self.lab.write(f"pc-{self.times}.json", copy.deepcopy(self.parts))


def sync(lab, pc):
    return run(laboratory.DEVICE, "sync", "--state", lab.path("device"), "--pace", "60", "--hardware", pc.file()).stdout


def repair(lab, *more):
    return lab.cli("device", "repair", SERIAL, "--json", *more)


def column(lab):
    """What the list shows where the profile's name stands."""
    rows = lab.cli("device", "list")
    return next(word for word in ("fix pending", "attention required", PROFILE, "no profile") if word in rows)


def registration(graph):
    found = graph.ask(200, "GET", f"{DEVICES}?$filter=contains(serialNumber,'{SERIAL}')")["value"]
    must(len(found) == 1, f"one registration: {found}")
    return found[0]


def attentions(lab):
    return [e["detail"]["remediation"] for e in lab.timeline(SERIAL)["timeline"] if e["type"] == "device.attention"]


def parts(lab, graph, pc):
    for change in (lambda: pc.disk(2), lambda: pc.parts.update(ram=8 << 30),
                   lambda: pc.parts["nics"][0].update(mac="00:1B:21:7E:AA:00"), lambda: pc.parts["nics"][1].update(mac="00:1B:21:7E:AA:01")):
        change()
        must("mainboard" not in sync(lab, pc), "the device sees no other board")
        must(registration(graph)["remediationState"] == "noRemediationRequired" and not attentions(lab), "parts go unnoticed")
    kept = {f["field"]: f["registered"] for f in repair(lab)["fields"]}
    must("DISK000002" in kept["disks"] and "AA:01" in kept["network adapters"].upper(), f"and the stored hash is the newest: {kept}")
    say("disk, memory and network adapters were exchanged: nobody noticed")


def written(lab, graph, pc):
    before = registration(graph)
    pc.board(2)
    must("another mainboard" in sync(lab, pc), "the device says so")
    must(attentions(lab) == ["automatic", "none"], f"fix pending, and back: {attentions(lab)}")
    must(column(lab) == PROFILE, "the profile's name stands there again")
    after = registration(graph)
    for name in ("id", "groupTag", "azureActiveDirectoryDeviceId", "managedDeviceId", "deploymentProfileAssignmentStatus"):
        must(before[name] == after[name], f"{name} stays: {before[name]} {after[name]}")
    told = [e["detail"] for e in lab.timeline(SERIAL)["timeline"] if e["type"] == "device.repaired"]
    must(len(told) == 1 and "written into the new board" in told[0]["proof"], f"with what differed and by what it was proven: {told}")
    must(repair(lab)["former"][0]["by"] == "system", "the former board is history")
    say("a board with the old serial number written into it: registered anew by itself")


def blank(lab, graph, pc):
    pc.board(3, serial="To be filled by O.E.M.")
    sync(lab, pc)
    must(registration(graph)["remediationState"] == "manualRemediationRequired", "attention required")
    must(column(lab) == "attention required" and SERIAL in lab.cli("device", "list", "--attention"), "and it is listed so")
    sides = repair(lab)
    agrees = {f["field"]: f["agrees"] for f in sides["fields"]}
    must(sides["waits"] and "not written" in sides["cause"] and sides["remediationData"] == "read", f"with the cause: {sides['cause']}")
    must(agrees["serial number"] == agrees["SMBIOS UUID"] == "differs" and agrees["disks"] == "agrees", f"side by side: {agrees}")
    say(lab.cli("device", "repair", SERIAL))
    must("repair" in lab.cli("device", "explain", SERIAL), "explain names the way out")
    lab.cli("device", "repair", SERIAL, "--accept", "--reject", expect=2)
    repair(lab, "--accept")
    must(registration(graph)["remediationState"] == "noRemediationRequired" and column(lab) == PROFILE, "accepted")
    lab.cli("device", "repair", SERIAL, "--accept", expect=1)
    sync(lab, pc)
    must(attentions(lab)[-1] == "none", "and quiet from then on")
    say("a blank board: an administrator compared both sides and accepted it")


def reinstall(lab, pc):
    shutil.rmtree(lab.path("device"))
    return lambda **more: lab.run_device(hardware=pc.file(), echo=say, **more)


def again(lab, graph, pc, first):
    """Windows is laid on anew, with a new disk at that: the state of the first deployment, and one device in the lists."""
    pc.disk(7)
    reinstall(lab, pc)()
    ready_again(lab, SERIAL, first)
    must(len(graph.ask(200, "GET", "/v1.0/deviceManagement/managedDevices")["value"]) == 1, "one managed device")
    must(len(graph.ask(200, "GET", "/v1.0/devices")["value"]) == 1, "one directory device")
    say("reinstalled on a new disk: as after the first deployment")


def on_another_board(lab, graph, pc, first):
    """A reset system on a new board is not known until somebody accepts it (autopilot.md 1.8)."""
    pc.board(4)
    pc.parts["disks"][0]["serial"] = "DISK000007"
    run_it = reinstall(lab, pc)
    must("not the registered one" in run_it(expect=3, timeout=4), "the page tells what to do")
    must(registration(graph)["remediationState"] == "manualRemediationRequired", "attention required")
    must(repair(lab)["source"] == "lookup", "it was seen by its lookup")
    repair(lab, "--accept")
    run_it()
    ready_again(lab, SERIAL, first)
    say("reinstalled on another board: accepted, and ready")


def reset(lab, first):
    lab.cli("device", "action", "reset", SERIAL)
    run(laboratory.DEVICE, "sync", "--state", lab.path("device"), "--pace", "60")
    lab.run_device(echo=say)
    ready_again(lab, SERIAL, first)
    must("device.reset" in events(lab, SERIAL), "it was reset")
    say("reset behind the repair: ready again")


def scenario(lab):
    lab.init()
    lab.serve()
    contoso.configure(lab)
    graph = Script(lab, laboratory.TENANT, "Global Reader")
    pc = Pc(lab)
    lab.register(hardware=pc.file())
    lab.run_device(hardware=pc.file(), echo=say)
    first = shown(lab)
    parts(lab, graph, pc)
    written(lab, graph, pc)
    reset(lab, first)
    blank(lab, graph, pc)
    again(lab, graph, pc, first)
    on_another_board(lab, graph, pc, first)
    say(lab.cli("device", "show", SERIAL, "--timeline"))
