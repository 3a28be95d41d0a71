"""A deployment service of another make: the protocols as the documents have them, in a style unlike ours.

Other prefixes, white space everywhere, statuses in another order, UUIDs as CmdID, the provisioning document in three
CertificateStore characteristics. It shares no code with the project, so that the device cannot be right with it by
sharing a misreading. Cryptography is the openssl program's; the rest is the standard library.

One Foreign serves one tenant on loopback. What it does beside the plain way is set by its attributes; `sessions` holds
a function that makes the generator of one management session: it yields bodies and is sent the device's messages."""
import base64
import hashlib
import hmac
import html
import json
import os
import re
import secrets
import ssl
import subprocess
import threading
import time
import urllib.parse
import uuid
import xml.etree.ElementTree as ET
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TENANT = "aaaaaaaa-0000-4000-8000-000000000001"
DOMAIN = "fabrikam.example"
USER = "grace@fabrikam.example"
PASSWORD = "Other-Make-7"
PROVIDER = "FabrikamMDM"
PRODUCT = "{77777777-0000-4000-8000-000000000001}"
SYNCML = "SYNCML:SYNCML1.2"
TYPE = "application/vnd.syncml.dm+xml"
NONCE = base64.b64encode(bytes(range(16, 32))).decode()
FIRST = f"./Vendor/MSFT/DMClient/Provider/{PROVIDER}/FirstSyncStatus"


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def openssl(*argv, data=None):
    done = subprocess.run(["openssl", *map(str, argv)], input=data, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {argv[0]}: {done.stderr.decode()}")
    return done.stdout


def local(tag):
    return tag.rsplit("}", 1)[-1]


def texts(node, name):
    return [e.text or "" for e in node.iter() if local(e.tag) == name]


def text(node, name, otherwise=None):
    found = texts(node, name)
    return found[0] if found else otherwise


def tlv(tag, *inside):
    body = b"".join(inside)
    length = bytes([len(body)]) if len(body) < 128 else b"\x82" + len(body).to_bytes(2, "big")
    return bytes([tag]) + length + body


def rsa_public(modulus):
    """SubjectPublicKeyInfo of an RSA key with exponent 65537."""
    key = tlv(0x30, tlv(2, b"\0" + modulus), tlv(2, b"\1\0\1"))
    return tlv(0x30, tlv(0x30, tlv(6, bytes.fromhex("2a864886f70d010101")), tlv(5)), tlv(3, b"\0" + key))


# --- certificates


class Pki:
    """Three roots that know nothing of each other: of the web, of the directory, of management."""

    def __init__(self, folder):
        self.dir = folder
        os.makedirs(folder, exist_ok=True)
        self.write("server.ext", "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n")
        self.write("leaf.ext", "basicConstraints=critical,CA:FALSE\nextendedKeyUsage=clientAuth\nkeyUsage=digitalSignature\n")
        self.write("ca.ext", "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=keyCertSign,cRLSign\n")
        for name in ("web", "directory", "management"):
            openssl("req", "-x509", *self.key(name), "-days", "30", "-subj", f"/CN=Fabrikam {name} root", "-out",
                    self.path(name + ".pem"), "-addext", "keyUsage=keyCertSign,cRLSign")
        openssl("req", *self.key("server"), "-subj", "/CN=localhost", "-out", self.path("server.csr"))
        self.write("server.pem", self.sign(self.path("server.csr"), "web", "server.ext"))
        openssl("req", *self.key("issuing"), "-subj", "/CN=Fabrikam issuing", "-out", self.path("issuing.csr"))
        self.write("issuing.pem", self.sign(self.path("issuing.csr"), "management", "ca.ext"))

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, content):
        with open(self.path(name), "wb") as f:
            f.write(content if isinstance(content, bytes) else content.encode())

    def key(self, name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.path(name + ".key")]

    def sign(self, csr, issuer, ext, *more):
        return openssl("x509", "-req", "-in", csr, "-CA", self.path(issuer + ".pem"), "-CAkey", self.path(issuer + ".key"),
                       "-set_serial", "0x" + secrets.token_hex(12), "-days", "30", "-sha256", "-extfile", self.path(ext), *more)

    def issue(self, der, issuer, subject):
        """A certificate over the key of a request in DER, under a subject of our own."""
        openssl("req", "-inform", "DER", "-verify", "-noout", data=der)
        name = "request-" + secrets.token_hex(4) + ".der"
        self.write(name, der)
        return self.der(self.sign(self.path(name), issuer, "leaf.ext", "-inform", "DER", "-subj", subject))

    @staticmethod
    def der(pem):
        return openssl("x509", "-outform", "DER", data=pem)

    def der_of(self, name):
        with open(self.path(name + ".pem"), "rb") as f:
            return self.der(f.read())


