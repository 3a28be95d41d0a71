"""What the demo's tenant wants of its devices: a group by tag, a profile, and one of each kind of configuration."""
import json
import os

import lab as laboratory

SECOND_ROOT = "Contoso Lab Root"
PRODUCT_KEY = "NPPR9-FWDCX-D2C8J-H872K-2YT43"  # the publicly documented setup key of Enterprise; activates nothing
WIFI = "Contoso-Staff"


def wlan_profile(ssid):
    return ('<WLANProfile xmlns="http://www.microsoft.com/networking/WLAN/profile/v1"><name>%s</name><SSIDConfig><SSID><hex>%s</hex>'
            "<name>%s</name></SSID></SSIDConfig><connectionType>ESS</connectionType><connectionMode>auto</connectionMode><MSM><security>"
            "<authEncryption><authentication>WPA2PSK</authentication><encryption>AES</encryption><useOneX>false</useOneX></authEncryption>"
            "<sharedKey><keyType>passPhrase</keyType><protected>false</protected><keyMaterial>correct horse</keyMaterial></sharedKey>"
            "</security></MSM></WLANProfile>" % (ssid, ssid.encode().hex().upper(), ssid))


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
    with open(lab.make_foreign_root(), encoding="utf-8") as f:
        root = f.read()
    items = {
        "password-length": {"kind": "policy", "area": "DeviceLock", "name": "MinDevicePasswordLength", "format": "int", "value": "8"},
        "lab-root": {"kind": "root", "certificate": root},
        "staff-wifi": {"kind": "wifi", "ssid": WIFI, "profileXml": wlan_profile(WIFI)},
        "enterprise": {"kind": "edition", "productKey": PRODUCT_KEY},
    }
    for name, item in items.items():
        lab.cli("policy", "add", name, "--file", lab.write(f"{name}.json", json.dumps(item)))
        lab.cli("policy", "assign", name, "--all-devices")
    lab.cli("package", "add", make_msi(lab), "--name", "Hello Agent", "--command-line", "/quiet")
    lab.cli("policy", "assign", "Hello Agent", "--all-devices")
