"""A PC of another make joins and leaves the directory: curl and openssl send the document's requests and judge certificate, list and OCSP."""
import base64
import json
import re
import struct
import uuid

import lab as laboratory
from lab import LabError, run, say

RESOURCE = "urn:ms-drs:enterpriseregistration.windows.net"
CLIENT = "1b730954-1685-4b74-9bfd-dac224a7b894"
BROKER = "29d9ed98-a469-4536-ade2-f981bc1d605e"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def must(condition, what):
    if not condition:
        raise LabError(f"not so: {what}")


def curl(lab, path, *more):
    """Status and body."""
    url = path if path.startswith("https:") else lab.url + path
    out = run("curl", "-sS", "--cacert", lab.ca, "-w", "\n%{http_code}", *more, url, text=False).stdout
    body, status = out.rsplit(b"\n", 1)
    return int(status), body


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def form(**fields):
    return [word for name, value in fields.items() for word in ("--data-urlencode", f"{name}={value}")]


def user_token(lab):
    status, body = curl(lab, "/common/oauth2/token", *form(grant_type="password", client_id=CLIENT, resource=RESOURCE,
                                                           username=laboratory.USER, password=lab.password))
    must(status == 200, f"a token for the join: {status} {body[:200]}")
    return json.loads(body)["access_token"]


def make_keys(lab, name):
    """A request and the transport key as the blob of join-and-tokens.md 3, both by openssl."""
    run("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=7E980AD9-B86D-4306-9425-9AC066FB014A",
        "-outform", "DER", "-keyout", lab.path(name + ".key"), "-out", lab.path(name + ".csr"))
    modulus = run("openssl", "rsa", "-in", lab.path(name + ".key"), "-noout", "-modulus").stdout.strip().split("=")[1]
    blob = b"RSA1" + struct.pack("<5I", 2048, 3, 256, 0, 0) + b"\1\0\1" + bytes.fromhex(modulus)
    with open(lab.path(name + ".csr"), "rb") as f:
        return base64.b64encode(f.read()).decode(), base64.b64encode(blob).decode()


def join(lab, endpoint, token, csr, transport, name):
    message = {"CertificateRequest": {"Type": "pkcs10", "Data": csr}, "TransportKey": transport,
               "TargetDomain": "elsewhere.example", "DeviceType": "Windows", "OSVersion": "10.0.22631.2506",
               "DeviceDisplayName": name, "JoinType": 0, "attributes": {"ReuseDevice": "true", "ReturnClientSid": "true"}}
    file = lab.write("join.json", json.dumps(message))
    status, body = curl(lab, endpoint + "?api-version=2.0", "-H", f"Authorization: Bearer {token}", "-H",
                        "Content-Type: application/json", "--data-binary", "@" + file)
    return status, json.loads(body)


def install(lab, name, answer):
    """Keeps the certificate, judged by openssl; returns the device's id."""
    with open(lab.path(name + ".der"), "wb") as f:
        f.write(base64.b64decode(answer["Certificate"]["RawBody"]))
    run("openssl", "x509", "-inform", "DER", "-in", lab.path(name + ".der"), "-out", lab.path(name + ".crt"))
    run("openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", lab.ca, "-untrusted", lab.path("device-ca.crt"),
        lab.path(name + ".crt"))
    ours = run("openssl", "x509", "-in", lab.path(name + ".crt"), "-noout", "-pubkey").stdout
    must(ours == run("openssl", "pkey", "-in", lab.path(name + ".key"), "-pubout").stdout, "the certificate is over our key")
    print_ = run("openssl", "x509", "-in", lab.path(name + ".crt"), "-noout", "-fingerprint", "-sha1").stdout
    must(print_.strip().split("=")[1].replace(":", "") == answer["Certificate"]["Thumbprint"], "the thumbprint is the certificate's")
    subject = run("openssl", "x509", "-in", lab.path(name + ".crt"), "-noout", "-subject", "-nameopt", "RFC2253").stdout.strip()
    found = re.fullmatch(r"subject=CN=([0-9a-f-]{36})", subject)
    must(found and str(uuid.UUID(found.group(1))) == found.group(1), f"the subject is one CN, the device's id: {subject}")
    dump = run("openssl", "asn1parse", "-inform", "DER", "-in", lab.path(name + ".der")).stdout
    guid = uuid.UUID(found.group(1)).bytes_le.hex().upper()
    must(f"[HEX DUMP]:048110{guid}" in dump, "the device's id stands in extension .284.2 too")
    return found.group(1)


def nonce(lab):
    status, body = curl(lab, "/common/oauth2/token", "-H", "Content-Type:", "--data", "grant_type=srv_challenge")
    must(status == 200, f"a nonce: {status}")
    return json.loads(body)["Nonce"]


