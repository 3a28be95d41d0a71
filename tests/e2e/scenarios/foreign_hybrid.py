"""A computer of another make joins the domain and the directory: curl's job done by hand, the blob read by its layout, certificate and proof by openssl and ldapmodify."""
import base64
import datetime
import json
import os
import uuid

import ad
import contoso
import foreign_pc as f
import hybrid_lab
from foreign_member import BLOB, Hybrid, certificate, enrol, inside, object_of, publish, put, seen, strings, token
from foreign_pc import must
from lab import run, say, wait_for


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


def tokens(lab, dc, device):
    """A primary refresh token by the domain's password, opened by the device's key, and the broker's token behind it."""
    words = f.bound_token(lab, "directory", dc.upn("alice"), password=dc.password("alice")).split(".")
    said = json.loads(f.un64url(words[1]))
    must(said["deviceid"] == device and said["upn"] == dc.upn("alice"), f"of this person on this device: {said}")
    must(json.loads(f.un64url(f.device_token(lab, "directory").split(".")[1]))["deviceid"] == device, "and the device's own")


def leave(lab, device):
    """Leaves the directory with its certificate, once."""
    pair = (lab.path("directory.pem"), lab.path("directory.key"))
    must(f.ask(lab, "DELETE", f"/EnrollmentServer/device/{uuid.uuid4()}", pair=pair)[0] == 403, "another device")
    must(f.ask(lab, "DELETE", f"/EnrollmentServer/device/{device}")[0] == 401, "without a certificate")
    must(f.ask(lab, "DELETE", f"/EnrollmentServer/device/{device}", pair=pair)[0] == 200, "it leaves")
    must(f.ask(lab, "DELETE", f"/EnrollmentServer/device/{device}", pair=pair)[0] == 401, "once")
    request = f.signed_by_device(lab, "directory", {"resource": f.MANAGEMENT, "client_id": f.BROKER, "request_nonce": f.nonce(lab), "iss": "aad:brokerplugin",
                                                    "grant_type": "device_token", "redirect_uri": "ms-aadj-redir://auth/mdm"})
    status, answer = f.form(lab, "/common/oauth2/token", grant_type=f.JWT_BEARER, request=request)
    must(status == 400 and answer["error"] == "invalid_grant", f"no token any more: {status} {answer}")


def end(lab, dc, serial, name):
    """With its device the account is of no use: disabled, as the tenant wants it at first."""
    enabled = 4096
    must(int(dc.computer(name)["useraccountcontrol"][0]) == enabled, "the account is enabled")
    lab.cli("device", "retire", serial, "--now", "--reason", "lost")
    wait_for(lambda: int(dc.computer(name)["useraccountcontrol"][0]) == enabled + 2, 30, "its account is disabled")
    words = [e["type"] for e in lab.timeline(serial)["timeline"]]
    must("domain.removal-queued" in words, f"and that is told: {words[-6:]}")


def kinds(lab, serial):
    return [e["type"] for e in lab.timeline(serial)["timeline"]]


def by_its_hash(lab, dc):
    """Enrolled without a word of its registration: found by its hash. What is too long for its messages is told so, and the session goes on."""
    serial = lab.register(hardware=lab.write("small.json", contoso.hardware("SMALL-1", 902)), name="small")
    with open(lab.path("small.csv"), encoding="ascii") as file:
        fingerprint = dict(zip(*[line.strip().split(",") for line in file]))["Hardware Hash"]
    pc = Hybrid(lab, enrol(lab, "small", token(lab, dc.upn("bob"), dc.password("bob")), None), fingerprint, serial)
    must("device.enrolled" not in kinds(lab, serial), "nobody knows whose enrolment it is")
    wait_for(lambda: pc.late(size=2048) and "domain.failed" in kinds(lab, serial), 60, "an account was made for it")
    must(pc.blob is None, "no piece of a blob")
    told = [json.dumps(e) for e in lab.timeline(serial)["timeline"] if e["type"] == "domain.failed"]
    must("413" in told[0] and "BadBlob" in told[0], f"why it did not get it: {told}")
    say(f"{serial}: found by its hash, told that its messages are too short")


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
            for n in range(40):
                answers = pc.late(size=8192) if n % 2 else pc.wait()
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
            tokens(lab, dc, device)
            pc.sync()
            pc.user_context = True
            for _ in range(6):
                pc.sync(login="user")
            by_its_hash(lab, dc)
        shown = lab.timeline(serial)
        must(shown["state"] == "ready" and shown["deviceId"] == device, f"ready as that device: {shown['state']} {shown['deviceId']}")
        must(lab.cli("device", "list", "--json")["count"] == 2, "one device each")
        with inside(dc):
            leave(lab, device)
            guid, sid, _ = object_of(dc, name)
            must(put(lab, guid, sid)[0] == 200 and lab.timeline(serial)["deviceId"] != device, "a member of its domain comes back, as a new object")
        file = lab.path("foreign.odj")
        with open(file, "wb") as out:
            out.write(b"\xff\xfe" + base64.b64encode(pc.blob).decode().encode("utf-16-le") + b"\0\0")
        os.chmod(file, 0o600)
        dc.testjoin(name, file)
        end(lab, dc, serial, name)
