"""A PC of another make enrols by e-mail address: curl and openssl send the documents' messages, by sign-in page and by password."""
import base64
import html
import os
import re
import uuid

import lab as laboratory
from lab import LabError, run, say

EXAMPLES = os.path.join(laboratory.FIXTURES, "mde2")
SOAP = "Content-Type: application/soap+xml; charset=utf-8"
TICKET = "http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentUserToken"
APPRU = "ms-app://windows.immersivecontrolpanel"


def must(condition, what):
    if not condition:
        raise LabError(f"not so: {what}")


def example(name):
    with open(os.path.join(EXAMPLES, name), encoding="utf-8") as f:
        return f.read()


def curl(lab, path, *more):
    """Status, headers in lower case, body."""
    url = path if path.startswith("https:") else lab.url + path
    out = run("curl", "-sS", "-i", "--cacert", lab.ca, *more, url, text=False).stdout
    head, body = out.split(b"\r\n\r\n", 1)
    lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), headers, body.decode()


def post(lab, url, message):
    """One SOAP exchange; what came back is judged by xmllint."""
    file = lab.write("request.xml", message)
    status, headers, body = curl(lab, url, "-H", SOAP, "--data-binary", "@" + file)
    must(status == 200 and headers["content-type"] == "application/soap+xml; charset=utf-8", f"a SOAP answer: {status} {body[:200]}")
    must(int(headers["content-length"]) == len(body.encode()) and "transfer-encoding" not in headers, "an exact Content-Length")
    run("xmllint", "--noout", lab.write("answer.xml", body))
    return body


def text(xml, name):
    m = re.search(rf"<(?:\w+:)?{name}\b[^>]*>([^<]*)<", xml)
    must(m, f"the answer has {name}: {xml[:400]}")
    return html.unescape(m.group(1)).strip()


def make_csr(lab, name):
    run("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=ConfigMgrEnroll", "-outform", "DER",
        "-keyout", lab.path(name + ".key"), "-out", lab.path(name + ".csr"))
    with open(lab.path(name + ".csr"), "rb") as f:
        return base64.b64encode(f.read()).decode()


def request(credential, csr):
    """The documents' RequestSecurityToken with this credential and request."""
    message = re.sub(r"(<wsse:Security [^>]*>).*?(</wsse:Security>)", rf"\g<1>{credential}\g<2>", example("rst.xml"), count=1, flags=re.S)
    return re.sub(r'(enrollment#PKCS10"[^>]*>)[^<]*', rf"\g<1>{csr}", message, count=1)


def ticket(lab, url):
    """What the embedded browser does: the form's fields sent back, until the last page holds the ticket."""
    _, _, page = curl(lab, f"{url}?appru={APPRU}&login_hint={laboratory.USER}")
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    fields["password"] = lab.password
    form = [w for k, v in fields.items() for w in ("--data-urlencode", f"{k}={html.unescape(v)}")]
    status, headers, page = curl(lab, re.search(r'<form method="post" action="([^"]*)"', page).group(1), *form)
    must(status == 200 and headers["content-type"].startswith("text/html"), f"the last page: {status}")
    must(f'action="{APPRU}"' in page, "the last page posts to the app that asked")
    return html.unescape(re.search(r'name="wresult" value="([^"]*)"', page).group(1))


def install(lab, name, answer):
    """The document's certificates, judged by openssl; returns the management address."""
    wap = base64.b64decode(text(answer, "BinarySecurityToken")).decode()
    run("xmllint", "--noout", lab.write(name + ".wap.xml", wap))
    certs = re.findall(r'name="EncodedCertificate" value="([^"]*)"', wap)
    must(len(certs) == 3, "root, intermediate and the device's certificate")
    for part, der in zip(("root", "ca", "crt"), certs):
        with open(lab.path(f"{name}.{part}.der"), "wb") as f:
            f.write(base64.b64decode(der))
        run("openssl", "x509", "-inform", "DER", "-in", lab.path(f"{name}.{part}.der"), "-out", lab.path(f"{name}.{part}"))
    run("openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", lab.path(name + ".root"), "-untrusted",
        lab.path(name + ".ca"), lab.path(name + ".crt"))
    ours = run("openssl", "x509", "-in", lab.path(name + ".crt"), "-noout", "-pubkey").stdout
    must(ours == run("openssl", "pkey", "-in", lab.path(name + ".key"), "-pubout").stdout, "the certificate is over our key")
    return html.unescape(re.search(r'name="ADDR" value="([^"]*)"', wap).group(1))


