"""A device that deploys itself ends in a kiosk signed in by itself; restarts on the way do not cost it, a changed item changes it, taken away it is gone."""
import json
import zipfile

import contoso
import lab as laboratory
import matrix
import tpms
import userless
from lab import run, say
from userless import Bench, must, types

AUMID = "Microsoft.WindowsCalculator_8wekyb3d8bbwe!App"
BOARD = {"kind": "kiosk", "url": "https://board.contoso.test/hall?floor=1&lang=en", "autologonName": "Hall"}
SCREEN = "page     kiosk: %ProgramFiles(x86)%\\Microsoft\\Edge\\Application\\msedge.exe --kiosk https://board.contoso.test/hall?floor=1&lang=en"


def last_page(out):
    return [line for line in out.splitlines() if line.startswith("page")][-1]


def deploys_into_a_kiosk(lab, bench):
    """Name and edition restart the device on the way: the kiosk is there all the same, and nobody pressed a key."""
    serial = bench.register("kiosk", 1)
    out = bench.run("kiosk")
    must(last_page(out).startswith(SCREEN) and last_page(out).endswith(" as Hall"), f"the kiosk has the screen: {last_page(out)}")
    must("inputs asked: 0 (none)" in out, "nothing is asked")
    must("restart" in out, "the device restarted on the way (its name, its edition)")
    now = bench.shown("kiosk")
    must(now["autologon"] == "Hall" and now["kioskAccount"] == "Hall" and now["user"] is None, f"signed in by itself: {now['autologon']}")
    must(not [a for a in now["accounts"] if "Administrators" in a], f"nobody is an administrator: {now['accounts']}")
    seen = lab.timeline(serial)["timeline"]
    shown = [e for e in seen if e["type"] == "configuration.in-effect" and e["detail"].get("item") == "hall"]
    must(len(shown) == 1, f"the service read back what it wrote: {[e['type'] for e in seen]}")
    must("configuration.failed" not in types(lab, serial), "nothing failed")
    return serial


def changes(lab, bench):
    """Another app in the next session; an account of its own instead of the autologon."""
    lab.cli("policy", "add", "hall", "--replace", "--file", lab.write("hall.json", {"kind": "kiosk", "aumid": AUMID, "breakout": "Ctrl+Alt+Q"}))
    bench.sync("kiosk")
    must(bench.shown("kiosk")["screen"] == f"kiosk: {AUMID} as kioskUser0", f"the other app: {bench.shown('kiosk')['screen']}")
    lab.cli("policy", "add", "hall", "--replace", "--file", lab.write("hall.json", {"kind": "kiosk", "aumid": AUMID, "account": "AzureAD\\" + laboratory.USER}))
    bench.sync("kiosk")
    now = bench.shown("kiosk")
    must(now["autologon"] is None and now["screen"].startswith(f"sign-in screen: AzureAD\\{laboratory.USER} gets"), f"by hand: {now['screen']}")
    lab.cli("policy", "add", "hall", "--replace", "--file", lab.write("hall.json", BOARD))
    bench.sync("kiosk")
    must(bench.shown("kiosk")["autologon"] == "Hall", "and back")


def stays(lab, bench):
    """Sessions in which nothing changes leave it alone, and so does switching the device on again."""
    for _ in range(2):
        bench.sync("kiosk")
    must(last_page(bench.run("kiosk")).startswith(SCREEN), "switched on again it is the kiosk")
    must(bench.shown("kiosk")["autologon"] == "Hall", "nobody took it away")


def checked(lab, serial):
    return {r["code"]: r for r in lab.cli("device", "check", serial, "--json", expect=None)["findings"]}["kiosk"]


