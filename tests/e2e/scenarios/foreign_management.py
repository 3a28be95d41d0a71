"""A device of another make, written from the documents alone: enrolment in every spelling, sessions as foreign clients run them, its whole way to ready."""
import base64
import csv
import hashlib
import json
import os
import xml.etree.ElementTree as ET

import contoso
import foreign_pc as f
import lab as laboratory
from foreign_pc import MANAGEMENT, Pc, Session, alert, dev_info, enrol_at, fault, must, results, rst, security, status
from lab import run, say

HASH = "./DevDetail/Ext/DeviceHardwareData"


# --- enrolment

def spellings(lab, token):
    """Requests that look different and mean the same; each as the very first request of its device."""
    rsa, ec = f.make_key(lab, "v-rsa"), f.make_key(lab, "v-ec", ec=True)
    with open(os.path.join(laboratory.FIXTURES, "vectors", "csr-printablestring.b64"), encoding="ascii") as v:
        vector = base64.b64decode(v.read())
    variants = {
        "prefixes, base64 in lines": rst(security(token), f.make_csr(lab, rsa), wrap=64),
        "no prefixes, white space before the envelope": rst(security(token), f.make_csr(lab, rsa, attributes="empty"), prefixed=False, lead="\r\n \n"),
        "declaration, attributes of Windows": rst(security(token), f.make_csr(lab, rsa, attributes="windows"), lead='<?xml version="1.0" encoding="utf-8"?>\n'),
        "! in a PrintableString": rst(security(token), f.make_csr(lab, rsa, b"0F3B8E6C-A271!8090C8B484A0E24EB5C56E806CB4EE5B", 0x13)),
        "NUL, @, _ and * in a PrintableString": rst(security(token), f.make_csr(lab, rsa, b"a@b_c*d\0", 0x13), wrap=76),
        "P-256": rst(security(token), f.make_csr(lab, ec, ec=True)),
        "the vector": rst(security(token), vector),
        "no context at all": rst(security(token), f.make_csr(lab, rsa), {k: None for k in f.ITEMS}),
        "a correlator nobody has": rst(security(token), f.make_csr(lab, rsa), {"OfflineAutoPilotEnrollmentCorrelator": "abc-123"}),
    }
    for name, body in variants.items():
        parms = list(f.deep_parms(f.document(enrol_at(lab, body))))
        must(len(parms) > 3, name)
    wap = f.document(enrol_at(lab, rst(security(token), f.make_csr(lab, rsa), wrap=64)))
    f.install(lab, "v-rsa", wap)
    must(f.public_key(lab, lab.path("v-rsa.pem"), "x509") == f.public_key(lab, rsa, "pkey"), "the certificate is over our key")
    f.install(lab, "v-ec", f.document(enrol_at(lab, variants["P-256"])))
    for name, usage in (("v-rsa", "Digital Signature, Key Encipherment"), ("v-ec", "Digital Signature")):
        told = run("openssl", "x509", "-in", lab.path(name + ".pem"), "-noout", "-ext", "keyUsage").stdout.split("\n")[1].strip()
        must(told == usage, f"what the key of {name} may do: {told}")
    say(f"{len(variants)} spellings of one request accepted")


def refusals(lab, token, user):
    """Faults and their subcodes."""
    key = f.make_key(lab, "refused")
    csr = f.make_csr(lab, key)
    small = lab.path("small.key")
    run("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024", "-out", small)
    spoiled = csr[:-3] + bytes([csr[-3] ^ 1]) + csr[-2:]
    head, body, sig = token.split(".")
    for wanted, request in (
            ("s:CertificateRequest", rst(security(token), spoiled)),
            ("s:CertificateRequest", rst(security(token), csr + b"\0")),
            ("s:CertificateRequest", rst(security(token), f.make_csr(lab, small))),
            ("s:CertificateRequest", rst(security(token), f.make_csr(lab, key, b"x" * (17 << 10)))),
            ("s:CertificateRequest", rst(security(token), b"\x30\x03\x02\x01\x00")),
            ("s:Authentication", rst(security(".".join((head, body, sig[:-6] + "AAAAAA"))), csr)),
            ("s:Authentication", rst(security(head + "." + body + "."), csr)),
            ("s:Authentication", rst(security(f.user_token(lab, "https://graph.microsoft.com", user)), csr)),
            ("s:MessageFormat", "<?xml version='1.0'?><x/>"),
            ("s:MessageFormat", "this is no XML"),
            ("s:MessageFormat", rst(security(token), csr).replace("200512/Issue", "200512/Nothing")),
            ("s:MessageFormat", '<!DOCTYPE x [<!ENTITY a "b">]>' + rst(security(token), csr)),
            ("s:MessageFormat", "<s:a xmlns:s='http://www.w3.org/2003/05/soap-envelope'>" * 400 + "</s:a>" * 400)):
        fault(enrol_at(lab, request), wanted)
    for lost in ("", "<wsse:Security/>", '<wsse:Security><wsse:BinarySecurityToken ValueType="urn:x">e30=</wsse:BinarySecurityToken></wsse:Security>'):
        reason = fault(enrol_at(lab, rst(lost, csr)))
        must(len(reason) > 10, "a reason")
    say("refusals: each with its subcode")


