"""Far from the domain: the VPN comes in the device phase, package behind package, its user dials at the sign-in screen; without it no domain controller."""
import json
import os

import ad
import hybrid_lab
import lab as laboratory
from lab import LabError, run, say

SERVER = "vpn.corp.test"
VPN = {"kind": "vpn", "name": "Corp VPN", "servers": ["lost.corp.test", SERVER], "protocol": "automatic", "authentication": "mschapv2",
       "routes": ["10.77.2.0/24"], "dnsSuffix": ad.DNS}
SITE = "/mp:cm.corp.test SMSSITECODE=P01"
WORKLOADS = ["compliance", "resource-access", "client-apps"]
# The one that needs the other sorts before it: what comes first is not by chance.
CLIENT, TUNNEL = "{11111111-0000-4000-8000-000000000001}", "{22222222-0000-4000-8000-000000000002}"


def must(condition, what):
    if not condition:
        raise LabError(f"not so: {what}")


def show_json(lab):
    return json.loads(run(laboratory.DEVICE, "show", "--state", lab.path("device"), "--json").stdout)


def package(lab, name, product, *more):
    with open(os.path.join(laboratory.FIXTURES, "msi", "hello.wxs"), encoding="utf-8") as f:
        text = f.read().replace("7D0C0DE0-5A11-4B0E-9C3D-0123456789AB", product.strip("{}")).replace("Hello Agent", name)
    source, out = lab.write(f"{name}.wxs", text), lab.path(f"{name}.msi")
    run("wixl", "-o", out, source, cwd=os.path.join(laboratory.FIXTURES, "msi"))
    lab.cli("package", "add", out, "--name", name, "--command-line", "/quiet", *more)


def configure(lab):
    """The VPN is assigned to nobody: the domain join brings it along; so does co-management its client."""
    lab.cli("policy", "add", "Way in", "--file", lab.write("vpn.json", VPN))
    hybrid_lab.configure(lab, profile={"hybridAzureADJoinSkipConnectivityCheck": True}, join={"networkAccess": ["Way in"]})
    package(lab, "VPN client", TUNNEL)
    package(lab, "ConfigMgr client", CLIENT, "--after", "VPN client")
    items = {"share": {"kind": "co-management", "client": "ConfigMgr client", "parameters": SITE, "workloads": WORKLOADS},
             "lock": {"kind": "policy", "settings": [{"policy": "DeviceLock/MinDevicePasswordLength", "value": 8}]}}
    for name, item in items.items():
        lab.cli("policy", "add", name, "--file", lab.write(f"{name}.json", item))
    for name in (*items, "VPN client"):
        lab.cli("policy", "assign", name, "--group", "Sales")


def hook(lab):
    """What dials: notes what it was asked, and makes the route that a VPN makes; the first server is not there."""
    path = lab.write("dial", f"""#!/bin/sh
echo "$1 by $2" >>{lab.path("dialled")}
[ "$2" = {SERVER} ] || exit 7
ip route replace {ad.IP}/32 via {ad.NEAR_IP}
""")
    os.chmod(path, 0o755)
    return path


def in_order(out, *lines):
    at = -1
    for line in lines:
        hit = out.find(line, at + 1)
        must(hit > at, f"\"{line}\" stands behind what was said before it:\n{out}")
        at = hit


def without(lab, dc, far):
    """The device phase needs no domain; the sign-in does, and says so."""
    out = hybrid_lab.run_device(lab, dc, place=far, expect=None, echo=say)
    in_order(out, "enrolled: ", "joined the domain: SALES-", "not looked for: the profile skips it", "lock screen: alice@corp.test")
    in_order(out, TUNNEL + " 1.2.3.0: installed", CLIENT + " 1.2.3.0: installed")
    must("Corp VPN: not dialled" in out and "desktop" not in out, "nothing dials by itself")
    end = out.strip().splitlines()[-1]
    must(end.startswith("failed") and "domain controller" in end, f"the sign-in ends with its cause: {end}")
    must("VPN" in end, f"and its remedy names the VPN: {end}")
    pc = show_json(lab)
    must(pc["vpn"] == [f"Corp VPN by lost.corp.test,{SERVER}"], f"the profile is there: {pc['vpn']}")
    must(pc["coManagement"] == f"client of Configuration Manager {SITE}; the service has compliance, resource access, client apps",
         f"so is Configuration Manager: {pc['coManagement']}")
    must(not any("MinDevicePasswordLength" in p for p in pc["policies"]), f"whose policies the service leaves alone: {pc['policies']}")
    must(pc["domainJoined"] is True and pc["azureAdJoined"] is False, "joined to the domain alone so far")


def scenario(lab):
    with ad.Domain() as dc:
        lab.enter(dc)
        lab.init()
        lab.serve()
        configure(lab)
        hybrid_lab.connector(lab, dc)
        serial = lab.register()
        far = dc.far()
        must(far.run("ping", "-c", "1", "-W", "1", ad.IP, expect=None).returncode != 0, "the domain is out of reach")
        without(lab, dc, far)
        out = hybrid_lab.run_device(lab, dc, place=far, vpn=hook(lab), echo=say)
        in_order(out, "Corp VPN is dialled by hand", "lost.corp.test could not be dialled (7)", f"Corp VPN: connected to {SERVER}",
                 "alice@corp.test signed in by the domain", "registered: device ", "desktop: alice@corp.test")
        with open(lab.path("dialled"), encoding="utf-8") as f:
            must(f.read() == f"Corp VPN by lost.corp.test\nCorp VPN by {SERVER}\n", "one server behind the other")
        pc = show_json(lab)
        must(pc["domainJoined"] is True and pc["azureAdJoined"] is True and pc["azureAdPrt"] is True, "joined to both, with a token")
        shown = lab.timeline(serial)
        must(shown["state"] == "ready", f"ready: {shown['state']}")
        say(lab.cli("device", "show", serial, "--timeline"))
