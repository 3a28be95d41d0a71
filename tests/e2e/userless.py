"""What the scenarios without a user share: a tenant whose kiosks deploy themselves, and how a refusal is told."""
import json

import contoso
import lab as laboratory
import tpms
from lab import LabError, run, say

TAG = "KIOSK"
PROFILE = {
    "displayName": "Kiosks",
    "deviceNameTemplate": "KIO-%RAND:6%",
    "language": "en-US",
    "outOfBoxExperienceSettings": {"deviceUsageType": "shared", "userType": "standard", "hideEULA": True, "hidePrivacySettings": True,
                                   "hideEscapeLink": True, "skipKeyboardSelectionPage": True},
}


def must(condition, what):
    if not condition:
        raise LabError(f"not so: {what}")


def profile(lab, name="kiosks", tag=TAG, **settings):
    """A self-deploying profile for the devices of a tag."""
    lab.cli("group", "add", name.title(), "--rule", f'(device.devicePhysicalIds -any _ -eq "[OrderID]:{tag}")')
    lab.cli("profile", "add", name, "--file", lab.write(f"{name}.json", {**PROFILE, "displayName": name.title(), **settings}))
    lab.cli("profile", "assign", name, "--group", name.title())


def trust(lab, box, maker="trusted"):
    """The maker's root and the authority under it, by file, as an administrator adds them."""
    for path in box.maker(maker).roots:
        lab.cli("tpm", "add-root", path)


def wait_profile(lab, serial, seconds=20):
    """A device has its profile a moment after it is registered."""
    def assigned():
        return "device.assigned" in [e["type"] for e in lab.timeline(serial)["timeline"]]
    laboratory.wait_for(assigned, seconds, f"{serial} has a profile")


def failures(lab, serial, step="attestation"):
    """What the service keeps of refusals: the details of the device's failures at one step."""
    return [e["detail"] for e in lab.timeline(serial)["timeline"] if e["type"] == "device.failed" and e["detail"].get("step") == step]


def told(lab, serial, reason):
    """The service tells a refusal by name, with code, cause and remedy."""
    found = [d for d in failures(lab, serial) if d["where"] == reason]
    must(found, f"{serial}: the timeline tells {reason}: {failures(lab, serial)}")
    must(found[0]["code"].startswith("0x") and found[0]["cause"] and found[0]["remedy"], f"with code, cause and remedy: {found[0]}")
    return found[0]


def binding(lab, serial):
    """Which TPM the service knows for a device, None if none was proven."""
    return lab.cli("tpm", "show", serial, "--json")


def begin(lab):
    """A service with what contoso wants of every device, and the profile of kiosks."""
    tpms.skip_without()
    lab.init()
    lab.serve()
    contoso.configure(lab)
    profile(lab)


class Bench:
    """Devices of one tenant, each with its hardware and its TPM."""

    def __init__(self, lab, box):
        self.lab, self.box, self.hardware = lab, box, {}

    def register(self, name, number, tag=TAG, tpm=True, **facts):
        pc = {**contoso.hardware(f"SELF-{number:04d}", number), **facts}
        self.hardware[name] = {"name": name, "hardware": self.lab.write(f"{name}.json", pc), "tpm": self.box.make(name).tcti if tpm else None}
        serial = self.lab.register(tag=tag, **self.hardware[name])
        wait_profile(self.lab, serial)
        return serial

    def run(self, name, **more):
        return self.lab.run_device(**{**self.hardware[name], "alone": True, "echo": say, **more})

    def shown(self, name):
        return json.loads(run(laboratory.DEVICE, "show", "--state", self.lab.path(name), "--json").stdout)

    def sync(self, name):
        return run(laboratory.DEVICE, "sync", "--state", self.lab.path(name), "--pace", "60").stdout


def types(lab, serial):
    return [e["type"] for e in lab.timeline(serial)["timeline"]]
