"""A client of another make walks the joining device's whole way, in every spelling the documents allow; other tenants stay shut."""
import base64
import re
import uuid

import lab as laboratory
from foreign_client import (ADMIN, BROKER, DRS, GRAPH, JWT_BEARER, MANAGEMENT, PORTAL, WINDOWS, Client, b64url, claims, must, segment,
                            unb64url)
from lab import run, say

USER, OTHER, OTHER_USER = laboratory.USER, "fabrikam.test", "bob@fabrikam.test"
D4EB = "d4ebce55-015a-49b5-a083-c84d1797ae8c"
ENDPOINTS = "servicePrincipals/appId=0000000a-0000-0000-c000-000000000000/endpoints"
STRINGS, NUMBERS = ("expires_in", "ext_expires_in", "expires_on", "not_before"), ("expires_in", "ext_expires_in")


def check_reply(value, v2, aud, device):
    """10.3: types of the members, what the token says."""
    for name in NUMBERS if v2 else STRINGS:
        must(isinstance(value[name], int if v2 else str), f"{name} of {'v2' if v2 else 'v1'}: {value.get(name)!r}")
    must(value["token_type"] == "Bearer" and isinstance(value["scope"], str), "token_type and scope")
    must("." in value["refresh_token"] and isinstance(value["refresh_token_expires_in"], int), "the refresh token")
    must(v2 or value["resource"] == aud, f"the resource echoed: {value.get('resource')}")
    said = claims(value["access_token"])
    must(said["aud"] == aud and said["upn"] == USER and said.get("deviceid") == device and "appid" in said, f"the token: {said}")
    return said


def bearer(value):
    return {"Authorization": f"Bearer {value['access_token']}"}


def sign_in_by_password(lab, c, tenants):
    """Step 1, under every tenant segment and spelling; off until the tenant allows it."""
    c.password(user=USER, password=lab.password).refused("unauthorized_client", 53003)
    lab.cli("tenant", "set", "--tenant", laboratory.TENANT, "password-grant=on")
    for tenant in tenants:
        said = check_reply(c.password(tenant, user=USER, password=lab.password).json(), False, DRS, None)
        must(said["tid"] == lab.tenant_id, "the tenant's id")
    for path, body in (("/oauth2/token", "grant_type=srv_challenge"), ("/unknown.test/oauth2/v2.0/token/", "grant_type=srv_challenge\r\n")):
        must("Nonce" in c.send("POST", path, body).json(), f"a nonce at {path}, the body as raw text")
    value = c.password(user=USER, password=lab.password, encoded=False, path="/COMMON/oAuth2/Token").json()
    check_reply(value, False, DRS, None)
    info = unb64url(value["client_info"]).decode()
    must(info == f'{{"uid":"{claims(value["access_token"])["oid"]}","utid":"{lab.tenant_id}"}}', f"client_info: {info}")
    id_token = claims(value["id_token"])
    must({"name", "oid", "tid", "preferred_username", "upn"} <= set(id_token), f"the id_token: {id_token}")
    for resource in ("01cb2876-7ebd-4aa4-9cc9-d28bd4d359a9", GRAPH, GRAPH[:-1], MANAGEMENT, f"{lab.url}/"):
        check_reply(c.password(user=USER, password=lab.password, client=PORTAL, resource=resource).json(), False, resource, None)
    for user in (USER, f"nobody@{laboratory.TENANT}", "nobody@nowhere.test"):
        c.password(user=user, password="wrong-password").refused("invalid_grant", 50126)
    return value


def check_certificate(lab, c, answer):
    """Section 3: one CN, the private extensions in their long form."""
    must(answer.status == 200 and answer.headers["content-type"].startswith("application/json"), f"joined: {answer.status} {answer.body}")
    value = answer.json()
    must(value["User"]["Upn"] == USER and value["MembershipChanges"][0]["LocalSID"] == "S-1-5-32-544", "the join's answer")
    c.install(value)
    must(str(uuid.UUID(c.id)) == c.id, f"the subject is one CN, the id in lower case: {c.id}")
    with open(c.file("der"), "rb") as f:
        der = f.read()
    for number in (1, 2, 3, 4):
        must(der.count(bytes.fromhex("060b2a864886f7140105821c") + bytes([number]) + bytes.fromhex("0413048110")) == 1,
             f"extension .284.{number} in its long form")
    for number, guid in ((2, c.id), (4, lab.tenant_id)):
        must(bytes.fromhex("060b2a864886f7140105821c") + bytes([number]) + bytes.fromhex("0413048110") + uuid.UUID(guid).bytes_le in der,
             f"extension .284.{number} is {guid}")
    text = run("openssl", "x509", "-in", c.file("crt"), "-noout", "-text").stdout
    must("TLS Web Client Authentication" in text and "CA:FALSE" in text, "usage and constraints")


