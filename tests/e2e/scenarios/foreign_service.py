"""The device alone, against a service of another make that speaks the documents in a style unlike ours: every exit code, and what a service may spoil."""
import hashlib
import html
import os
import shutil
import subprocess

import foreign
import lab as laboratory
from foreign import Refuse, command, first, group, item, release, status
from lab import LabError, say

MSI = "./Device/Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/%7B77777777-0000-4000-8000-000000000001%7D"
LOCK = "./Vendor/MSFT/Policy/Config/DeviceLock/"
SHOWN = """<characteristic type='FirstSyncStatus'><parm name='SkipDeviceStatusPage' value='false' datatype='boolean'/>
<parm name='SkipUserStatusPage' value='false' datatype='boolean'/></characteristic>
<characteristic type='Poll'><parm name='IntervalForFirstSetOfRetries' value='3' datatype='integer'/>
<parm name='NumberOfFirstRetries' value='0' datatype='integer'/></characteristic>"""


def must(condition, what):
    if not condition:
        raise LabError(f"not so: {what}")


# --- management sessions: each yields bodies and is sent the device's next message


def released(_service, _number, msg):
    yield release(msg)


def shown_late(_service, number, msg):
    """The first session shows both pages and lists a policy; the third sets it."""
    yield {1: first("SkipDeviceStatusPage", "false", "bool") + first("SkipUserStatusPage", "false", "bool")
              + first("ExpectedPolicies", LOCK + "DevicePasswordEnabled", "chr"), 2: ""}.get(
                  number, command("Replace", item(LOCK + "DevicePasswordEnabled", "0", "int")) + release(msg))


def many_kinds(service, number, msg):
    """Commands of every kind over several messages of one package; what must come back stands beside."""
    if number != 1:
        yield release(msg)
        return
    got = yield ("<!--more-->" + command("Get", item("./DevDetail/SwV"), item("./Vendor/MSFT/NoSuch/x"), cmd_id="{A-1}")
                 + command("Get", item("./User/Vendor/MSFT/Policy/Config/A/B"), cmd_id="2")
                 + command("Get", item("./Vendor/MSFT/DMClient/Provider"), cmd_id="3")
                 + command("Get", item("./DevDetail/SwV?prop=Type"), cmd_id="4")
                 + command("Get", item("./DevDetail//SwV"), cmd_id="5"))
    service.got.append(got)
    got = yield ("<!--more-->" + group("Atomic", command("Replace", item(LOCK + "DevicePasswordEnabled", "0"),
                                                          item(LOCK + "MinDevicePasswordLength", "6"), form="int", cmd_id="6"))
                 + group("Atomic", command("Replace", item(LOCK + "MinDevicePasswordLength", "8", "int"), cmd_id="7"),
                         command("Replace", item("./Vendor/MSFT/NoSuch/x", "1"), cmd_id="8"),
                         command("Delete", item(LOCK + "DevicePasswordEnabled"), cmd_id="9"))
                 + group("Sequence", command("Delete", item(LOCK + "DevicePasswordEnabled"), cmd_id="10"),
                         command("Get", item(LOCK + "MinDevicePasswordLength"), cmd_id="11")))
    service.got.append(got)
    got = yield "<!--more-->  <sm:Copy><sm:CmdID>12</sm:CmdID></sm:Copy>\n" + command("Add", item(LOCK + "MinDevicePasswordLength", "9", "int"), cmd_id="13")
    service.got.append(got)
    got = yield command("Replace", item("./DevDetail/SwV", "9"), cmd_id="14")
    service.got.append(got)


def challenge(service, _number, msg):
    """Digest at application level, with a new nonce each time; 212 accepts."""
    while True:
        cred = next((foreign.text(e, "Data") for e in msg.iter() if foreign.local(e.tag) == "Cred"), None)
        inner = foreign.base64.b64encode(hashlib.md5(b"dev-7f3a:S3cret!pw").digest())
        want = foreign.base64.b64encode(hashlib.md5(inner + b":" + foreign.base64.b64decode(service.nonce)).digest()).decode()
        service.nonce = foreign.base64.b64encode(os.urandom(16)).decode()
        ask = (f"</sm:Cmd><sm:Chal><sm:Meta><mi:NextNonce>{service.nonce}</mi:NextNonce><mi:Type>syncml:auth-md5</mi:Type>"
               "<mi:Format>b64</mi:Format></sm:Meta></sm:Chal>")
        code = 212 if cred == want else 401 if cred else 407
        service.creds.append(code)
        body = "<!--no header status-->" + status(foreign.text(msg, "MsgID"), "0", "SyncHdr", code).replace("</sm:Cmd>", ask)
        if code == 212:
            break
        msg = yield body
    yield body + release(msg)


def aborted(_service, number, msg):
    yield command("Get", item("./DevDetail/SwV")) + foreign.alert(1223) if number == 1 else release(msg)


def never(flags):
    def session(_service, _number, _msg):
        yield first("TimeOutUntilSyncFailure", "9", "int") + first("BlockInStatusPage", str(flags), "int")
    return session