def warns(lab, bench, serial):
    """What would stop the autologon is told where it is assigned, and by the device's check."""
    lab.cli("policy", "add", "banner", "--file", lab.write("banner.json", {"kind": "policy", "settings": [
        {"policy": "LocalPoliciesSecurityOptions/InteractiveLogon_MessageTextForUsersAttemptingToLogOn", "value": "Welcome", "format": "chr"}]}))
    told = lab.cli("policy", "assign", "banner", "--group", "Kiosks", "--json")
    must(any("banner" in w and "hall" in w for w in told["warnings"]), f"warned: {told}")
    must(checked(lab, serial)["verdict"] == "warn" and "banner" in checked(lab, serial)["found"], f"the check says it: {checked(lab, serial)}")
    lab.cli("policy", "remove", "banner")
    must(checked(lab, serial)["verdict"] == "pass", f"and no more: {checked(lab, serial)}")


def goes(lab, bench):
    """Unassigned, the node is deleted and the sign-in screen is back; assigned again, the kiosk is."""
    lab.cli("policy", "unassign", "hall", "--group", "Kiosks")
    bench.sync("kiosk")
    now = bench.shown("kiosk")
    must(now["screen"] == "sign-in screen" and now["autologon"] is None and now["kioskApp"] is None, f"gone: {now['screen']}")
    lab.cli("policy", "assign", "hall", "--group", "Kiosks")
    bench.sync("kiosk")
    must(bench.shown("kiosk")["autologon"] == "Hall", "and back")


def collects(lab, bench):
    """The archive holds the way in the ids of Windows' event log, and what the TPM is; nothing of it is a secret."""
    archive = lab.path("kiosk.zip")
    run(laboratory.DEVICE, "diagnostics", "--state", lab.path("kiosk"), "--out", archive)
    with zipfile.ZipFile(archive) as z:
        events, tpm = json.loads(z.read("events.json")), json.loads(z.read("tpm.json"))
    ids = [e["id"] for e in events["events"]]
    must(ids[:4] == [160, 164, 161, 153] and 111 in ids and 171 not in ids, f"ids of the way: {ids}")
    must(events["whyNoProfile"] == "got it", events["whyNoProfile"])
    must(tpm["tpm"] == "answers" and tpm["attestedAs"] == "self-deploying" and "swtpm" in tpm["ekCertificate"]["issuer"], f"its TPM: {tpm}")
    must(len(tpm["keysInside"]) == 2, f"both keys are inside: {tpm}")


def comes_back(lab, bench, serial):
    """Autopilot Reset takes the kiosk with the policies, and the deployment behind it brings it again; a device that leaves the group loses it."""
    order = matrix.ask(lab, serial, "reset")
    bench.sync("kiosk")
    must(last_page(bench.run("kiosk")).endswith(" as Hall"), "after a reset it is the kiosk again")
    matrix.must_be(lab, order, "done")
    lab.cli("device", "tag", "STORE", serial)
    bench.sync("kiosk")
    must(bench.shown("kiosk")["autologon"] is None, "out of the group, out of the kiosk")


def scenario(lab):
    tpms.skip_without()
    lab.init()
    lab.serve()
    contoso.configure(lab)
    lab.cli("policy", "remove", "password-length")  # a password rule ends the autologon: the check would say so
    userless.profile(lab)
    lab.cli("policy", "add", "hall", "--file", lab.write("hall.json", BOARD))
    lab.cli("policy", "assign", "hall", "--group", "Kiosks")
    with tpms.Tpms(lab) as box:
        userless.trust(lab, box)
        bench = Bench(lab, box)
        serial = deploys_into_a_kiosk(lab, bench)
        collects(lab, bench)
        stays(lab, bench)
        changes(lab, bench)
        warns(lab, bench, serial)
        goes(lab, bench)
        comes_back(lab, bench, serial)
        say(json.dumps({k: v for k, v in bench.shown("kiosk").items() if "iosk" in k or k in ("screen", "autologon")}, indent=1))
        say(run(laboratory.DEVICE, "show", "--state", lab.path("kiosk")).stdout[:400])
