"""A registered device goes from its box to ready: profile by group tag, sign-in, join, enrolment, status page, everything in effect."""
import json
import os

import contoso
import lab as laboratory
from lab import LabError, run, say

WORDS = ["device.registered", "device.assigned", "device.contacted", "device.signed-in", "device.joined", "device.enrolled",
         "device.device-setup", "device.device-done", "device.account-setup", "device.ready"]


def must(condition, what):
    if not condition:
        raise LabError(f"not so: {what}")


def check_timeline(lab, serial):
    """Every station once, in this order, each with its time."""
    shown = lab.timeline(serial)
    types = [e["type"] for e in shown["timeline"]]
    at = -1
    for word in WORDS:
        must(word in types, f"the timeline has {word}: {types}")
        must(types.index(word) > at, f"{word} stands in its order: {types}")
        at = types.index(word)
    must(shown["state"] == "ready", f"state is ready, not {shown['state']}")


def check_effects(lab, serial):
    """What was configured is in effect on the device, not just written."""
    effects = json.loads(run(laboratory.DEVICE, "show", "--state", lab.path("device"), "--json").stdout)
    must(effects["computerName"] == f"CON-{serial}"[-15:] or effects["computerName"].startswith("CON-"), f"name by template: {effects['computerName']}")
    must(effects["edition"] == "4", f"DevDetail reports Enterprise: {effects['edition']}")
    must(effects["accountGroup"] == "Users" and not effects["administrators"], "the user is a standard user")
    must(contoso.WIFI in effects["wifi"], "the network page offers the Wi-Fi")
    must(effects["apps"] == ["{7D0C0DE0-5A11-4B0E-9C3D-0123456789AB} 1.2.3.0"], f"the package is installed: {effects['apps']}")
    must("DeviceLock/MinDevicePasswordLength=8" in effects["policies"], "the policy holds")
    must(any(contoso.SECOND_ROOT in root for root in effects["trustedRoots"]), "the delivered root is trusted")


def check_root(lab):
    """A second server under the delivered root is trusted by the device now, and was not by a device in its box."""
    with lab.foreign_server() as url:
        run(laboratory.DEVICE, "preflight", "--state", lab.path("device"), "--endpoint", url, expect=0)
        run(laboratory.DEVICE, "preflight", "--state", lab.path("fresh"), "--ca", lab.ca, "--endpoint", url, expect=1)


def check_certificates(lab):
    """openssl as judge: the management certificate's chain up to our root, and no other purpose."""
    state = lab.path("device")
    run("openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", lab.ca, "-untrusted",
        os.path.join(state, "mdm.chain.pem"), os.path.join(state, "mdm.crt.pem"))


def scenario(lab):
    lab.init()
    lab.serve()
    contoso.configure(lab)
    serial = lab.register()
    out = lab.run_device(echo=say)
    # the edition's restart in the device phase loses what was typed: the password is asked once more at the lock screen
    must("inputs asked: 3 (user, password, password)" in out, "nothing but credentials was asked")
    check_timeline(lab, serial)
    check_effects(lab, serial)
    check_root(lab)
    say(lab.cli("device", "show", serial, "--timeline"))