def forced(_service, _number, _msg):
    yield first("BlockInStatusPage", "1", "int") + first("WasDeviceSuccessfullyProvisioned", "0", "int") + first("IsSyncDone", "true", "bool")


def package(sha256=None, retries=0):
    """One MSI, ordered by CDATA inside a Sequence; the list is complete in the same session's next message."""
    def session(service, number, msg):
        if number != 1:
            yield release(msg)
            return
        job = (f'<MsiInstallJob id="{foreign.PRODUCT}"><Product Version="1.2.3.0"><Download><ContentURLList>'
               f'<ContentURL>{html.escape(service.url)}/files/agent.msi?a=1&amp;b=2</ContentURL></ContentURLList></Download><Validation>'
               f'<FileHash>{sha256 or hashlib.sha256(service.msi).hexdigest()}</FileHash></Validation><Enforcement><CommandLine>/quiet</CommandLine>'
               f'<TimeOut>10</TimeOut><RetryCount>{retries}</RetryCount><RetryInterval>1</RetryInterval></Enforcement></Product></MsiInstallJob>')
        yield (first("BlockInStatusPage", "1", "int") + first("ExpectedMSIAppPackages", MSI + "/Status;1", "chr")
               + group("Sequence", command("Add", item(MSI + "/DownloadInstall")), command("Exec", item(MSI + "/DownloadInstall", f"<![CDATA[{job}]]>", "xml"))))
        yield first("ServerHasFinishedProvisioning", "true", "bool")
    return session


# --- answers that are none


