"""What the demo's tenant wants of its devices: a group by tag, a profile, and one of each kind of configuration."""
import json
import os

import lab as laboratory

SECOND_ROOT = "Contoso Lab Root"
PRODUCT_KEY = "NPPR9-FWDCX-D2C8J-H872K-2YT43"  # the publicly documented setup key of Enterprise; activates nothing
WIFI = "Contoso-Staff"


PROFILE = {
    "displayName": "Sales laptops",
    "deviceNameTemplate": "CON-%SERIAL%",
    "language": "os-default",
    "outOfBoxExperienceSettings": {"deviceUsageType": "singleUser", "userType": "standard", "hideEULA": True,
                                   "hidePrivacySettings": True, "hideEscapeLink": True, "skipKeyboardSelectionPage": True},
}


def make_msi(lab):
    out = lab.path("hello.msi")
    laboratory.run("wixl", "-o", out, "hello.wxs", cwd=os.path.join(laboratory.FIXTURES, "msi"))
    return out


def configure(lab):
    """Everything under 3b and 3h of the main job, by the commands that an administrator types."""
    lab.cli("group", "add", "Sales", "--rule", f'(device.devicePhysicalIds -any _ -eq "[OrderID]:{laboratory.TAG}")')
    lab.cli("profile", "add", "sales", "--file", lab.write("profile.json", PROFILE))
    lab.cli("profile", "assign", "sales", "--group", "Sales")
    root = lab.make_foreign_root()
    items = {
        "password-length": {"kind": "policy", "settings": [{"policy": "DeviceLock/MinDevicePasswordLength", "value": 8}]},
        "lab-root": {"kind": "root-certificate", "thumbprint": thumbprint(root), "certificate": one_line(root)},
        "staff-wifi": {"kind": "wifi", "ssid": WIFI, "security": "wpa2-personal", "passphrase": "correct horse"},
        "enterprise": {"kind": "edition", "productKey": PRODUCT_KEY, "edition": "Enterprise"},
    }
    for name, item in items.items():
        lab.cli("policy", "add", name, "--file", lab.write(f"{name}.json", item))
        lab.cli("policy", "assign", name, "--all-devices")
    lab.cli("package", "add", make_msi(lab), "--name", "Hello Agent", "--command-line", "/quiet")
    lab.cli("policy", "assign", "Hello Agent", "--all-devices")


def hardware(serial, number):
    """A description of a PC for --hardware."""
    with open(os.path.join(laboratory.FIXTURES, "hardware", "laptop.json"), encoding="utf-8") as f:
        pc = json.load(f)
    pc["serial"] = serial
    pc["uuid"] = f"{number + 4096:08x}-1111-4222-8333-{number + 1048576:012x}"
    for i, nic in enumerate(pc.get("nics", [])):
        nic["mac"] = f"00:1B:21:7F:{number % 256:02X}:{i:02X}"
    for i, disk in enumerate(pc.get("disks", [])):
        disk["serial"] = f"D{serial}{i}"
    return pc


def one_line(pem):
    with open(pem, encoding="ascii") as f:
        return "".join(line.strip() for line in f if "-----" not in line)


def thumbprint(pem):
    out = laboratory.run("openssl", "x509", "-in", pem, "-noout", "-fingerprint", "-sha1").stdout
    return out.strip().split("=", 1)[1].replace(":", "")
