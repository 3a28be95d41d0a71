"""What fails on the way into a domain, each with its code and remedy on both sides: controllers down, units, rights, names, the connector's account, clocks, blobs."""
import base64
import json
import os
import re
import signal

import ad
import clocks
import contoso
import hybrid_lab
import lab as laboratory
from lab import LabError, run, say, wait_for
from watched import Watched

QUICK = 300  # pace of devices that are to fail: 100 minutes of waiting in 20 seconds
ROWS = {  # tag: what its domain-join item says otherwise
    "NOOU": {"organizationalUnit": f"OU=Nowhere,{ad.BASE}"},
    "NORIGHT": {"organizationalUnit": ad.OTHER_OU},
    "TAKEN": {"namePrefix": None, "nameRandom": None, "nameTemplate": "TAKEN-PC", "oneDevice": True},
    "GOOD": {},
}


def must(condition, what):
    if not condition:
        raise LabError(f"not so: {what}")


class Pcs:
    """Devices of this scenario: each with hardware, tag and state of its own."""

    def __init__(self, lab):
        self.lab, self.count = lab, 0

    def make(self, serial, tag="GOOD"):
        self.count += 1
        spec = self.lab.write(f"{serial}.json", contoso.hardware(serial, 800 + self.count))
        self.lab.register(hardware=spec, tag=tag, name=serial)
        return {"name": serial.lower(), "hardware": spec}


def events(lab, serial, kind):
    return [e for e in lab.timeline(serial)["timeline"] if e["type"] == kind]


def last_failure(lab, serial):
    found = events(lab, serial, "domain.failed")
    return found[-1] if found else {}


def member(event, name):
    return str(event.get(name) or (event.get("detail") or {}).get(name) or "")


def check_told(lab, serial, reason, code):
    """The timeline names the very reason, with code and remedy."""
    wait_for(lambda: member(last_failure(lab, serial), "where") == reason, 90, f"{serial}'s timeline tells {reason}")
    e = last_failure(lab, serial)
    must(member(e, "code") == code and member(e, "remedy") and member(e, "cause"), f"{reason} with {code}, cause and remedy: {e}")
    text = lab.cli("device", "show", serial, "--timeline")
    must(code in text, f"the timeline for people names {code}:\n{text}")
    say(f"    {serial}: {reason} {code}: {member(e, 'remedy')}")


def check_told_by_device(lab, serial, reason, code):
    """What keeps it from its domain stands on the timeline, once: nobody has to go to the device."""
    told = [e for e in events(lab, serial, "device.failed") if member(e, "where") == reason]
    must(len(told) == 1 and member(told[0], "code") == code and member(told[0], "remedy"), f"{reason} with {code} and remedy, once: {told}")
    text = lab.cli("device", "show", serial, "--timeline")
    must(code in text, f"the timeline for people names {code}:\n{text}")


def settings_that_fail(lab, dc, pcs):
    """Wrong unit, no right, name taken: found by the connector, told by the service; nothing is left over.
    Returns its devices, which wait out their time, and what they are to say."""
    dc.tool("computer", "create", "TAKEN-PC", f"--computerou={ad.OTHER_OU.removesuffix(',' + ad.BASE)}")
    before, old = dc.computer("TAKEN-PC"), set(sales(dc))
    rows = (("NOOU", "NoOu", "0x80072030"), ("NORIGHT", "NoRight", "0x80070005"), ("TAKEN", "NameTaken", "0x800708b0"))
    made = [pcs.make(f"DEV-{tag}", tag) for tag, _, _ in rows]
    devices = [Watched(lab, dc, pc, by=None, pace=QUICK) for pc in made]
    for tag, reason, code in rows:
        check_told(lab, f"DEV-{tag}", reason, code)
    must(dc.computer("TAKEN-PC") == before, "the account that was there is as it was")
    must(not dc.computer("DEV-NOOU") and set(sales(dc)) == old, "nothing was made anywhere")
    return list(zip(devices, [code for _, _, code in rows]))


def check_devices(started):
    for device, code in started:
        say(f"    at the device: {device.last(code)}")


def sales(dc):
    """Names of the accounts that were made for devices."""
    done = run(*dc.mounted("ldbsearch", "-H", "/var/lib/samba/private/sam.ldb", "-b", ad.BASE, "(sAMAccountName=SALES-*)", "sAMAccountName"))
    return re.findall(r"^sAMAccountName: (\S+)\$", done.stdout, re.M)


