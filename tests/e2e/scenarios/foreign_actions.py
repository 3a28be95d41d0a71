"""A device of another make, written from the documents alone: reset for the next user, wiped, deregistered and retired by a script, each answered as such devices answer."""
import csv
import subprocess

import contoso
import foreign_pc as f
import lab as laboratory
from foreign_pc import BROKER, JWT_BEARER, MANAGEMENT, Pc, Session, alert, dev_info, must, status
from graph_script import DEVICES, Program
from lab import run, say

NEXT = f"grace@{laboratory.TENANT}"
WIPE = "./Device/Vendor/MSFT/RemoteWipe/"
RESET = WIPE + "AutomaticRedeployment/"
EVENTS = "/beta/deviceManagement/autopilotEvents"
MANAGED = "DeviceManagementManagedDevices."
RULES = [MANAGED + "ReadWrite.All", MANAGED + "PrivilegedOperations.All", "DeviceManagementServiceConfig.ReadWrite.All"]


class Told(Pc):
    """Answers each Exec as it is told to, and remembers what was executed."""

    def __init__(self, lab, kept, hardware_hash, serial, name):
        super().__init__(lab, kept, hardware_hash, serial)
        self.name, self.serial, self.user_context = name, serial, True
        self.answer, self.executed = 200, []

    def execute(self, c):
        self.executed.append((c.uri, c.format, c.data))
        return self.answer

    def session(self, boot=False, login="user"):
        """What the last message with commands held."""
        anew = alert("4", "1224", "com.microsoft/MDM/BootstrapSync", "device") if boot else ""
        answers = self.sync(first=alert("2", "1201") + alert("3", "1224", "com.microsoft/MDM/LoginStatus", login) + anew + dev_info("7"))
        return [c.uri for c in answers[-2].work] if len(answers) > 1 else []

    def reports(self, number, error="0"):
        self.tree[RESET + "Status"], self.tree[RESET + "LastError"] = number, error

    def set_up_anew(self):
        """What management brought is gone."""
        self.tree = {k: v for k, v in self.tree.items() if "/Ext/" in k or k.endswith(("HWDevID", "SwV", "/Edition"))}


def device(lab, number, name=None, known=None):
    """Registered, joined, enrolled and ready."""
    name = name or f"actions-{number}"
    if known is None:
        lab.register(lab.write(name + ".json", contoso.hardware(f"ACTS{number:03d}", 7000 + number)), name=name)
        with open(lab.path(name + ".csv"), encoding="utf-8") as rows:
            row = list(csv.DictReader(rows))[0]
        known = row["Hardware Hash"], row["Device Serial Number"]
    found = f.lookup(lab, known[0])
    joined = f.join(lab, name + "-join", laboratory.USER, found["DeviceTicket"])
    token = f.bound_token(lab, name + "-join", laboratory.USER)
    request = f.make_csr(lab, f.make_key(lab, name), attributes="windows")
    items = {"DeviceID": joined.replace("-", ""), "ZeroTouchProvisioning": found["ZtdRegistrationId"], "DeviceName": name.upper()}
    pc = Told(lab, f.install(lab, name, f.document(f.enrol_at(lab, f.rst(f.security(token), request, items)))), *known, name)
    pc.device = joined
    pc.session(boot=True, login="others")
    for _ in range(3):
        pc.session()
    must(lab.timeline(known[1])["state"] == "ready", f"{name} is ready")
    return pc


