"""Which profile, which status page: groups, age, exclusions, all devices; edits reach what is not deployed; another management service is handed out."""
import json
import os

import contoso
import lab as laboratory
from lab import LabError, run, say

OTHER = "5a1e0000-1111-4222-8333-444455556666"
OTHER_URL = "https://mdm.other.test/EnrollmentServer/Discovery.svc"


def must(condition, what):
    if not condition:
        raise LabError(f"not so: {what}")


def by_tag(tag):
    return f'(device.devicePhysicalIds -any _ -eq "[OrderID]:{tag}")'


def pc(lab, number, tag):
    """A PC with a device list of its own, registered; its serial number."""
    serial = f"PG{number:04d}"
    hardware = lab.write(f"hw{number}.json", contoso.hardware(serial, 700 + number))
    return lab.register(hardware=hardware, tag=tag, name=f"pc{number}"), hardware


def explained(lab, serial):
    return lab.cli("device", "explain", serial, "--json")


def winner(lab, serial):
    """Name of the profile that holds, None for none."""
    holding = [c["profile"] for c in explained(lab, serial)["candidates"] if c["holds"]]
    must(len(holding) <= 1, f"one profile holds at most: {holding}")
    return holding[0] if holding else None


def effects(lab, name):
    return json.loads(run(laboratory.DEVICE, "show", "--state", lab.path(name), "--json").stdout)


def node(lab, name, leaf):
    """A node of the device's management tree, as the device keeps it."""
    for folder, _, files in os.walk(lab.path(name)):
        for file in files:
            with open(os.path.join(folder, file), encoding="utf-8", errors="replace") as f:
                for line in f:
                    if f"FirstSyncStatus/{leaf}" in line and "/User/" not in line:
                        return line.strip()
    return ""


def configure(lab):
    for name, tag in (("Sales", "SALES"), ("Lab", "LAB")):
        lab.cli("group", "add", name, "--rule", by_tag(tag))
    lab.cli("group", "add", "Everyone with a tag", "--rule", '(device.devicePhysicalIds -any _ -startsWith "[OrderID]:")')
    for name, template in (("sales", "SAL-%SERIAL%"), ("tagged", "TAG-%SERIAL%"), ("default", "DEF-%SERIAL%")):
        lab.cli("profile", "add", name, "--file", lab.write(f"{name}.json", {"deviceNameTemplate": template}))
    lab.cli("profile", "assign", "default", "--all-devices")
    lab.cli("profile", "assign", "default", "--group", "Lab", "--exclude")
    lab.cli("profile", "assign", "tagged", "--group", "Everyone with a tag")
    lab.cli("profile", "assign", "tagged", "--group", "Lab", "--exclude")
    lab.cli("profile", "assign", "sales", "--group", "Sales")


def choice(lab):
    """Oldest of the groups, else all devices, exclusions; and refusals that keep the set whole."""
    sold, hw_sold = pc(lab, 1, "SALES")
    plain, _ = pc(lab, 2, "")
    shut, hw_shut = pc(lab, 3, "LAB")
    must(winner(lab, sold) == "sales", "sales is older than tagged")
    must(winner(lab, plain) == "default", "no group gives one: the one for all devices")
    must(winner(lab, shut) is None, "excluded from both: none")
    lab.run_device(name="shut", hardware=hw_shut, expect=3)
    refused = run(laboratory.TOUCHDOWN, "profile", "assign", "sales", "--all-devices", "--data", lab.data, expect=1)
    must("already assigned to All Devices" in refused.stderr, refused.stderr)
    refused = run(laboratory.TOUCHDOWN, "profile", "remove", "sales", "--data", lab.data, expect=1)
    must("still assigned" in refused.stderr, refused.stderr)
    lab.cli("profile", "unassign", "tagged", "--group", "Lab", "--exclude")
    must(winner(lab, shut) == "tagged", "the exclusion is gone, and what it kept away holds at once")
    return sold, hw_sold


def status_page(lab):
    lab.cli("status-page", "add", "slow", "--file", lab.write("slow.json", {"installProgressTimeoutInMinutes": 90}))
    lab.cli("status-page", "add", "quick", "--file", lab.write("quick.json", {
        "installProgressTimeoutInMinutes": 45, "customErrorMessage": "Call 12", "allowDeviceResetOnInstallFailure": False,
        "allowDeviceUseOnInstallFailure": True}))
    lab.cli("status-page", "assign", "slow", "--all-users")
    lab.cli("status-page", "assign", "quick", "--group", "Sales")


def edits(lab, sold, hw_sold):
    """The device in work keeps what it got; one that comes later gets the edit."""
    lab.run_device(name="sold", hardware=hw_sold, echo=say)
    must(effects(lab, "sold")["computerName"] == f"SAL-{sold}", f"name by template: {effects(lab, 'sold')['computerName']}")
    for leaf, value in (("TimeOutUntilSyncFailure", "45"), ("BlockInStatusPage", "6"), ("CustomErrorText", "Call 12")):
        must(value in node(lab, "sold", leaf), f"{leaf} is {value} on the device: {node(lab, 'sold', leaf)}")
    lab.cli("profile", "edit", "sales", "--file", lab.write("edit.json", {"deviceNameTemplate": "NEW-%SERIAL%"}))
    later, hw_later = pc(lab, 4, "SALES")
    run(laboratory.DEVICE, "sync", "--state", lab.path("sold"))
    lab.run_device(name="later", hardware=hw_later)
    must(effects(lab, "sold")["computerName"] == f"SAL-{sold}", "a deployed device keeps its name")
    must(effects(lab, "later")["computerName"] == f"NEW-{later}", f"the edit reached it: {effects(lab, 'later')['computerName']}")


def elsewhere(lab):
    """A profile that names another management service: registered, joined, its addresses handed out, nothing enrolled here."""
    wrong = lab.write("wrong.json", {"managementServiceAppId": OTHER})
    run(laboratory.TOUCHDOWN, "profile", "add", "elsewhere", "--file", wrong, "--data", lab.data, expect=1)
    lab.cli("management", "add", "Other", "--app-id", OTHER, "--enrolment-url", OTHER_URL)
    lab.cli("group", "add", "Elsewhere", "--rule", by_tag("ELSE"))
    lab.cli("profile", "add", "elsewhere", "--file", wrong)
    lab.cli("profile", "assign", "elsewhere", "--group", "Elsewhere")
    lab.cli("profile", "assign", "tagged", "--group", "Elsewhere", "--exclude")
    serial, hardware = pc(lab, 5, "ELSE")
    lab.run_device(name="elsewhere", hardware=hardware, timeout=12, expect=4)  # nobody is there: it keeps asking
    must(effects(lab, "elsewhere")["mdmUrl"] == OTHER_URL, f"the id_token names it: {effects(lab, 'elsewhere').get('mdmUrl')}")
    types = [e["type"] for e in lab.timeline(serial)["timeline"]]
    must("device.joined" in types and "device.enrolled" not in types, f"joined here, enrolled nowhere here: {types}")


def export(lab):
    """The file for existing devices: what other tools export, ASCII."""
    text = lab.cli("profile", "export", "default")
    must(text.isascii(), "the file is ASCII")
    file = json.loads(text)
    must(file["CloudAssignedTenantDomain"] == laboratory.TENANT and file["CloudAssignedOobeConfig"] == 1310, text)


def scenario(lab):
    lab.init()
    lab.serve()
    configure(lab)
    sold, hw_sold = choice(lab)
    status_page(lab)
    edits(lab, sold, hw_sold)
    elsewhere(lab)
    export(lab)
