"""What fails on the way into a domain, each with its code and remedy on both sides: controllers down, units, rights, names, the connector's account, clocks, blobs."""
import base64
import os
import re
import signal
import subprocess

import ad
import contoso
import hybrid_lab
import lab as laboratory
from lab import LabError, end, run, say, wait_for

QUICK = 300  # pace of devices that are to fail: 40 minutes of waiting in 8 seconds
SKEWED = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *t)
{
    int (*real)(clockid_t, struct timespec *) = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int rc = real(id, t);
    if (id == CLOCK_REALTIME)
        t->tv_sec += 1200;
    return rc;
}
int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    t->tv_sec = now.tv_sec;
    t->tv_usec = now.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *t)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (t)
        *t = now.tv_sec;
    return now.tv_sec;
}
"""
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

    def __init__(self, lab, dc):
        self.lab, self.dc, self.count = lab, dc, 0

    def make(self, serial, tag="GOOD"):
        self.count += 1
        spec = self.lab.write(f"{serial}.json", contoso.hardware(serial, 800 + self.count))
        self.lab.register(hardware=spec, tag=tag, name=serial)
        return {"name": serial.lower(), "hardware": spec}

    def by_ada(self, pc, **more):
        """Somebody of the service's own signs in: whatever the domain does, the way goes on to its account."""
        return self.lab.run_device(**pc, **more)

    def by_alice(self, pc, **more):
        return hybrid_lab.run_device(self.lab, self.dc, **pc, **more)


def events(lab, serial, kind):
    return [e for e in lab.timeline(serial)["timeline"] if e["type"] == kind]


def last_failure(lab, serial):
    found = events(lab, serial, "domain.failed")
    return found[-1] if found else {}


def member(event, name):
    return str(event.get(name) or (event.get("detail") or {}).get(name) or "")


def check_told(lab, serial, reason, code):
    """The timeline names the very reason, with code and remedy."""
    wait_for(lambda: member(last_failure(lab, serial), "where") == reason, 40, f"{serial}'s timeline tells {reason}")
    e = last_failure(lab, serial)
    must(member(e, "code") == code and member(e, "remedy") and member(e, "cause"), f"{reason} with {code}, cause and remedy: {e}")
    text = lab.cli("device", "show", serial, "--timeline")
    must(code in text, f"the timeline for people names {code}:\n{text}")
    say(f"    {serial}: {reason} {code}: {member(e, 'remedy')}")


def check_device(out, code):
    """... and the device's last line has a code and a remedy of its own."""
    last = out.strip().splitlines()[-1]
    must(last.startswith("failed") and code in last and last.count(";") >= 3, f"the device's last line: {last}")


def fails(lab, pcs, serial, tag, reason, code):
    """A device on its way until the service knows why it can't go on."""
    pc = pcs.make(serial, tag)
    p = lab.start_device(**pc)
    check_told(lab, serial, reason, code)
    end(p)
    lab.others.remove(p)
    return pc


def settings_that_fail(lab, dc, pcs):
    """Wrong unit, no right, name taken: found by the connector, told by the service; nothing is left over."""
    dc.tool("computer", "create", "TAKEN-PC", f"--computerou={ad.OTHER_OU.removesuffix(',' + ad.BASE)}")
    before = dc.computer("TAKEN-PC")
    for tag, reason, code in (("NOOU", "NoOu", "0x80072030"), ("NORIGHT", "NoRight", "0x80070005"), ("TAKEN", "NameTaken", "0x800708b0")):
        pc = fails(lab, pcs, f"DEV-{tag}", tag, reason, code)
    check_device(pcs.by_ada(pc, expect=1, pace=QUICK), "0x800705b4")
    must(dc.computer("TAKEN-PC") == before, "the account that was there is as it was")
    must(not dc.computer("DEV-NOOU") and not sales(dc), "nothing was made anywhere")


def sales(dc):
    """Names of the accounts that were made for devices."""
    done = run(*dc.mounted("ldbsearch", "-H", "/var/lib/samba/private/sam.ldb", "-b", ad.BASE, "(sAMAccountName=SALES-*)", "sAMAccountName"))
    return re.findall(r"^sAMAccountName: (\S+)\$", done.stdout, re.M)