def join(lab, c, token):
    c.make_keys()
    for bad, status in (("e30.e30.", 401), (segment({"alg": "none"}) + "." + token.split(".")[1] + ".", 401)):
        must(c.join(bad).status == status, "no token of ours, no join")
    for resource in (GRAPH, MANAGEMENT, lab.url):
        other = c.password(user=USER, password=lab.password, resource=resource).json()["access_token"]
        must(c.join(other).status == 401, "a token for another service joins nothing")
    check_certificate(lab, c, c.join(token, domain=str(uuid.uuid4()), Attributes={}))


def prts(lab, c, refresh_token, tenants):
    """Step 4 in all its forms; the last one's key stays."""
    for i, tenant in enumerate(tenants):
        answer = c.get_prt_by_refresh(refresh_token, tenant=tenant, x5c="array" if i % 2 else "text", kdf_ver=2 if i % 2 else None)
        must(answer.status == 200, f"a PRT by refresh token under {tenant}: {answer.body[:300]}")
    answer = c.get_prt(USER, lab.password, kdf_ver=1, encoded=False)
    value = answer.json()
    must(answer.status == 200 and "." in value["refresh_token"] and re.fullmatch(r"[\w.-]+", value["refresh_token"]), "a PRT holds a dot")
    must(value["expires_in"] == "1209599" and value["refresh_token_expires_in"] == 1209599 and isinstance(value["expires_on"], str),
         "the PRT's life")
    must("tgt_ad" not in value and "tgt_cloud" not in value, "no tickets of another kind")
    must(claims(value["id_token"])["upn"] == USER and "mdm_enrollment_url" in claims(value["id_token"]), "its id_token")
    unknown = c.nonce("unknown.test")
    must(c.get_prt(USER, lab.password, nonce=unknown).status == 200, "a nonce got under another segment is good")
    c.get_prt(USER, lab.password, nonce=unknown).refused("invalid_grant", 50013)
    c.get_prt(USER, "wrong-password").refused("invalid_grant", 50126)
    c.get_prt(USER, lab.password, key="transport").refused("invalid_grant", 50013)
    c.get_prt(USER, lab.password, alg="none").refused("invalid_grant", 50013)
    must(c.get_prt(USER, lab.password).status == 200, "the right one afterwards")


def check_broker(lab, c, tenants):
    """Step 5 and the refresh for another resource; returns tokens for Graph and for management."""
    forms = [(v, ctx, dates) for v in (None, 1, 2) for ctx in (24, 32) for dates in ("numbers", "strings", "absent")]
    for i, (version, ctx, dates) in enumerate(forms):
        answer = c.broker(GRAPH, kdf_ver=version, ctx=ctx, dates=dates, tenant=tenants[i % len(tenants)])
        graph = c.open(answer)
        check_reply(graph, False, GRAPH, c.id)
    redeem = {"grant_type": "refresh_token", "client_id": PORTAL, "refresh_token": graph["refresh_token"]}
    for scope in (f"{D4EB}/.default openid offline_access profile", f"openid offline_access profile {D4EB}/.default"):
        value = c.token(redeem | {"scope": scope}, v2=True).json()
        must(check_reply(value, True, D4EB, c.id)["scp"] == "mdm_delegation", "the scope of management")
    value = c.token(redeem | {"resource": MANAGEMENT, "scope": "openid"}, tenant=lab.tenant_id).json()
    check_reply(value, False, MANAGEMENT, c.id)
    c.token(redeem | {"client_id": BROKER}).refused("invalid_grant", 700082)
    for prt in (c.prt, "1.AAAA"):
        c.token(redeem | {"refresh_token": prt, "client_id": WINDOWS}).refused("invalid_grant", 700082)
    nothing = c.open(c.broker())
    must("access_token" not in nothing and "id_token" in nothing and "refresh_token" in nothing, "no resource, no access token")
    return graph, c.open(c.broker(MANAGEMENT, client=BROKER))