# --- the service


class Session:
    def __init__(self, number, generator):
        self.number, self.generator, self.message = number, generator, 0


class Refuse(Exception):
    """An answer that is none: status, headers, body."""

    def __init__(self, status, body="no", headers=()):
        super().__init__(status)
        self.status, self.body, self.headers = status, body, dict(headers)


class Foreign:
    registration = "33333333-0000-4000-8000-000000000001"  # what the device's profile says it is
    doors = ()                                             # of a service that does more, before DOORS

    def __init__(self, folder):
        self.pki = Pki(folder)
        self.reset()
        service = self

        class Door(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                service.handle(self)

            do_POST = do_GET

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):  # devices are killed and cut here
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.pki.path("server.pem"), self.pki.path("server.key"))
        context.load_verify_locations(self.pki.path("management.pem"))
        context.load_verify_locations(self.pki.path("issuing.pem"))
        context.verify_mode = ssl.CERT_OPTIONAL
        self.server = Server(("127.0.0.1", 0), Door)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"https://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def ca(self):
        return self.pki.path("web.pem")

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def reset(self):
        """Back to the plain way; what the directory knows of devices stays."""
        self.none = None                  # the lookup's answer when it has no profile
        self.profile = {}                 # members laid over the profile
        self.user_tenant = TENANT         # where the user really is
        self.refuse = {}                  # path part -> list of Refuse, each used once
        self.wap_more = ""                # more parms of DMClient/Provider
        self.wap_edit = lambda doc: doc
        self.edit = lambda answer: answer  # of a SyncML answer, before it leaves
        self.raw = []                     # functions (handler, body) that answer a management post themselves
        self.sessions = plain_session
        self.files = {}                   # path -> octets
        self.slow = 0
        self.seen = []                    # (session, message element) in order
        self.log = []                     # (method, path)
        self.open = {}
        self.count = 0
        if not hasattr(self, "devices"):
            self.devices, self.codes, self.refresh, self.prts, self.nonces = {}, {}, {}, {}, set()
            self.challenge_used = False

    # --- dispatch

    def handle(self, door):
        path, _, query = door.path.partition("?")
        length = int(door.headers.get("Content-Length", 0))
        body = door.rfile.read(length)
        self.log.append((door.command, path))
        try:
            for part, refusals in self.refuse.items():
                if part.lower() in path.lower() and refusals:
                    raise refusals.pop(0)
            for pattern, function in [*self.doors, *DOORS]:
                if re.fullmatch(pattern, path, re.IGNORECASE):
                    function(self, door, urllib.parse.parse_qs(query), body)
                    return
            raise Refuse(404, "nothing here")
        except Refuse as e:
            self.answer(door, e.status, e.body, "text/plain", e.headers)

    def answer(self, door, status, body, kind, headers=()):
        body = body if isinstance(body, bytes) else body.encode()
        door.send_response(status)
        door.send_header("Content-Type", kind)
        door.send_header("Content-Length", str(len(body)))
        for name, value in dict(headers).items():
            door.send_header(name, value)
        door.end_headers()
        door.wfile.write(body)

    def json(self, door, value, status=200):
        self.answer(door, status, json.dumps(value, separators=(",", ":")), "application/json; charset=utf-8")

    # --- lookup, sign-in, tokens

    def lookup(self, door, _query, body):
        ask = json.loads(body)
        assert ask.get("hardwareHash") or ask.get("facts")
        if self.none:
            self.json(door, {"ErrorCode": self.none[0], "ErrorReason": self.none[1], "ErrorText": "nothing is known here",
                             "Remedy": "register it", "AutopilotServiceCorrelationId": "c"})
            return
        profile = {"DeviceTicket": "ticket-1", "DeviceTicketExpires": "2099-01-01T00:00:00Z", "unheardOf": {"x": [1, None]},
                   "CloudAssignedTenantUpn": "", "TenantDisplayName": "Fabrikam", "CloudAssignedOobeConfig": 1310,
                   "CloudAssignedDomainJoinMethod": 0, "CloudAssignedForcedEnrollment": 1, "CloudAssignedTenantDomain": DOMAIN,
                   "CloudAssignedTenantId": TENANT, "AadDeviceId": "44444444-0000-4000-8000-000000000001",
                   "ZtdRegistrationId": self.registration, "AutopilotMode": 0,
                   "CloudAssignedMdmId": "0000000a-0000-0000-c000-000000000000", "CloudAssignedLanguage": "os-default",
                   "CloudAssignedRegion": "os-default", "DeploymentProfileName": "Fabrikam desks"}
        profile.update(self.profile)
        self.json(door, {k: v for k, v in profile.items() if v is not None})

    def configuration(self, door, _query, _body):
        self.json(door, {"token_endpoint": f"{self.url}/{TENANT}/oauth2/token", "issuer": self.url,
                         "authorization_endpoint": f"{self.url}/{TENANT}/oauth2/authorize?flavour=other"})

    def authorize(self, door, query, body):
        """Three pages: a form that a script would send, a name, a password; fields in an order of their own."""
        form = urllib.parse.parse_qs(body.decode()) if body else {}
        if not form:
            self.ask = {k: v[0] for k, v in query.items()}
            page = (f"<!DOCTYPE html>\n<HTML><HEAD><TITLE>Moving on</TITLE></HEAD><BODY onload='document.forms[0].submit()'>"
                    f"<form METHOD=post action=\"authorize?x=1&amp;y=2\"><noscript><input type=submit value=Go></noscript>"
                    f"<input value='1' name=begin type=hidden></form></BODY></HTML>")
        elif "login" not in form and "passwd" not in form:
            page = ("<html><head><title>Who are you?</title></head><body><form action='/about' method='get'></form>"
                    "<form id='f' method='POST' action=''><input type='submit' value='Next'/>"
                    "<input name='flow' value='a&amp;b' type='hidden'><input type='email' name='login' value=''></form></body></html>")
        elif "passwd" not in form:
            assert form["flow"] == ["a&b"]
            page = (f"<html><head><title>Password</title></head><body><form method='post'><label>Password</label>"
                    f"<input autocomplete=off TYPE=\"password\" NAME=\"passwd\"><input type=hidden name=login value=\"{html.escape(form['login'][0])}\">"
                    f"</form></body></html>")
        elif form["passwd"] != [PASSWORD]:
            page = ("<html><head><title>Password</title></head><body><div role=\"alert\">That is not it.</div><form method=post>"
                    "<input type=password name=passwd><input type=hidden name=login value=x></form></body></html>")
        else:
            code = secrets.token_urlsafe(12)
            self.codes[code] = self.ask
            to = self.ask["redirect_uri"] + "?" + urllib.parse.urlencode({"session_state": "s", "state": self.ask["state"], "code": code})
            self.answer(door, 302, "", "text/html", {"Location": to})
            return
        self.answer(door, 200, page, "text/html; charset=utf-8")

    def jwt(self, **claims):
        head = b64url(json.dumps({"typ": "JWT", "alg": "none"}, indent=1).encode())
        return f"{head}.{b64url(json.dumps({'tid': self.user_tenant, 'upn': USER, **claims}).encode())}.c2ln"

    def token(self, door, _query, body):
        form = {k: v[0] for k, v in urllib.parse.parse_qs(body.decode()).items()}
        grant = form.get("grant_type")
        if grant == "srv_challenge":
            nonce = secrets.token_urlsafe(16)
            self.nonces.add(nonce)
            self.json(door, {"Nonce": nonce})
        elif grant == "authorization_code":
            self.redeem(door, form)
        elif grant == "urn:ietf:params:oauth:grant-type:jwt-bearer":
            self.signed(door, form["request"])
        else:
            self.refused(door, "unsupported_grant_type", "AADSTS70003: another grant")

    def refused(self, door, error, description, status=400):
        self.json(door, {"error_description": description, "error": error, "error_codes": [1]}, status)

    def redeem(self, door, form):
        ask = self.codes.pop(form["code"], None)
        challenge = b64url(hashlib.sha256(form["code_verifier"].encode()).digest())
        if ask is None or challenge != ask["code_challenge"]:
            self.refused(door, "invalid_grant", "AADSTS70008: the code is no good")
            return
        assert ask["resource"] == "urn:ms-drs:enterpriseregistration.windows.net" and ask["ztd_ticket"] == "ticket-1"
        self.json(door, {"token_type": "Bearer", "expires_in": "3599", "access_token": self.jwt(aud=ask["resource"]),
                         "refresh_token": "first-refresh", "id_token": self.jwt(nonce=ask["nonce"], name="Grace", mdm_enrollment_url=self.url + "/EnrollmentServer/Discovery.svc"),
                         "something": None})

    def signed(self, door, request):
        head, payload, signature = request.split(".")
        header, claims = json.loads(unb64url(head)), json.loads(unb64url(payload))
        if claims["request_nonce"] not in self.nonces:
            self.refused(door, "invalid_grant", "AADSTS50013: nonce")
            return
        self.nonces.discard(claims["request_nonce"])
        if header["alg"] == "RS256":
            self.give_prt(door, header, claims, f"{head}.{payload}".encode(), unb64url(signature))
        else:
            self.give_token(door, header, claims, payload, f"{head}.{payload}".encode(), unb64url(signature))

    def give_prt(self, door, header, claims, signed, signature):
        x5c = header["x5c"] if isinstance(header["x5c"], str) else header["x5c"][0]
        device = self.devices[hashlib.sha1(base64.b64decode(x5c)).hexdigest()]
        key = openssl("x509", "-inform", "DER", "-pubkey", "-noout", data=base64.b64decode(x5c))
        self.pki.write("prt.key", key)
        self.pki.write("prt.sig", signature)
        openssl("dgst", "-sha256", "-verify", self.pki.path("prt.key"), "-signature", self.pki.path("prt.sig"), data=signed)
        good = claims.get("password") == PASSWORD if claims["grant_type"] == "password" else claims["refresh_token"] == "first-refresh"
        if not good:
            self.refused(door, "invalid_grant", "AADSTS50126: user name or password wrong")
            return
        session = secrets.token_bytes(32)
        prt = "1." + secrets.token_urlsafe(24)
        self.prts[prt] = session
        self.pki.write("transport.der", device["transport"])
        wrapped = openssl("pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", self.pki.path("transport.der"), "-pkeyopt",
                          "rsa_padding_mode:oaep", data=session)
        jwe = ".".join([b64url(b'{"enc":"A256GCM", "alg":"RSA-OAEP"}'), b64url(wrapped), b64url(bytes(12)), b64url(b"x"), b64url(bytes(16))])
        self.json(door, {"token_type": "pop", "refresh_token": prt, "expires_in": "1209599", "session_key_jwe": jwe, "id_token": self.jwt()})

    def derive(self, session, context):
        fixed = b"\0\0\0\1" + b"AzureAD-SecureConversation\0" + context + b"\0\0\1\0"
        return hmac.new(session, fixed, hashlib.sha256).digest()

    def give_token(self, door, header, claims, payload, signed, signature):
        session = self.prts.get(claims["refresh_token"])
        if session is None:
            self.refused(door, "invalid_grant", "AADSTS700082: the token is gone")
            return
        context = base64.b64decode(header["ctx"])
        if header.get("kdf_ver") == 2:
            context = hashlib.sha256(context + unb64url(payload)).digest()
        assert hmac.compare_digest(hmac.new(self.derive(session, context), signed, hashlib.sha256).digest(), signature)
        answer = {"token_type": "Bearer", "access_token": self.jwt(aud=claims["resource"]), "expires_in": "3599", "refresh_token": "plain"}
        ctx, iv = secrets.token_bytes(24), secrets.token_bytes(16)
        head = b64url(json.dumps({"kid": "session", "ctx": base64.b64encode(ctx).decode(), "enc": "A256GCM", "alg": "dir"}).encode())
        sealed = openssl("enc", "-aes-256-cbc", "-K", self.derive(session, ctx).hex(), "-iv", iv.hex(), data=json.dumps(answer, separators=(",", ":")).encode())
        self.answer(door, 200, ".".join([head, "", b64url(iv), b64url(sealed), b64url(bytes(16))]), "application/jose")

    # --- join

    def discover_join(self, door, _query, _body):
        self.json(door, {"TenantInfo": {"TenantId": TENANT.upper(), "DisplayName": "Fabrikam"}, "NewService": None,
                         "DeviceJoinService": {"ServiceVersion": "2.0", "JoinEndpoint": f"{self.url}/EnrollmentServer/device/"}})

    def join(self, door, _query, body):
        ask = json.loads(body)
        ticket = base64.b64decode(ask["attributes"]["MSA-DDID"]).decode()
        assert ticket == "ticket-1" and door.headers["Authorization"].startswith("Bearer ")
        blob = base64.b64decode(ask["TransportKey"])
        assert blob[:4] == b"RSA1" and len(blob) == 283
        der = rsa_public(blob[27:])
        cert = self.pki.issue(base64.b64decode(ask["CertificateRequest"]["Data"]), "directory", f"/CN={uuid.uuid4()}")
        self.devices[hashlib.sha1(cert).hexdigest()] = {"transport": der}
        self.json(door, {"MembershipChanges": [], "User": {"Upn": USER},
                         "Certificate": {"RawBody": base64.b64encode(cert).decode(), "Thumbprint": hashlib.sha1(cert).hexdigest().upper()}})

    # --- enrolment

    def envelope(self, door, action, body, asked):
        relates = html.escape(text(asked, "MessageID", ""))
        doc = f"""<?xml version="1.0" encoding="utf-8"?>
<!-- of another make -->
<env:Envelope
    xmlns:wsa="http://www.w3.org/2005/08/addressing"
    xmlns:env="http://www.w3.org/2003/05/soap-envelope">
  <env:Header>
    <wsa:RelatesTo>
      {relates}
    </wsa:RelatesTo>
    <wsa:Action env:mustUnderstand="true">{action}</wsa:Action>
  </env:Header>
  <env:Body>
{body}
  </env:Body>
</env:Envelope>
"""
        self.answer(door, 200, doc, "application/soap+xml; charset=utf-8")

    def discovery(self, door, _query, body):
        if door.command == "GET":
            self.answer(door, 200, "", "text/plain")
            return
        self.envelope(door, "http://schemas.microsoft.com/windows/management/2012/01/enrollment/IDiscoveryService/DiscoverResponse", f"""
    <d:DiscoverResponse xmlns:d="http://schemas.microsoft.com/windows/management/2012/01/enrollment">
      <d:DiscoverResult>
        <d:EnrollmentServiceUrl> {self.url}/EnrollmentServer/Enrollment.svc?s=1&amp;t=2
        </d:EnrollmentServiceUrl>
        <d:AuthenticationServiceUrl>{self.url}/EnrollmentServer/Auth</d:AuthenticationServiceUrl>
        <d:EnrollmentPolicyServiceUrl>{self.url}/EnrollmentServer/Policy.svc</d:EnrollmentPolicyServiceUrl>
        <d:EnrollmentVersion>
          4.0
        </d:EnrollmentVersion>
        <d:AuthPolicy>Federated</d:AuthPolicy>
      </d:DiscoverResult>
    </d:DiscoverResponse>""", ET.fromstring(body))

    def policies(self, door, _query, body):
        nil = 'i:nil="1"'
        self.envelope(door, "http://schemas.microsoft.com/windows/pki/2009/01/enrollmentpolicy/IPolicy/GetPoliciesResponse", f"""
    <p:GetPoliciesResponse xmlns:p="http://schemas.microsoft.com/windows/pki/2009/01/enrollmentpolicy" xmlns:i="http://www.w3.org/2001/XMLSchema-instance">
      <p:response><p:policyID>{uuid.uuid4()}</p:policyID><p:policyFriendlyName {nil}/><p:policies><p:policy>
        <p:policyOIDReference>7</p:policyOIDReference><p:cAs {nil}/>
        <p:attributes><p:commonName>other</p:commonName><p:policySchema>3</p:policySchema>
          <p:privateKeyAttributes><p:minimalKeyLength> 2048 </p:minimalKeyLength><p:cryptoProviders {nil}/></p:privateKeyAttributes>
          <p:hashAlgorithmOIDReference>9</p:hashAlgorithmOIDReference></p:attributes>
      </p:policy></p:policies></p:response><p:cAs {nil}/>
      <p:oIDs><p:oID><p:value>2.16.840.1.101.3.4.2.1</p:value><p:group>1</p:group><p:oIDReferenceID>9</p:oIDReferenceID><p:defaultName/></p:oID></p:oIDs>
    </p:GetPoliciesResponse>""", ET.fromstring(body))

    def believe(self, asked, context):
        """May this device enrol? The sign-in of this service is its own: nothing more to ask. Raises Refuse."""

    def enrol(self, door, _query, body):
        asked = ET.fromstring(body)
        context = {e.get("Name"): text(e, "Value", "") for e in asked.iter() if local(e.tag) == "ContextItem"}
        self.believe(asked, context)
        assert context["ZeroTouchProvisioning"] == self.registration and context["EnrollmentType"] == "Device"
        assert "RequestVersion" not in context  # the answer to Discover said 4.0
        request = [e.text for e in asked.iter() if local(e.tag) == "BinarySecurityToken" and e.get("ValueType").endswith("PKCS10")][0]
        cert = self.pki.issue(base64.b64decode(request), "issuing", f"/O=Fabrikam/CN={uuid.uuid4()}")
        doc = self.wap_edit(self.document(cert))
        token = base64.encodebytes(doc.encode()).decode()
        ns = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
        self.envelope(door, "http://schemas.microsoft.com/windows/pki/2009/01/enrollment/RSTRC/wstep", f"""
    <t:RequestSecurityTokenResponseCollection xmlns:t="http://docs.oasis-open.org/ws-sx/ws-trust/200512" xmlns:wss="{ns}">
      <t:RequestSecurityTokenResponse>
        <e:RequestID xmlns:e="http://schemas.microsoft.com/windows/pki/2009/01/enrollment">0</e:RequestID>
        <t:RequestedSecurityToken>
          <wss:BinarySecurityToken
            EncodingType="{ns}#base64binary"
            ValueType="http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentProvisionDoc">
{token}
          </wss:BinarySecurityToken>
        </t:RequestedSecurityToken>
        <t:TokenType>http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentToken</t:TokenType>
      </t:RequestSecurityTokenResponse>
    </t:RequestSecurityTokenResponseCollection>""", asked)

    def document(self, cert):
        def store(name, scope, der, inside=""):
            return f"""
  <characteristic type='CertificateStore'>
    <characteristic type='{name}'>
      <characteristic type='{scope}'>
        <characteristic type='{hashlib.sha1(der).hexdigest().upper()}'>
          <parm value='{base64.b64encode(der).decode()}' name='EncodedCertificate'></parm>{inside}
        </characteristic>
      </characteristic>
    </characteristic>
  </characteristic>"""
        return f"""<?xml version="1.0"?>
<wap-provisioningdoc version="1.1">{store("Root", "System", self.pki.der_of("management"))}{store("CA", "System", self.pki.der_of("issuing"))}{store("My", "System", cert, "<characteristic type='PrivateKeyContainer'/>")}
  <characteristic type='APPLICATION'>
    <parm value='w7' name='APPID'/>
    <parm name='ADDR' value='{self.url}/ManagementServer/MDM.svc?tenant=1&amp;x=y'/>
    <parm name='PROVIDER-ID' value='{PROVIDER}'/>
    <parm name='NAME' value='Fabrikam'/>
    <parm name='ROLE' value='4294967295'/>
    <parm name='BACKCOMPATRETRYDISABLED'/>
    <parm name='CONNRETRYFREQ' value='2'/>
    <parm name='INITIALBACKOFFTIME' value='1000'/>
    <parm name='MAXBACKOFFTIME' value='2000'/>
    <characteristic type='APPAUTH'>
      <parm name='AAUTHNAME' value='dev-7f3a'/><parm name='AAUTHSECRET' value='S3cret!pw'/>
      <parm name='AAUTHTYPE' value='DIGEST'/><parm name='AAUTHDATA' value='{NONCE}'/><parm name='AAUTHLEVEL' value='APPSRV'/>
    </characteristic>
    <characteristic type='APPAUTH'>
      <parm name='AAUTHLEVEL' value='CLIENT'/><parm name='AAUTHTYPE' value='DIGEST'/>
      <parm name='AAUTHSECRET' value='other'/><parm name='AAUTHDATA' value='{NONCE}'/>
    </characteristic>
  </characteristic>
  <characteristic type='DMClient'>
    <characteristic type='Provider'>
      <characteristic type='{PROVIDER}'>
        <parm name='EntDMID' value='grace-1' datatype='string'/>
        {self.wap_more}
      </characteristic>
    </characteristic>
  </characteristic>
</wap-provisioningdoc>"""

    # --- management

    def manage(self, door, _query, body):
        if not door.connection.getpeercert():
            raise Refuse(403, "who are you?")
        if self.raw:
            self.raw.pop(0)(self, door, body)
            return
        assert door.headers["Content-Type"].startswith(TYPE) and len(body) <= 524288
        self.answer(door, 200, self.edit(self.reply(body)), TYPE + "; charset=UTF-8")

    def reply(self, body):
        msg = ET.fromstring(body)
        header = next(e for e in msg if local(e.tag) == "SyncHdr")
        number, mine = text(header, "SessionID"), text(header, "MsgID")
        target = next(text(e, "LocURI") for e in header if local(e.tag) == "Source")
        self.seen.append((number, msg))
        if mine == "1":
            self.count += 1
            self.open = {number: Session(self.count, self.sessions(self, self.count, msg))}
        session = self.open[number]
        try:
            inner = next(session.generator) if mine == "1" else session.generator.send(msg)
        except StopIteration:
            inner = ""
        return self.envelope_of(number, mine, target, msg, inner)

    def envelope_of(self, number, mine, target, msg, inner):
        body = next(e for e in msg if local(e.tag) == "SyncBody")
        answers = [status(mine, "0", "SyncHdr", 200)] if "<!--no header status-->" not in inner else []
        for c in list(body)[::-1]:  # the last first: statuses are matched, not counted
            if local(c.tag) in ("Alert", "Replace"):
                answers.append(status(mine, text(c, "CmdID"), local(c.tag), 200))
        final = "" if "<!--more-->" in inner else "<sm:Final/>"
        where = html.escape(self.url + "/ManagementServer/MDM.svc")
        return f"""
<sm:SyncML xmlns:sm="{SYNCML}" xmlns:mi="syncml:metinf">
 <sm:SyncHdr>
  <sm:Meta><mi:MaxMsgSize>65536</mi:MaxMsgSize><mi:Unheard>of</mi:Unheard></sm:Meta>
  <sm:Source><sm:LocURI>{where}</sm:LocURI></sm:Source>
  <sm:Target>
    <sm:LocURI>{html.escape(target)}</sm:LocURI>
  </sm:Target>
  <sm:MsgID> {int(mine) * 3} </sm:MsgID>
  <sm:SessionID>
   {number}
  </sm:SessionID>
  <sm:VerProto>DM/1.2</sm:VerProto>
  <sm:VerDTD> 1.2 </sm:VerDTD>
 </sm:SyncHdr>
 <sm:SyncBody>
{"".join(answers)}
{inner}
 {final}
 </sm:SyncBody>
</sm:SyncML>
"""

    def content(self, door, _query, _body):
        data = self.files.get(door.path.split("?")[0])
        if data is None:
            raise Refuse(404, "no such file")
        door.send_response(200)
        door.send_header("Content-Length", str(len(data)))
        door.end_headers()
        for i in range(0, len(data), 4096):
            door.wfile.write(data[i:i + 4096])
            time.sleep(self.slow)


