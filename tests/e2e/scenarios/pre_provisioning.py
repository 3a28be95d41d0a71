"""A technician does a device's part, its user the rest: green and sealed, then signed in and ready; red and retried; proven by presence, sign-in or code."""
import json
import os

import contoso
import lab as laboratory
import matrix
import tpms
import userless
from graph_script import DEVICES, Program
from lab import run, say
from userless import must

PROFILE = {**contoso.PROFILE, "preprovisioningAllowed": True}
EVENTS = "/beta/deviceManagement/autopilotEvents"
PAGES = "/beta/deviceManagement/deviceEnrollmentConfigurations"
IDENTITIES = "/beta/deviceManagement/windowsAutopilotDeviceIdentities"
BENCH = ["device.attested", "device.joined", "device.enrolled", "device.device-setup", "device.device-done", "device.provisioned",
         "device.unjoined"]
USER = ["device.signed-in", "device.joined", "device.device-setup", "device.device-done", "device.account-setup", "device.ready"]
BROKEN = {"kind": "msi", "content": "0" * 64, "productCode": "{7D0C0DE0-5A11-4B0E-9C3D-0123456789AC}", "productVersion": "1.0"}


class Bench:
    def __init__(self, lab, box):
        self.lab, self.box, self.hardware = lab, box, {}

    def register(self, name, number, tag=laboratory.TAG):
        pc = contoso.hardware(f"BENCH-{number:04d}", number)
        self.hardware[name] = {"name": name, "hardware": self.lab.write(f"{name}.json", pc), "tpm": self.box.make(name).tcti}
        serial = self.lab.register(tag=tag, **self.hardware[name])
        userless.wait_profile(self.lab, serial)
        return serial

    def provision(self, name, expect=0, **answers):
        answers = {key.replace("_", "-"): value for key, value in answers.items()}
        return self.lab.run_device(**self.hardware[name], alone=True, command="provision", expect=expect, answers=answers, echo=say)

    def run(self, name, **more):
        return self.lab.run_device(**{**self.hardware[name], "echo": say, **more})

    def shown(self, name):
        return json.loads(run(laboratory.DEVICE, "show", "--state", self.lab.path(name), "--json").stdout)


def types(lab, serial):
    return [e["type"] for e in lab.timeline(serial)["timeline"]]


def stations(lab, serial, words):
    """These events, once each and in this order, are the last of their kinds."""
    seen = [t for t in types(lab, serial) if t in words]
    must(seen[-len(words):] == words, f"{words} in their order: {seen}")


def scanned(lab, name):
    """What the codes on the page say, joined as a companion joins them."""
    with open(os.path.join(lab.path(name), "qr.json"), encoding="utf-8") as f:
        blocks = [json.loads(line)["BlockSequence"] for line in f]
    must([b["SequenceBlockNumber"] for b in blocks] == list(range(1, len(blocks) + 1)), "numbered from 1")
    must(all(b["TotalBlocks"] == len(blocks) and b["Id"] == blocks[0]["Id"] for b in blocks), "of one sequence")
    return blocks[0]["ZtdId"], blocks[0]["SerialNumber"], "".join(b["HardwareId"] for b in blocks)


def at_the_bench(lab, bench):
    """Five presses, a page that says whose it is, and a green one with the time it took; left, sealed, still managed."""
    serial = bench.register("green", 1)
    lab.cli("device", "assign-user", laboratory.USER, serial)
    out = bench.provision("green")
    must("Windows key, 5 of 5" in out, "the Windows key, five times")
    for line in ("organisation: Contoso", "profile: sales", f"device: {serial}", "button: Provision"):
        must(line in out, f"the page says {line!r}: {out[:1500]}")
    must("green: Contoso, sales, for ada@contoso.test; elapsed 0:0" in out, f"green, with whom it is for and how long it took: {out[-600:]}")
    must("sealed" in out.splitlines()[-1], "sealed at its end")
    ztd, of, _ = scanned(lab, "green")
    shown = lab.cli("device", "show", serial, "--json")
    must(of == serial and ztd == shown["registrationId"], f"the codes name the device: {of}, {ztd}")
    stations(lab, serial, BENCH)
    must(lab.timeline(serial)["state"] == "pre-provisioned", lab.timeline(serial)["state"])
    now = bench.shown("green")
    must(not now["azureAdJoined"] and now["apps"] and now["edition"] == "4", f"left the directory, set up all the same: {now['apps']}")
    must(now["user"] is None, "nobody's")
    must("sealed: ready for its user" in bench.provision("green"), "asked again it says so")
    return serial