def names(lab, token):
    """Under a name that asks for no certificate, what needs one is linked under a name that does."""
    here = {"Host": f"people.test:{lab.port}", "Content-Type": "application/soap+xml"}
    _, _, body = f.ask(lab, "POST", "/EnrollmentServer/Enrollment.svc", rst(security(token), f.make_csr(lab, f.make_key(lab, "n"))), here)
    address = f.document(ET.fromstring(body)).find(".//parm[@name='ADDR']").get("value")
    must(address == lab.url + "/ManagementServer/MDM.svc", f"management needs a certificate: {address}")
    graph = f.user_token(lab, "https://graph.microsoft.com", laboratory.USER)
    _, _, body = f.ask(lab, "GET", "/v1.0/servicePrincipals/appId=0000000a-0000-0000-c000-000000000000/endpoints",
                       headers={**here, "Authorization": "Bearer " + graph})
    uris = [e["uri"] for e in json.loads(body)["value"] if e["providerName"] == "WindowsEnrollment"]
    must(uris == [lab.url + "/EnrollmentServer/Enrollment.svc"], f"and so may enrolment: {uris}")
    _, _, body = f.ask(lab, "GET", "/contoso.test/Discover?api-version=1.9", headers=here)
    must(json.loads(body)["DeviceJoinService"]["JoinEndpoint"].startswith(lab.url + "/"), f"and leaving the directory: {body}")


def renewal(lab, kept, name):
    """CMS over mutual TLS; outside the window it is NotEligibleToRenew."""
    new = f.make_key(lab, name + "-new")
    for file, octets in (("inner.der", f.make_csr(lab, new)),):
        with open(lab.path(file), "wb") as out:
            out.write(octets)
    run("openssl", "cms", "-sign", "-binary", "-nodetach", "-in", lab.path("inner.der"), "-signer", kept["pair"][0], "-inkey", kept["pair"][1],
        "-outform", "DER", "-out", lab.path("renew.cms"))
    with open(lab.path("renew.cms"), "rb") as sealed:
        cms = sealed.read()
    anonymous = ('<wsse:Security><wsse:UsernameToken><wsse:Username>ada@contoso.test</wsse:Username><wsse:Password Type="http://docs.oasis-open.org/wss/'
                 '2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText"/></wsse:UsernameToken></wsse:Security>')
    kind = f.WSSE[1:-1] + "#PKCS7"
    body = rst(anonymous, cms, {"DeviceID": None}, "Renew", value_type=kind)
    fault(enrol_at(lab, body, kept["pair"]), None, "NotEligibleToRenew")
    fault(enrol_at(lab, body), "s:Authentication")
    fault(enrol_at(lab, rst("", cms, {}, "Renew", value_type="http://schemas.microsoft.com/windows/pki/2009/01/enrollment#PKCS7"), kept["pair"]),
          None, "NotEligibleToRenew")
    say("renewal: judged, and too early")


# --- sessions