def account_that_fails(lab, dc, pcs):
    """The connector's own account: each state is told by the connector itself, and by the device that suffers from it."""
    name = ad.CONNECTOR
    password = lab.path("near.password")

    def wrong():
        laboratory_write(password, "Not-The-Password-1")

    def right():
        laboratory_write(password, ad.CONNECTOR_PASSWORD)

    cases = (
        ("DEV-DISABLED", "ServiceDisabled", "0x80070533", lambda: dc.disable(name), lambda: dc.enable(name)),
        ("DEV-EXPIRED", "ServiceExpired", "0x80070532", lambda: dc.must_change(name), lambda: dc.need_not_change(name)),
        ("DEV-PASSWORD", "ServicePassword", "0x8007052e", wrong, right),
    )
    for serial, reason, code, spoil, mend in cases:
        spoil()
        fails(lab, pcs, serial, "GOOD", reason, code)
        wait_for(lambda: reason in str(hybrid_lab.shown(lab, "near")), 20, f"the connector's own state says {reason}")
        mend()  # a password that was put right is read at the next bind: nobody starts anything anew
        wait_for(lambda: hybrid_lab.shown(lab, "near").get("state") == "active", 90, "the connector is well again")


def laboratory_write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text + "\n")


def clock_that_is_wrong(lab, dc):
    """A connector whose clock is twenty minutes ahead comes with a keytab: Kerberos refuses it."""
    shim = lab.path("skew.so")
    laboratory_write(lab.path("skew.c"), SKEWED)
    run("cc", "-shared", "-fPIC", "-o", shim, lab.path("skew.c"), "-ldl")
    file = hybrid_lab.config(lab, dc, "skewed", keytab=dc.keytab, url=f"ldap://{ad.HOST}")
    env = {**dc.env, "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0", "LD_PRELOAD": shim}
    words = [laboratory.TOUCHDOWN, "connector", "check", "--config", file]
    good = dc.run(*words, expect=None)
    must(good.returncode == 0, f"with a right clock the keytab does: {good.stdout}{good.stderr}")
    bad = dc.run("env", f"LD_PRELOAD={shim}", *words, env=env | {"LD_PRELOAD": ""}, expect=None)
    must(bad.returncode == 1 and "ClockSkew" in bad.stdout and "Set the clock" in bad.stdout, f"ClockSkew with its remedy: {bad.stdout}{bad.stderr}")


class Watched:
    """A device whose lines are read one by one, so that something can be done at one of them."""

    def __init__(self, lab, dc, pc, **more):
        argv = lab.device_args(answers=hybrid_lab.answers(lab, dc), alone=True, **pc, **more)
        argv, env = lab.inside(argv)
        self.p = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL,
                                  start_new_session=True, env=env)
        lab.others.append(self.p)
        self.lines = []

    def until(self, words):
        for line in self.p.stdout:
            self.lines.append(line.rstrip("\n"))
            if words in line:
                return line
        raise LabError(f"the device ended before \"{words}\":\n" + "\n".join(self.lines[-30:]))

    def finish(self):
        self.lines += [line.rstrip("\n") for line in self.p.stdout]
        self.p.wait()
        return self.p.returncode, "\n".join(self.lines)


