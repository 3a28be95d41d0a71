"""A joining device of another make, written from the documents alone: Python's standard library and openssl(1).

Every request goes out on a connection of its own, without cookies; nothing is remembered but what an answer said."""
import base64
import hashlib
import hmac
import http.client
import json
import re
import secrets
import ssl
import struct
import time
import urllib.parse

from lab import LabError, run

DRS = "urn:ms-drs:enterpriseregistration.windows.net"
GRAPH = "https://graph.microsoft.com/"
MANAGEMENT = "https://enrollment.manage.microsoft.com/"
ADMIN = "1b730954-1685-4b74-9bfd-dac224a7b894"
WINDOWS = "38aa3b87-a06d-4817-b275-7a316988d93b"
BROKER = "29d9ed98-a469-4536-ade2-f981bc1d605e"
PORTAL = "9ba1a5c7-f17a-4de9-a1f1-6178c8d51223"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def must(condition, what):
    if not condition:
        raise LabError(f"not so: {what}")


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64url(text):
    must("=" not in text and "+" not in text and "/" not in text, f"base64url without padding: {text[:40]}")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def segment(value):
    return b64url(json.dumps(value).encode())


def claims(jwt):
    parts = jwt.split(".")
    must(len(parts) == 3 and all(parts), "a token is three segments, none empty")
    return json.loads(unb64url(parts[1]))


def form(fields, encoded=True):
    """Percent-encoded with lower-case hex, or raw as several clients send it."""
    if not encoded:
        return "&".join(f"{k}={v}" for k, v in fields.items())
    return re.sub("%..", lambda m: m.group().lower(), urllib.parse.urlencode(fields))


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        must(self.body.startswith(b'{"'), f"the answer begins with the two characters of an object: {self.body[:60]}")
        return json.loads(self.body)

    def refused(self, error, number, status=400):
        """An error in the shape of 10.3."""
        value = self.json()
        must(self.status == status and value["error"] == error and value["error_codes"] == [number],
             f"{status} {error} {number} expected: {self.status} {self.body[:300]}")
        must(value["error_description"].startswith(f"AADSTS{number}: "), "the description names the number")
        must({"timestamp", "trace_id", "correlation_id"} <= set(value), "the error's other members")