def account_that_fails(lab, dc, pcs):
    """The connector's own account: each state is told by the connector itself, and by the device that suffers from it. What was put
    right is taken at the next bind: nobody starts anything anew. Returns its devices, as settings_that_fail."""
    name, password = ad.CONNECTOR, lab.path("other.password")
    cases = (
        ("DEV-DISABLED", "ServiceDisabled", "0x80070533", lambda: dc.disable(name), lambda: dc.enable(name)),
        ("DEV-EXPIRED", "ServiceExpired", "0x80070532", lambda: dc.expire_password(name), lambda: renew(dc, name)),
        ("DEV-PASSWORD", "ServicePassword", "0x8007052e", lambda: laboratory_write(password, "Not-The-Password-1"),
         lambda: laboratory_write(password, ad.CONNECTOR_PASSWORD)),
        ("DEV-LOCKED", "ServiceLocked", "0x80070775", lambda: dc.lock(name), lambda: unlock(dc, name)),
    )
    started = []
    for serial, reason, code, spoil, mend in cases:
        pc = pcs.make(serial)
        spoil()
        started.append((Watched(lab, dc, pc, by=None, pace=QUICK), code))
        check_told(lab, serial, reason, code)
        wait_for(lambda: reason in str(hybrid_lab.shown(lab, "other")), 60, f"the connector's own state says {reason}")
        mend()
    wait_for(lambda: hybrid_lab.shown(lab, "other").get("state") == "active", 60, "the connector is well again")
    dc.must_change(name)
    check = dc.run(laboratory.TOUCHDOWN, "connector", "check", "--config", lab.path("other.ini"), expect=1).stdout
    must("ServiceExpired" in check and "Set a new password" in check, f"a password that must be changed: {check}")
    dc.need_not_change(name)
    return started


def renew(dc, name):
    """The password counts as set today."""
    dc.must_change(name)
    dc.need_not_change(name)


def unlock(dc, name):
    dc.unlock(name)
    dc.policy(account_lockout_threshold=0)


def laboratory_write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text + "\n")


def clock_that_is_wrong(lab, dc):
    """A connector whose clock is twenty minutes ahead comes with a keytab: Kerberos refuses it."""
    file = hybrid_lab.config(lab, dc, "skewed", keytab=dc.keytab, url=f"ldap://{ad.HOST}")
    words = [laboratory.TOUCHDOWN, "connector", "check", "--config", file]
    good = dc.run(*words, expect=None)
    must(good.returncode == 0, f"with a right clock the keytab does: {good.stdout}{good.stderr}")
    bad = dc.run(*clocks.ahead(lab), *words, expect=None)
    must(bad.returncode == 1 and "ClockSkew" in bad.stdout and "Set the clock" in bad.stdout, f"ClockSkew with its remedy: {bad.stdout}{bad.stderr}")


def clock_of_a_device(lab, dc, pcs):
    """Its clock goes wrong behind the restart: the domain gives it no ticket. It waits, ends with cause and remedy, and goes on from there
    once the clock is right."""
    name, pc, device = held_between(lab, dc, pcs, "DEV-CLOCK", "offline domain join applied", "domain controller reached")
    device.end()
    ahead = Watched(lab, dc, pc, prefix=clocks.ahead(lab), pace=QUICK)
    said = ahead.until("wait     domain:")
    must("five minutes from the domain's" in said, f"it waits, and says why: {said}")
    last = ahead.last("0x80070576")
    must("DeviceClock" in last and "Set the device's clock" in last, f"its reason and remedy: {last}")
    say(f"    a device twenty minutes ahead: {last}")
    check_told_by_device(lab, name, "DeviceClock", "0x80070576")
    must("domain controller reached" in Watched(lab, dc, pc).ready(), "with the right clock it goes on from there")
    must(len(events(lab, name, "domain.created")) == 1, "with the account that it has")


def another_controller(lab, dc, pcs):
    """Where the device is, the directory of the controller that its blob names is not: it finds another one by DNS."""
    other, far = f"dc2.{ad.DNS}", dc.far()
    for words in (("corp.test", "dc2", "A", ad.IP), ("_msdcs.corp.test", "_ldap._tcp.dc", "SRV", f"{other} 389 0 100")):
        dc.tool("dns", "add", ad.HOST, *words, f"-U{dc.admin[0]}", f"--password={dc.admin[1]}")
    for service in ("ldap", "cifs"):
        dc.tool("spn", "add", f"{service}/{other}", "DC1$")
    far.dial()
    far.host(ad.HOST, ad.NOBODY_IP)
    pc = pcs.make("DEV-OTHER")
    out = Watched(lab, dc, pc, place=far).ready()
    with open(lab.path(pc["name"], "state.json"), encoding="utf-8") as f:
        state = json.load(f)
    must((state["domain.dc"], state["domain.reached"]) == (ad.HOST, other), f"of {ad.HOST} and {other} it reached the other: {state}")
    must("gpo " in out, f"which has the policies too: {out}")
    must("usercertificate" in dc.computer(state["domain.machine"]), "and took the certificate")
    say(f"    {ad.HOST} is named by the blob and not there, {other} by DNS: it has the certificate")


