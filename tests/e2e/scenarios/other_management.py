"""A tenant whose devices another service manages: registered, signed in and joined here, enrolled and configured there by a service of another make."""
import base64
import json
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request

import contoso
import foreign
import graph_script
import lab as laboratory
from foreign import Refuse, b64url, command, item, openssl, release, unb64url
from lab import LabError, run, say

APP = "5a1e0000-1111-4222-8333-444455556666"
LENGTH = "./Vendor/MSFT/Policy/Config/DeviceLock/MinDevicePasswordLength"
BLOB = "terms-7f3a"
JWT = "urn:ietf:params:oauth:token-type:jwt"


def must(condition, what):
    if not condition:
        raise LabError(f"not so: {what}")


class Elsewhere(foreign.Foreign):
    """The management half of the service of another make; it believes the directory's tokens by what OpenID discovery publishes."""
    registration = None

    def __init__(self, lab):
        self.lab, self.tokens, self.refused = lab, [], []
        super().__init__(lab.path("elsewhere"))
        self.doors = [(r"/terms", Elsewhere.terms)]
        self.sessions = configure

    def published(self, path):
        status, body = self.lab.get(path)
        must(status == 200, f"GET {path}: {status}")
        return json.loads(body)

    def check(self, token):
        """RS256 under a published key; issuer, audience, dates, scope and people (mde2.md 2.2). Returns the claims or raises Refuse."""
        head, body, signature = token.split(".")
        header, claims = json.loads(unb64url(head)), json.loads(unb64url(body))
        discovery = self.published(f"/{claims['tid']}/.well-known/openid-configuration")
        keys = {k["kid"]: k for k in self.published(urllib.parse.urlparse(discovery["jwks_uri"]).path)["keys"]}
        key = keys.get(header["kid"])
        if header["alg"] != "RS256" or key is None or key["e"] != "AQAB":
            raise Refuse(401, "no such key")
        self.pki.write("token.der", foreign.rsa_public(unb64url(key["n"])))
        self.pki.write("token.sig", unb64url(signature))
        try:
            openssl("dgst", "-sha256", "-verify", self.pki.path("token.der"), "-keyform", "DER", "-signature", self.pki.path("token.sig"),
                    data=f"{head}.{body}".encode())
        except RuntimeError as e:
            raise Refuse(401, "the signature does not hold") from e
        now = time.time()
        good = (claims["iss"].rstrip("/") == discovery["issuer"].rstrip("/") and claims["aud"] == APP and claims["nbf"] - 300 <= now < claims["exp"] + 300
                and "mdm_delegation" in claims["scp"].split() and claims["upn"] == laboratory.USER and claims["oid"])
        if not good:
            raise Refuse(401, "the token is not for this service")
        return claims

    def judged(self, token):
        try:
            claims = self.check(token)
        except Exception as e:
            self.refused.append(repr(e))
            raise
        self.tokens.append(token)
        return claims

    def terms(self, door, query, _body):
        self.judged(door.headers["Authorization"].removeprefix("Bearer "))
        to = query["redirect_uri"][0] + "?" + urllib.parse.urlencode({"IsAccepted": "true", "OpaqueBlob": BLOB})
        self.answer(door, 302, "", "text/html", {"Location": to})

    def believe(self, asked, context):
        token = [e.text for e in asked.iter() if foreign.local(e.tag) == "BinarySecurityToken" and e.get("ValueType") == JWT][0].strip()
        token = token if token.count(".") == 2 else base64.b64decode(token).decode()
        claims = self.judged(token)
        must(claims["deviceid"].replace("-", "") == context["DeviceID"].replace("-", "").lower(), "the token names the device that enrols")
        must(context["EnrollmentData"] == BLOB, "what the terms gave comes back")


def configure(_service, number, msg):
    yield (command("Replace", item(LENGTH, "9", "int")) if number == 1 else "") + release(msg)


