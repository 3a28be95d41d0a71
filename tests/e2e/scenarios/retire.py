"""The end of a device: openssl finds its certificates revoked in list and responder, no door knows it any more, no secret is left; its registration stays or goes."""
import http.client
import os
import shutil
import sqlite3
import ssl

import contoso
import lab as laboratory
from lab import run, say
from matrix import must, must_be, oem, ready_again, shown, sync

SYNCML = ('<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>77</SessionID>'
          '<MsgID>1</MsgID><Target><LocURI>{url}</LocURI></Target><Source><LocURI>x</LocURI></Source></SyncHdr>'
          '<SyncBody><Final/></SyncBody></SyncML>')


class Judge:
    """openssl with what the service publishes and what the device held: a copy that somebody kept."""

    def __init__(self, lab, kept):
        self.lab, self.kept = lab, kept
        self.certs = {"device": os.path.join(kept, "device.crt.pem"), "management": os.path.join(kept, "mdm.crt.pem")}
        for name in self.certs:
            self.fetch(f"/pki/{name}.crt", f"{name}.der")
            run("openssl", "x509", "-inform", "der", "-in", lab.path(f"{name}.der"), "-out", lab.path(f"{name}.ca.pem"))

    def fetch(self, path, name):
        status, body = self.lab.get(path)
        must(status == 200, f"{path} is there: {status}")
        with open(self.lab.path(name), "wb") as f:
            f.write(body)

    def by_list(self, name):
        self.fetch(f"/pki/{name}.crl", f"{name}.crl")
        crl = self.lab.path(f"{name}.crl.pem")
        run("openssl", "crl", "-inform", "der", "-in", self.lab.path(f"{name}.crl"), "-out", crl)
        done = run("openssl", "verify", "-crl_check", "-CRLfile", crl, "-CAfile", self.lab.ca, "-untrusted", self.lab.path(f"{name}.ca.pem"),
                   self.certs[name], expect=None)
        text = run("openssl", "crl", "-in", crl, "-noout", "-text").stdout
        return done.returncode == 0, done.stdout + done.stderr, text

    def by_responder(self, name):
        """The request goes by hand, since openssl's own client knows no other root than the system's."""
        der, answer = self.lab.path(f"{name}.req"), self.lab.path(f"{name}.resp")
        run("openssl", "ocsp", "-issuer", self.lab.path(f"{name}.ca.pem"), "-cert", self.certs[name], "-no_nonce", "-reqout", der)
        with open(der, "rb") as f:
            status, body = post(self.lab, "/ocsp", f.read(), "application/ocsp-request")
        must(status == 200, f"the responder answers: {status}")
        with open(answer, "wb") as f:
            f.write(body)
        return run("openssl", "ocsp", "-issuer", self.lab.path(f"{name}.ca.pem"), "-cert", self.certs[name], "-respin", answer, "-CAfile",
                   self.lab.ca, "-verify_other", self.lab.path(f"{name}.ca.pem"), "-no_nonce").stdout

    def good(self):
        for name in self.certs:
            ok, said, _ = self.by_list(name)
            must(ok, f"openssl takes the {name} certificate: {said}")
            must(": good" in self.by_responder(name), f"the responder calls the {name} certificate good")

    def revoked(self):
        for name in self.certs:
            ok, said, text = self.by_list(name)
            must(not ok and "certificate revoked" in said, f"openssl finds the {name} certificate on the list: {said}")
            must("Cessation Of Operation" in text and "Revocation Date" in text, f"with time and reason: {text}")
            said = self.by_responder(name)
            must(": revoked" in said and "cessationOfOperation" in said and "Revocation Time" in said, f"the responder says so too: {said}")


def connect(lab, cert=None, key=None):
    context = ssl.create_default_context(cafile=lab.ca)
    if cert is not None:
        context.load_cert_chain(cert, key)
    return http.client.HTTPSConnection("localhost", lab.port, context=context, timeout=20)


def send(connection, method, path, body=b"", kind="application/json"):
    connection.request(method, path, body=body, headers={"Content-Type": kind})
    answer = connection.getresponse()
    return answer.status, answer.read()


def post(lab, path, body, kind):
    connection = connect(lab)
    try:
        return send(connection, "POST", path, body, kind)
    finally:
        connection.close()


class Thief:
    """Somebody with a copy of everything that the device held, on connections that were open before."""

    def __init__(self, lab, kept):
        self.lab, self.kept = lab, kept
        self.id = shown(lab)["deviceId"]
        self.management = connect(lab, os.path.join(kept, "mdm.crt.pem"), os.path.join(kept, "mdm.key.pem"))
        self.device = connect(lab, os.path.join(kept, "device.crt.pem"), os.path.join(kept, "device.key.pem"))

    def manages(self):
        body = SYNCML.format(url=f"{self.lab.url}/ManagementServer/MDM.svc").encode()
        return send(self.management, "POST", "/ManagementServer/MDM.svc", body, "application/vnd.syncml.dm+xml")

    def backs_up(self):
        return send(self.device, "POST", f"/EnrollmentServer/device/{self.id}/localcredential",
                    b'{"accountName":"Administrator","password":"Gx7!thief"}')

    def leaves(self):
        return send(self.device, "DELETE", f"/EnrollmentServer/device/{self.id}")

    def is_let_in(self):
        for door in (self.manages, self.backs_up):
            status, body = door()
            must(status in (200, 204), f"{door.__name__} while it is managed: {status} {body}")

    def is_refused(self):
        for door in (self.manages, self.backs_up, self.leaves):
            status, body = door()
            must(status in (401, 403) and body, f"{door.__name__} is refused with a reason: {status} {body}")
        out = run(laboratory.DEVICE, "sync", "--state", self.kept, "--pace", "600", "--timeout", "20", expect=None)
        must(out.returncode != 0, f"its own client gets no session: {out.stdout}")
        say("refused", *(out.stdout + out.stderr).strip().splitlines()[-1:])


