"""A device of another make: join, enrolment and management written from the documents alone, with openssl for keys.

Nothing here shares a line with the service or with touchdown-device. Every answer is judged as it comes in."""
import base64
import hashlib
import hmac
import html
import http.client
import json
import re
import socket
import ssl
import struct
import urllib.parse
import uuid
import xml.etree.ElementTree as ET

from lab import LabError, run

SOAP = "{http://www.w3.org/2003/05/soap-envelope}"
WSSE = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd}"
DM = "{SYNCML:SYNCML1.2}"
META = "{syncml:metinf}"
MANAGEMENT = "https://enrollment.manage.microsoft.com/"
JOINING = "urn:ms-drs:enterpriseregistration.windows.net"
BROKER = "29d9ed98-a469-4536-ade2-f981bc1d605e"
SIGN_IN = "38aa3b87-a06d-4817-b275-7a316988d93b"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def must(condition, what):
    if not condition:
        raise LabError(f"not so: {what}")


def b64(data):
    return base64.b64encode(data).decode()


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def un64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


# --- HTTP: one connection a request, octets kept as they came

def ask(lab, method, path, body=b"", headers=(), pair=None, port=None):
    """Status, headers (lower case) and body. pair: file names of certificate and key."""
    context = ssl.create_default_context(cafile=lab.ca)
    if pair:
        context.load_cert_chain(*pair)
    name, address = lab.host
    connection = http.client.HTTPSConnection(name, port or lab.port, timeout=30, context=context)
    connection.sock = context.wrap_socket(socket.create_connection((address, port or lab.port), timeout=30), server_hostname=name)
    body = body.encode() if isinstance(body, str) else body
    try:
        connection.putrequest(method, path, skip_host="Host" in dict(headers), skip_accept_encoding=True)
        for name, value in dict(headers).items():
            connection.putheader(name, value)
        if method != "GET":
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body if method != "GET" else None)
        answer = connection.getresponse()
        found = {k.lower(): v for k, v in answer.getheaders()}
        data = answer.read()
    finally:
        connection.close()
    must("transfer-encoding" not in found, f"{path}: the answer is not chunked")
    must(found.get("content-length") == str(len(data)) or method == "HEAD", f"{path}: Content-Length is exact")
    return answer.status, found, data


def form(lab, path, **fields):
    status, _, body = ask(lab, "POST", path, urllib.parse.urlencode(fields))
    return status, json.loads(body)


# --- keys and requests, octet by octet

