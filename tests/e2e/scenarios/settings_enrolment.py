"""An unmodified PC's route by e-mail address: Discover, the federated page and its ticket, then user name and password; curl, openssl and xmllint judge."""
import base64
import html
import os
import re
import subprocess

import lab as laboratory
from lab import LabError, run, say

BODIES = os.path.join(laboratory.ROOT, "tests", "bench", "bodies")
SOAP = "application/soap+xml; charset=utf-8"
TICKET_TYPE = "http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentUserToken"
SECEXT = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
PASSWORD_TYPE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText"


def must(condition, what):
    if not condition:
        raise LabError(f"not so: {what}")


class Curl:
    """The foreign client. Every XML answer goes through xmllint and must carry its exact length, never chunks."""

    def __init__(self, lab):
        self.lab = lab

    def send(self, path, *more, want=200):
        head = self.lab.path("head")
        done = run("curl", "-sS", "--cacert", self.lab.ca, "-D", head, *more, self.lab.url + path)
        with open(head, encoding="latin-1") as f:
            headers = f.read()
        status = int(headers.split()[1])
        must(status == want, f"{path} answers {want}, not {status}: {done.stdout[:400]}")
        must("transfer-encoding" not in headers.lower(), f"{path} is not chunked")
        return done.stdout, headers

    def soap(self, path, body):
        file = self.lab.write("request.xml", body)
        out, headers = self.send(path, "-H", f"Content-Type: {SOAP}", "--data-binary", "@" + file)
        must("application/soap+xml" in headers, "the answer is SOAP 1.2")
        run("xmllint", "--noout", self.lab.write("answer.xml", out))
        return out


def body(lab, name, **words):
    with open(os.path.join(BODIES, name + ".xml"), encoding="utf-8") as f:
        text = f.read()
    for word, value in {"HOST": lab.url, **words}.items():
        text = text.replace("{" + word + "}", value)
    return text


def with_ticket(text, ticket):
    """In place of a directory token: what the last page of the sign-in handed over, in base64 as Windows sends it."""
    return text.replace("urn:ietf:params:oauth:token-type:jwt", TICKET_TYPE).replace("{TOKEN}", base64.b64encode(ticket.encode()).decode())


def with_password(text, user, password):
    token = (f'<wsse:UsernameToken xmlns:u="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd" '
             f'u:Id="uuid-cc1ccc1f-2fba-4bcf-b063-ffc0cac77917-4"><wsse:Username>{user}</wsse:Username><wsse:Password '
             f'Type="{PASSWORD_TYPE}">{html.escape(password)}</wsse:Password></wsse:UsernameToken>')
    return re.sub(r"<wsse:BinarySecurityToken [^>]*oken-type:jwt.*?</wsse:BinarySecurityToken>", token, text, count=1)


def make_request(lab, name):
    run("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=anything", "-outform", "DER", "-keyout", lab.path(f"{name}.key"),
        "-out", lab.path(f"{name}.csr"))
    with open(lab.path(f"{name}.csr"), "rb") as f:
        return base64.b64encode(f.read()).decode()


def sign_in_page(lab, curl, user, password):
    """The embedded browser: fills the forms by their field names until a form posts to the address that the device gave."""
    appru = "ms-app://windows.immersivecontrolpanel"
    page, _ = curl.send(f"/EnrollmentServer/Auth?appru={appru}&login_hint={user}", "-b", lab.path("jar"), "-c", lab.path("jar"))
    for _ in range(4):
        action = html.unescape(re.search(r'<form[^>]*action="([^"]*)"', page).group(1))
        fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page))
        if action == appru:
            return html.unescape(fields["wresult"])
        for name in re.findall(r'<input[^>]*name="([^"]+)"', page):
            kind = re.search(rf'<input[^>]*name="{re.escape(name)}"[^>]*>', page).group(0)
            if 'type="password"' in kind:
                fields[name] = password
            elif 'type="hidden"' not in kind and not fields.get(name):
                fields[name] = user
        data = [w for k, v in fields.items() for w in ("--data-urlencode", f"{html.unescape(k)}={html.unescape(v)}")]
        path = action[len(lab.url):] if action.startswith(lab.url) else action or "/EnrollmentServer/Auth"
        page, _ = curl.send(path, *data, "-b", lab.path("jar"), "-c", lab.path("jar"))
    raise LabError(f"the sign-in page never posts to {appru}: {page[:800]}")


