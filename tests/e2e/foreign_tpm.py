"""A device without a user, of another make: attestation, join by ticket, its own token and enrolment, with tpm2-tools for
the TPM and openssl for the rest.

Written from attestation.md 3 and 4, domain-join-and-tpm.md 2, join-and-tokens.md 3 and 5, mde2.md and the members that
docs/protocol/attestation.md names; it shares no line with the service or touchdown-device. Every part of a message can be
changed before it is sent, so that a fault in a message is made here and a fault in a TPM by tpms.py."""
import base64
import hashlib
import hmac
import json
import os
import re
import struct
import uuid

import foreign_pc as pc
from foreign_pc import b64, b64url, der, must, oid
from lab import run
from tpms import EK_CERT_NV, EK_HANDLE, P384_CERT_NV, P384_HANDLE

AK_HANDLE, DEVICE_HANDLE, MANAGEMENT_HANDLE = "0x81008F01", "0x81008F02", "0x81008F03"
FIXED = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth"
ALL_PCRS = list(range(8))
SECURE_BOOT_GUID = uuid.UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c")


def tpm2b(data):
    return struct.pack(">H", len(data)) + data


def un2b(data):
    must(struct.unpack(">H", data[:2])[0] == len(data) - 2, "a TPM2B that fills its octets")
    return data[2:]


def name_of(public):
    """Name of an object, of a TPM2B_PUBLIC."""
    body = un2b(public)
    algorithm = {0x000B: "sha256", 0x000C: "sha384"}[struct.unpack(">H", body[2:4])[0]]
    return body[2:4] + hashlib.new(algorithm, body).digest()


def flipped(data, at=-1):
    """One bit changed."""
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


# --- an event log (TCG2, little-endian): domain-join-and-tpm.md 2.2

class EventLog:
    def __init__(self):
        spec = b"Spec ID Event03\0" + struct.pack("<IBBBB", 0, 0, 2, 0, 2) + struct.pack("<IHH", 1, 0x000B, 32) + b"\0"
        self.octets = struct.pack("<II", 0, 3) + bytes(20) + struct.pack("<I", len(spec)) + spec
        self.extended = []  # (pcr, digest) as a TPM is to be extended

    def add(self, pcr, kind, data, digest=None):
        digest = digest or hashlib.sha256(data).digest()
        self.octets += struct.pack("<IIIH", pcr, kind, 1, 0x000B) + digest + struct.pack("<I", len(data)) + data
        if kind != 3:
            self.extended.append((pcr, digest))
        return self

    def secure_boot(self, on, told=None):
        """told: what the log says of it, where that is not what was measured."""
        def variable(value):
            text = "SecureBoot"
            return SECURE_BOOT_GUID.bytes_le + struct.pack("<QQ", len(text), 1) + text.encode("utf-16-le") + bytes([1 if value else 0])
        return self.add(7, 0x80000001, variable(on if told is None else told), hashlib.sha256(variable(on)).digest())

    def extend_into(self, tpm):
        for pcr, digest in self.extended:
            tpm.tool("pcrextend", f"{pcr}:sha256={digest.hex()}")
        return self


def measured_start(tpm, secure_boot=True, firmware=b"Example Firmware 1.24.0", told=None):
    """What a firmware measures at power-on, into a TPM that was just switched on; the log of it."""
    log = EventLog().add(0, 8, firmware).secure_boot(secure_boot, told)
    for pcr in ALL_PCRS:
        log.add(pcr, 4, bytes(4))
    return log.extend_into(tpm)


# --- the device