def to_its_user(lab, bench, serial):
    """The user's part is short: signed in, joined anew, not enrolled again, ready."""
    out = bench.run("green")
    must("enrolled: " not in out and "securing" not in out, f"no new enrolment, no proof: {out[-900:]}")
    must("page     Device setup" in out and "page     Account setup" in out, "both phases of the page")
    must("app " not in out, f"what the technician brought is not brought again: {out[-900:]}")
    stations(lab, serial, USER)
    seen = types(lab, serial)
    must(seen.count("device.enrolled") == 1 and seen.count("device.joined") == 2, f"enrolled once, joined twice: {seen}")
    must(lab.timeline(serial)["state"] == "ready", "ready")
    must(bench.shown("green")["user"] == laboratory.USER, "its user's")


def told(graph, serial):
    """Two runs, without the time on the shelf; one managed device, the user's; one enrolment."""
    device = graph.only(serial)
    must(device["userPrincipalName"] == laboratory.USER, device["userPrincipalName"])
    must([u["userPrincipalName"] for u in graph.ask(200, "GET", f"{DEVICES}/{device['id']}/users")["value"]] == [laboratory.USER], "primary user")
    found = graph.ask(200, "GET", f"{EVENTS}?$filter=deviceSerialNumber eq '{serial}'")["value"]
    found.sort(key=lambda e: e["deploymentStartDateTime"])
    must([e["deploymentState"] for e in found] == ["success", "success"], [e["deploymentState"] for e in found])
    must([e["accountSetupStatus"] for e in found] == ["disabled", "success"], [e["accountSetupStatus"] for e in found])
    must([e["enrollmentType"] for e in found] == ["azureADJoinedWithWhiteGlove"] * 2, [e["enrollmentType"] for e in found])
    must(not found[0]["userPrincipalName"] and found[1]["userPrincipalName"] == laboratory.USER, "nobody's at the bench")


def red_and_retried(lab, bench):
    """A blocking app that cannot be fetched: a red page with code, cause, remedy and logs; mended and tried again it is green."""
    serial = bench.register("red", 2)
    kept, away = os.path.join(lab.data, "content"), lab.path("content-away")
    os.rename(kept, away)
    out = bench.provision("red", expect=1)
    must("red: 0x" in out and "remedy: " in out and "elapsed 0:0" in out and "buttons: Retry, Reset" in out, f"a red page: {out[-900:]}")
    must(os.path.getsize(os.path.join(lab.path("red"), "provisioning-logs.zip")) > 0, "logs are kept")
    must(lab.timeline(serial)["state"] == "failed" and "device.provisioned" not in types(lab, serial), "failed, not sealed")
    if os.path.isdir(kept):
        os.rmdir(kept)
    os.rename(away, kept)
    out = bench.provision("red")
    must("green: " in out, f"green at the second try: {out[-900:]}")
    must(lab.timeline(serial)["state"] == "pre-provisioned", "and sealed")


def only_blocking_apps(lab, bench, graph):
    """An app outside the list of blocking apps fails nothing at the bench where the page says so (E11), and all where it does not."""
    hello = lab.cli("policy", "list", "--json")
    hello = [i["id"] for i in hello if i["name"] == "Hello Agent"][0]
    lab.cli("policy", "add", "optional", "--file", lab.write("optional.json", BROKEN))
    lab.cli("policy", "assign", "optional", "--all-devices")
    page = {"@odata.type": "#microsoft.graph.windows10EnrollmentCompletionPageConfiguration", "displayName": "Bench",
            "showInstallationProgress": True, "installProgressTimeoutInMinutes": 60, "selectedMobileAppIds": [hello],
            "allowNonBlockingAppInstallation": False}
    made = graph.ask(201, "POST", PAGES, page)
    graph.ask(204, "POST", f"{PAGES}/{made['id']}/assign", {"enrollmentConfigurationAssignments": [
        {"target": {"@odata.type": "#microsoft.graph.allDevicesAssignmentTarget"}}]})
    serial = bench.register("optional", 3)
    must("red: 0x" in bench.provision("optional", expect=1), "every app fails it")
    graph.ask(200, "PATCH", f"{PAGES}/{made['id']}", {"@odata.type": page["@odata.type"], "allowNonBlockingAppInstallation": True})
    must(lab.timeline(serial)["state"] == "failed", "not sealed")
    serial = bench.register("lenient", 8)  # a page that was released keeps its lists
    must("green: " in bench.provision("lenient"), "only those that block fail it")
    must(lab.timeline(serial)["state"] == "pre-provisioned", "sealed")
    graph.ask(204, "DELETE", f"{PAGES}/{made['id']}")
    lab.cli("policy", "remove", "optional")