def no_secrets(lab, enrolment):
    store = sqlite3.connect(f"file:{os.path.join(lab.data, 'store.db')}?mode=ro", uri=True)
    one = lambda sql: store.execute(sql, (enrolment,)).fetchone()[0]
    must(one("SELECT length(secrets) FROM enrolment WHERE id = ?") == 0, "the secrets of its management are destroyed")
    must(one("SELECT COALESCE(MAX(length(reply)), 0) FROM management WHERE enrolment_id = ?") == 0, "no stored answer is left")
    for table in ("management_ledger", "management_chunk", "management_report"):
        must(one(f"SELECT COUNT(*) FROM {table} WHERE enrolment_id = ?") == 0, f"nothing is left in {table}")
    of_device = "(SELECT device_id FROM enrolment WHERE id = ?)"
    must(one(f"SELECT COUNT(*) FROM token_grant WHERE length(sealed) <> 0 AND device = {of_device}") == 0, "no session key is left")
    must(one(f"SELECT COUNT(*) FROM local_credential WHERE device_id = {of_device}") == 0, "no password is left")
    store.close()


def keep_copy(lab, name):
    shutil.copytree(lab.path("device"), lab.path(name))
    return lab.path(name)


def its_registration_stays(lab, serial, hardware):
    """Retired, and from its box it is deployed again as ever."""
    first = shown(lab)
    judge = Judge(lab, keep_copy(lab, "kept"))
    thief = Thief(lab, judge.kept)
    judge.good()
    thief.is_let_in()
    enrolment = lab.cli("device", "show", serial, "--json")["enrolmentId"]
    order = lab.cli("device", "retire", serial, "--reason", "lease is over", "--json")
    must(order["actionState"] == "pending" and not order["done"], f"a device that is off is waited for: {order}")
    judge.good()
    out = lab.run_device(hardware=hardware)
    must("failed" not in out and "no longer managed" in out, f"switched on, it takes the order and shows its desktop: {out[-1500:]}")
    must_be(lab, {"id": order["actionId"]}, "done")
    seen = lab.cli("device", "show", serial, "--json")
    must(seen["state"] == "retired" and seen["registrationId"], f"retired, and registered still: {seen}")
    judge.revoked()
    thief.is_refused()
    no_secrets(lab, enrolment)
    say("--- and again from its box")
    shutil.rmtree(lab.path("device"))
    lab.run_device(hardware=hardware)
    ready_again(lab, serial, first, laboratory.USER)
    judge.revoked()


def its_registration_goes(lab, serial, hardware):
    """Wiped, retired and deregistered by one command."""
    judge = Judge(lab, keep_copy(lab, "kept2"))
    thief = Thief(lab, judge.kept)
    order = lab.cli("device", "retire", serial, "--wipe", "--deregister", "--reason", "sold", "--json")
    must(order["deregisters"] and not order["deregistered"], f"the registration goes at the end: {order}")
    out = sync(lab)
    must("wipe: done" in out, f"the wipe was carried out: {out}")
    out = lab.run_device(hardware=hardware, expect=None, timeout=8, limit=60)
    must("profile" not in out.lower() or "no profile" in out.lower(), f"from its box it is anybody's device: {out[-1500:]}")
    must_be(lab, {"id": order["actionId"]}, "done")
    lab.cli("device", "show", serial, expect=1)
    judge.revoked()
    thief.is_refused()


def a_lost_one(lab):
    """Lost: everything here ends at once, whatever the device says."""
    hardware = oem(lab, "RETIRE-02", 22)
    serial = lab.register(hardware=hardware, name="lost")
    shutil.rmtree(lab.path("device"))
    lab.run_device(hardware=hardware)
    thief = Thief(lab, keep_copy(lab, "kept3"))
    thief.is_let_in()
    done = lab.cli("device", "retire", serial, "--now", "--deregister", "--reason", "stolen", "--json")
    must(done["done"] and done["deregistered"] and done["leftDirectory"], f"at once: {done}")
    thief.is_refused()
    Judge(lab, thief.kept).revoked()


def scenario(lab):
    lab.init()
    lab.serve()
    contoso.configure(lab)
    hardware = oem(lab, "RETIRE-01", 21)
    serial = lab.register(hardware=hardware)
    lab.run_device(hardware=hardware)
    its_registration_stays(lab, serial, hardware)
    its_registration_goes(lab, serial, hardware)
    a_lost_one(lab)
    life = lab.cli("device", "life", serial, "--json")
    kinds = [c["kind"] for c in life["chapters"]]
    for kind in ("registered", "deployed", "retired", "redeployed", "wiped", "deregistered"):
        must(kind in kinds, f"the life tells of '{kind}': {kinds}")
    say(lab.cli("device", "life", serial))
