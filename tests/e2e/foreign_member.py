"""A computer of another make: its way into domain and directory by the documents alone (csp.md 12, join-and-tokens.md 3.2, domain-join-and-tpm.md 1.6).

    with foreign_member.inside(dc):
        pc = foreign_member.Hybrid(lab, enrol(lab, "name", token(lab, user, password), registration), hardware_hash, serial)
        pc.wait()                     # a session of a device that waits for its domain; pc.blob once it came
        strings(pc.blob)              # domain, name, password
        publish(...), put(...)        # its certificate at its own object; the directory's certificate"""
import base64
import contextlib
import ctypes
import datetime
import json
import struct
import uuid

import ad
import foreign_pc as f
from foreign_pc import MANAGEMENT, Pc, alert, dev_info, must
from lab import run

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


    def late(self, size=None):
        """The same, told in the second message, by a device that takes no more octets than size in one."""
        s = f.Session(self.lab, self.kept, size=size)
        answers = [s.msg(alert("2", "1201") + dev_info("7"))]
        waits = alert("3", "1224", "com.microsoft/MDM/OdjSync", "device")
        while waits or answers[-1].commands:
            must(len(answers) < 100, "the server ends the session")
            last = answers[-1]
            answers.append(s.msg(f.status("0", "SyncHdr", 200, last.number) + self.reply(last) + waits + (alert("9", "1222") if not last.final else "")))
            waits = ""
        return answers


def seen(answers):
    return [c.uri or "" for a in answers for c in a.work]


def token(lab, user, password):
    status, answer = f.form(lab, "/common/oauth2/token", grant_type="password", client_id="1b730954-1685-4b74-9bfd-dac224a7b894",
                            resource=MANAGEMENT, username=user, password=password)
    must(status == 200, f"a token: {answer}")
    return answer["access_token"]


def enrol(lab, name, who, registration):
    request = f.make_csr(lab, f.make_key(lab, name))
    items = {"HWDevID": uuid.uuid4().hex * 2, **({"ZeroTouchProvisioning": registration} if registration else {})}
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
