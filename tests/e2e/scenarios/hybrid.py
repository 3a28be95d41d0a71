"""A factory device joins a domain and the directory: account by a connector, blob, restart, sign-in by the domain, ready; Samba's own tools judge."""
import json
import os
import subprocess

import ad
import hybrid_lab
import lab as laboratory
from lab import LabError, run, say

WORDS = ["device.registered", "device.contacted", "device.signed-in", "device.enrolled", "domain.queued", "domain.creating", "domain.created",
         "domain.delivered", "domain.confirmed", "device.device-done", "device.joined", "device.account-setup", "device.ready"]


def must(condition, what):
    if not condition:
        raise LabError(f"not so: {what}")


def in_order(out, *lines):
    at = -1
    for line in lines:
        hit = out.find(line, at + 1)
        must(hit > at, f"\"{line}\" stands behind what was said before it:\n{out}")
        at = hit


def show_json(lab, name="device"):
    return json.loads(run(laboratory.DEVICE, "show", "--state", lab.path(name), "--json").stdout)


def check_device(lab, dc, pc):
    """What the device says of itself, and the domain of it."""
    must(pc["domainJoined"] is True and pc["azureAdJoined"] is True and pc["domainName"] == ad.NETBIOS, f"joined to both: {pc['domainName']}")
    name = pc["computerName"]
    must(name.startswith("SALES-") and len(name) == 12, f"the name is the item's: {name}")
    account = dc.computer(name)
    must(account["dn"][0].endswith("," + ad.OU), f"in the item's unit: {account['dn']}")
    must(len(account.get("usercertificate", [])) == 1, "one certificate stands at the account")
    must(account["objectguid"][0].lower() == pc["domainComputerGuid"], "the account is the one that was registered")
    must(account["objectsid"][0] == pc["domainComputerSid"], "and its identifier")
    user = dc.find("(sAMAccountName=alice)", "objectSid")["objectsid"][0]
    must(pc["administrators"] == [f"{dc.upn('alice')} ({user})"], f"its user is administrator by identifier: {pc['administrators']}")
    must(pc["azureAdPrt"] is True and pc["accountGroup"] == "Administrators", "and has a token")
    return name


def check_join(lab, dc, name):
    """Judges that share no line with us: ndrdump reads the blob, net takes it and tests the join, kinit uses the keytab."""
    blob, keytab = lab.path("device", "odj.txt"), lab.path("device", "machine.keytab")
    for file in (blob, keytab):
        must(os.stat(file).st_mode & 0o777 == 0o600, f"{file} is its owner's alone")
    dc.kinit(name + "$", keytab=keytab, cache=dc.path("pc.cc"))
    dc.kinit(f"host/{name.lower()}.{ad.DNS}", keytab=keytab, cache=dc.path("pc2.cc"), expect=None)
    with open(blob, "rb") as f:
        raw = subprocess.run(["base64", "-d"], input=f.read().decode("utf-16").rstrip("\0").encode(), capture_output=True, check=True).stdout
    binary = lab.path("blob.bin")
    with open(binary, "wb") as f:
        f.write(raw)
    told = run("ndrdump", "ODJ", "ODJ_PROVISION_DATA_serialized_ptr", "struct", binary).stdout
    for text in (name, ad.DNS, ad.NETBIOS, ad.HOST):
        must(text in told, f"ndrdump finds {text}")
    os.unlink(binary)
    dc.testjoin(name, blob)


def sign_in(lab, dc, who, password, expect, code=""):
    """Somebody at the sign-in screen of the computer: the domain says who may."""
    file = lab.write("typed.password", password)
    argv, env = lab.inside([laboratory.DEVICE, "use", "--state", lab.path("device"), "--user", dc.upn(who), "--answer", f"password=@{file}"])
    out = run(*argv, expect=expect, env=env).stdout
    must(code in out.splitlines()[-1], f"{who} is told {code}: {out}")
    return out


def check_people(lab, dc, name):
    """Each word of the domain about a person, with its code; and what is no domain of this computer is not believed."""
    sign_in(lab, dc, "bob", dc.password("bob"), 0, "used by bob@corp.test")
    sign_in(lab, dc, "bob", "Wrong-Pass-123", 1, "0x8007052e; Wrong")
    dc.disable("bob")
    sign_in(lab, dc, "bob", dc.password("bob"), 1, "0x80070533; Disabled")
    dc.must_change("carol")
    sign_in(lab, dc, "carol", dc.password("carol"), 1, "0x80070773; MustChange")
    dc.expire_account("dan")
    sign_in(lab, dc, "dan", dc.password("dan"), 1, "0x80070701; AccountExpired")
    _, password = dc.user("zoe")
    dc.lock("zoe")
    sign_in(lab, dc, "zoe", password, 1, "0x80070775; Locked")
    dc.user("eve")
    dc.expire_password("eve")
    sign_in(lab, dc, "eve", "Eve-Pass-123", 1, "0x80070532; PasswordExpired")
    dc.set_password(name + "$", "Another-Pass-123")  # what answers now does not know the machine's key, as no false controller does
    out = sign_in(lab, dc, "alice", dc.password("alice"), 1, "0x80070774; DeviceNoDc")
    must("does not know this machine's key" in out, "and says why")


def check_service(lab, serial):
    """One device everywhere, the blob nowhere, the way told."""
    shown_now = lab.timeline(serial)
    words = [e["type"] for e in shown_now["timeline"]]
    must(shown_now["state"] == "ready", f"ready: {shown_now['state']}")
    at = -1
    for word in WORDS:
        must(word in words and words.count(word) == 1 and words.index(word) > at, f"the timeline has {word} once, in its order: {words}")
        at = words.index(word)
    must(lab.cli("device", "list", "--json")["count"] == 1, "one device in the list")
    say(lab.cli("device", "show", serial, "--timeline"))
    store = subprocess.run(["grep", "-c", "ARAIAMzMzM", "-r", lab.data], capture_output=True, text=True, check=False)
    must(store.returncode == 1, f"no blob rests in clear in the store:\n{store.stdout}")
    with open(lab.path("serve.log"), encoding="utf-8", errors="replace") as f:
        log = f.read() + hybrid_lab.log_of(lab)
    must("ARAIAMzMzM" not in log and "Alice-Pass" not in log, "no log knows blob or password")


def scenario(lab):
    with ad.Domain() as dc:
        lab.enter(dc)
        lab.init()
        lab.serve()
        hybrid_lab.configure(lab)
        hybrid_lab.connector(lab, dc)
        serial = lab.register()
        out = hybrid_lab.run_device(lab, dc, echo=say)
        in_order(out, "signed in: alice@corp.test", "enrolled: ", "offline domain join applied: SALES-", "restart", "joined the domain: SALES-",
                 "domain controller reached: " + ad.HOST, "lock screen: alice@corp.test", "alice@corp.test signed in by the domain", "registered: device ",
                 "desktop: alice@corp.test")
        must("inputs asked: 3 (user, password, password)" in out, "nothing but credentials was asked, the password twice: the restart lost it")
        pc = show_json(lab)
        name = check_device(lab, dc, pc)
        check_join(lab, dc, name)
        check_service(lab, serial)
        check_people(lab, dc, name)