def not_allowed(lab, bench):
    """P09: the technician's page says so before anything is sent, with the code that the service gives for it."""
    userless.profile(lab, "plain", "PLAIN", outOfBoxExperienceSettings=contoso.PROFILE["outOfBoxExperienceSettings"])
    serial = bench.register("plain", 4, tag="PLAIN")
    out = bench.provision("plain", expect=1)
    must("0x80180005" in out and "preprovisioningAllowed" in out, f"code and remedy: {out[-600:]}")
    must("device.attested" not in types(lab, serial), "nothing was proven")


def proven(lab, bench):
    """What the tenant asks of a technician: to sign in, or a code made for the device; neither needs a right."""
    lab.cli("tenant", "set", "technician-proof=sign-in")
    serial = bench.register("signed", 5)
    must("red: " in bench.provision("signed", expect=1), "presence is not enough")
    out = bench.provision("signed", technician=laboratory.USER, technician_password="@" + lab.password_file)
    must("green: " in out, f"signed in it goes: {out[-600:]}")
    seen = [e for e in lab.timeline(serial)["timeline"] if e["type"] == "device.attested"]
    must(laboratory.USER in json.dumps(seen[-1]), f"the timeline names the technician: {seen[-1]}")
    must("device.signed-in" not in types(lab, serial), "who is no user of the device")
    lab.cli("tenant", "set", "technician-proof=companion")
    serial = bench.register("coded", 6)
    must("red: " in bench.provision("coded", expect=1, code="BCDF-GHJK"), "a guess is refused")
    code = lab.cli("device", "provision-code", serial, "--json")["code"]
    must("green: " in bench.provision("coded", code=code), "the code is good")
    lab.cli("tenant", "set", "technician-proof=presence")


def wrong_moments(lab, bench):
    """Whose device it is already, and one that a technician left in the middle."""
    out = bench.provision("green", expect=1)
    must("set up already" in out and "reset --reinstall" in out, f"refused at its user's: {out[-400:]}")
    run(laboratory.DEVICE, "reset", "--reinstall", "--state", lab.path("green"))
    must("green: " in bench.provision("green"), "back in its box it can be provisioned again")


def killed(lab, bench):
    """Killed at its lines at the bench, and at its user's: nothing twice, nothing lost."""
    serial = bench.register("cut", 7)

    def shape(line):
        return "".join(c for c in line if not c.isdigit()).strip()

    argv = lab.device_args(**bench.hardware["cut"], alone=True, command="provision")
    kills, code, out = matrix.killed_at_each_line(argv, shape)
    must(code == 0 and "sealed" in out, f"killed {kills} times, then exit {code}: {out[-2000:]}")
    must(lab.timeline(serial)["state"] == "pre-provisioned", lab.timeline(serial)["state"])
    must("device.failed" not in types(lab, serial), types(lab, serial))
    more, code, out = matrix.killed_at_each_line(lab.device_args(**bench.hardware["cut"]), shape)
    must(code == 0, f"killed {more} times, then exit {code}: {out[-2000:]}")
    seen = types(lab, serial)
    must(seen.count("device.ready") == 1 and seen.count("device.provisioned") == 1 and seen.count("device.enrolled") == 1, seen)
    say(f"killed {kills} and {more} times, and ready")


def scenario(lab):
    tpms.skip_without()
    lab.init()
    lab.serve()
    with tpms.Tpms(lab) as box:
        userless.trust(lab, box)
        contoso.PROFILE = PROFILE
        contoso.configure(lab)
        graph = Program(lab, "bench", "DeviceManagementManagedDevices.ReadWrite.All", "DeviceManagementConfiguration.ReadWrite.All",
                        "DeviceManagementServiceConfig.ReadWrite.All", "DeviceManagementApps.ReadWrite.All")
        bench = Bench(lab, box)
        serial = at_the_bench(lab, bench)
        to_its_user(lab, bench, serial)
        told(graph, serial)
        red_and_retried(lab, bench)
        only_blocking_apps(lab, bench, graph)
        not_allowed(lab, bench)
        proven(lab, bench)
        wrong_moments(lab, bench)
        killed(lab, bench)
        say(lab.cli("device", "show", serial, "--timeline"))
