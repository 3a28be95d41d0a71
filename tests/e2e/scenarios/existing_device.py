"""An existing PC, wiped and loaded by `touchdown media existing-device`, is deployed by the profile file without a registration; a file with a mark of UTF-8 and the file of a registered device are ignored, with the reason."""
import codecs
import json
import os
import shutil
import zipfile

import contoso
import lab as laboratory
from lab import LabError, run, say

FILE = "AutopilotConfigurationFile.json"
TARGET = os.path.join("disk", "Windows", "Provisioning", "Autopilot")
PROFILE = {
    "displayName": "Existing PCs",
    "deviceNameTemplate": "OLD-%SERIAL%",
    "language": "de-DE",
    "outOfBoxExperienceSettings": {"deviceUsageType": "singleUser", "userType": "standard", "hideEULA": True,
                                   "hidePrivacySettings": True, "hideEscapeLink": True, "skipKeyboardSelectionPage": True},
}
STATUS_PAGE = {"displayName": "For existing PCs", "showInstallationProgress": True, "customErrorMessage": "Ask the desk."}


def must(condition, what):
    if not condition:
        raise LabError(f"not so: {what}")


def reinstall(lab, name, change=lambda octets: octets):
    """What install-windows.cmd leaves: a fresh Windows with the profile file of the medium in its folder."""
    shutil.rmtree(lab.path(name), ignore_errors=True)
    os.makedirs(lab.path(name, TARGET))
    with open(lab.path("medium", FILE), "rb") as f:
        octets = change(f.read())
    with open(lab.path(name, TARGET, FILE), "wb") as f:
        f.write(octets)


def shown(lab, name):
    return json.loads(run(laboratory.DEVICE, "show", "--state", lab.path(name), "--json").stdout)


def configure(lab):
    lab.cli("profile", "add", "existing", "--file", lab.write("profile.json", PROFILE))
    told = lab.cli("media", "existing-device", "existing", "--out", lab.path("medium"), "--user-files", "save", "--json")
    rule = f'(device.enrollmentProfileName -eq "{told["enrollmentProfileName"]}")'
    lab.cli("group", "add", "By file", "--rule", rule)
    item = {"kind": "policy", "settings": [{"policy": "DeviceLock/MinDevicePasswordLength", "value": 9}]}
    lab.cli("policy", "add", "length", "--file", lab.write("length.json", item))
    lab.cli("policy", "assign", "length", "--group", "By file")
    lab.cli("status-page", "add", "existing", "--file", lab.write("page.json", STATUS_PAGE))
    lab.cli("status-page", "assign", "existing", "--group", "By file")
    return told


def goes_by_the_file(lab, told):
    hardware = lab.write("old.json", contoso.hardware("OLD0001", 1))
    reinstall(lab, "device")
    out = lab.run_device(hardware=hardware, echo=say)
    must(f"profile from {FILE}: {told['profileId']}" in out, "the file gave the profile")
    must("licence terms: left out by the profile" in out, "the profile's bits hold")
    device = shown(lab, "device")
    must(device["profileSource"] == "file" and not device["registrationId"], "there is no registration")
    must(device["computerName"] == "OLD-OLD0001", f"the name is the template's: {device['computerName']}")
    must("DeviceLock/MinDevicePasswordLength=9" in device["policies"], "the group by the profile's name gave its policy")
    must(device["accountGroup"] == "Users", "the user is a standard user, as the profile says")
    timeline = lab.timeline(device["deviceId"])
    must(timeline["state"] == "ready", f"ready, not {timeline['state']}")
    events = [e for e in timeline["timeline"] if e["type"] == "enrolment.offline-profile"]
    must(len(events) == 1 and told["enrollmentProfileName"] in json.dumps(events[0]), "its way tells the profile")
    must("By file" in lab.cli("device", "show", device["deviceId"]), "it is in the group")
    told = lab.cli("device", "show", device["deviceId"], "--json")["serialNumber"]
    must(told and told == lab.cli("device", "show", told, "--json")["serialNumber"], f"and shown by the serial number that it told: {told}")
    say(lab.cli("device", "show", device["deviceId"], "--timeline"))