def der(tag, *parts):
    body = b"".join(parts)
    n = len(body)
    size = bytes([n]) if n < 128 else bytes([0x80 | (n.bit_length() + 7) // 8]) + n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag]) + size + body


def oid(text):
    numbers = [int(x) for x in text.split(".")]
    out = [numbers[0] * 40 + numbers[1]]
    for n in numbers[2:]:
        piece = [n & 127]
        while n > 127:
            n >>= 7
            piece.insert(0, n & 127 | 128)
        out += piece
    return der(6, bytes(out))


def make_key(lab, name, ec=False):
    kind = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256") if ec else ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
    run("openssl", "genpkey", *kind, "-out", lab.path(name + ".key"))
    return lab.path(name + ".key")


def sign(lab, key, data):
    with open(lab.path("to-sign"), "wb") as f:
        f.write(data)
    return run("openssl", "dgst", "-sha256", "-sign", key, lab.path("to-sign"), text=False).stdout


def make_csr(lab, key, name=b"ConfigMgrEnroll", tag=0x0C, attributes="none", ec=False):
    """attributes: none, empty, or windows (EKU and the container's name, which is not DER)."""
    subject = der(0x30, der(0x31, der(0x30, oid("2.5.4.3"), der(tag, name))))
    public = run("openssl", "pkey", "-in", key, "-pubout", "-outform", "DER", text=False).stdout
    wanted = b""
    if attributes == "windows":
        eku = der(0x30, oid("2.5.29.37"), der(4, der(0x30, oid("1.3.6.1.5.5.7.3.2"))))
        container = der(0x30, oid("1.3.6.1.4.1.311.66.1.0"), der(4, b"8090C8B484A0E24EB5C56E806CB4EE5B\0"))
        wanted = der(0x30, oid("1.2.840.113549.1.9.14"), der(0x31, der(0x30, eku, container)))
    info = der(0x30, der(2, b"\0"), subject, public, b"" if attributes == "none" else der(0xA0, wanted))
    how = der(0x30, oid("1.2.840.10045.4.3.2")) if ec else der(0x30, oid("1.2.840.113549.1.1.11"), der(5))
    return der(0x30, info, how, der(3, b"\0", sign(lab, key, info)))


def public_key(lab, file, *what):
    return run("openssl", *what, "-in", file, "-noout", "-pubkey").stdout if what[0] == "x509" else \
        run("openssl", "pkey", "-in", file, "-pubout").stdout


# --- tokens and join (join-and-tokens.md 3, 4, 10)

def nonce(lab):
    status, answer = form(lab, "/common/oauth2/token", grant_type="srv_challenge")
    must(status == 200, f"a nonce: {answer}")
    return answer["Nonce"]


def user_token(lab, resource, user):
    status, answer = form(lab, "/common/oauth2/token", grant_type="password", client_id="1b730954-1685-4b74-9bfd-dac224a7b894",
                          resource=resource, username=user, password=lab.password)
    must(status == 200, f"a token: {answer}")
    return answer["access_token"]


def lookup(lab, hardware_hash):
    status, _, body = ask(lab, "POST", "/ztd/v1/lookup", json.dumps({"hardwareHash": hardware_hash}), {"Content-Type": "application/json"})
    must(status == 200, f"the lookup: {body}")
    return json.loads(body)


def join(lab, name, user, ticket=None):
    """Joins; keeps NAME.pem and NAME.key. Returns the device's id."""
    key = make_key(lab, name)
    modulus = run("openssl", "rsa", "-in", key, "-noout", "-modulus").stdout.strip().split("=")[1]
    blob = b"RSA1" + struct.pack("<5I", 2048, 3, 256, 0, 0) + b"\1\0\1" + bytes.fromhex(modulus)
    message = {"CertificateRequest": {"Type": "pkcs10", "Data": b64(make_csr(lab, key, b"7E980AD9-B86D-4306-9425-9AC066FB014A"))},
               "TransportKey": b64(blob), "TargetDomain": "elsewhere.example", "DeviceType": "Windows", "OSVersion": "10.0.22631.2506",
               "DeviceDisplayName": name.upper(), "JoinType": 0,
               "attributes": {"ReuseDevice": "true", **({"MSA-DDID": b64(ticket.encode())} if ticket else {})}}
    status, _, body = ask(lab, "POST", "/EnrollmentServer/device/?api-version=2.0", json.dumps(message),
                          {"Authorization": "Bearer " + user_token(lab, JOINING, user), "Content-Type": "application/json"})
    must(status == 200, f"joined: {status} {body}")
    save(lab, name, base64.b64decode(json.loads(body)["Certificate"]["RawBody"]))
    return re.search(r"CN ?= ?([0-9a-f-]{36})", run("openssl", "x509", "-in", lab.path(name + ".pem"), "-noout", "-subject").stdout).group(1)


def save(lab, name, certificate):
    with open(lab.path(name + ".der"), "wb") as f:
        f.write(certificate)
    run("openssl", "x509", "-inform", "DER", "-in", lab.path(name + ".der"), "-out", lab.path(name + ".pem"))


def signed_by_device(lab, name, payload):
    with open(lab.path(name + ".der"), "rb") as f:
        head = {"typ": "JWT", "alg": "RS256", "x5c": b64(f.read())}
    text = b64url(json.dumps(head).encode()) + "." + b64url(json.dumps(payload).encode())
    return text + "." + b64url(sign(lab, lab.path(name + ".key"), text.encode()))


def device_token(lab, name, resource=MANAGEMENT):
    request = signed_by_device(lab, name, {"resource": resource, "client_id": BROKER, "request_nonce": nonce(lab), "grant_type": "device_token",
                                           "iss": "aad:brokerplugin", "redirect_uri": "ms-aadj-redir://auth/mdm", "win_ver": "10.0.22631.1"})
    status, answer = form(lab, "/common/oauth2/token", grant_type=JWT_BEARER, request=request)
    must(status == 200, f"a device's token: {answer}")
    return answer["access_token"]


def derive(session_key, context):
    return hmac.new(session_key, b"\0\0\0\1AzureAD-SecureConversation\0" + context + b"\0\0\1\0", hashlib.sha256).digest()


def bound_token(lab, name, user, resource=MANAGEMENT, password=None):
    """A user's token on the joined device: by primary refresh token and session key."""
    request = signed_by_device(lab, name, {"client_id": SIGN_IN, "request_nonce": nonce(lab), "scope": "openid aza ugs", "group_sids": [],
                                           "win_ver": "10.0.22631.1", "grant_type": "password", "username": user, "password": password or lab.password})
    status, answer = form(lab, "/common/oauth2/token", windows_api_version="2.2", grant_type=JWT_BEARER, request=request, client_info="1")
    must(status == 200, f"a primary refresh token: {answer}")
    with open(lab.path("wrapped"), "wb") as f:
        f.write(un64url(answer["session_key_jwe"].split(".")[1]))
    session_key = run("openssl", "pkeyutl", "-decrypt", "-inkey", lab.path(name + ".key"), "-in", lab.path("wrapped"), "-pkeyopt",
                      "rsa_padding_mode:oaep", text=False).stdout
    context = b"c" * 24
    payload = {"client_id": BROKER, "scope": "openid", "resource": resource, "grant_type": "refresh_token", "iss": "aad:brokerplugin",
               "refresh_token": answer["refresh_token"], "request_nonce": nonce(lab), "win_ver": "10.0.22631.1"}
    text = b64url(json.dumps({"alg": "HS256", "ctx": b64(context)}).encode()) + "." + b64url(json.dumps(payload).encode())
    request = text + "." + b64url(hmac.new(derive(session_key, context), text.encode(), hashlib.sha256).digest())
    status, _, body = ask(lab, "POST", "/common/oauth2/token", urllib.parse.urlencode({"grant_type": JWT_BEARER, "request": request}))
    must(status == 200, f"a token of the broker: {body}")
    if body.startswith(b'{"'):
        return json.loads(body)["access_token"]
    head, _, iv, sealed, _ = body.decode().split(".")
    key = derive(session_key, base64.b64decode(json.loads(un64url(head))["ctx"]))
    with open(lab.path("sealed"), "wb") as f:
        f.write(un64url(sealed))
    clear = run("openssl", "enc", "-d", "-aes-256-cbc", "-K", key.hex(), "-iv", un64url(iv).hex(), "-in", lab.path("sealed"), text=False).stdout
    return json.loads(clear)["access_token"]


# --- enrolment (mde2.md)

ITEMS = {"UXInitiated": "false", "HWDevID": "0" * 64, "NotInOobe": "false", "Locale": "en-US", "TargetedUserLoggedIn": "True",
         "EnrollmentData": "null", "OSEdition": "72", "DeviceName": "FOREIGN-1", "MAC": "00-00-00-00-00-00", "DeviceID": "None",
         "EnrollmentType": "Device", "DeviceType": "CIMClient_Windows", "OSVersion": "10.0.22631.2506", "ApplicationVersion": "10.0.22631.2506",
         "BootstrapDomainJoin": "true", "SomethingOfTomorrow": "1"}


def security(token, kind="urn:ietf:params:oauth:token-type:jwt"):
    return (f'<wsse:Security s:mustUnderstand="1"><wsse:BinarySecurityToken wsse:ValueType="{kind}" wsse:EncodingType="http://docs.oasis-open.org/'
            f'wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd#base64binary">{b64(token.encode())}</wsse:BinarySecurityToken></wsse:Security>')


def rst(credential, request, items=None, kind="Issue", prefixed=True, wrap=0, lead="", value_type=None):
    """RequestSecurityToken; prefixed: wst: and ac: with redundant default namespaces, else default namespaces alone."""
    t, c = ("wst:", "ac:") if prefixed else ("", "")
    trust, auth = "http://docs.oasis-open.org/ws-sx/ws-trust/200512", "http://schemas.xmlsoap.org/ws/2006/12/authorization"
    text = b64(request)
    if wrap:
        text = "\r\n".join(text[i:i + wrap] for i in range(0, len(text), wrap)) + "\r\n"
    chosen = {**ITEMS, **(items or {})}
    context = "".join(f'<{c}ContextItem Name="{k}"><{c}Value>{html.escape(v)}</{c}Value></{c}ContextItem>' for k, v in chosen.items() if v is not None)
    pkcs = value_type or "http://schemas.microsoft.com/windows/pki/2009/01/enrollment#PKCS10"
    return (lead + '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing" xmlns:wsse="'
            + WSSE[1:-1] + f'" xmlns:wst="{trust}" xmlns:ac="{auth}"><s:Header><a:Action s:mustUnderstand="1">http://schemas.microsoft.com/windows/'
            'pki/2009/01/enrollment/RST/wstep</a:Action><a:MessageID>urn:uuid:0d5a1441-5891-453b-becf-a2e5f6ea3749</a:MessageID><a:ReplyTo><a:Address>'
            'http://www.w3.org/2005/08/addressing/anonymous</a:Address></a:ReplyTo><a:To s:mustUnderstand="1">https://elsewhere.example/x.svc</a:To>'
            + credential + f'</s:Header><s:Body><{t}RequestSecurityToken xmlns="{trust}"><{t}TokenType>\n http://schemas.microsoft.com/5.0.0.0/'
            f'ConfigurationManager/Enrollment/DeviceEnrollmentToken </{t}TokenType><{t}RequestType>{trust}/{kind}</{t}RequestType>'
            f'<wsse:BinarySecurityToken ValueType="{pkcs}" EncodingType="{WSSE[1:-1]}#base64binary">{text}</wsse:BinarySecurityToken>'
            f'<{c}AdditionalContext xmlns="{auth}">{context}</{c}AdditionalContext></{t}RequestSecurityToken></s:Body></s:Envelope>')


def soap(lab, path, body, pair=None):
    """The answer's tree. No SOAPAction, as real clients."""
    status, headers, data = ask(lab, "POST", path, body, {"Content-Type": "application/soap+xml; charset=utf-8"}, pair)
    must(status == 200 and headers["content-type"].replace(" ", "").lower() == "application/soap+xml;charset=utf-8", f"{path}: {status} {headers} {data[:200]}")
    tree = ET.fromstring(data)
    related = tree.find(f"{SOAP}Header/{{http://www.w3.org/2005/08/addressing}}RelatesTo")
    asked = re.search(r"MessageID>([^<]*)<", body if isinstance(body, str) else "")
    must(asked is None or "<!DOCTYPE" in body or (related is not None and related.text == asked.group(1)), "RelatesTo names the request")
    return tree


def enrol_at(lab, body, pair=None):
    return soap(lab, "/EnrollmentServer/Enrollment.svc", body, pair)


def document(tree):
    """The provisioning document of an answer, parsed."""
    tokens = list(tree.iter(WSSE + "BinarySecurityToken"))
    must(len(tokens) == 1, f"exactly one token: {ET.tostring(tree)[:900]}")
    wap = ET.fromstring(base64.b64decode(tokens[0].text))
    must(wap.tag == "wap-provisioningdoc" and wap.get("version") == "1.1", "a provisioning document without namespace")
    must(all(e.tag in ("wap-provisioningdoc", "characteristic", "parm") for e in wap.iter()), "its elements")
    return wap


def fault(tree, subcode=None, error_type=None):
    """The fault's reason; checks its subcode and its detail."""
    found = tree.find(f"{SOAP}Body/{SOAP}Fault")
    must(found is not None, f"a fault ({subcode}, {error_type}) and not {ET.tostring(tree)[:600]}")
    code = found.find(f"{SOAP}Code/{SOAP}Subcode/{SOAP}Value").text
    detail = found.find(f"{SOAP}Detail/{{http://schemas.microsoft.com/windows/pki/2009/01/enrollment}}DeviceEnrollmentServiceError")
    kind = detail[0].text if detail is not None and detail[0].tag.endswith("ErrorType") else None
    must(found.find(f"{SOAP}Code/{SOAP}Value").text == "s:Receiver", "the code is s:Receiver")
    reason = found.find(f"{SOAP}Reason/{SOAP}Text").text
    must(subcode is None or code.lower() == subcode.lower(), f"subcode {code}, not {subcode}: {reason}")
    must(error_type is None or kind == error_type, f"error type {kind}, not {error_type}: {reason}")
    return reason


def deep_parms(node, depth=0):
    for child in node:
        if child.tag == "characteristic":
            yield from deep_parms(child, depth + 1)
        elif depth == 4:
            yield child.get("value")


def install(lab, name, wap, system=True):
    """By position: the third parm at depth four is the issued certificate. Returns what a client keeps of it."""
    parms = list(deep_parms(wap))
    save(lab, name, base64.b64decode(parms[2]))
    for part, value in (("root", parms[0]), ("ca", parms[1])):
        save(lab, f"{name}.{part}", base64.b64decode(value))
    run("openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", lab.path(name + ".root.pem"), "-untrusted",
        lab.path(name + ".ca.pem"), lab.path(name + ".pem"))
    stores = {s.get("type"): s for s in wap.find("characteristic[@type='CertificateStore']")} if \
        len(wap.findall("characteristic[@type='CertificateStore']")) == 1 else \
        {c.get("type"): c for s in wap.findall("characteristic[@type='CertificateStore']") for c in s}
    own = stores["My"].find(f"characteristic[@type='{'System' if system else 'User'}']")
    thumb = hashlib.sha1(base64.b64decode(parms[2])).hexdigest().upper()
    must(own is not None and own[0].get("type") == thumb and len(own[0].findall("parm")) == 1, "My/System/thumbprint with one parm")
    must(stores["My"].find(".//characteristic[@type='PrivateKeyContainer']") is not None, "the key's container")
    renew = {p.get("name"): p for p in stores["My"].find("characteristic[@type='WSTEP']/characteristic[@type='Renew']")}
    must(renew["ROBOSupport"].get("value") == "true" and all(p.get("datatype") for p in renew.values()), "WSTEP/Renew with datatypes")
    must([c.get("type") for c in wap][-2:] == ["APPLICATION", "DMClient"], "APPLICATION, then DMClient")
    app = wap.find("characteristic[@type='APPLICATION']")
    parm = {p.get("name"): p.get("value") for p in app.findall("parm")}
    must(parm["APPID"] == "w7" and parm["ADDR"].startswith(lab.url), f"the account: {parm}")
    auth = {a.find("parm[@name='AAUTHLEVEL']").get("value"): {p.get("name"): p.get("value") for p in a} for a in app.findall("characteristic")}
    provider = wap.find("characteristic[@type='DMClient']/characteristic[@type='Provider']")[0]
    must(provider.get("type") == parm["PROVIDER-ID"], "PROVIDER-ID is DMClient's provider")
    return {"address": parm["ADDR"], "provider": parm["PROVIDER-ID"], "auth": auth, "pair": (lab.path(name + ".pem"), lab.path(name + ".key")),
            "id": provider.find("parm[@name='EntDMID']").get("value")}


# --- management (oma-dm.md)

def text_of(node, path):
    found = node.find(path)
    return None if found is None else (found.text or "")


class Command:
    def __init__(self, node):
        self.name = node.tag.replace(DM, "")
        self.id = text_of(node, DM + "CmdID")
        self.children = [Command(c) for c in node if c.tag.replace(DM, "") in ("Get", "Add", "Replace", "Delete", "Exec", "Atomic", "Sequence")]
        items = node.findall(DM + "Item")
        must(len(items) == (0 if self.children else 1) or self.name == "Alert", f"{self.name} {self.id}: one Item")
        self.uri = text_of(node, f"{DM}Item/{DM}Target/{DM}LocURI")
        must(self.children or self.name == "Alert" or self.uri, f"{self.name} {self.id}: a target")
        self.data = text_of(node, f"{DM}Item/{DM}Data")
        self.format = text_of(node, f"{DM}Item/{DM}Meta/{META}Format")
        self.code = text_of(node, DM + "Data")

    def all(self):
        yield self
        for c in self.children:
            yield from c.all()


class Answer:
    """One message of the server, held against section 13.4."""

    def __init__(self, data, session, sent_ids):
        raw = data.decode()
        must(re.search(r'<SyncML xmlns="SYNCML:SYNCML1\.2"[ >]', raw) and not re.search(r"</?\w+:", raw), "default namespace, no prefix")
        must("Bad Request" not in raw and "RespURI" not in raw, "words that clients trip over")
        must(len(data) <= session.limit, f"{len(data)} octets, the client takes {session.limit}")
        tree = ET.fromstring(data)
        hdr, body = tree.find(DM + "SyncHdr"), tree.find(DM + "SyncBody")
        must(text_of(hdr, DM + "VerDTD") == "1.2" and text_of(hdr, DM + "VerProto") == "DM/1.2", "versions")
        must(text_of(hdr, DM + "SessionID") == session.id, "SessionID as sent")
        must(text_of(hdr, f"{DM}Target/{DM}LocURI") == session.source, "Target is our Source")
        where = text_of(hdr, f"{DM}Source/{DM}LocURI")
        must(where == session.lab.url + session.path.split("?")[0], f"Source is the address posted to: {where}")
        self.number = int(text_of(hdr, DM + "MsgID"))
        self.cred = hdr.find(DM + "Cred")
        self.server = text_of(hdr, f"{DM}Source/{DM}LocName")
        self.final = body.find(DM + "Final") is not None
        self.statuses = [(text_of(s, DM + "MsgRef"), text_of(s, DM + "CmdRef"), text_of(s, DM + "Cmd"), text_of(s, DM + "Data"))
                         for s in body.findall(DM + "Status")]
        must(self.statuses and self.statuses[0][:3] == (str(session.number), "0", "SyncHdr"), f"first the header's status: {self.statuses[:1]}")
        self.commands = [Command(c) for c in body if c.tag not in (DM + "Status", DM + "Final")]
        ids = [text_of(s, DM + "CmdID") for s in body.findall(DM + "Status")] + [c.id for top in self.commands for c in top.all()]
        must(all(i and i != "0" for i in ids) and len(ids) == len(set(ids)), f"CmdIDs once each: {ids}")
        refs = [s[1] for s in self.statuses[1:] if s[0] == str(session.number)]
        must(not self.final or refs[-len(sent_ids):] == sent_ids or not sent_ids, f"a status for each command in order: {refs} for {sent_ids}")

    @property
    def alerts(self):
        return [c.code for c in self.commands if c.name == "Alert"]

    @property
    def work(self):
        return [c for c in self.commands if c.name != "Alert"]

    def status(self, ref="0"):
        return [s[3] for s in self.statuses if s[1] == ref][0]


class Session:
    """Messages of one session, made by hand: msg() numbers, wraps and posts."""

    def __init__(self, lab, kept, sid="1", size=None, path="/ManagementServer/MDM.svc?mode=Maintenance&Platform=WoA", source=None):
        self.lab, self.kept, self.id, self.size, self.path = lab, kept, sid, size, path
        self.source = source or "imei:" + str(uuid.uuid4())
        self.limit = size or 1 << 20
        self.number = 0
        self.last = None  # octets of the last message

    def build(self, body, final=True, number=None, cred="", lead=""):
        meta = f'<Meta><MaxMsgSize xmlns="syncml:metinf">{self.size}</MaxMsgSize></Meta>' if self.size else ""
        return (f'{lead}<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>{self.id}</SessionID>'
                f'<MsgID>{number or self.number}</MsgID><Target><LocURI>{html.escape(self.lab.url + self.path)}</LocURI></Target><Source><LocURI>'
                f'{self.source}</LocURI></Source>{cred}{meta}</SyncHdr><SyncBody>{body}{"<Final/>" if final else ""}</SyncBody></SyncML>').encode()

    def post(self, data, pair=None):
        return ask(self.lab, "POST", self.path, data, {"Content-Type": "application/vnd.syncml.dm+xml; charset=utf-8", "MS-CV": "x.1"},
                   pair or self.kept["pair"])

    def msg(self, body, sent=(), **more):
        self.number += 1
        self.last = self.build(body, **more)
        status, headers, data = self.post(self.last)
        must(status == 200, f"message {self.number}: {status} {data[:300]}")
        must(headers["content-type"].split(";")[0] == "application/vnd.syncml.dm+xml", f"its type: {headers['content-type']}")
        return Answer(data, self, list(sent))


def status(ref, cmd, code, msg_ref, cmd_id=None):
    return (f"<Status><CmdID>{cmd_id or uuid.uuid4()}</CmdID><MsgRef>{msg_ref}</MsgRef><CmdRef>{ref}</CmdRef><Cmd>{cmd}</Cmd>"
            f"<Data>{code}</Data></Status>")


def results(command, msg_ref, value, source=True):
    where = f"<Source><LocURI>{command.uri}</LocURI></Source>" if source else ""
    return (f"<Results><CmdID>{uuid.uuid4()}</CmdID><MsgRef>{msg_ref}</MsgRef><CmdRef>{command.id}</CmdRef><Cmd>Get</Cmd><Item>{where}"
            f'<Data xmlns="SYNCML:SYNCML1.2">{html.escape(value)}</Data></Item></Results>')


def alert(cmd_id, code, kind=None, data=""):
    item = f'<Item><Meta><Type xmlns="syncml:metinf">{kind}</Type></Meta><Data>{data}</Data></Item>' if kind else ""
    return f"<Alert><CmdID>{cmd_id}</CmdID><Data>{code}</Data>{item}</Alert>"


def dev_info(cmd_id, source="None"):
    pairs = {"DevId": source, "Man": "Foreign", "Mod": "Model F", "DmV": "1.3", "Lang": "en-US"}
    return f"<Replace><CmdID>{cmd_id}</CmdID>" + "".join(
        f"<Item><Source><LocURI>./DevInfo/{k}</LocURI></Source><Data>{v}</Data></Item>" for k, v in pairs.items()) + "</Replace>"


class Pc:
    """A tree of nodes and a way to answer: enough of a PC for a deployment."""

    def __init__(self, lab, kept, hardware_hash, serial):
        self.lab, self.kept, self.user_context = lab, kept, False
        self.first = f"Vendor/MSFT/DMClient/Provider/{kept['provider']}/FirstSyncStatus/"
        self.tree = {"./DevDetail/Ext/DeviceHardwareData": hardware_hash, "./DevDetail/SwV": "10.0.22631.2506",
                     "./DevDetail/Ext/Microsoft/SMBIOSSerialNumber": serial, "./Vendor/MSFT/DMClient/HWDevID": "0" * 64,
                     "./Vendor/MSFT/WindowsLicensing/Edition": "48", "./DevDetail/Ext/Microsoft/DeviceName": "FOREIGN-1"}
        self.done = []  # (verb, LocURI, status) as carried out
        self.fetched = {}
        self.install_status = "70"
        self.grouped = False  # statuses by kind of command, all before the Results

    def do(self, command):
        code = self.carry_out(command)
        self.done.append((command.name, command.uri, code))
        return code

    def carry_out(self, c):
        if c.uri.lower().startswith("./user/") and not self.user_context:
            return 405
        if c.name == "Get":
            return 200 if self.value(c.uri) is not None else 404
        if c.name == "Add" and c.uri in self.tree:
            return 418
        if c.name == "Exec":
            return self.execute(c)
        self.tree[c.uri] = c.data or ""
        if c.uri.endswith("/DNSComputerName"):
            self.tree["./DevDetail/Ext/Microsoft/DeviceName"] = c.data
        if c.uri.endswith("FirstSyncStatus/ServerHasFinishedProvisioning") and c.data == "true":
            scope = c.uri.split("/")[1]
            well = self.install_status == "70"
            self.tree[f"./{scope}/{self.first}IsSyncDone"] = "true" if well else "false"
            self.tree[f"./{scope}/{self.first}WasDeviceSuccessfullyProvisioned"] = "1" if well else "2"
        return 200

    def value(self, uri):
        if "/Policy/Result/" in uri:
            uri = uri.replace("/Policy/Result/", "/Policy/Config/")
        if uri in self.tree:
            return self.tree[uri]
        inside = [u for u in self.tree if u.startswith(uri + "/")]
        return "/".join(sorted({u[len(uri) + 1:].split("/")[0] for u in inside})) if inside else None

    def execute(self, c):
        if c.uri.endswith("/UpgradeEditionWithProductKey"):
            self.tree["./Vendor/MSFT/WindowsLicensing/Edition"] = "4"
        elif c.uri.endswith("/DownloadInstall"):
            self.fetched[c.uri] = self.fetch(c.data)
            self.tree[c.uri.replace("/DownloadInstall", "/Status")] = self.install_status
        else:
            return 405
        return 200

    def fetch(self, job):
        """The package by the bare URL, without a certificate, whole and in ranges; its SHA-256 is the job's."""
        tree = ET.fromstring(job)
        must(tree.tag == "MsiInstallJob", f"a job: {job[:80]}")
        url = tree.find("Product/Download/ContentURLList/ContentURL").text
        must(url == url.strip() and url.startswith(self.lab.url + "/"), f"the bare URL under the name we talk to: {url}")
        path = url[len(self.lab.url):]
        code, headers, whole = ask(self.lab, "GET", path)
        must(code == 200 and headers.get("accept-ranges") == "bytes", f"the package: {code} {headers}")
        must(hashlib.sha256(whole).hexdigest().upper() == tree.find("Product/Validation/FileHash").text, "its SHA-256")
        half = len(whole) // 2
        pieces = b""
        for span in (f"bytes=0-{half - 1}", f"bytes={half}-"):
            code, headers, piece = ask(self.lab, "GET", path, headers={"Range": span})
            must(code == 206 and headers["content-range"].endswith(f"/{len(whole)}"), f"a range: {code}")
            pieces += piece
        must(pieces == whole, "its pieces make the whole")
        must(ask(self.lab, "GET", path, headers={"Range": f"bytes={len(whole)}-"})[0] == 416, "a range past the end")
        must(ask(self.lab, "GET", path, pair=self.kept["pair"])[0] == 200, "with the management certificate too")
        must(ask(self.lab, "GET", path.replace("?t=", "?t=x"))[0] in (400, 401, 403), "a spoiled link")
        return len(whole)

    def reply(self, answer):
        """Statuses and results for an answer's commands."""
        first, then = [], []
        for c in answer.work:
            self.reply_to(c, answer.number, first, then if self.grouped else first)
        if self.grouped:
            first.sort(key=lambda s: re.search("<Cmd>(.*?)<", s).group(1))
        return "".join(first + then)

    def reply_to(self, c, number, statuses, values):
        if c.children:
            for child in c.children:
                self.reply_to(child, number, statuses, values)
            if c.name == "Sequence" or not self.grouped:
                statuses.append(status(c.id, c.name, 200, number))
            return
        code = self.do(c)
        statuses.append(status(c.id, c.name, code, number))
        if c.name == "Get" and code == 200:
            values.append(results(c, number, self.value(c.uri)))

    def sync(self, login=None, size=None, first=None, limit=100):
        """A whole session, to the end that the server sets. Returns its answers."""
        s = Session(self.lab, self.kept, size=size)
        opening = first if first is not None else alert("2", "1201") + (alert("3", "1224", "com.microsoft/MDM/LoginStatus", login) if login else "") \
            + dev_info("7")
        answer = s.msg(opening)
        answers = [answer]
        while answer.commands:
            must(len(answers) < limit, "the server ends the session")
            body = status("0", "SyncHdr", 200, answer.number) + self.reply(answer)
            answer = s.msg(body + (alert("last", "1222") if not answer.final else ""))
            answers.append(answer)
        return answers