def renewals(c):
    """Step 6: the key stays, old and new one are good."""
    old = c.prt
    value = c.open(c.renew(kdf_ver=2))
    must("session_key_jwe" not in value and "." in value["refresh_token"] and value["refresh_token"] != old, "a renewal keeps the key")
    must(value["expires_in"] == "1209599", "its life is told as a text")
    for prt in (old, value["refresh_token"]):
        must("access_token" in c.open(c.broker(GRAPH, prt=prt, kdf_ver=2)), "both primary tokens are good")
    c.prt = value["refresh_token"]
    key, c.session_key = c.session_key, bytes(32)
    c.broker(GRAPH).refused("invalid_grant", 50013)
    c.session_key = key
    nonce = c.nonce()
    must(c.broker(GRAPH, nonce=nonce).status == 200, "a nonce")
    c.broker(GRAPH, nonce=nonce).refused("invalid_grant", 50013)
    c.broker(GRAPH, nonce=b64url(bytes(40))).refused("invalid_grant", 50013)


def device_alone(lab, c):
    """Step 7."""
    for tenant in ("common", lab.tenant_id):
        value = c.device_token(tenant=tenant, encoded=tenant == "common").json()
        said = claims(value["access_token"])
        must(said["deviceid"] == c.id and said["tid"] == lab.tenant_id and said["aud"] == MANAGEMENT and "upn" not in said, f"{said}")
        must("refresh_token" not in value and "session_key_jwe" not in value, "a device's token brings nothing else")
    must(c.device_token(payload={"scope": "sid"}, kdf_ver=2).status == 200, "scope sid, kdf_ver 2")


def where_management_is(lab, c, graph):
    """Step 8, with a plain user's token, in every spelling of the key; without any, 401."""
    must(c.send("GET", f"/v1.0/{ENDPOINTS}").status == 401, "without a token nothing")
    must(c.send("GET", f"/v1.0/{ENDPOINTS}", headers=bearer(c.open(c.broker(MANAGEMENT)))).status == 401, "a token for another service")
    for path in (f"/v1.0/{ENDPOINTS}", f"/v1.0/myorganization/{ENDPOINTS}", f"/V1.0/ServicePrincipals/AppId=0000000A{ENDPOINTS[32:]}",
                 "/beta/servicePrincipals(appId='0000000a-0000-0000-c000-000000000000')/endpoints"):
        answer = c.send("GET", path, headers=bearer(graph))
        must(answer.status == 200, f"{path}: {answer.status} {answer.body[:200]}")
        for one in answer.json()["value"]:
            must(one["uri"].startswith(f"{lab.url}/") and "?" not in one["uri"] and one["uri"][-1] != "/", f"the uri {one['uri']}")
    found = {one["providerName"]: one["uri"] for one in answer.json()["value"]}
    must("WindowsEnrollment" in found, "enrolment is there")
    return found["WindowsEnrollment"]


def enrol(lab, c, url, token):
    """Step 9: a RequestSecurityToken at once."""
    with open(f"{laboratory.FIXTURES}/mde2/rst.xml", encoding="utf-8") as f:
        message = f.read()
    run("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=ConfigMgrEnroll", "-outform", "DER", "-keyout",
        c.file("mdm.key"), "-out", c.file("mdm.csr"))
    with open(c.file("mdm.csr"), "rb") as f:
        csr = base64.b64encode(f.read()).decode()
    message = re.sub(r"(oauth:token-type:jwt\"[^>]*>)[^<]*", rf"\g<1>{base64.b64encode(token.encode()).decode()}", message, count=1)
    message = re.sub(r'(enrollment#PKCS10"[^>]*>)[^<]*', rf"\g<1>{csr}", message, count=1)
    answer = c.send("POST", url, message, {"Content-Type": "application/soap+xml; charset=utf-8"})
    found = re.search(r"BinarySecurityToken[^>]*>([^<]+)<", answer.body.decode())
    must(answer.status == 200 and found, f"enrolled: {answer.status} {answer.body[:600]}")
    wap = base64.b64decode(found.group(1)).decode()
    with open(c.file("mdm.der"), "wb") as f:
        f.write(base64.b64decode(re.findall(r'name="EncodedCertificate" value="([^"]*)"', wap)[2]))
    run("openssl", "x509", "-inform", "DER", "-in", c.file("mdm.der"), "-out", c.file("mdm.crt"))


