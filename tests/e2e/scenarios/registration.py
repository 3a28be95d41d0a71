"""Devices are registered by list, by Graph and by the code that an unknown device shows; owned by one tenant at a time, removed in one step."""
import time

import lab as laboratory
import pcs
from graph_script import Script
from lab import LabError, say, wait_for

IMPORTS = "/beta/deviceManagement/importedWindowsAutopilotDeviceIdentities"
DEVICES = "/beta/deviceManagement/windowsAutopilotDeviceIdentities"


def must(condition, what):
    if not condition:
        raise LabError(f"not so: {what}")


class Graph(Script):
    def import_one(self, serial, number, tag="", **parts):
        made = self.ask(201, "POST", IMPORTS, {"serialNumber": serial, "groupTag": tag, "hardwareIdentifier": pcs.hardware_hash(serial, number, **parts)})
        must(made["state"]["deviceImportStatus"] == "unknown", f"an import begins as unknown: {made}")
        deadline = time.monotonic() + 20
        while made["state"]["deviceImportStatus"] == "unknown":
            if time.monotonic() > deadline:
                raise LabError(f"the import does not end: {made}")
            time.sleep(0.05)
            made = self.ask(200, "GET", f"{IMPORTS}/{made['id']}")
        return made["state"]

    def device(self, serial):
        found = self.ask(200, "GET", f"{DEVICES}?$filter=serialNumber eq '{serial}'")["value"]
        return found[0] if found else None


def by_list(lab):
    with open(lab.path("list.csv"), "w", encoding="utf-16") as f:  # as Out-File of Windows PowerShell writes it
        f.write(pcs.csv([("LIST-1", 1, "KIOSK"), ("LIST-2", 2, ""), ("LIST-1", 1, "KIOSK")]))
    done = lab.cli("device", "import", lab.path("list.csv"), "--json", "--tenant", laboratory.TENANT, expect=1)
    must([r["name"] for r in done["rows"]] == ["None", "None", "ZtdDeviceDuplicated"], f"each row has its fate: {done}")
    say("registered by list")


def by_graph(graph, other):
    state = graph.import_one("NET-1", 101, "KIOSK")
    must(state["deviceImportStatus"] == "complete", f"registered: {state}")
    device = graph.ask(200, "GET", f"{DEVICES}/{state['deviceRegistrationId']}")
    must(device["serialNumber"] == "NET-1" and device["deploymentProfileAssignmentStatus"].startswith("assigned"), f"there and assigned: {device}")
    graph.ask(204, "POST", "/beta/deviceManagement/windowsAutopilotSettings/sync")
    again = graph.import_one("NET-1", 101, "DESK", disk=999)
    must((again["deviceErrorCode"], again["deviceRegistrationId"]) == (806, device["id"]), f"with another disk it is the same device: {again}")
    must(graph.device("NET-1")["groupTag"] == "DESK", "its tag was brought up to date")
    theirs = other.import_one("NET-1", 101)
    must((theirs["deviceErrorCode"], theirs["deviceErrorName"]) == (808, "ZtdDeviceAssignedToOtherTenant"), f"it has an owner: {theirs}")
    must(theirs["deviceRegistrationId"] == "" and other.device("NET-1") is None, "and the other tenant sees nothing of it")
    new_board = graph.import_one("NET-1", 101, board=7)
    must((new_board["deviceImportStatus"], new_board["deviceRegistrationId"]) == ("complete", device["id"]), f"with another mainboard it is registered anew: {new_board}")
    for imported in graph.ask(200, "GET", IMPORTS)["value"]:
        graph.ask(204, "DELETE", f"{IMPORTS}/{imported['id']}")
    graph.ask(204, "DELETE", f"{DEVICES}/{device['id']}")
    must(other.import_one("NET-1", 101)["deviceImportStatus"] == "complete", "once deregistered, another tenant may take it")
    say("registered by Graph, owned by one tenant at a time")


def code_of(lab):
    """What the device shows."""
    try:
        with open(lab.path("unknown.out"), encoding="utf-8") as f:
            words = f.read().split("tell your administrator the code ")
    except FileNotFoundError:
        return None
    return words[1].split()[0] if len(words) > 1 else None


def by_code(lab, graph):
    device = lab.start_device(name="unknown", hardware=lab.hardware)
    wait_for(lambda: code_of(lab) is not None, 60, "the device shows its code", lambda: device.poll() is None)
    code = code_of(lab)
    must(lab.cli("device", "requests", "--tenant", laboratory.TENANT).strip() == "", "with two tenants an unknown device is in nobody's list")
    approved = graph.ask(200, "POST", "/beta/deviceManagement/windowsAutopilotDeviceRequests/approveCode", {"code": code.lower(), "groupTag": "DESK"})
    must(approved["state"] == "approved", f"{approved}")
    must(device.wait(240) == 0, f"the device went on to ready without a restart\n{open(lab.path('unknown.out'), encoding='utf-8').read()[-2000:]}")
    shown = lab.cli("device", "show", approved["serialNumber"], "--json", "--tenant", laboratory.TENANT)
    must(shown["state"] == "ready" and shown["groupTag"] == "DESK", f"ready: {shown}")
    say(f"approved by its code {code}: ready")
    return approved["serialNumber"]


def removal(lab, graph, serial):
    preview = lab.cli("device", "remove", serial, "--dry-run", "--json", "--tenant", laboratory.TENANT)
    must("management" in preview["rows"][0]["reason"], f"the preview tells what stays: {preview}")
    lab.cli("device", "remove", serial, "--tenant", laboratory.TENANT)
    must(graph.device(serial) is None, "the registration is gone")
    out = laboratory.run(laboratory.DEVICE, "sync", "--state", lab.path("unknown"), expect=None)
    must(out.returncode == 0, f"the device stays managed: {out.stdout}{out.stderr}")
    say("deregistered in one step, still managed")


def scenario(lab):
    lab.init()
    lab.serve()
    lab.cli("tenant", "add", "fabrikam.test")
    profile = lab.write("profile.json", {"displayName": "Everyone"})
    lab.cli("profile", "add", "everyone", "--file", profile, "--tenant", laboratory.TENANT)
    lab.cli("profile", "assign", "everyone", "--all-devices", "--tenant", laboratory.TENANT)
    graph, other = Graph(lab, laboratory.TENANT), Graph(lab, "fabrikam.test")
    lab.hardware = None
    by_list(lab)
    by_graph(graph, other)
    removal(lab, graph, by_code(lab, graph))