DOORS = [
    (r"/ztd/v1/lookup", Foreign.lookup),
    (rf"/{TENANT}/\.well-known/openid-configuration", Foreign.configuration),
    (rf"/{TENANT}/oauth2/authorize", Foreign.authorize),
    (r"/[^/]+/oauth2/token", Foreign.token),
    (rf"/{DOMAIN}/Discover", Foreign.discover_join),
    (r"/EnrollmentServer/device/", Foreign.join),
    (r"/EnrollmentServer/Discovery\.svc", Foreign.discovery),
    (r"/EnrollmentServer/Policy\.svc", Foreign.policies),
    (r"/EnrollmentServer/Enrollment\.svc", Foreign.enrol),
    (r"/ManagementServer/MDM\.svc", Foreign.manage),
    (r"/files/.*", Foreign.content),
]


# --- words of SyncML


def guid():
    return str(uuid.uuid4()).upper()


def status(msg_ref, cmd_ref, cmd, code):
    return (f"  <sm:Status><sm:CmdID>{guid()}</sm:CmdID><sm:MsgRef>{msg_ref}</sm:MsgRef><sm:CmdRef>{html.escape(cmd_ref)}</sm:CmdRef>"
            f"<sm:Cmd>{cmd}</sm:Cmd><sm:Data>{code}</sm:Data></sm:Status>\n")