def nothing_but_devinfo(lab, kept):
    """No alerts, no MaxMsgSize, Source None, an address of Intune's devices; the first session asks for the hash."""
    s = Session(lab, kept, path="/devicegatewayproxy/cimhandler.ashx", source="None")
    answer = s.msg(dev_info("2"), sent=["2"], lead="\r\n  ")
    must(HASH in [c.uri for c in answer.work] and all(c.name == "Get" for c in answer.work if c.uri == HASH), "it asks for the hash")
    must(not any((c.uri or "").startswith("./User") for top in answer.work for c in top.all()), "nobody is logged on: no ./User")
    before = answer
    again = f.Answer(s.post(s.last)[2], s, [])
    must([c.id for c in again.work] == [c.id for c in before.work], "the same octets bring the same answer")
    # statuses behind each other in odd order, a Status for a Status, an unknown CmdRef, a hash that is none
    body = "".join(status(c.id, c.name, 404, answer.number) for c in reversed(answer.work) if c.uri != HASH and not c.children)
    body += status("1", "Status", 200, answer.number) + status("9999", "Get", 200, answer.number) + status("0", "SyncHdr", 200, answer.number)
    got = [c for c in answer.work if c.uri == HASH][0]
    body += status(got.id, "Get", 200, answer.number) + results(got, answer.number, "bm8gaGFzaA==")
    for _ in range(30):
        answer = s.msg(body)
        must(all(t[3] == "200" for t in answer.statuses), f"no reproach: {answer.statuses}")
        if not answer.work:
            break
        body = status("0", "SyncHdr", 200, answer.number) + "".join(
            status(c.id, c.name, 200, answer.number) for top in answer.work for c in top.all())
    must(not answer.commands and answer.final, "the session ends although the hash does not decode")


def abandoned(lab, kept):
    """SessionID 1, MsgID 1 again with other octets: a new session; what was unanswered is asked again."""
    s = Session(lab, kept)
    first = s.msg(alert("2", "1201") + alert("3", "1224", "com.microsoft/MDM/BootstrapSync", "device") + dev_info("4"), ["2", "3", "4"])
    must(HASH in [c.uri for c in first.work], "BootstrapSync asks for the hash again")
    s = Session(lab, kept)
    second = s.msg(alert("2", "1201") + alert("3", "1224", "com.microsoft/MDM/OdjSync", "device"))
    must(HASH in [c.uri for c in second.work], "a new session asks again")
    s.number = 6
    wrong = s.msg(status("0", "SyncHdr", 200, 1))
    must(not wrong.commands and wrong.final, "a MsgID that fits nothing: status and end")
    s = Session(lab, kept)
    s.number = 3
    stray = s.msg(status("0", "SyncHdr", 200, 1))
    must(not stray.commands and stray.final, "a session never begun: status and end")


def no_statuses(lab, kept):
    """A client that never tells what became of a command: bounded, and the session ends."""
    s = Session(lab, kept, "3F")
    answer = s.msg(alert("2", "1201") + dev_info("3"))
    for n in range(100):
        if not answer.work:
            break
        answer = s.msg(status("0", "SyncHdr", 200, answer.number))
    must(not answer.commands and n < 30, f"it ends after {n}")


def pieces(lab, kept):
    """A long value in three pieces."""
    s = Session(lab, kept, size=16384)
    answer = s.msg(alert("2", "1201") + alert("3", "1224", "com.microsoft/MDM/BootstrapSync", "device"))
    get = [c for c in answer.work if c.uri == HASH][0]
    others = "".join(status(c.id, c.name, 404, answer.number) for top in answer.work for c in top.all() if c.id != get.id)
    value, n = "QUJDREVG" * 900, answer.number

    def piece(cmd_id, text, size, more):
        return (f"<Results><CmdID>{cmd_id}</CmdID><MsgRef>{n}</MsgRef><CmdRef>{get.id}</CmdRef><Item><Source><LocURI>{HASH}</LocURI></Source><Meta>"
                f'<Format xmlns="syncml:metinf">chr</Format>' + (f'<Size xmlns="syncml:metinf">{size}</Size>' if size else "") + "</Meta>"
                f"<Data>{text}</Data>{'<MoreData/>' if more else ''}</Item></Results>")
    answer = s.msg(status("0", "SyncHdr", 200, n) + others + status(get.id, "Get", 200, n) + piece("30", value[:3000], len(value), True), final=False)
    must(answer.status("30") == "213" and answer.alerts == ["1222"] and not answer.work, f"213 and 1222 alone: {answer.statuses} {answer.alerts}")
    answer = s.msg(status("0", "SyncHdr", 200, answer.number) + piece("31", value[3000:6000], 0, True), final=False)
    must(answer.status("31") == "213" and answer.alerts == ["1222"], "and again")
    answer = s.msg(status("0", "SyncHdr", 200, answer.number) + piece("32", value[6000:], 0, False))
    must(answer.status("32") == "200", f"the last piece: {answer.statuses}")
    answer = s.msg(alert("40", "1223"), ["40"])
    must(answer.status("40") == "200" and not answer.commands and answer.final, "an abort is answered by its status and the end")
    s = Session(lab, kept)
    answer = s.msg(alert("3", "1224", "com.microsoft/MDM/BootstrapSync", "device"))
    get, n = [c for c in answer.work if c.uri == HASH][0], answer.number
    answer = s.msg(piece("30", "QUJD", 12, True), final=False)
    answer = s.msg(piece("31", "QUJD", 0, False))
    must(answer.status("31") == "424", f"a total that is not the size: {answer.statuses}")