class Client:
    """One device: its keys lie under name in the lab's folder."""

    def __init__(self, lab, name):
        self.lab, self.name, self.id, self.prt, self.session_key = lab, name, None, None, None

    def file(self, suffix):
        return self.lab.path(f"{self.name}.{suffix}")

    def send(self, method, path, body=None, headers=None, cert=False, host=None):
        context = ssl.create_default_context(cafile=self.lab.ca)
        if cert:
            context.load_cert_chain(self.file("crt"), self.file("key"))
        connection = http.client.HTTPSConnection("localhost", self.lab.port, context=context, timeout=30)
        path = path.split(f"https://localhost:{self.lab.port}", 1)[-1]
        connection.putrequest(method, path, skip_host=host is not None, skip_accept_encoding=True)
        if host is not None:
            connection.putheader("Host", host)
        data = body.encode() if isinstance(body, str) else body
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if data is not None:
            connection.putheader("Content-Length", str(len(data)))
        connection.endheaders(data)
        try:
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def token(self, fields, tenant="common", v2=False, encoded=True, path=None, **more):
        """A token request without Content-Type."""
        path = path or f"/{tenant}/oauth2/{'v2.0/' if v2 else ''}token"
        return self.send("POST", path, form(fields, encoded), **more)

    def password(self, tenant="common", client=ADMIN, resource=DRS, **more):
        fields = {"grant_type": "password", "client_id": client, "resource": resource, "username": more.pop("user"),
                  "password": more.pop("password"), "client_info": "1", "claims": "{}"}
        return self.token(fields, tenant, **more)

    def nonce(self, tenant="common"):
        answer = self.token({"grant_type": "srv_challenge"}, tenant)
        must(answer.status == 200, f"a nonce under {tenant}: {answer.status}")
        return answer.json()["Nonce"]

    # --- keys

    def make_keys(self):
        """Device key with its request, and another key for transport."""
        run("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=7E980AD9-B86D-4306-9425-9AC066FB014A",
            "-outform", "DER", "-keyout", self.file("key"), "-out", self.file("csr"))
        run("openssl", "genrsa", "-out", self.file("transport"), "2048")

    def transport_blob(self):
        modulus = run("openssl", "rsa", "-in", self.file("transport"), "-noout", "-modulus").stdout.strip().split("=")[1]
        return base64.b64encode(b"RSA1" + struct.pack("<5I", 2048, 3, 256, 0, 0) + b"\1\0\1" + bytes.fromhex(modulus)).decode()

    def sign(self, data, key="key"):
        with open(self.file("tbs"), "wb") as f:
            f.write(data)
        run("openssl", "dgst", "-sha256", "-sign", self.file(key), "-out", self.file("sig"), self.file("tbs"))
        with open(self.file("sig"), "rb") as f:
            return f.read()

    # --- the directory

    def join(self, token, domain="contoso.test", **changes):
        with open(self.file("csr"), "rb") as f:
            csr = base64.b64encode(f.read()).decode()
        message = {"CertificateRequest": {"Type": "pkcs10", "Data": csr}, "TransportKey": self.transport_blob(),
                   "TargetDomain": domain, "DeviceType": "Windows", "OSVersion": "10.0.22631.2506",
                   "DeviceDisplayName": f"PC-{self.name.upper()}", "JoinType": 0, **changes}
        return self.send("POST", "/EnrollmentServer/device/?api-version=2.0", json.dumps(message),
                         {"Authorization": f"Bearer {token}", "Content-Type": "application/json",
                          "User-Agent": "Dsreg/10.0 (Windows 10.0.22631.1)"})

    def install(self, answer):
        with open(self.file("der"), "wb") as f:
            f.write(base64.b64decode(answer["Certificate"]["RawBody"], validate=True))
        run("openssl", "x509", "-inform", "DER", "-in", self.file("der"), "-out", self.file("crt"))
        subject = run("openssl", "x509", "-in", self.file("crt"), "-noout", "-subject", "-nameopt", "RFC2253").stdout
        self.id = subject.strip().removeprefix("subject=CN=")

    # --- requests signed by the device's key and by the session key

    def by_device(self, payload, tenant="common", x5c="array", kdf_ver=None, key="key", alg="RS256", encoded=True, **more):
        with open(self.file("der"), "rb") as f:
            cert = base64.b64encode(f.read()).decode()
        header = {"x5c": [cert] if x5c == "array" else cert, "typ": "JWT", "alg": alg}
        if kdf_ver is not None:
            header["kdf_ver"] = kdf_ver
        payload = {"request_nonce": more.pop("nonce", None) or self.nonce(), "win_ver": "10.0.22631.2506", **payload}
        signed = segment(header) + "." + segment(payload)
        request = signed + "." + b64url(self.sign(signed.encode(), key))
        fields = {"windows_api_version": "2.2", "grant_type": JWT_BEARER, "request": request, "client_info": "1", "tgt": "True"}
        return self.token(fields, tenant, encoded=encoded, **more)

    def get_prt(self, user, password, **more):
        answer = self.by_device({"client_id": WINDOWS, "scope": "openid aza ugs", "group_sids": [], "grant_type": "password",
                                 "username": user, "password": password}, **more)
        if answer.status == 200:
            self.keep_prt(answer.json())
        return answer

    def get_prt_by_refresh(self, refresh_token, **more):
        answer = self.by_device({"client_id": BROKER, "scope": "openid aza", "grant_type": "refresh_token",
                                 "refresh_token": refresh_token}, **more)
        if answer.status == 200:
            self.keep_prt(answer.json())
        return answer

    def keep_prt(self, value):
        """The session key is what the second segment holds under the transport key (10.4)."""
        self.prt, parts = value["refresh_token"], value["session_key_jwe"].split(".")
        must(len(parts) == 5 and json.loads(unb64url(parts[0])) == {"alg": "RSA-OAEP", "enc": "A256GCM"}, "session_key_jwe's header")
        must(len(unb64url(parts[2])) == 12 and len(unb64url(parts[4])) == 16, "its other segments")
        with open(self.file("wrapped"), "wb") as f:
            f.write(unb64url(parts[1]))
        self.session_key = run("openssl", "pkeyutl", "-decrypt", "-inkey", self.file("transport"), "-pkeyopt",
                               "rsa_padding_mode:oaep", "-in", self.file("wrapped"), text=False).stdout
        must(len(self.session_key) == 32, "32 octets of session key")

    def derive(self, context):
        text = b"\0\0\0\1" + b"AzureAD-SecureConversation" + b"\0" + context + b"\0\0\1\0"
        return hmac.new(self.session_key, text, hashlib.sha256).digest()

    def by_session(self, payload, tenant="common", kdf_ver=None, ctx=24, dates="numbers", **more):
        now = int(time.time())
        body = {"grant_type": "refresh_token", "refresh_token": more.pop("prt", self.prt), "iss": "aad:brokerplugin",
                "request_nonce": more.pop("nonce", None) or self.nonce(), "win_ver": "10.0.22631.2506", **payload}
        if dates != "absent":
            body |= {"iat": now, "exp": now + 600} if dates == "numbers" else {"iat": str(now), "exp": str(now + 600)}
        octets, context = json.dumps(body, indent=1).encode(), secrets.token_bytes(ctx)
        header = {"ctx": base64.b64encode(context).decode(), "alg": "HS256", "typ": "JWT"}
        if kdf_ver is not None:
            header["kdf_ver"] = kdf_ver
        key = self.derive(hashlib.sha256(context + octets).digest() if kdf_ver == 2 else context)
        signed = segment(header) + "." + b64url(octets)
        request = signed + "." + b64url(hmac.new(key, signed.encode(), hashlib.sha256).digest())
        return self.token({"grant_type": JWT_BEARER, "request": request, "client_info": "1", "windows_api_version": "2.0"},
                          tenant, **more)

    def broker(self, resource=None, client=PORTAL, scope="openid", **more):
        payload = {"client_id": client, "scope": scope, "aud": "login.microsoftonline.com",
                   "redirect_uri": f"ms-appx-web://Microsoft.AAD.BrokerPlugin/{client}"}
        return self.by_session(payload | ({"resource": resource} if resource else {}), **more)

    def renew(self, **more):
        return self.by_session({"client_id": WINDOWS, "scope": "openid aza ugs", "previous_refresh_token": "1.AA"},
                               dates="absent", **more)

    def open(self, answer):
        """The form with an IV of 16 octets (10.5)."""
        must(answer.status == 200, f"an answer: {answer.status} {answer.body[:300]}")
        parts = answer.body.decode().split(".")
        must(len(parts) == 5 and parts[1] == "", "five segments, the second empty")
        header, iv, tag = json.loads(unb64url(parts[0])), unb64url(parts[2]), unb64url(parts[4])
        context = base64.b64decode(header["ctx"], validate=True)
        must(header["alg"] == "dir" and header["enc"] == "A256GCM" and header["kid"] == "session", f"the header: {header}")
        must(len(context) == 24 and len(iv) == 16 and len(tag) == 16, "ctx of 24, IV and tag of 16 octets")
        with open(self.file("cipher"), "wb") as f:
            f.write(unb64url(parts[3]))
        plain = run("openssl", "enc", "-d", "-aes-256-cbc", "-K", self.derive(context).hex(), "-iv", iv.hex(), "-in",
                    self.file("cipher"), text=False).stdout
        must(plain.startswith(b'{"'), "inside is an object")
        return json.loads(plain)

    def device_token(self, resource=MANAGEMENT, **more):
        payload = {"resource": resource, "client_id": BROKER, "grant_type": "device_token",
                   "redirect_uri": "ms-aadj-redir://auth/mdm", "iss": "aad:brokerplugin", **more.pop("payload", {})}
        return self.by_device(payload, x5c="text", **more)

    def leave(self, device=None, cert=True):
        return self.send("DELETE", f"/EnrollmentServer/device/{device or self.id}", cert=cert)