class Device:
    """Keys and certificates lie under `name` in the lab's folder and in the TPM."""

    def __init__(self, lab, name, tpm, kind="rsa"):
        """kind: "rsa" (RSA endorsement key, RSA attestation key below it) or "ecc" (P-384, P-256 primary)."""
        self.lab, self.name, self.tpm, self.kind = lab, name, tpm, kind
        self.ek, self.nv = (EK_HANDLE, EK_CERT_NV) if kind == "rsa" else (P384_HANDLE, P384_CERT_NV)
        self.registration = self.ticket = self.id = None
        self.log = b""

    def file(self, suffix):
        return self.lab.path(f"{self.name}.{suffix}")

    def put(self, suffix, data):
        with open(self.file(suffix), "wb") as f:
            f.write(data)
        return self.file(suffix)

    def get(self, suffix):
        with open(self.file(suffix), "rb") as f:
            return f.read()

    def public(self, handle=None):
        """TPM2B_PUBLIC of a key, the endorsement key's if none is named."""
        handle = handle or self.ek
        if handle not in self.tpm.known:
            self.tpm.known[handle] = self.tpm.ek_public(handle)
        return self.tpm.known[handle]

    def keep(self, handle):
        """The key that was just made, at a place of its own in the TPM."""
        self.tpm.known.pop(handle, None)
        self.tpm.tool("evictcontrol", "-C", "o", "-c", handle, expect=None)
        self.tpm.tool("evictcontrol", "-C", "o", "-c", self.file("ctx"), handle)

    def make_ak(self, attributes=FIXED + "|restricted|sign", ecc=None):
        """RSA: below the endorsement key as TPMs' own tools do; ECC: a primary key of the owner."""
        ecc = self.kind == "ecc" if ecc is None else ecc
        if not ecc and "restricted" in attributes:
            self.tpm.tool("createak", "-C", self.ek, "-c", self.file("ctx"), "-G", "rsa", "-g", "sha256", "-s", "rsassa", "-u", self.file("ak.pub"),
                          "-n", self.file("ak.name"))
        else:
            shape = "ecc256:ecdsa-sha256:null" if ecc else "rsa2048:rsassa-sha256:null"
            self.tpm.tool("createprimary", "-C", "o", "-g", "sha256", "-G", shape, "-a", attributes, "-c", self.file("ctx"))
        self.keep(AK_HANDLE)

    def make_key(self, handle=DEVICE_HANDLE, shape="rsa2048:null:null"):
        """A new key below a storage key: signs what it is given."""
        self.tpm.tool("createprimary", "-C", "o", "-G", "ecc256", "-c", self.file("srk"))
        self.tpm.tool("create", "-C", self.file("srk"), "-g", "sha256", "-G", shape, "-a", FIXED + "|sign", "-u", self.file("pub"), "-r", self.file("prv"))
        self.tpm.tool("load", "-C", self.file("srk"), "-u", self.file("pub"), "-r", self.file("prv"), "-c", self.file("ctx"))
        self.keep(handle)

    def prepare(self):
        self.make_ak()
        self.make_key()
        return self

    def certificate(self):
        if self.nv not in self.tpm.known:
            self.tpm.known[self.nv] = self.tpm.ek_certificate(self.nv) if self.tpm.has_nv(self.nv) else None
        return self.tpm.known[self.nv]

    def sign(self, data, handle=DEVICE_HANDLE):
        """RSASSA with SHA-256, or the DER of an ECDSA signature."""
        return self.tpm.read("sign", "-c", handle, "-g", "sha256", "-f", "plain", self.put("to-sign", data))

    def csr(self, handle=DEVICE_HANDLE, name=b"7E980AD9-B86D-4306-9425-9AC066FB014A"):
        spki = self.tpm.read("readpublic", "-c", handle, "-f", "der")
        how = der(0x30, oid("1.2.840.113549.1.1.11"), der(5)) if b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01" in spki else \
            der(0x30, oid("1.2.840.10045.4.3.2"))
        info = der(0x30, der(2, b"\0"), der(0x30, der(0x31, der(0x30, oid("2.5.4.3"), der(0x0C, name)))), spki, der(0xA0))
        return der(0x30, info, how, der(3, b"\0", self.sign(info, handle)))

    # --- attestation

    def send(self, message):
        """The door's status and answer."""
        status, headers, body = pc.ask(self.lab, "POST", "/ztd/v1/attest", json.dumps(message), {"Content-Type": "application/json"})
        must(headers["content-type"].split(";")[0] == ("application/json" if status == 200 else "application/problem+json"),
             f"the answer's type: {status} {headers} {body[:300]}")
        return status, json.loads(body)

    def opening(self, **changes):
        message = {"step": "attest-begin", "registrationId": self.registration, "ekPub": b64(self.public()),
                   "akPub": b64(self.public(AK_HANDLE)), "serial": self.name}
        certificate = self.certificate()
        if certificate:
            message["ekCert"] = b64(certificate)
        message.update(changes)
        return {k: v for k, v in message.items() if v is not None}

    def begin(self, **changes):
        """Asks for a challenge; judges its form."""
        status, answer = self.send(self.opening(**changes))
        must(status == 200, f"a challenge: {status} {answer}")
        must(answer["step"] == "challenge" and str(uuid.UUID(answer["sessionId"])) == answer["sessionId"].lower(), f"{answer}")
        must(len(bytes.fromhex(answer["nonce"])) >= 16, "a nonce that nobody guesses")
        return answer

    def activate(self, challenge, ek=None):
        """The secret, or None: this TPM can't recover it."""
        blob = bytes.fromhex("badcc0de00000001") + base64.b64decode(challenge["idObject"]) + base64.b64decode(challenge["encSecret"])
        argv = ["-c", AK_HANDLE, "-C", ek or self.ek, "-i", self.put("blob", blob), "-o", self.file("secret")]
        if os.path.exists(self.file("secret")):
            os.unlink(self.file("secret"))
        if self.kind == "rsa":  # its policy wants the endorsement hierarchy's secret; the other key takes an empty password
            self.tpm.tool("startauthsession", "--policy-session", "-S", self.file("session"))
            self.tpm.tool("policysecret", "-S", self.file("session"), "-c", "e")
            done = self.tpm.tool("activatecredential", *argv, "-P", "session:" + self.file("session"), expect=None)
            self.tpm.tool("flushcontext", "-l", expect=None)
            self.tpm.tool("flushcontext", "-s", expect=None)
        else:
            done = self.tpm.tool("activatecredential", *argv, expect=None)
        return self.get("secret") if done.returncode == 0 else None

    def quote(self, nonce, pcrs=ALL_PCRS, handle=AK_HANDLE):
        """TPMS_ATTEST, TPMT_SIGNATURE and the values."""
        self.tpm.tool("quote", "-c", handle, "-l", "sha256:" + ",".join(str(n) for n in pcrs), "-q", nonce.hex(), "-g", "sha256",
                      "-m", self.file("quote"), "-s", self.file("quote.sig"))
        shown = self.tpm.tool("pcrread", "sha256:" + ",".join(str(n) for n in pcrs)).stdout
        values = {str(int(n)): v.lower() for n, v in re.findall(r"(\d+)\s*:\s*0x([0-9A-Fa-f]{64})", shown)}
        return self.get("quote"), self.get("quote.sig"), values

    def certify(self, nonce, handle=DEVICE_HANDLE, by=AK_HANDLE):
        """TPM2_Certify, sent as octets since no tool takes the nonce: TPMS_ATTEST and TPMT_SIGNATURE."""
        empty = struct.pack(">IHBH", 0x40000009, 0, 1, 0)
        body = struct.pack(">II", int(handle, 16), int(by, 16)) + struct.pack(">I", 2 * len(empty)) + empty * 2 + tpm2b(nonce)
        body += struct.pack(">H", 0x0010) if by == AK_HANDLE else struct.pack(">HH", 0x0014, 0x000B)  # a restricted key has its scheme
        command = struct.pack(">HII", 0x8002, 10 + len(body), 0x148) + body
        answer = self.tpm.read("send", self.put("command", command))
        _, size, code = struct.unpack(">HII", answer[:10])
        must(code == 0 and size == len(answer), f"TPM2_Certify: {code:#x}")
        parameters = answer[14:14 + struct.unpack(">I", answer[10:14])[0]]
        n = struct.unpack(">H", parameters[:2])[0]
        return parameters[2:2 + n], parameters[2 + n:]

    def answer(self, challenge, secret=None, csr=True, management=False):
        """The members of a good answer to a challenge."""
        nonce = bytes.fromhex(challenge["nonce"])
        secret = secret if secret is not None else self.activate(challenge)
        must(secret is not None, "the TPM recovers the secret")
        quote, quote_sig, values = self.quote(nonce)
        attest, signature = self.certify(nonce)
        proof = hmac.new(secret, nonce + name_of(self.public(AK_HANDLE)), hashlib.sha256).digest()
        message = {"step": "attest-finish", "sessionId": challenge["sessionId"], "proof": b64(proof), "quote": b64(quote), "quoteSig": b64(quote_sig),
                   "pcrValues": values, "certify": b64(attest), "certifySig": b64(signature), "keyPub": b64(self.public(DEVICE_HANDLE))}
        if self.log:
            message["eventLog"] = b64(self.log)
        if csr:
            message["csr"] = b64(self.csr())
        if management:
            attest, signature = self.certify(nonce, MANAGEMENT_HANDLE)
            message |= {"managementKeyPub": b64(self.public(MANAGEMENT_HANDLE)), "managementCertify": b64(attest),
                        "managementCertifySig": b64(signature)}
        return message

    def finish(self, message):
        status, answer = self.send(message)
        must(status == 200 and answer["step"] == "admitted" and answer["joinTicket"], f"admitted: {status} {answer}")
        self.ticket = answer["joinTicket"]
        return answer

    def attest(self, **how):
        return self.finish(self.answer(self.begin(), **how))

    # --- the directory

    def request(self, handle=DEVICE_HANDLE):
        """What the join sends: the request of a key, and the same kind of key once more for transport."""
        blob = b"RSA1" + struct.pack("<5I", 2048, 3, 256, 0, 0) + b"\1\0\1" + un2b(self.public(DEVICE_HANDLE))[-256:]
        return {"CertificateRequest": {"Type": "pkcs10", "Data": b64(self.csr(handle))}, "TransportKey": b64(blob),
                "TargetDomain": "elsewhere.example", "DeviceType": "Windows", "OSVersion": "10.0.22631.2506",
                "DeviceDisplayName": "DESKTOP-" + self.name.upper()[:7], "JoinType": 0, "attributes": {"ReuseDevice": "true", "SharedDevice": "true"}}

    def join(self, ticket=None, message=None):
        """The join's status and answer."""
        status, _, body = pc.ask(self.lab, "POST", "/EnrollmentServer/device/?api-version=2.0", json.dumps(message or self.request()),
                                 {"Authorization": "Bearer " + (ticket or self.ticket), "Content-Type": "application/json"})
        return status, json.loads(body)

    def joined(self):
        return self.install(*self.join())

    def install(self, status, answer):
        """Keeps the certificate of a join."""
        must(status == 200, f"joined by the ticket: {status} {answer}")
        must(not answer.get("User", {}).get("Upn"), f"nobody owns it: {answer.get('User')}")
        pc.save(self.lab, self.name, base64.b64decode(answer["Certificate"]["RawBody"]))
        shown = run("openssl", "x509", "-in", self.file("pem"), "-noout", "-subject").stdout
        self.id = re.search(r"CN ?= ?([0-9a-f-]{36})", shown).group(1)
        return self.id

    def token(self, resource=pc.MANAGEMENT):
        """The device's own token, which names no user."""
        head = {"typ": "JWT", "alg": "RS256", "x5c": b64(self.get("der"))}
        payload = {"resource": resource, "client_id": pc.BROKER, "request_nonce": pc.nonce(self.lab), "grant_type": "device_token",
                   "iss": "aad:brokerplugin", "redirect_uri": "ms-aadj-redir://auth/mdm", "win_ver": "10.0.22631.1"}
        text = b64url(json.dumps(head).encode()) + "." + b64url(json.dumps(payload).encode())
        request = text + "." + b64url(self.sign(text.encode()))
        status, answer = pc.form(self.lab, "/common/oauth2/token", grant_type=pc.JWT_BEARER, request=request)
        must(status == 200, f"a device's token: {answer}")
        said = json.loads(pc.un64url(answer["access_token"].split(".")[1]))
        must(said["deviceid"] == self.id and "upn" not in said, f"the device's token names the device alone: {said}")
        return answer["access_token"]

    # --- management

    def items(self):
        return {"ZeroTouchProvisioning": self.registration, "PlugandForget": "true", "UXInitiated": "false", "TargetedUserLoggedIn": "False",
                "HWDevID": hashlib.sha256(self.name.encode()).hexdigest(), "DeviceName": self.name.upper()}

    def enrol(self, token=None, certified=False):
        """The answer's tree. certified: the management key is the TPM's, else one of openssl."""
        request = self.csr(MANAGEMENT_HANDLE, b"ConfigMgrEnroll") if certified else pc.make_csr(self.lab, pc.make_key(self.lab, self.name + "-mdm"))
        return pc.enrol_at(self.lab, pc.rst(pc.security(token or self.token()), request, self.items()))

    def enrolled(self):
        """What the client keeps of its enrolment (foreign_pc.install)."""
        return pc.install(self.lab, self.name + "-mdm", pc.document(self.enrol()))


def refused(answer, reason):
    """A refusal by its name, with all that a person needs. answer: what send() returned."""
    status, said = answer
    must(400 <= status < 500, f"{reason} expected: {status} {said}")
    must(said.get("code") == reason, f"{reason} expected: {said}")
    must(re.fullmatch(r"0x[0-9a-fA-F]{8}", str(said.get("hresult"))), f"the code that Windows shows: {said}")
    must(said.get("detail") and said.get("remedy"), f"cause and remedy: {said}")
    return said