def manage(lab, c):
    """Step 10: the address without its query, the management certificate alone."""
    with open(f"{laboratory.FIXTURES}/syncml/package1.xml", encoding="utf-8") as f:
        message = f.read()
    manager = Client(lab, f"{c.name}.mdm")
    headers = {"Content-Type": "application/vnd.syncml.dm+xml"}
    for path in ("/ManagementServer/MDM.svc", "/devicegatewayproxy/cimhandler.ashx"):
        answer = manager.send("POST", path, message, headers, cert=True)
        must(answer.status == 200 and b"DeviceHardwareData" in answer.body, f"a session at {path}: {answer.status} {answer.body[:300]}")
        must(c.send("POST", path, message, headers, cert=True).status in (401, 403), "the directory's certificate opens no session")
    must(manager.leave(c.id).status == 401, "the management certificate opens no door of the directory")


def other_names(lab, c):
    """A token got under one of our names, with any port, is good under all; links name the caller's host."""
    for host in (f"127.0.0.1:{lab.port}", f"[::1]:{lab.port}", "localhost:9443", "localhost", "MDM.Example.test:443"):
        value = c.open(c.broker(GRAPH, host=host))
        answer = c.send("GET", f"/v1.0/{ENDPOINTS}", headers=bearer(value))
        must(answer.status == 200, f"a token got under {host} is good under localhost: {answer.body[:200]}")
        answer = c.send("GET", f"/v1.0/{ENDPOINTS}", headers=bearer(value), host=host)
        must(answer.json()["value"][0]["uri"].startswith(f"https://{host.lower()}/"), f"links by the caller's host {host}: {answer.body}")
        document = c.send("GET", f"/{laboratory.TENANT}/.well-known/openid-configuration", host=host).json()
        must(document["token_endpoint"] == f"https://{host.lower()}/{lab.tenant_id}/oauth2/token", document["token_endpoint"])
    for host in ("evil.test", f"localhost.evil.test:{lab.port}", f"evil.test:{lab.port}"):
        answer = c.send("GET", f"/{laboratory.TENANT}/.well-known/openid-configuration", host=host)
        must(b"evil" not in answer.body, f"a host that is not ours is in no link: {answer.body[:200]}")


def tenants_apart(lab, c, mine, graph):
    """Each door with the other tenant's credentials."""
    c.password(OTHER, user=USER, password=lab.password).refused("unauthorized_client", 53003)
    lab.cli("tenant", "set", "--tenant", OTHER, "password-grant=on")
    c.password(OTHER, user=USER, password=lab.password).refused("invalid_grant", 50020)
    c.password(OTHER, user=USER, password="wrong-password").refused("invalid_grant", 50020)
    c.get_prt(OTHER_USER, lab.password).refused("invalid_grant", 50020)
    c.get_prt(OTHER_USER, "wrong-password").refused("invalid_grant", 50020)
    c.get_prt(USER, lab.password, tenant=OTHER).refused("invalid_grant", 700003)
    c.device_token(tenant=OTHER).refused("invalid_grant", 700003)
    c.broker(GRAPH, tenant=OTHER).refused("invalid_grant", 50020)
    c.renew(tenant=OTHER).refused("invalid_grant", 50020)
    c.token({"grant_type": "refresh_token", "client_id": PORTAL, "refresh_token": graph["refresh_token"]}, OTHER).refused("invalid_grant", 50020)
    theirs = c.password(user=OTHER_USER, password=lab.password).json()
    c.get_prt_by_refresh(theirs["refresh_token"]).refused("invalid_grant", 50020)
    stranger = Client(lab, "stranger")
    stranger.make_keys()
    stranger.install(stranger.join(theirs["access_token"]).json())
    must(stranger.leave(c.id).status == 403 and c.leave(stranger.id).status == 403, "nobody takes another's device out")
    stranger.get_prt_by_refresh(mine["refresh_token"]).refused("invalid_grant", 50020)
    must(stranger.get_prt(OTHER_USER, lab.password).status == 200, "the other tenant's own device works")
    prt, stranger.prt = stranger.prt, c.prt
    stranger.broker(GRAPH).refused("invalid_grant", 50013)
    stranger.prt = prt
    return stranger