def check_management(lab, name, address):
    """The certificate opens management, nothing else does."""
    status, _, _ = curl(lab, address, "-X", "POST", "-H", "Content-Type: application/vnd.syncml.dm+xml", "--data", "<SyncML/>")
    must(status in (401, 403), f"no certificate, no session: {status}")
    status, _, _ = curl(lab, address, "-X", "POST", "-H", "Content-Type: application/vnd.syncml.dm+xml", "--data", "<SyncML/>",
                        "--cert", lab.path(name + ".crt"), "--key", lab.path(name + ".key"))
    must(status not in (401, 403), f"with it the door opens: {status}")


def refusals(lab, url, csr):
    password = f"<wsse:UsernameToken><wsse:Username>{laboratory.USER}</wsse:Username><wsse:Password>wrong</wsse:Password></wsse:UsernameToken>"
    must(text(post(lab, url, request(password, csr)), "Subcode><s:Value") == "s:Authentication", "a wrong password is refused")
    must("s:Authentication" in post(lab, url, example("rst.xml")), "the example's own token is none of ours")
    must("s:MessageFormat" in post(lab, url, "<x/>"), "no envelope is refused")
    must("s:CertificateRequest" in post(lab, url, request(ticket_header(lab), "MAA=")), "no certificate request is refused")


def ticket_header(lab):
    token = base64.b64encode(ticket(lab, lab.url + "/EnrollmentServer/Auth").encode()).decode()
    return f'<wsse:BinarySecurityToken ValueType="{TICKET}">{token}</wsse:BinarySecurityToken>'


def scenario(lab):
    lab.init()
    lab.serve()
    status, headers, body = curl(lab, "/EnrollmentServer/Discovery.svc")
    must(status == 200 and body == "" and headers["content-length"] == "0", "the reachability probe")
    found = post(lab, "/EnrollmentServer/Discovery.svc", example("discover.xml").replace("ada@example.test", laboratory.USER))
    must(text(found, "AuthPolicy") == "Federated", "the sign-in page comes first")
    must(text(found, "RelatesTo") in example("discover.xml"), "the answer names its request")
    policy, enrol = text(found, "EnrollmentPolicyServiceUrl"), text(found, "EnrollmentServiceUrl")
    token = base64.b64encode(ticket(lab, text(found, "AuthenticationServiceUrl")).encode()).decode()
    policies = post(lab, policy, re.sub(r"(base64binary\">)[^<]*", rf"\g<1>{token}", example("get_policies.xml"), count=1))
    must(text(policies, "minimalKeyLength") == "2048", "policies for the ticket's user")
    credential = f'<wsse:BinarySecurityToken ValueType="{TICKET}">{token}</wsse:BinarySecurityToken>'
    address = install(lab, "ticket", post(lab, enrol, request(credential, make_csr(lab, "ticket"))))
    check_management(lab, "ticket", address)
    credential = (f"<wsse:UsernameToken u:Id=\"uuid-{uuid.uuid4()}\" xmlns:u=\"urn:u\"><wsse:Username>{laboratory.USER}</wsse:Username>"
                  f"<wsse:Password>{lab.password}</wsse:Password></wsse:UsernameToken>")
    csr = make_csr(lab, "password")
    check_management(lab, "password", install(lab, "password", post(lab, enrol, request(credential, csr))))
    refusals(lab, enrol, csr)
    say("enrolled twice by curl, judged by openssl and xmllint; refusals as the document says")