def held_between(lab, dc, pcs, serial, line, beyond, **more):
    """A device that stands still behind a line and has not come to the next one that matters. A device that was quicker than the
    signal is ended, and another one takes its part. Its serial number, what it is made of, and the device."""
    for part in range(9):
        name = f"{serial}-{part}"
        pc = pcs.make(name)
        device = Watched(lab, dc, pc, **more).hold(line)
        if not device.has_said(beyond):
            return name, pc, device
        device.end()
    raise LabError(f"nine devices in turn said \"{beyond}\" before they could be held behind \"{line}\"")


def controller_that_is_down(lab, dc, pcs):
    """Down at each step, with a device at each of them; on again, all of them go on from there to ready."""
    down, ada = pcs.make("DEV-DOWN"), pcs.make("DEV-ADA")
    applied, reached, inside = "offline domain join applied", "domain controller reached", "signed in by the domain"
    late_name, _, late = held_between(lab, dc, pcs, "DEV-LATE", applied, reached)
    never_name, never, first_life = held_between(lab, dc, pcs, "DEV-NEVER", applied, reached, pace=QUICK)
    _, lock, at_lock = held_between(lab, dc, pcs, "DEV-LOCK", "lock screen", inside)
    dc.stop()
    for device in (late, first_life, at_lock):
        device.go()
    at_page, at_account = Watched(lab, dc, down, pace=QUICK), Watched(lab, dc, ada, by=None, pace=2 * QUICK)
    late.hold("wait     domain:")
    say("    down behind the restart: the device waits for a controller")
    last = first_life.last("0x80070774")
    must("VPN" in last, f"its remedy: {last}")
    check_told_by_device(lab, never_name, "DeviceNoDc", "0x80070774")
    say(f"    down for good: {last}")
    say(f"    down at the lock screen: {at_lock.last('0x8007054b', '0x80070774', 'domain controller')}")
    at_page.until("can't be asked about the password")
    at_page.end()
    say("    down at the sign-in page: told there, nothing begun")
    wait_for(lambda: "NoDc" in str(hybrid_lab.shown(lab, "other")), 90, "the connector says that no controller answers")
    say(f"    down when the account is to be made: {at_account.last('0x8007054b')}")
    text = lab.cli("device", "show", "DEV-ADA", "--timeline")
    must("No domain controller answers" in text, f"the timeline says why it waits:\n{text}")
    dc.resume()
    wait_for(lambda: hybrid_lab.shown(lab, "other").get("state") == "active", 60, "the connector has its controller again")
    late.go()
    again = [Watched(lab, dc, pc) for pc in (down, never, lock)]
    late.ready()
    out = [device.ready() for device in again]
    must(reached in out[1], "started again it goes on")
    must(len(events(lab, late_name, "domain.created")) == 1, "one account was made for it")
    say("    on again: all of them are ready")


def directory_that_hangs(lab, dc, pcs):
    """At the registration itself: the domain lets the person in, and its directory does not take the computer's certificate."""
    _, _, device = held_between(lab, dc, pcs, "DEV-HANGS", "lock screen", "signed in by the domain")
    dc.freeze("samba: task[ldap]")
    try:
        device.go()
        device.until("signed in by the domain")
        say("    directory hangs at the registration: " + device.until("wait     registration:").strip())
    finally:
        dc.thaw()
    device.ready()


def another_takes_over(lab, dc, pcs, first):
    """The connector makes the account, can't tell it (the service is gone) and dies. Another one is there from now on; what is needed
    to check its work is returned."""
    name, pc, device = held_between(lab, dc, pcs, "DEV-TAKEN-OVER", "signed in:", "enrolled")
    old = set(sales(dc))
    dc.freeze()
    try:
        device.go()
        wait_for(lambda: events(lab, name, "domain.creating"), 60, "the first connector has the work")
        lab.kill_server()
    finally:
        dc.thaw()
    say("    the first connector has the work; the service is gone")
    wait_for(lambda: set(sales(dc)) - old, 60, "the account is made, and nobody is told")
    made = (set(sales(dc)) - old).pop()
    mark = dc.computer(made)["description"][0]
    say(f"    {made} is made, and nobody is told")
    first.kill()
    first.wait()
    device.end()  # it would wait for its service
    lab.serve()
    hybrid_lab.connector(lab, dc, "other")
    return name, pc, made, mark