def controller_that_is_down(lab, dc, pcs):
    """Down at each step in turn; on again, the same device goes on from there to ready."""
    pc = pcs.make("DEV-DOWN")
    dc.stop()
    out = pcs.by_alice(pc, expect=None, pace=QUICK)
    must("can't be asked about the password" in out and not out.strip().splitlines()[-1].startswith("ready"), f"at the sign-in page: {out[-600:]}")
    say("    down at the sign-in page: told there, nothing begun")
    wait_for(lambda: "NoDc" in str(hybrid_lab.shown(lab, "near")), 90, "the connector says that no controller answers")

    ada = pcs.make("DEV-DOWN-ADA")
    out = pcs.by_ada(ada, expect=1, pace=QUICK)
    must("0x800705b4" in out.strip().splitlines()[-1], f"no account in time: {out.strip().splitlines()[-1]}")
    text = lab.cli("device", "show", "DEV-DOWN-ADA", "--timeline")
    must("No domain controller answers" in text, f"the timeline says why it waits:\n{text}")
    say("    down when the account is to be made: Timeout at the device, NoDc on the timeline, tried again")
    dc.resume()
    wait_for(lambda: hybrid_lab.shown(lab, "near").get("state") == "active", 90, "the connector has its controller again")

    device = Watched(lab, dc, pc)
    device.until("offline domain join applied")
    dc.stop()
    device.until("wait     domain:")
    say("    down behind the restart: the device waits for a controller")
    dc.resume()
    device.until("lock screen")
    code, out = device.finish()
    must(code == 0, f"ready in the end:\n{out[-1500:]}")
    must(len(events(lab, "DEV-DOWN", "domain.created")) == 1, "one account was made for it")

    pc = pcs.make("DEV-NEVER")
    device = Watched(lab, dc, pc, pace=QUICK)
    device.until("offline domain join applied")
    dc.stop()
    code, out = device.finish()
    last = out.strip().splitlines()[-1]
    must(code == 1 and "0x80070774" in last and "VPN" in last, f"nobody comes: {last}")
    say(f"    down for good: {last}")
    dc.resume()
    wait_for(lambda: hybrid_lab.shown(lab, "near").get("state") == "active", 90, "the connector has its controller again")
    out = pcs.by_alice(pc, expect=0)
    must("joined the domain" in out or "domain controller reached" in out, "started again it goes on")

    pc = pcs.make("DEV-LOCK")
    device = Watched(lab, dc, pc)
    device.until("lock screen")
    dc.stop()
    code, out = device.finish()
    must(code != 0 and re.search(r"0x8007054b|0x80070774|domain controller", out.strip().splitlines()[-1]), f"at the lock screen:\n{out[-1200:]}")
    say(f"    down at the lock screen: {out.strip().splitlines()[-1]}")
    dc.resume()
    wait_for(lambda: hybrid_lab.shown(lab, "near").get("state") == "active", 90, "the connector has its controller again")
    pcs.by_alice(pc, expect=0)


def another_takes_over(lab, dc, pcs, first):
    """The connector makes the account, can't tell it (the service is gone) and dies; another one finds the account by its mark."""
    pc = pcs.make("DEV-TAKEN-OVER")
    old = set(sales(dc))
    device = Watched(lab, dc, pc)
    device.until("signed in:")
    dc.freeze()
    try:
        wait_for(lambda: events(lab, "DEV-TAKEN-OVER", "domain.creating"), 30, "the first connector has the work")
        lab.kill_server()
    finally:
        dc.thaw()
    say("    the first connector has the work; the service is gone")
    wait_for(lambda: set(sales(dc)) - old, 40, "the account is made, and nobody is told")
    made = (set(sales(dc)) - old).pop()
    mark = dc.computer(made)["description"][0]
    say(f"    {made} is made, and nobody is told")
    first.kill()
    first.wait()
    end(device.p)  # it would wait for its service
    lab.serve()
    second = hybrid_lab.connector(lab, dc, "other")
    out = pcs.by_alice(pc, expect=0, timeout=600, pace=20)  # the lease of the dead one lasts a minute
    must(set(sales(dc)) - old == {made}, f"one account and no more: {set(sales(dc)) - old}")
    now = dc.computer(made)["description"][0]
    must(now != mark and now.split()[:3] == mark.split()[:3] and int(now.split()[3]) > int(mark.split()[3]), f"taken over: {mark}, then {now}")
    must(made in out, "it is the name that the device got")
    dc.kinit(made + "$", keytab=lab.path(pc["name"], "machine.keytab"), cache=dc.path("taken.cc"))
    say(f"    killed between account and result: {mark!r} became {now!r}, one account, its ticket is good")
    return second


def blob_twice(lab, dc, pcs):
    """Killed between taking the blob and telling so: it comes again, and changes nothing. Afterwards it is gone."""
    pc = pcs.make("DEV-TWICE")
    device = Watched(lab, dc, pc)
    device.until("offline domain join applied")
    os.kill(device.p.pid, signal.SIGKILL)
    device.finish()
    out = pcs.by_alice(pc, expect=0)
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
        first = hybrid_lab.connector(lab, dc)
        pcs = Pcs(lab, dc)
        say("  settings")
        settings_that_fail(lab, dc, pcs)
        say("  the connector's account")
        account_that_fails(lab, dc, pcs)
        say("  clocks")
        clock_that_is_wrong(lab, dc)
        say("  blobs")
        bits_that_flip(lab, blob_twice(lab, dc, pcs))
        say("  controllers")
        controller_that_is_down(lab, dc, pcs)
        say("  connectors")
        another_takes_over(lab, dc, pcs, first)


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