def open_package(lab, kept):
    """A message without Final brings 1222, 1222 with nothing left brings the end."""
    s = Session(lab, kept)
    answer = s.msg(alert("2", "1201"), ["2"], final=False)
    must(answer.alerts == ["1222"] and not answer.work, "the rest of the package is asked for")
    answer = s.msg(dev_info("4"), ["4"])
    rounds = 0
    while answer.work:
        answer = s.msg(status("0", "SyncHdr", 200, answer.number) + alert("9", "1222") + "".join(
            status(c.id, c.name, 404 if c.name == "Get" else 200, answer.number) for top in answer.work for c in top.all()))
        rounds += 1
        must(answer.status("9") == "200" and rounds < 50, "1222 has its status")
    must(answer.final and not answer.commands, "and the end")


def odd_commands(lab, kept):
    """What a device may not or cannot mean; and Cred where nobody asked."""
    s = Session(lab, kept)
    cred = '<Cred><Meta><Format xmlns="syncml:metinf">b64</Format><Type xmlns="syncml:metinf">syncml:auth-basic</Type></Meta><Data>eDp5</Data></Cred>'
    answer = s.msg("<Alert><Data>1201</Data></Alert><Frobnicate><CmdID>7</CmdID></Frobnicate>" + alert("8", "1226", "org.example:thing", "1"), cred=cred)
    must(answer.statuses[0][3] in ("200", "212"), f"Cred is ignored: {answer.statuses[0]}")
    must(answer.status("7") == "400" and answer.status("8") == "200", f"unknown: 400; unknown alert: 200: {answer.statuses}")
    must([x[3] for x in answer.statuses if not x[1]] == ["400"], f"no CmdID: 400 with blank CmdRef: {answer.statuses}")


def challenge(lab, kept):
    """The client wants the server's credential: all repeated once with Cred, the digest as section 7 has it."""
    s = Session(lab, kept)
    answer = s.msg(alert("2", "1201") + alert("3", "1224", "com.microsoft/MDM/BootstrapSync", "device"))
    must(answer.cred is None, "no Cred unasked")
    fresh = f.b64(bytes(range(16)))
    chal = ('<Status><CmdID>1</CmdID><MsgRef>%d</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd><Chal><Meta><Format xmlns="syncml:metinf">b64</Format><Type '
            'xmlns="syncml:metinf">syncml:auth-md5</Type><NextNonce xmlns="syncml:metinf">%s</NextNonce></Meta></Chal><Data>%d</Data></Status>')
    wanted = [c.uri for c in answer.work]
    refuse = "".join(status(c.id, c.name, 0 if i % 2 else 401, answer.number) for i, c in enumerate(answer.work))
    answer = s.msg(chal % (answer.number, fresh, 407) + refuse)
    must([c.uri for c in answer.work] == wanted, "all are repeated")
    client = kept["auth"]["CLIENT"]
    inner = f.b64(hashlib.md5(f"{kept['provider']}:{client['AAUTHSECRET']}".encode()).digest()).encode()

    def digest(nonce):
        return f.b64(hashlib.md5(inner + b":" + nonce).digest())
    must(answer.cred is not None and answer.cred.find(f.DM + "Data").text == digest(bytes(range(16))), "with the digest of the provisioned secret")
    accepted = (chal % (answer.number, f.b64(b"n" * 16), 212)) + "".join(status(c.id, c.name, 404, answer.number) for c in answer.work)
    s.msg(accepted)
    s = Session(lab, kept)
    answer = s.msg(alert("3", "1224", "com.microsoft/MDM/BootstrapSync", "device"))
    s.msg(chal % (answer.number, fresh, 407))
    answer = s.msg(chal % (2, fresh, 401))
    must(not answer.commands and answer.final, "challenged again: the end")
    s = Session(lab, kept)
    answer = s.msg(alert("3", "1224", "com.microsoft/MDM/BootstrapSync", "device"))
    answer = s.msg(status("0", "SyncHdr", 407, answer.number))
    must(answer.cred.find(f.DM + "Data").text == digest(base64.b64decode(client["AAUTHDATA"])), "without Chal by the provisioned nonce")