def disabled(lab, stranger):
    """A disabled user is refused at once at every door."""
    graph = stranger.open(stranger.broker(GRAPH))
    lab.cli("user", "disable", OTHER_USER, "--tenant", OTHER)
    stranger.broker(GRAPH).refused("invalid_grant", 50057)
    stranger.renew().refused("invalid_grant", 50057)
    stranger.get_prt(OTHER_USER, lab.password).refused("invalid_grant", 50057)
    stranger.get_prt_by_refresh(graph["refresh_token"]).refused("invalid_grant", 50057)
    stranger.password(user=OTHER_USER, password=lab.password).refused("invalid_grant", 50057)
    stranger.password(user=OTHER_USER, password="wrong-password").refused("invalid_grant", 50126)
    must(stranger.send("GET", f"/v1.0/{ENDPOINTS}", headers=bearer(graph)).status == 401, "his token opens nothing")


def leave(lab, c, graph):
    """Step 12 and 10.8."""
    must(c.leave(cert=False).status == 401, "no certificate")
    answer = c.leave(c.id.upper())
    must(answer.status == 200, f"it leaves: {answer.status} {answer.body[:200]}")
    must(c.leave().status == 401, "a second time: 401")
    c.get_prt(USER, lab.password).refused("invalid_grant", 700003)
    c.device_token().refused("invalid_grant", 700003)
    for answer in (c.broker(GRAPH), c.renew(), c.token({"grant_type": "refresh_token", "client_id": PORTAL,
                                                        "refresh_token": graph["refresh_token"]})):
        must(answer.status == 400 and answer.json()["error"] == "invalid_grant", f"nothing more: {answer.status} {answer.body[:200]}")
    must(c.send("GET", f"/v1.0/{ENDPOINTS}", headers=bearer(graph)).status == 401, "its token is refused where the device is looked up")


def secrets_stay(lab, seen):
    """What was secret on the way stands in no log."""
    with open(lab.path("serve.log"), encoding="utf-8", errors="replace") as f:
        log = f.read()
    for what in seen:
        must(what not in log, "the log holds a secret")


def scenario(lab):
    lab.init()
    lab.cli("tenant", "add", OTHER)
    lab.cli("user", "add", OTHER_USER, "--tenant", OTHER, "--password-file", lab.password_file, "--name", "Bob")
    lab.serve("--name", "mdm.example.test", "--config", lab.write("serve.conf", "[serve]\nlog-level = debug\n"))
    c = Client(lab, "foreign")
    document = c.send("GET", f"/{laboratory.TENANT}/.well-known/openid-configuration").json()
    lab.tenant_id = document["token_endpoint"].split("/")[3]
    must(str(uuid.UUID(lab.tenant_id)) == lab.tenant_id, "the tenant's id is the first segment")
    tenants = ("common", "organizations", lab.tenant_id, lab.tenant_id.upper(), laboratory.TENANT, laboratory.TENANT.title())
    first = sign_in_by_password(lab, c, tenants)
    join(lab, c, first["access_token"])
    prts(lab, c, first["refresh_token"], tenants)
    graph, management = check_broker(lab, c, tenants)
    renewals(c)
    device_alone(lab, c)
    url = where_management_is(lab, c, graph)
    enrol(lab, c, url, management["access_token"])
    manage(lab, c)
    other_names(lab, c)
    disabled(lab, tenants_apart(lab, c, first, graph))
    leave(lab, c, graph)
    secrets_stay(lab, (lab.password, first["access_token"], first["refresh_token"], c.prt, graph["access_token"]))
    say("walked all steps on new connections, in every spelling; left again, refused at once; the other tenant stays shut")