def reset(lab, graph, pc):
    graph.act(pc.serial, "wipe", {"keepEnrollmentData": True, "keepUserData": False})
    pc.reports("0")
    pc.answer = 202
    must(pc.session()[-1] == RESET + "doAutomaticRedeployment" and pc.executed[-1][1:] == (None, None), f"the reset alone: {pc.executed}")
    for number in ("10", "20"):
        pc.reports(number)
        pc.session()
        must(graph.result(pc.serial, "wipe") == "active" and graph.only(pc.serial)["userPrincipalName"] == laboratory.USER, f"{number}: not yet")
    pc.set_up_anew()
    pc.reports("1")
    pc.session(boot=True, login="none")
    now = graph.only(pc.serial)
    must(graph.result(pc.serial, "wipe") == "done" and now["userPrincipalName"] == "", f"done, and nobody's: {now}")
    must(now["deviceEnrollmentType"] == "windowsAzureADJoin", f"it was a person who enrolled it: {now['deviceEnrollmentType']}")
    must(lab.timeline(pc.serial)["state"] == "device setup", "the status page runs again")
    f.bound_token(lab, pc.name + "-join", NEXT)
    for _ in range(2):
        pc.session()
    must(graph.only(pc.serial)["userPrincipalName"] == NEXT and lab.timeline(pc.serial)["state"] == "ready", "the next one has it, ready")
    runs = graph.ask(200, "GET", f"{EVENTS}?$filter=deviceSerialNumber eq '{pc.serial}'&$orderby=deploymentStartDateTime")["value"]
    must([r["userPrincipalName"] for r in runs] == [laboratory.USER, NEXT], f"each run keeps whose it was: {runs}")
    must({r["enrollmentType"] for r in runs} == {"azureADJoinedWithAutopilotProfile"}, f"and how it was enrolled: {runs}")


def not_accepted(graph, pc):
    """The code of the cause comes beside the Status; the device stays what it was."""
    graph.act(pc.serial, "wipe", {})
    s = Session(pc.lab, pc.kept)
    answer = s.msg(alert("2", "1201") + dev_info("3"))
    while answer.work[-1].uri != WIPE + "doWipe":
        answer = s.msg(status("0", "SyncHdr", 200, answer.number) + pc.reply(answer))
    s.msg(status("0", "SyncHdr", 200, answer.number) + status(answer.work[-1].id, "Exec", 500, answer.number).replace(
        "<Data>", '<Data xmlns:msft="http://schemas.microsoft.com/MobileDevice/MDM" msft:originalerror="0x80070032">'))
    failed = pc.lab.cli("action", "list", "--device", pc.serial, "--json")
    failed = (failed["actions"] if isinstance(failed, dict) else failed)[0]
    must(failed["state"] == "failed" and failed["code"] == "0x80070032" and failed["remedy"], f"with cause and remedy: {failed}")
    must(graph.only(pc.serial)["managementState"] == "wipeFailed" and pc.session() != [], "and managed as before")


def misspelt(graph, pc):
    graph.ask(400, "POST", f"{DEVICES}/{graph.only(pc.serial)['id']}/wipe", {"keepUserFiles": True})
    pc.executed.clear()
    pc.session()
    must(pc.executed == [], f"nothing was executed: {pc.executed}")


def wipe(lab, graph, pc):
    before = graph.only(pc.serial)["id"]
    graph.act(pc.serial, "rebootNow")
    graph.act(pc.serial, "wipe", {"keepEnrollmentData": False, "keepUserData": False})
    pc.answer = 200
    must(pc.session() == [WIPE + "doWipe"], "the wipe goes last, in a message of its own")
    must([e[0].rsplit("/", 1)[1] for e in pc.executed[-2:]] == ["RebootNow", "doWipe"], f"behind everything else: {pc.executed}")
    again = device(lab, 0, pc.name + "-again", (pc.tree["./DevDetail/Ext/DeviceHardwareData"], pc.serial))
    must(graph.only(pc.serial)["id"] != before, "from its box it is another managed device")
    graph.ask(404, "GET", f"{DEVICES}/{before}")
    must(knock(pc)[0] == 403, "and the certificate that it had opens nothing")
    return again


def deregister(lab, graph, pc):
    found = graph.ask(200, "GET", f"/beta/deviceManagement/windowsAutopilotDeviceIdentities?$filter=contains(serialNumber,'{pc.serial}')")["value"]
    graph.ask(204, "DELETE", f"/beta/deviceManagement/windowsAutopilotDeviceIdentities/{found[0]['id']}")
    pc.session()
    must(graph.only(pc.serial)["managementState"] == "managed", "management goes on without a registration")
    must(lab.timeline(pc.serial)["enrolmentId"] == graph.only(pc.serial)["id"], "and the device is found by its serial number")