def refused_posts(lab, kept, device_pair, other):
    """401 or 403 without the right certificate, 4xx for what is no message; text, never SyncML, and nothing changes."""
    s = Session(lab, kept)
    s.number = 1
    good = s.build(alert("2", "1201"))
    kind = {"Content-Type": "application/vnd.syncml.dm+xml"}
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=" + kept["id"], "-days", "2", "-keyout", lab.path("self.key"),
        "-out", lab.path("self.pem"))
    for what, pair, allowed in (("no certificate", None, (401, 403)), ("a directory device's", device_pair, (401, 403)),
                                ("a certificate of its own making", (lab.path("self.pem"), lab.path("self.key")), (401, 403))):
        code, headers, body = f.ask(lab, "POST", s.path, good, kind, pair)
        must(code in allowed and headers["content-type"].startswith("text/plain") and len(body) > 10 and b"SyncML" not in body, f"{what}: {code} {body}")
    for what, body, types, allowed in (
            ("wbxml", b"\x02\xa4\x01\x6a\x00", {"Content-Type": "application/vnd.syncml.dm+wbxml"}, (415,)),
            ("another type", good, {"Content-Type": "text/xml"}, (415,)),
            ("no XML", b"hello", kind, (400,)),
            ("DTD", b'<!DOCTYPE x [<!ENTITY a "b">]>' + good, kind, (400,)),
            ("entities", good.replace(b"1201", b"&lol;"), kind, (400,)),
            ("deep", b"<SyncML>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</SyncML>", kind, (400, 413)),
            ("another root", b"<x/>", kind, (400,)),
            ("no header", b'<SyncML xmlns="SYNCML:SYNCML1.2"><SyncBody/></SyncML>', kind, (400,)),
            ("empty", b"", kind, (400,))):
        code, headers, text = f.ask(lab, "POST", s.path, body, types, kept["pair"])
        must(code in allowed and headers["content-type"].startswith("text/plain") and 10 < len(text) < 500 and b"<SyncML" not in text, f"{what}: {code} {text}")
    must(f.ask(lab, "GET", s.path, pair=kept["pair"])[0] == 405, "GET is not offered")
    for path in ("/ManagementServer/MDM.svc", "/EnrollmentServer/Enrollment.svc"):
        try:
            code = f.ask(lab, "POST", path, b" " * (10 << 20), kind, kept["pair"])[0]
        except (OSError, ConnectionError):
            code = 413  # cut while we still wrote
        must(code == 413, f"10 MB: {code}")
    answer = Session(lab, other).msg(alert("2", "1201"))
    must(answer.final, "others are served as before")


def failing(lab, kept):
    """A package that does not install: the failure names it as people do, and the session ends as ever."""
    pc = Pc(lab, kept, "", "SN")
    pc.install_status = "60"
    pc.sync(login="none")
    shown = lab.cli("device", "show", kept["id"], "--timeline", "--json")
    failed = [e for e in shown["timeline"] if e["type"] == "device.failed"]
    must(len(failed) == 1 and failed[0]["detail"]["where"] == "Hello Agent", f"the failure names its package: {failed}")
    item = [e["detail"] for e in shown["timeline"] if e["type"] == "configuration.failed"][0]
    must(item["cause"] == "the device reports 60", f"and so does the item: {item}")


# --- the whole way

def configure(lab):
    contoso.configure(lab)
    lab.cli("policy", "add", "for-the-user", "--file", lab.write("user.json", {"kind": "policy", "scope": "user", "settings": [
        {"policy": "Experience/AllowTailoredExperiencesWithDiagnosticData", "value": 0}]}))
    lab.cli("policy", "assign", "for-the-user", "--all-devices")