def install(lab, name, answer):
    """Takes the provisioning document apart and lets openssl judge its certificates."""
    must("Fault" not in answer, f"enrolled, no fault: {answer[:900]}")
    tokens = re.findall(r"BinarySecurityToken [^>]*>([^<]+)<", answer)
    must(len(tokens) == 1, "exactly one token in the answer")
    wap = base64.b64decode(tokens[0]).decode()
    file = lab.write(f"{name}.wap", wap)
    run("xmllint", "--noout", file)
    certs = re.findall(r'<characteristic type="([0-9A-F]{40})"><parm name="EncodedCertificate" value="([^"]+)"', wap)
    must(len(certs) == 3, "root, intermediate and own certificate, in this order")
    for i, (thumbprint, text) in enumerate(certs):
        with open(lab.path(f"{name}.{i}.der"), "wb") as f:
            f.write(base64.b64decode(text))
        run("openssl", "x509", "-inform", "DER", "-in", lab.path(f"{name}.{i}.der"), "-out", lab.path(f"{name}.{i}.pem"))
        shown = run("openssl", "x509", "-in", lab.path(f"{name}.{i}.pem"), "-noout", "-fingerprint", "-sha1").stdout
        must(shown.strip().split("=")[1].replace(":", "") == thumbprint, "the thumbprint names its certificate")
    run("openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", lab.path(f"{name}.0.pem"), "-untrusted", lab.path(f"{name}.1.pem"),
        lab.path(f"{name}.2.pem"))
    own = [run("openssl", *argv).stdout for argv in (("x509", "-in", lab.path(f"{name}.2.pem"), "-noout", "-pubkey"),
                                                     ("pkey", "-in", lab.path(f"{name}.key"), "-pubout"))]
    must(own[0] == own[1], "the certificate is on the key of the request")
    return wap


def session(lab, curl, name, want=200, cert=True):
    """Package 1 over mutual TLS, the leaf alone."""
    message = ('<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>1</SessionID><MsgID>1</MsgID>'
               "<Target><LocURI>x</LocURI></Target><Source><LocURI>some-name</LocURI></Source></SyncHdr><SyncBody><Alert><CmdID>2</CmdID>"
               "<Data>1201</Data></Alert><Final/></SyncBody></SyncML>")
    more = ["--cert", lab.path(f"{name}.2.pem"), "--key", lab.path(f"{name}.key")] if cert else []
    out, _ = curl.send("/ManagementServer/MDM.svc", "-H", "Content-Type: application/vnd.syncml.dm+xml", "--data-binary",
                       "@" + lab.write("session.xml", message), *more, want=want)
    return out


def refusals(lab, curl, csr):
    """What must not work, each with the answer that the protocol defines."""
    wrong = curl.soap("/EnrollmentServer/Enrollment.svc", with_password(body(lab, "rst", CSR=csr), laboratory.USER, "wrong password"))
    must("s:Authentication" in wrong, "a wrong password is the fault s:Authentication")
    forged = curl.soap("/EnrollmentServer/Enrollment.svc", with_ticket(body(lab, "rst", CSR=csr), "forged.ticket"))
    must("Fault" in forged, "a forged ticket is a fault")
    bomb = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]>' + body(lab, "rst", CSR=csr)
    must("s:MessageFormat" in curl.soap("/EnrollmentServer/Enrollment.svc", bomb), "a document type is the fault s:MessageFormat")
    curl.send("/EnrollmentServer/Auth?appru=https://evil.test/", want=400)
    big = lab.write("big.xml", "x" * (10 << 20))
    done = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", lab.ca, "-H", f"Content-Type: {SOAP}", "--data-binary",
                           "@" + big, lab.url + "/EnrollmentServer/Enrollment.svc"], capture_output=True, text=True, check=False)
    must(done.stdout == "413", f"10 MB of body is 413, not {done.stdout}")


def scenario(lab):
    lab.init()
    lab.serve()
    curl = Curl(lab)
    probe, _ = curl.send("/EnrollmentServer/Discovery.svc")
    must(probe == "", "the probe answers an empty 200")
    found = curl.soap("/EnrollmentServer/Discovery.svc", body(lab, "discover"))
    must("<AuthPolicy>Federated</AuthPolicy>" in found and f"{lab.url}/EnrollmentServer/Auth" in html.unescape(found), "Federated, with our page")
    must("11111111-0000-4000-8000-000000000001" in found, "RelatesTo repeats MessageID")

    ticket = sign_in_page(lab, curl, laboratory.USER, lab.password)
    policies = curl.soap("/EnrollmentServer/Policy.svc", with_ticket(body(lab, "policies"), ticket))
    must("<minimalKeyLength>2048</minimalKeyLength>" in policies and "2.16.840.1.101.3.4.2.1" in policies, "RSA 2048 with SHA-256")
    install(lab, "federated", curl.soap("/EnrollmentServer/Enrollment.svc", with_ticket(body(lab, "rst", CSR=make_request(lab, "federated")), ticket)))
    say("enrolled with the federated page's ticket")
    answer = session(lab, curl, "federated")
    must("./DevDetail/Ext/DeviceHardwareData" in answer and "<Final/>" in answer, "the first session asks for the hardware hash")

    csr = make_request(lab, "onpremise")
    install(lab, "onpremise", curl.soap("/EnrollmentServer/Enrollment.svc", with_password(body(lab, "rst", CSR=csr), laboratory.USER, lab.password)))
    say("enrolled with user name and password")
    session(lab, curl, "onpremise")
    refusals(lab, curl, csr)
    must("certificate" in session(lab, curl, "onpremise", want=401, cert=False), "no certificate is 401 with a sentence")
    say("refused what must be refused")