def check_taken_over(lab, dc, name, pc, made, mark):
    """The lease of the dead one lasts a minute: then the other finds the account by its mark."""
    wait_for(lambda: events(lab, name, "domain.created"), 240, "the other one tells the account")
    out = Watched(lab, dc, pc).ready()
    job = " ".join(mark.split()[:3])
    accounts = dc.find(f"(&(objectClass=computer)(description={job} *))", "sAMAccountName", "description")
    must(accounts["samaccountname"] == [made + "$"], f"one account of this work and no more: {accounts}")
    now = accounts["description"][0]
    must(now.split()[:3] == mark.split()[:3] and int(now.split()[3]) > int(mark.split()[3]), f"taken over: {mark}, then {now}")
    must(made in out, "it is the name that the device got")
    dc.kinit(made + "$", keytab=lab.path(pc["name"], "machine.keytab"), cache=dc.path("taken.cc"))
    must(len(events(lab, name, "domain.created")) == 1, "and was told once")
    lab.cli("connector", "remove", "near")  # else it counts as one that may come back, for whom work waits
    say(f"    killed between account and result: {mark!r} became {now!r}, one account, its ticket is good")


def blob_twice(lab, dc, pcs):
    """Killed between taking the blob and telling so: it comes again, and changes nothing. Afterwards it is gone."""
    pc = pcs.make("DEV-TWICE")
    device = Watched(lab, dc, pc)
    device.until("offline domain join applied")
    os.kill(device.p.pid, signal.SIGKILL)
    device.finish()
    out = Watched(lab, dc, pc).ready()
    must(out.count("offline domain join applied") <= 1, "it is the same blob")
    must(len(events(lab, "DEV-TWICE", "domain.created")) == 1 and len(events(lab, "DEV-TWICE", "domain.confirmed")) == 1, "one account, confirmed once")
    handed = len(events(lab, "DEV-TWICE", "domain.delivered"))
    say(f"    killed with the blob in its hand: handed out {handed} times, applied once")
    return pc


def bits_that_flip(lab, pc):
    """The blob of a device that is ready, with one bit turned at each of many places: refused with a remedy or read, never more than that."""
    with open(lab.path(pc["name"], "odj.txt"), "rb") as f:
        blob = base64.b64decode(f.read().decode("utf-16").rstrip("\0"))
    path, refused = lab.path("bent.bin"), 0
    for at in [*range(0, 64), *range(64, len(blob), 37)]:
        with open(path, "wb") as f:
            f.write(blob[:at] + bytes([blob[at] ^ 1 << at % 8]) + blob[at + 1:])
        done = run(laboratory.DEVICE, "domain", "--blob", path, expect=None)
        must(done.returncode in (0, 1) and "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, f"octet {at}: {done.returncode} {done.stderr}")
        must(done.returncode == 0 or (done.stdout.startswith("failed") and done.stdout.count(";") >= 3), f"octet {at}: a remedy: {done.stdout}")
        refused += done.returncode
    os.unlink(path)
    must(refused > 20, f"most of what frames it is noticed: {refused}")
    say(f"    one bit turned: {refused} times refused with a remedy, else read as another text")


def scenario(lab):
    with ad.Domain() as dc:
        lab.enter(dc)
        lab.init()
        lab.serve()
        configure(lab)
        pcs = Pcs(lab)
        say("  connectors")
        taken = another_takes_over(lab, dc, pcs, hybrid_lab.connector(lab, dc))
        say("  settings")
        refused = settings_that_fail(lab, dc, pcs)
        say("  clocks")
        clock_that_is_wrong(lab, dc)
        clock_of_a_device(lab, dc, pcs)
        say("  blobs")
        bits_that_flip(lab, blob_twice(lab, dc, pcs))
        check_devices(refused)
        say("  a directory that hangs")
        directory_that_hangs(lab, dc, pcs)
        another_controller(lab, dc, pcs)
        check_taken_over(lab, dc, *taken)
        say("  the connector's account")
        refused = account_that_fails(lab, dc, pcs)
        say("  controllers")
        controller_that_is_down(lab, dc, pcs)
        check_devices(refused)


def configure(lab):
    hybrid_lab.configure(lab)
    rule = " or ".join(f'(device.devicePhysicalIds -any _ -eq "[OrderID]:{tag}")' for tag in ROWS)
    lab.cli("group", "add", "Failing", "--rule", rule)
    lab.cli("profile", "assign", "hybrid", "--group", "Failing")
    for tag, other in ROWS.items():
        lab.cli("group", "add", tag, "--rule", f'(device.devicePhysicalIds -any _ -eq "[OrderID]:{tag}")')
        item = {k: v for k, v in {**hybrid_lab.JOIN, **other}.items() if v is not None}
        lab.cli("policy", "add", f"join-{tag}", "--file", lab.write(f"join-{tag}.json", item))
        lab.cli("policy", "assign", f"join-{tag}", "--group", tag)