def whole_way(lab, size, name, registered):
    """From the lookup to ready; returns the PC."""
    hardware_hash, serial = registered
    found = f.lookup(lab, hardware_hash)
    must("DeviceTicket" in found, f"the profile: {found}")
    device = f.join(lab, name + "-join", laboratory.USER, found["DeviceTicket"])
    token = f.bound_token(lab, name + "-join", laboratory.USER)
    key = f.make_key(lab, name)
    items = {"DeviceID": device.replace("-", ""), "ZeroTouchProvisioning": found["ZtdRegistrationId"], "DeviceName": name.upper()}
    kept = f.install(lab, name, f.document(enrol_at(lab, rst(security(token), f.make_csr(lab, key, attributes="windows"), items, wrap=64))))
    pc = Pc(lab, kept, hardware_hash, serial)
    pc.grouped = size is not None
    answers = pc.sync(size=size, first=alert("2", "1201") + alert("3", "1224", "com.microsoft/MDM/LoginStatus", "others") + alert(
        "4", "1224", "com.microsoft/MDM/BootstrapSync", "device") + dev_info("5", device))
    must(HASH in [c.uri for c in answers[0].work], "the first answer asks for the hash")
    must(not any(uri.startswith("./User") for _, uri, _ in pc.done), "no ./User for others")
    for _ in range(3):
        pc.sync(size=size, login="none")
    must(not any(uri.startswith("./User") for _, uri, _ in pc.done), "no ./User for nobody")
    for _ in range(4):
        start = len(pc.done)
        pc.sync(size=size, login="user")
        asked = [uri for _, uri, code in pc.done[start:] if code == 405]
        must(len(asked) == len(set(asked)) and all(u.startswith("./User/") for u in asked), f"each ./User once a session: {asked}")
    must("./User/Vendor/MSFT/Policy/Config/Experience/AllowTailoredExperiencesWithDiagnosticData" in asked, f"the user's policy goes on being sent: {asked}")
    must(lab.timeline(serial)["state"] != "ready", "not ready before the release was taken")
    pc.user_context = True
    for _ in range(3):
        pc.sync(size=size, login="user")
    shown = lab.timeline(serial)
    must(shown["state"] == "ready", f"{name} is ready: {json.dumps(shown)[:3000]}")
    return pc, shown


def check_way(pc, shown):
    types = [e["type"] for e in shown["timeline"]]
    for word in ("device.contacted", "device.joined", "device.enrolled", "device.device-setup", "device.device-done", "device.account-setup", "device.ready"):
        must(types.count(word) == 1, f"{word} once: {types}")
    must(list(pc.fetched.values()) and all(pc.fetched.values()), "the package was fetched")
    sent = [(verb, uri) for verb, uri, code in pc.done if verb != "Get" and code in (200, 418) and not uri.endswith("/SkipUserStatusPage")]
    must(len(sent) == len(set(sent)), f"nothing is sent twice once it was taken: {[s for s in sent if sent.count(s) > 1]}")
    release = [i for i, d in enumerate(pc.done) if d[1].startswith("./Device") and d[1].endswith("ServerHasFinishedProvisioning")]
    lists = [i for i, d in enumerate(pc.done) if d[1].startswith("./Device") and "/Expected" in d[1]]
    must(release and lists and max(lists) < release[0], "the lists of the page come before its release")


def register(lab, number):
    pc = contoso.hardware(f"FOREIGN{number:04d}", number)
    name = f"foreign-{number}"
    serial = lab.register(lab.write(name + ".json", pc), name=name)
    with open(lab.path(name + ".csv"), encoding="utf-8") as rows:
        row = list(csv.DictReader(rows))[0]
    return row["Hardware Hash"], serial


def scenario(lab):
    lab.init()
    lab.cli("tenant", "set", "password-grant=on")
    lab.serve("--name", "people.test,people")
    token = f.user_token(lab, MANAGEMENT, laboratory.USER)
    spellings(lab, token)
    refusals(lab, token, laboratory.USER)
    names(lab, token)
    kept = []
    for name in ("one", "two"):
        key = f.make_key(lab, name)
        kept.append(f.install(lab, name, f.document(enrol_at(lab, rst(security(token), f.make_csr(lab, key))))))
    must(kept[0]["id"] != kept[1]["id"], "placeholders replace nothing: two enrolments")
    renewal(lab, kept[0], "one")
    f.join(lab, "joined", laboratory.USER)
    pair = (lab.path("joined.pem"), lab.path("joined.key"))
    must(len(f.device_token(lab, "joined")) > 100, "a device's token")
    for part in (nothing_but_devinfo, abandoned, no_statuses, pieces, open_package, odd_commands, challenge):
        part(lab, kept[0])
        say(f"session: {part.__doc__}")
    refused_posts(lab, kept[0], pair, kept[1])
    say("posts refused as the documents say")
    registered = [register(lab, 1), register(lab, 2), register(lab, 3)]
    configure(lab)
    failing(lab, kept[1])
    for size, name, facts in ((None, "plain", registered[0]), (16384, "medium", registered[1]), (2048, "small", registered[2])):
        pc, shown = whole_way(lab, size, name, facts)
        check_way(pc, shown)
        say(f"{name}: ready, messages of at most {size} octets; {len(pc.done)} commands")