def ignores_a_marked_file(lab):
    reinstall(lab, "marked", lambda octets: codecs.BOM_UTF8 + octets)
    hardware = lab.write("marked.json", contoso.hardware("OLD0002", 2))
    out = lab.run_device(name="marked", hardware=hardware, expect=3, timeout=3)
    must(f"{FILE} is ignored" in out.splitlines()[-1] and "EF BB BF" in out.splitlines()[-1], f"the reason is told: {out[-400:]}")
    must("EF BB BF" in shown(lab, "marked")["ignoredFile"], "show tells the reason")


def is_looked_at_from_both_sides(lab):
    """The requirements as the device and as the service see them; the archive's CSV registers the device."""
    done = run(laboratory.DEVICE, "preflight", "--state", lab.path("marked"), "--json")
    findings = {f["code"]: f for f in json.loads(done.stdout)["findings"]}
    must(findings["profile-file"]["verdict"] == "warn" and "EF BB BF" in findings["profile-file"]["found"], "preflight tells the file")
    must(all(findings[c]["verdict"] == "pass" for c in ("trust", "clock", "lookup", "sign-in", "management")), f"the doors are there: {findings}")
    run(laboratory.DEVICE, "preflight", "--state", lab.path("nowhere"), "--ca", lab.ca, "--server", "https://localhost:1", expect=1)
    run(laboratory.DEVICE, "diagnostics", "--state", lab.path("marked"), "--out", lab.path("marked.zip"))
    with zipfile.ZipFile(lab.path("marked.zip")) as archive:
        must(archive.testzip() is None, "the archive is whole")
        must("EF BB BF" in archive.read("errors.txt").decode(), "errors.txt tells the cause")
        csv = lab.write("hash.csv", archive.read("hash.csv").decode())
    lab.cli("device", "check", "OLD0002", expect=1)
    lab.cli("device", "import", csv)
    must("profile" in run(laboratory.TOUCHDOWN, "device", "check", "OLD0002", "--data", lab.data, expect=1).stdout, "registered, without a profile")


def leaves_no_secret_in_the_archive(lab):
    """Of a device that is ready: neither a key nor a token that its folder holds."""
    run(laboratory.DEVICE, "diagnostics", "--state", lab.path("device"), "--out", lab.path("ready.zip"))
    with open(lab.path("ready.zip"), "rb") as f:
        octets = f.read()
    with open(lab.path("device", "state.json"), encoding="utf-8") as f:
        state = json.load(f)
    secret = [v for k, v in state.items() if k != "sts.token" and any(w in k for w in ("token", "session", "ticket", "laps"))]
    for name in os.listdir(lab.path("device")):
        if name.endswith(".key.pem"):
            with open(lab.path("device", name), encoding="ascii") as f:
                secret.append(f.read().splitlines()[3])
    must(len(secret) > 3, "there is something to hide")
    for value in [*secret, lab.password]:
        must(value.encode() not in octets, f"nothing secret is in the archive: {value[:4]}...")


def ignores_the_file_of_a_registered_device(lab):
    hardware = lab.write("known.json", contoso.hardware("OLD0003", 3))
    lab.register(hardware=hardware, name="known")
    lab.cli("profile", "add", "online", "--file", lab.write("online.json", {**PROFILE, "displayName": "Online", "deviceNameTemplate": "NEW-%SERIAL%"}))
    lab.cli("profile", "assign", "online", "--all-devices")
    reinstall(lab, "known")
    out = lab.run_device(name="known", hardware=hardware)
    must(f"{FILE} is ignored: the service has a profile for this device" in out, "the online profile wins")
    device = shown(lab, "known")
    must(device["profile"] == "online" and device["computerName"] == "NEW-OLD0003", f"the online profile holds: {device['computerName']}")
    must("By file" not in lab.cli("device", "show", device["registrationId"]), "it is not in the group of the file")


def scenario(lab):
    lab.init()
    lab.serve()
    told = configure(lab)
    goes_by_the_file(lab, told)
    leaves_no_secret_in_the_archive(lab)
    ignores_a_marked_file(lab)
    is_looked_at_from_both_sides(lab)
    ignores_the_file_of_a_registered_device(lab)
    run(laboratory.DEVICE, "sysprep", "--state", lab.path("marked"), "--generalize")
    must(not os.path.exists(lab.path("marked", TARGET, FILE)), "sysprep --generalize deletes the file")
