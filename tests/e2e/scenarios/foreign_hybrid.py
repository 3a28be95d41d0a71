"""A computer of another make joins the domain and the directory: curl's job done by hand, the blob read by its layout, certificate and proof by openssl and ldapmodify."""
import base64
import contextlib
import ctypes
import datetime
import json
import os
import struct
import uuid

import ad
import foreign_pc as f
import hybrid_lab
import lab as laboratory
from foreign_pc import MANAGEMENT, Pc, alert, dev_info, must
from lab import run, say, wait_for

BLOB = "./Vendor/MSFT/OfflineDomainJoin/Blob"


@contextlib.contextmanager
def inside(place):
    """This thread, and what it starts, in the domain's network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net", encoding="ascii") as home, open(f"/run/netns/{place.name}", encoding="ascii") as there:
        must(libc.setns(there.fileno(), 0x40000000) == 0, "entered the namespace")
        try:
            yield
        finally:
            must(libc.setns(home.fileno(), 0x40000000) == 0, "left it again")


def strings(blob):
    """The first three strings, where simple readers look for them (csp.md 12): domain, machine, password."""
    found, at = [], 0xC0
    for _ in range(3):
        most, offset, actual = struct.unpack_from("<3I", blob, at)
        must(offset == 0 and 0 < actual <= most < 4096, f"a string at {at:#x}")
        found.append(blob[at + 12:at + 12 + 2 * actual - 2].decode("utf-16-le"))
        at = (at + 12 + 2 * actual + 3) & ~3
    return found


class Hybrid(Pc):
    """Takes the blob as the documents have it, and refuses whatever is spelt otherwise."""

    blob = None
    refuses = False

    def execute(self, c):
        if "OfflineDomainJoin" not in c.uri:
            return super().execute(c)
        must(c.uri == BLOB, f"exactly this LocURI: {c.uri}")
        must(not any(ch.isspace() for ch in c.data), "one line without white space")
        must(c.data.startswith("ARAIAMzMzM"), "serialized as version 1")
        self.blob = base64.b64decode(c.data, validate=True)
        return 200

    def wait(self):
        """A session of a device that waits for its domain."""
        return self.sync(first=alert("2", "1201") + alert("3", "1224", "com.microsoft/MDM/OdjSync", "device")
                         + alert("4", "1224", "com.microsoft/MDM/BootstrapSync", "device") + dev_info("7"))


def seen(answers):
    return [c.uri or "" for a in answers for c in a.work]


def token(lab, user, password):
    status, answer = f.form(lab, "/common/oauth2/token", grant_type="password", client_id="1b730954-1685-4b74-9bfd-dac224a7b894",
                            resource=MANAGEMENT, username=user, password=password)
    must(status == 200, f"a token: {answer}")
    return answer["access_token"]


def enrol(lab, name, who, registration):
    request = f.make_csr(lab, f.make_key(lab, name))
    items = {"ZeroTouchProvisioning": registration, "HWDevID": uuid.uuid4().hex * 2}
    return f.install(lab, name, f.document(f.enrol_at(lab, f.rst(f.security(who), request, items))))


def object_of(dc, name):
    account = dc.computer(name)
    return account["objectguid"][0].lower(), account["objectsid"][0], account["dn"][0]


def certificate(lab, guid):
    """Self-signed, of 2,048 bits, named by the objectGUID (join-and-tokens.md 3.2)."""
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", lab.path("account.key"), "-out", lab.path("account.pem"), "-days", "30",
        "-subj", f"/CN={guid}")
    return run("openssl", "x509", "-in", lab.path("account.pem"), "-outform", "DER", text=False).stdout


def publish(dc, dn, name, password, der):
    """The computer writes to its own object, with nothing but its own password."""
    ldif = f"dn: {dn}\nchangetype: modify\nadd: userCertificate\nuserCertificate:: {base64.b64encode(der).decode()}\n"
    dc.ldap("modify", who=(f"{ad.NETBIOS}\\{name}$", password), stdin=ldif)


def put(lab, guid, sid, at=None, key="account", tenant=None):
    moment = (at or datetime.datetime.now(datetime.timezone.utc)).strftime("%Y-%m-%d %H:%M:%SZ")
    text = f"{sid}.{moment}"
    own = f.make_key(lab, "directory")
    modulus = run("openssl", "rsa", "-in", own, "-noout", "-modulus").stdout.strip().split("=")[1]
    transport = b"RSA1" + struct.pack("<5I", 2048, 3, 256, 0, 0) + b"\1\0\1" + bytes.fromhex(modulus)
    message = {"CertificateRequest": {"Type": "pkcs10", "Data": f.b64(f.make_csr(lab, own, b"7E980AD9-B86D-4306-9425-9AC066FB014A"))},
               "ServerAdJoinData": {"TransportKey": f.b64(transport), "TargetDomain": "contoso.test", "DeviceType": "Windows",
                                    "OSVersion": "10.0.22631.2506", "DeviceDisplayName": "FOREIGN", "TargetDomainId": tenant or "",
                                    "ClientIdentity": {"Type": "sha256signed", "Sid": text,
                                                       "SignedBlob": f.b64(f.sign(lab, lab.path(key + ".key"), text.encode()))}},
               "JoinType": 6, "attributes": {"ReuseDevice": "true", "ReturnClientSid": "true"}}
    status, _, body = f.ask(lab, "PUT", f"/EnrollmentServer/device/{guid}?api-version=2.0", json.dumps(message), {"Content-Type": "application/json"})
    return status, json.loads(body)


def register(lab, dc, name, password):
    guid, sid, dn = object_of(dc, name)
    f.make_key(lab, "account")
    status, answer = put(lab, guid, sid)
    must(status == 404 and "NotRegistered" in answer["Message"], f"no certificate yet: {status} {answer}")
    publish(dc, dn, name, password, certificate(lab, guid))
    f.make_key(lab, "stranger")
    for what, (status, answer) in {
            "a stranger's key": put(lab, guid, sid, key="stranger"),
            "another account": put(lab, guid, sid[:-1] + "9"),
            "no such account": put(lab, str(uuid.uuid4()), sid),
            "another organization": put(lab, guid, sid, tenant=str(uuid.uuid4()))}.items():
        must(status in (400, 401, 403, 404), f"{what}: {status} {answer}")
    late = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=2)
    must(put(lab, guid, sid, at=late)[0] != 200, "what was signed two hours ago")
    status, answer = put(lab, guid, sid)
    must(status == 200, f"registered: {status} {answer}")
    f.save(lab, "directory", base64.b64decode(answer["Certificate"]["RawBody"], validate=True))
    must(f.public_key(lab, lab.path("directory.pem"), "x509") == f.public_key(lab, lab.path("directory.key"), "pkey"), "the certificate is over our key")
    subject = run("openssl", "x509", "-in", lab.path("directory.pem"), "-noout", "-subject", "-nameopt", "multiline").stdout
    must(subject.count("=") == 2 and isinstance(answer["MembershipChanges"], list), f"one attribute in the name: {subject}")
    return subject.split("=")[-1].strip()


def end(lab, dc, serial, name):
    """With its device the account is of no use: disabled, as the tenant wants it at first."""
    enabled = 4096
    must(int(dc.computer(name)["useraccountcontrol"][0]) == enabled, "the account is enabled")
    lab.cli("device", "retire", serial, "--now", "--reason", "lost")
    wait_for(lambda: int(dc.computer(name)["useraccountcontrol"][0]) == enabled + 2, 30, "its account is disabled")
    words = [e["type"] for e in lab.timeline(serial)["timeline"]]
    must("domain.removal-queued" in words, f"and that is told: {words[-6:]}")


def scenario(lab):
    with ad.Domain() as dc:
        lab.enter(dc)
        lab.init()
        lab.serve()
        hybrid_lab.configure(lab)
        lab.cli("tenant", "set", "password-grant=on")
        hybrid_lab.connector(lab, dc)
        serial = lab.register()
        registration = lab.timeline(serial)["registrationId"]
        with inside(dc):
            who = token(lab, dc.upn("alice"), dc.password("alice"))
            pc = Hybrid(lab, enrol(lab, "foreign", who, registration), "", serial)
            for _ in range(40):
                answers = pc.wait()
                must(not any(u.endswith("ServerHasFinishedProvisioning") for u in seen(answers)) or pc.blob, "the page waits for the account")
                if pc.blob:
                    break
            must(pc.blob is not None, "the blob came")
            domain, name, password = strings(pc.blob)
            must(domain == ad.DNS and name.startswith("SALES-") and len(password) >= 100, f"what stands in it: {domain} {name} {len(password)}")
            pc.tree["./DevDetail/Ext/Microsoft/DeviceName"] = name
            must(not any(BLOB == u for u in seen(pc.wait())), "it came once")
            say(f"{name}: the blob was read by its layout")
            device = register(lab, dc, name, password)
            say(f"registered as {device}")
            pc.sync()
            pc.user_context = True
            for _ in range(6):
                pc.sync(login="user")
        shown = lab.timeline(serial)
        must(shown["state"] == "ready" and shown["deviceId"] == device, f"ready as that device: {shown['state']} {shown['deviceId']}")
        must(lab.cli("device", "list", "--json")["count"] == 1, "one device")
        file = lab.path("foreign.odj")
        with open(file, "wb") as out:
            out.write(b"\xff\xfe" + base64.b64encode(pc.blob).decode().encode("utf-16-le") + b"\0\0")
        os.chmod(file, 0o600)
        dc.testjoin(name, file)
        end(lab, dc, serial, name)