def item(uri, value=None, form=None):
    meta = f"<sm:Meta><mi:Type>text/plain</mi:Type><mi:Format>{form}</mi:Format></sm:Meta>" if form else ""
    data = "" if value is None else f"<sm:Data>{value if value.startswith('<![CDATA[') else html.escape(value)}</sm:Data>"
    return f"<sm:Item>{data}{meta}<sm:Target><sm:LocURI>{html.escape(uri)}</sm:LocURI></sm:Target></sm:Item>"


def command(verb, *items, form=None, cmd_id=None):
    meta = f"<sm:Meta><mi:Format>{form}</mi:Format></sm:Meta>" if form else ""
    return f"  <sm:{verb}><sm:CmdID>{cmd_id or guid()}</sm:CmdID>{meta}{''.join(items)}</sm:{verb}>\n"


def group(verb, *inside):
    return f"  <sm:{verb}><sm:CmdID>{guid()}</sm:CmdID>\n{''.join(inside)}  </sm:{verb}>\n"


def alert(code):
    return f"  <sm:Alert><sm:Data>{code}</sm:Data><sm:CmdID>{guid()}</sm:CmdID></sm:Alert>\n"


def first(leaf, value, form, user=False):
    return command("Replace", item((FIRST.replace("./", "./User/") if user else FIRST) + "/" + leaf, value, form))


def codes(msg):
    """[(CmdRef, code, TargetRef)] of the statuses in a message of the device."""
    return [(text(e, "CmdRef"), int(text(e, "Data")), text(e, "TargetRef")) for e in msg.iter() if local(e.tag) == "Status"]


def login(msg):
    """What LoginStatus says."""
    for a in msg.iter():
        if local(a.tag) == "Item" and (text(a, "Type") or "").endswith("LoginStatus"):
            return text(a, "Data")
    return None


def plain_session(_service, _number, _msg):
    """Nothing to do: ends with its first answer."""
    yield ""


def release(msg, *more):
    """Ends the phase that is going on, once the user's context is there."""
    user = login(msg) == "user"
    return "".join(more) + first("ServerHasFinishedProvisioning", "true", "bool", user)