def knock(pc):
    s = Session(pc.lab, pc.kept)
    s.number = 1
    code, _, body = s.post(s.build(alert("2", "1201") + alert("3", "1226", "com.microsoft:mdm.unenrollment.userrequest", "1")))
    return code, body


def retire(lab, graph, pc):
    """The session is cut at the command; the goodbye comes in a session of its own."""
    graph.act(pc.serial, "retire")
    s = Session(lab, pc.kept)
    answer = s.msg(alert("2", "1201") + dev_info("3"))
    while not answer.work[-1].uri.endswith("/Unenroll"):
        answer = s.msg(status("0", "SyncHdr", 200, answer.number) + pc.reply(answer))
    order = answer.work[-1]
    must((order.uri, order.format, order.data) == (f"./Device/Vendor/MSFT/DMClient/Provider/{pc.kept['provider']}/Unenroll", "chr", pc.kept["provider"]),
         f"as documented: {order.uri} {order.data}")
    must(graph.only(pc.serial)["managementState"] == "retireIssued", "told, and not yet gone")
    must(knock(pc)[0] == 200 and graph.found(pc.serial) == [], "the goodbye ends it")
    must(knock(pc)[0] == 403, "from then on it is refused")
    join = pc.name + "-join"
    request = f.signed_by_device(lab, join, {"resource": MANAGEMENT, "client_id": BROKER, "request_nonce": f.nonce(lab), "grant_type": "device_token"})
    code, answer = f.form(lab, "/common/oauth2/token", grant_type=JWT_BEARER, request=request)
    must(code == 400 and answer["error_codes"] == [700003], f"no token by its key: {answer}")
    for name, kind in ((join, "device"), (pc.name, "management")):
        must("certificate revoked" in verify(lab, name, kind), f"every link checked, the {kind} certificate is revoked")


def verify(lab, name, kind):
    """What openssl says of a chain whose every link it checks."""
    def fetch(path, out, *how):
        with open(lab.path("fetched"), "wb") as file:
            file.write(f.ask(lab, "GET", path)[2])
        run("openssl", *how, "-inform", "DER", "-in", lab.path("fetched"), "-out", lab.path(out))
        with open(lab.path(out), encoding="ascii") as file:
            return file.read()
    lab.write("lists.pem", fetch("/pki/root.crl", "root.crl.pem", "crl") + fetch(f"/pki/{kind}.crl", "kind.crl.pem", "crl"))
    fetch(f"/pki/{kind}.crt", "issuer.pem", "x509")
    done = subprocess.run(["openssl", "verify", "-x509_strict", "-crl_check_all", "-CRLfile", lab.path("lists.pem"), "-CAfile", lab.ca, "-untrusted",
                           lab.path("issuer.pem"), lab.path(name + ".pem")], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def scenario(lab):
    lab.init()
    lab.cli("tenant", "set", "password-grant=on")
    lab.cli("user", "add", NEXT, "--password-file", lab.password_file, "--name", "Grace Example")
    lab.serve()
    contoso.configure(lab)
    graph = Program(lab, "Script", *RULES)
    pc = device(lab, 1)
    must(verify(lab, pc.name, "management").endswith("OK\n"), "openssl takes the certificate while it is good")
    reset(lab, graph, pc)
    say("reset, and the next user's")
    not_accepted(graph, pc)
    misspelt(graph, pc)
    pc = wipe(lab, graph, pc)
    say("wiped, and deployed again")
    deregister(lab, graph, pc)
    retire(lab, graph, pc)
    life = lab.cli("device", "life", pc.serial)
    must("by Script (" in life and "by Script (" in lab.cli("action", "list", "--device", pc.serial), f"programs go by their names: {life}")
    say(life)