def device_token(lab, name):
    """Signed by openssl with the device's key (join-and-tokens.md 5, 10.6)."""
    with open(lab.path(name + ".der"), "rb") as f:
        header = {"typ": "JWT", "alg": "RS256", "x5c": base64.b64encode(f.read()).decode()}
    payload = {"resource": "https://enrollment.manage.microsoft.com/", "client_id": BROKER, "request_nonce": nonce(lab),
               "win_ver": "10.0.22631.2506", "grant_type": "device_token", "redirect_uri": "ms-aadj-redir://auth/mdm",
               "iss": "aad:brokerplugin"}
    signed = b64url(json.dumps(header).encode()) + "." + b64url(json.dumps(payload).encode())
    lab.write("signed.txt", signed)
    run("openssl", "dgst", "-sha256", "-sign", lab.path(name + ".key"), "-out", lab.path("signature"), lab.path("signed.txt"))
    with open(lab.path("signature"), "rb") as f:
        request = signed + "." + b64url(f.read())
    status, body = curl(lab, "/common/oauth2/token", *form(grant_type=JWT_BEARER, request=request))
    return status, json.loads(body)


def leave(lab, endpoint, device, *certificate):
    return curl(lab, endpoint + device, "-X", "DELETE", *certificate)[0]


def revocation(lab, name):
    """"good" or "revoked", told by list and by OCSP alike."""
    curl(lab, "/pki/device.crl", "-o", lab.path("device.crl"))
    listed = run("openssl", "verify", "-crl_check", "-CRLfile", lab.path("device.crl"), "-CAfile", lab.ca, "-untrusted",
                 lab.path("device-ca.crt"), lab.path(name + ".crt"), expect=None)
    run("openssl", "ocsp", "-issuer", lab.path("device-ca.crt"), "-cert", lab.path(name + ".crt"), "-reqout", lab.path("ocsp.req"))
    curl(lab, "/ocsp", "-H", "Content-Type: application/ocsp-request", "--data-binary", "@" + lab.path("ocsp.req"), "-o",
         lab.path("ocsp.resp"))
    told = run("openssl", "ocsp", "-respin", lab.path("ocsp.resp"), "-reqin", lab.path("ocsp.req"), "-CAfile", lab.ca,
               "-verify_other", lab.path("device-ca.crt"), "-resp_text")
    must("Response verify OK" in told.stdout + told.stderr, "openssl believes the responder")
    verdict = re.search(r"Cert Status: (\w+)", told.stdout).group(1)
    must((listed.returncode == 0) == (verdict == "good"), "list and responder say the same")
    return verdict


def scenario(lab):
    lab.init()
    lab.cli("tenant", "set", "password-grant=on")
    lab.serve()
    curl(lab, "/pki/device.crt", "-o", lab.path("device-ca.der"))
    run("openssl", "x509", "-inform", "DER", "-in", lab.path("device-ca.der"), "-out", lab.path("device-ca.crt"))
    run("xmllint", "--noout", lab.write("contract.xml", curl(lab, "/EnrollmentServer/contract")[1].decode()))
    found = json.loads(curl(lab, f"/{laboratory.USER.split('@')[1]}/Discover?api-version=1.9&managed=True")[1])
    endpoint = found["DeviceJoinService"]["JoinEndpoint"]
    must(found["DeviceJoinService"]["JoinResourceId"] == RESOURCE and endpoint.endswith("/EnrollmentServer/device/"), "discovery")
    must("Value" in json.loads(curl(lab, found["NonceService"]["Endpoint"] + "?api-version=1.0")[1]), "a nonce of the directory")
    token = user_token(lab)
    first, second = make_keys(lab, "first"), make_keys(lab, "second")
    must(join(lab, endpoint, "e30.e30.", *first, "NO")[0] == 401, "no token of ours, no join")
    must(join(lab, endpoint, token, first[0][:-8] + "AAAAAAA=", first[1], "NO")[0] == 400, "a spoiled request is refused")
    ids = {}
    for name, keys in (("first", first), ("second", second)):
        status, answer = join(lab, endpoint, token, *keys, name.upper())
        must(status == 200 and answer["User"]["Upn"] == laboratory.USER, f"joined: {status} {answer}")
        must(answer["MembershipChanges"][0]["LocalSID"] == "S-1-5-32-544", "administrators are named")
        ids[name] = install(lab, name, answer)
    must(ids["first"] != ids["second"], "two devices, two ids")
    status, answer = device_token(lab, "first")
    must(status == 200 and "access_token" in answer, f"a token for the device alone: {answer}")
    must(revocation(lab, "first") == "good", "the certificate is good")
    mine = ("--cert", lab.path("first.crt"), "--key", lab.path("first.key"))
    must(leave(lab, endpoint, ids["first"]) == 401, "without its certificate it stays")
    must(leave(lab, endpoint, ids["second"], *mine) == 403, "another device stays")
    must(leave(lab, endpoint, ids["first"], *mine) == 200, "it leaves")
    must(leave(lab, endpoint, ids["first"], *mine) == 401, "and only once")
    must(revocation(lab, "first") == "revoked", "its certificate is revoked")
    status, answer = device_token(lab, "first")
    must(status == 400 and answer["error"] == "invalid_grant", f"a deleted device gets no token: {status} {answer}")
    must(device_token(lab, "second")[0] == 200, "the other one still does")
    say("two joined by curl, one left again; judged by openssl and xmllint")