class CutOnce:
    """Every answer comes cut in half at first; the same octets again bring the stored one (oma-dm.md 3, rule 7)."""

    def __init__(self):
        self.stored = {}

    def __call__(self, service, door, body):
        service.raw.insert(0, self)
        if body in self.stored:
            service.answer(door, 200, self.stored[body], foreign.TYPE)
            return
        self.stored[body] = service.reply(body)
        whole = self.stored[body].encode()
        door.send_response(200)
        door.send_header("Content-Type", foreign.TYPE)
        door.send_header("Content-Length", str(len(whole)))
        door.end_headers()
        door.wfile.write(whole[:len(whole) // 2])
        door.wfile.flush()
        door.close_connection = True
        door.connection.shutdown(2)


def too_short(service, door, body):
    """Content-Length is 100 less than the message."""
    whole = service.reply(body).encode()
    door.send_response(200)
    door.send_header("Content-Type", foreign.TYPE)
    door.send_header("Content-Length", str(len(whole) - 100))
    door.end_headers()
    door.wfile.write(whole)
    door.close_connection = True


def portal(service, door, _body):
    service.answer(door, 200, "<html>sign in to the network</html>", "text/html")


# --- driving the device


class Drive:
    def __init__(self, lab, service):
        self.lab, self.service, self.password = lab, service, lab.write("foreign-password", foreign.PASSWORD + "\n")

    def run(self, name, want, words="", timeout=60, pace=6000, **given):
        """touchdown-device run on the state folder name; its last line must hold words. Returns the output."""
        given = {"url": self.service.url, "ca": self.service.ca, "password": "@" + self.password, **given}
        argv = [laboratory.DEVICE, "run", "--server", given["url"], "--ca", given["ca"], "--state", self.lab.path(name), "--pace", str(pace),
                "--timeout", str(timeout), "--hardware", os.path.join(laboratory.FIXTURES, "hardware", "laptop.json"),
                "--answer", "user=" + foreign.USER, "--answer", "password=" + given["password"]]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
        out = done.stdout + done.stderr
        last = (out.strip().splitlines() or [""])[-1]
        must(done.returncode == want and words in last, f"{name}: exit {done.returncode}, expected {want} with {words!r}\n{out[-2500:]}")
        if want in (1, 3, 4):
            must(last.count("; ") >= 3, f"{name}: the last line tells code, item, cause, remedy: {last}")
        return out

    def enrolled(self, name, more):
        """A state folder that stands before its first session."""
        self.service.reset()
        self.service.wap_more = more
        self.service.refuse = {"MDM.svc": [Refuse(503, "busy", {"Retry-After": "86000"})]}
        self.run(name, 4, "time-out", timeout=100, pace=600)

    def page(self, name, want, words="", sessions=released, base="shown", **more):
        """A copy of an enrolled device before the status page."""
        refuse, raw = more.pop("refuse", []), more.pop("raw", [])
        self.service.reset()
        self.service.sessions, self.service.raw = sessions, raw
        self.service.refuse = {"MDM.svc": refuse}
        self.service.files = {"/files/agent.msi": self.service.msi}
        shutil.rmtree(self.lab.path(name), ignore_errors=True)
        shutil.copytree(self.lab.path(base), self.lab.path(name))
        return self.run(name, want, words, **more)


def before_the_join(drive, service):
    service.none = (807, "ZtdDeviceIsNotRegistered")
    drive.run("unknown", 3, "807 ZtdDeviceIsNotRegistered")
    service.none = (815, "ZtdDeviceHasNoAssignedProfile")
    drive.run("unknown", 3, "815 ZtdDeviceHasNoAssignedProfile")
    service.reset()
    service.user_tenant = "bbbbbbbb-0000-4000-8000-000000000002"
    drive.run("stranger", 1, "belongs to another organization")
    service.reset()
    drive.run("stranger", 1, "That is not it.", password="wrong")
    drive.run("stranger", 1, "0x80072f8f", ca=service.pki.path("management.pem"))
    drive.run("nobody", 4, "connect", url="https://localhost:1", timeout=2)
    service.refuse = {"ztd": [Refuse(400, '{"title":"x","field":"hardwareHash","detail":"record 3","remedy":"mend it"}')]}
    drive.run("stranger", 1, "record 3; mend it")
    service.refuse = {"oauth2/token": [Refuse(400, '{"error":"invalid_grant","error_description":"AADSTS50126: wrong"}')]}
    drive.run("stranger", 1, "AADSTS50126")
    service.refuse = {"EnrollmentServer/device": [Refuse(403, '{"ErrorType":"AuthorizationError","Message":"quota"}')]}
    drive.run("stranger", 1, "0x801c0003; join; quota")
    say("lookup, sign-in and join: each refusal has its exit code and cause")


def whole_way(drive, service):
    """Nothing before the status page is refused for good: 429 and 503 are waited for."""
    service.reset()
    service.refuse = {"ztd": [Refuse(429, "", {"Retry-After": "2"}), Refuse(503)], "oauth2/token": [Refuse(503, "", {"Retry-After": "1"})],
                      "EnrollmentServer/device": [Refuse(429)], "Policy.svc": [Refuse(503)]}
    out = drive.run("plain", 0, "inputs asked: 2")
    must("device setup is not shown" in out, "a document without FirstSyncStatus shows no page")
    say("the whole way, with every door busy once")


def sessions(drive, service):
    drive.page("late", 0, sessions=shown_late, base="hidden")
    service.got = []
    drive.page("kinds", 0, sessions=many_kinds)
    found = {}
    for message in service.got:
        for ref, code, target in foreign.codes(message):
            found.setdefault(ref, []).append((code, target) if target else code)
    want = {"{A-1}": [(200, "./DevDetail/SwV"), (404, "./Vendor/MSFT/NoSuch/x")], "2": [405], "3": [200], "4": [200], "5": [400], "6": [200],
            "7": [216], "8": [404], "9": [215], "10": [200], "11": [200], "12": [400], "13": [418], "14": [405]}
    for ref, codes in want.items():
        must(found.get(ref) == codes, f"command {ref} is answered {codes}, not {found.get(ref)}")
    nexts = [[e for e in m.iter() if foreign.local(e.tag) == "Alert" and foreign.text(e, "Data") == "1222"] for m in service.got]
    must([len(n) for n in nexts] == [1, 1, 1, 0], "each message without Final is answered with one Alert 1222")
    must("6" in [foreign.text(e, "Data") for e in service.got[1].iter() if foreign.local(e.tag) == "Results"], "the Atomic was rolled back")
    service.nonce, service.creds = foreign.NONCE, []
    drive.page("digest", 0, sessions=challenge)
    must(service.creds[:2] == [407, 212] and 407 not in service.creds[1:], f"one challenge, then the kept nonce: {service.creds}")
    drive.page("aborted", 0, sessions=aborted)
    drive.page("busy", 0, refuse=[Refuse(401), Refuse(403), Refuse(503, "", {"Retry-After": "5"}), Refuse(429, "", {"Retry-After": "3"})])
    drive.page("gone", 1, "your device is gone", refuse=[Refuse(403, "your device is gone")] * 20)
    drive.page("cut", 0, raw=[CutOnce()])
    drive.page("length", 0, raw=[too_short, portal])
    say("sessions: odd commands, challenge, abort, refusals, cut answers")


def pages(drive, service):
    for flags in (1, 2):
        name = f"never-{flags}"
        drive.page(name, 1, "0x800705b4; ServerHasFinishedProvisioning", sessions=never(flags))
        drive.run(name, 1, "0x800705b4; ServerHasFinishedProvisioning")
    service.sessions = released  # 'Try again' begins the time anew, and now the release comes
    drive.run("never-2", 0)
    drive.page("never-4", 1, "Continue anyway", sessions=never(4))
    service.sessions = released
    drive.run("never-4", 0)
    drive.page("never-0", 0, sessions=never(0))
    drive.page("forced", 1, "0x80004005; WasDeviceSuccessfullyProvisioned", sessions=forced)
    drive.page("package", 0, sessions=package())
    drive.page("wrong", 1, "0x80091007; MSI/{77777777", sessions=package(sha256="0" * 64))
    say("status page: time-out with each button, forced failure, package and a wrong one")


def scenario(lab):
    service = foreign.Foreign(lab.path("foreign"))
    try:
        with open(os.path.join(laboratory.FIXTURES, "dm", "agent.msi"), "rb") as f:
            service.msi = f.read()
        drive = Drive(lab, service)
        before_the_join(drive, service)
        whole_way(drive, service)
        drive.enrolled("shown", SHOWN)
        drive.enrolled("hidden", "")
        sessions(drive, service)
        pages(drive, service)
    finally:
        service.close()