def prepare(lab, service):
    """The tenant names the other service and gives its devices a profile for it."""
    lab.cli("management", "add", "Elsewhere", "--app-id", APP, "--enrolment-url", service.url + "/EnrollmentServer/Discovery.svc",
            "--terms-url", service.url + "/terms")
    lab.cli("group", "add", "Elsewhere", "--rule", '(device.devicePhysicalIds -any _ -eq "[OrderID]:ELSE")')
    lab.cli("profile", "add", "elsewhere", "--file", lab.write("elsewhere.json", {"managementServiceAppId": APP, "deviceNameTemplate": "ELS-%SERIAL%"}))
    lab.cli("profile", "assign", "elsewhere", "--group", "Elsewhere")
    hardware = lab.write("hardware.json", contoso.hardware("OM0001", 901))
    serial = lab.register(hardware=hardware, tag="ELSE")
    service.registration = lab.cli("device", "show", serial, "--json")["registrationId"]
    with open(lab.path("bundle.pem"), "w", encoding="utf-8") as bundle:
        for name in (lab.ca, service.ca):
            with open(name, encoding="utf-8") as f:
                bundle.write(f.read())
    return serial, hardware


def the_way(lab, service, hardware):
    try:
        out = lab.run_device(hardware=hardware, ca=lab.path("bundle.pem"), echo=say)
    except LabError as e:
        raise LabError(f"{e}\nrefused: {service.refused}\n{service.log}") from e
    must("enrolled: " + foreign.PROVIDER in out and "inputs asked: 2" in out, "enrolled elsewhere, nothing more asked than a name and a password")
    must(service.refused == [], f"each token was believed: {service.refused}")
    asked = [path for _, path in service.log]
    for door in ("/terms", "/EnrollmentServer/Discovery.svc", "/EnrollmentServer/Policy.svc", "/EnrollmentServer/Enrollment.svc", "/ManagementServer/MDM.svc"):
        must(door in asked, f"{door} was asked: {asked}")
    shown = json.loads(run(laboratory.DEVICE, "show", "--state", lab.path("device"), "--json").stdout)
    must(shown["policies"] == ["DeviceLock/MinDevicePasswordLength=9"] and shown["provider"] == foreign.PROVIDER, f"its setting is in effect: {shown}")


def here(lab, serial):
    """What we show of it: joined and handed over, ended well, and nothing that goes on waiting."""
    shown = lab.timeline(serial)
    events = {e["type"]: e for e in shown["timeline"]}
    must("device.joined" in events and "device.enrolled" not in events, f"joined here, enrolled elsewhere: {list(events)}")
    must("device.handed-over" in events and "Elsewhere" in json.dumps(events["device.handed-over"]), f"handed over: {events.get('device.handed-over')}")
    must([e["type"] for e in shown["timeline"]].count("device.handed-over") == 1, "told once")
    must(shown["state"] == "joined", f"the word: {shown['state']}")
    script = graph_script.Script(lab, laboratory.TENANT, "DeviceManagementManagedDevices.Read.All")
    runs = script.ask(200, "GET", "/beta/deviceManagement/autopilotEvents")["value"]
    must([(r["deploymentState"], r["enrollmentState"], r["deviceSetupStatus"]) for r in runs] == [("success", "notContacted", "disabled")], f"the run: {runs}")


def opens_nothing_here(lab, service):
    """The token that the other service holds now is no key to any door of ours."""
    token = service.tokens[-1]
    context = ssl.create_default_context(cafile=lab.ca)
    terms = "/EnrollmentServer/TermsOfUse?redirect_uri=ms-appx-web%3A%2F%2Fx&api-version=1.0"
    for path in ("/v1.0/devices", "/v1.0/me", "/beta/deviceManagement/managedDevices", "/oidc/userinfo", terms):
        request = urllib.request.Request(lab.url + path, headers={"Authorization": "Bearer " + token})
        try:
            with urllib.request.urlopen(request, context=context, timeout=10) as answer:
                code, to = answer.status, ""
        except urllib.error.HTTPError as e:
            code, to = e.code, e.headers.get("Location", "")
        must(code == 401 or (path == terms and code == 302 and "error=unauthorized_client" in to), f"{path} answers {code} {to}")
    head, body, _ = token.split(".")
    try:
        service.check(f"{head}.{b64url(unb64url(body).replace(b'ada@', b'eve@'))}.{token.split('.')[2]}")
        raise LabError("a changed token was believed")
    except Refuse:
        pass


def scenario(lab):
    lab.init()
    lab.serve()
    service = Elsewhere(lab)
    try:
        serial, hardware = prepare(lab, service)
        the_way(lab, service, hardware)
        here(lab, serial)
        opens_nothing_here(lab, service)
        run(laboratory.DEVICE, "sync", "--state", lab.path("device"))
        must(service.count >= 2, "it goes on to be managed there")
    finally:
        service.close()
