"""A connector of another make, by curl, openssl and Samba: a device joins with the blob of `net`, people sign in and are taken over, an account ends; what its document does not allow is refused."""
import base64
import json
import re
import threading
import uuid

import ad
import contoso
import foreign_pc as f
import foreign_worker
import hybrid_lab
from foreign_member import Hybrid, enrol, inside, strings, token
from foreign_pc import must
from lab import run, say, wait_for

MOST = 1 << 20  # octets of a body
PATIENCE = 150


def add(lab, name):
    return lab.cli("connector", "add", name, "--json")["code"]


def registering(lab, near, other):
    """Who it is counts by its key; a code is good once."""
    code = add(lab, "Berlin 1")
    must(len(code.replace("-", "")) == 24, f"24 letters and digits: {len(code)}")
    body = {"code": code, "name": "x", "version": "foreign/1", "encryptionKey": near.encryption_key()}
    near.refused("hello", {"version": "1", "domains": []}, 401)
    near.refused("work", {"free": 1}, 401)
    near.refused("register", body, 401, pair=())
    near.refused("register", {**body, "code": "ABCD-" * 5 + "ABCD"}, 403, "code")
    near.refused("register", {**body, "code": ""}, 403, "code")
    near.refused("register", {k: v for k, v in body.items() if k != "code"}, 400, "code")
    short = f.make_key(lab, "short")
    near.refused("register", {**body, "encryptionKey": near.encryption_key(short)}, 400, "encryptionKey")
    near.refused("register", {**body, "encryptionKey": near.encryption_key(near.file("key"))}, 400, "encryptionKey")
    near.refused("register", {**body, "encryptionKey": "bm8="}, 400, "encryptionKey")
    run("openssl", "req", "-x509", "-new", "-key", short, "-subj", "/CN=x", "-days", "3", "-out", lab.path("short.crt"))
    near.refused("register", body, 400, pair=(lab.path("short.crt"), short))
    near.refused("register", "[1]", 400)
    near.refused("register", "{", 400)
    first = near.register(code.lower().replace("-", ""))
    must(first["name"] == "Berlin 1", f"the administrator's name: {first}")
    must(near.register(code) == first, "the same key with the same code gets the same answer")
    run("openssl", "req", "-x509", "-new", "-key", near.file("key"), "-subj", "/CN=another", "-days", "3", "-out", near.file("crt"))
    must(near.register(code) == first, "with another certificate over its key too")
    other.refused("register", {**body, "encryptionKey": other.encryption_key()}, 403, "code")
    again = add(lab, "Berlin 2")
    near.refused("register", {**body, "code": again}, 409)
    other.register(again)
    must(other.id != first["id"], "another connector")


def calling(lab, near):
    """hello and work, and what is not as they are."""
    domains = near.hello([{**near.domains[0], "domain": ad.REALM, "problem": "MoonPhase", "detail": "waxing", "tomorrow": 1}])
    told = domains.get(ad.DNS)
    must(told and {"domain", "signIn", "sync", "syncBase", "syncSeconds"} <= set(told) and told["signIn"] is True and told["sync"] is False,
         f"what the service wants of the domain, however its name is written: {domains}")
    must(hybrid_lab.shown(lab, "Berlin 1")["state"] == "failing", "a problem of tomorrow is a problem")
    near.hello()
    must(hybrid_lab.shown(lab, "Berlin 1")["state"] == "active", "and over again")
    near.refused("hello", {"version": "1"}, 400, "domains")
    near.refused("hello", {"version": "1", "domains": [{"domain": "not a name"}]}, 400)
    for free in (0, 9, "2"):
        near.refused("work", {"free": free}, 400, "free")
    mine = str(uuid.uuid4())
    near.refused("result", {"id": mine, "attempt": 0, "result": {}}, 409)
    near.refused("result", {"id": mine, "attempt": 1, "error": {"reason": "NoDc", "detail": ""}}, 409)
    near.refused("result", {"id": mine, "attempt": 1}, 400)
    near.refused("result", {"attempt": 1, "result": {}}, 400, "id")
    near.refused("sync", {"domain": "elsewhere.test", "run": "1", "server": mine, "from": "0", "to": "0", "full": True, "last": False, "objects": []}, 404)
    near.refused("sync", {"domain": ad.DNS, "run": "1", "server": mine, "from": "0", "to": "0", "full": True, "last": False, "objects": []}, 409)
    must(near.call("hello", json.dumps({"version": "1", "domains": near.domains, "x": "y" * (MOST - 400)}))[0] == 200, "a body of nearly a mebibyte")
    must(near.call("hello", json.dumps({"version": "1", "domains": near.domains, "x": "y" * MOST}))[0] == 413, "a body of more")
    lab.cli("connector", "disable", "Berlin 1")
    near.refused("work", {"free": 1}, 403)
    near.refused("hello", {"version": "1", "domains": near.domains}, 403)
    lab.cli("connector", "enable", "Berlin 1")
    near.hello()


def bound(lab, near):
    """An administrator binds it: what it says of another domain is refused and shown, what it said of its own stays."""
    lab.cli("connector", "bind", "Berlin 1", "--domain", ad.DNS)
    near.hello()
    answer = near.refused("hello", {"version": "1", "domains": [*near.domains, {**near.domains[0], "domain": "elsewhere.test"}]}, 403, "domain")
    must("elsewhere.test" in answer["detail"] and "connector bind" in answer["remedy"], f"domain and remedy: {answer}")
    shown = hybrid_lab.shown(lab, "Berlin 1")
    must(shown["state"] == "failing" and {d["domain"]: d["problem"] for d in shown["domains"]} == {ad.DNS: "", "elsewhere.test": "NotBound"}, f"told in its state: {shown}")
    lab.cli("connector", "bind", "Berlin 1", "--domain", "elsewhere.test")
    near.refused("hello", {"version": "1", "domains": near.domains}, 403, "domain")
    mine = str(uuid.uuid4())
    lab.cli("connector", "domain", "set", ad.DNS, "sync=on")
    near.refused("sync", {"domain": ad.DNS, "run": "1", "server": mine, "from": "0", "to": "0", "full": True, "last": False, "objects": []}, 403, "domain")
    lab.cli("connector", "domain", "set", ad.DNS, "sync=off")
    lab.cli("connector", "bind", "Berlin 1", "--any")
    near.hello()
    must(hybrid_lab.shown(lab, "Berlin 1")["state"] == "active", "any again")
    lab.cli("connector", "bind", "Berlin 1", "--domain", ad.DNS)
    near.hello()


def waiting(lab, near):
    """Eight calls wait; a hello with other domains ends them."""
    got = []

    def wait():
        got.append(near.call("work", {"free": 1}))

    def eight():
        got.clear()
        threads = [threading.Thread(target=wait, daemon=True) for _ in range(8)]
        for t in threads:
            t.start()
        wait_for(lambda: parked(lab) == 8, 20, "eight calls wait")
        return threads

    threads = eight()
    near.refused("work", {"free": 1}, 429)
    lab.cli("connector", "bind", "Berlin 1", "--any")
    near.hello([{**near.domains[0], "domain": "other.test"}])
    for t in threads:
        t.join(20)
    must(got == [(200, {"work": []})] * 8, f"all are answered emptily: {got}")
    lab.cli("connector", "bind", "Berlin 1", "--domain", ad.DNS)
    near.hello()


def parked(lab):
    """Calls that wait, as the service counts them."""
    return int(re.search(r"^touchdown_connector_requests_waiting (\d+)", lab.get("/metrics", {"Authorization": f"Bearer {lab.password}"})[1].decode(), re.M)[1])


def joined(lab, dc, near):
    """Our device takes Samba's blob, and the whole way with it."""
    serial = lab.register()
    out = hybrid_lab.run_device(lab, dc)
    must("joined the domain: SALES-" in out and "registered: device " in out, f"joined:\n{out}")
    shown = lab.timeline(serial)
    must(shown["state"] == "ready", f"ready: {shown['state']}")
    (work, body, status, answer), = near.of("join")
    must(status == 200 and answer == {}, f"its result was taken: {status} {answer}")
    must(work["registration"] == shown["registrationId"], "made for this registration")
    with open(lab.path("device", "odj.txt"), "rb") as file:
        kept = base64.b64decode(file.read().decode("utf-16").rstrip("\0"))
    must(kept == base64.b64decode(body["result"]["blob"]), "the blob of `net` came as it was made")
    must(near.call("result", body)[:2] == (200, {}), "told once more: the same answer")
    near.refused("result", {**body, "attempt": work["attempt"] + 1}, 409)
    near.refused("result", {"id": work["id"], "attempt": work["attempt"], "error": {"reason": "NoDc", "detail": ""}}, 409)
    dc.testjoin(work["name"], lab.path("device", "odj.txt"))
    must(near.of("password") and all(s[2] == 200 for s in near.of("password")), "the password was asked here")
    must(near.of("computer") and near.of("computer")[-1][1]["result"]["certificates"], "and the computer's certificate")
    say(f"{work['name']}: ready with the blob of `net`")
    return serial, work["name"]


def people(lab, dc, near):
    """What the domain says of a person comes to the person as it was said."""
    name, address = lab.host

    def ask(user, password):
        words = {"grant_type": "password", "client_id": "1b730954-1685-4b74-9bfd-dac224a7b894", "resource": f.MANAGEMENT, "username": user, "password": password}
        fields = [w for k, v in words.items() for w in ("--data-urlencode", f"{k}={v}")]
        return json.loads(dc.run("curl", "-s", "--cacert", lab.ca, *fields, f"{lab.url}/common/oauth2/token").stdout)

    must("access_token" in ask(dc.upn("bob"), dc.password("bob")), "bob signs in")
    must(ask(dc.upn("bob"), "Wrong-Pass-123")["error_codes"] == [50126], "not by another's password")
    dc.disable("bob")
    must(ask(dc.upn("bob"), dc.password("bob"))["error_codes"] == [50057], "nor disabled")
    dc.enable("bob")
    umlaut = "Pässe-€-123 \"&"
    zoe, _ = dc.user("zoe")
    dc.set_password("zoe", umlaut)
    must("access_token" in ask(zoe, umlaut), "octets of a password come as they were typed")


def other_answer(near, count, work, body):
    """What it says of the joins that come, one after the other, instead of the truth; None: the truth."""
    head = {"id": work["id"], "attempt": work["attempt"]}
    if count == 3:  # the blob of another account
        return {**head, "result": {**body["result"], "accountSid": body["result"]["accountSid"] + "1"}}
    reason = {0: "NameTaken", 1: "NoDc", 4: "MoonPhase"}.get(count)
    return {**head, "error": {"reason": reason, "detail": "foreign words"}} if reason else None


def enrol_one(lab, dc, number, who):
    serial = lab.register(hardware=lab.write("more.json", contoso.hardware(f"MORE-{number}", 900 + number)), name="more")
    registration = lab.timeline(serial)["registrationId"]
    return serial, Hybrid(lab, enrol(lab, f"more{number}", who, registration), "", serial)


def wrong_answers(lab, dc, near):
    """Each is told from the others: another name, the same again, the end."""
    first, came = len(near.of("join")), []

    def twist(work, body):
        if work["kind"] == "join":
            came.append(work)
        return other_answer(near, len(came) - 1, work, body) if work["kind"] == "join" else None

    near.twist = twist
    with inside(dc):
        who = token(lab, dc.upn("alice"), dc.password("alice"))
        _, pc = enrol_one(lab, dc, 1, who)
        wait_for(lambda: pc.wait() and pc.blob, PATIENCE, f"the blob comes in the end: {near.faults}")
        failed = []
        for number in (2, 3):
            failed.append(enrol_one(lab, dc, number, who)[0])
            wait_for(lambda: len(near.of("join")) == first + 2 + number, PATIENCE, "the next one was asked for")
    near.twist = None
    told = near.of("join")[first:]
    must([s[2] for s in told] == [200, 200, 200, 400, 200], f"each as it deserves: {[s[2:] for s in told]}")
    must(told[3][3]["field"] == "result.blob" and told[3][3]["remedy"], f"the wrong one by its name: {told[3][3]}")
    must([w["attempt"] for w in came] == [1, 2, 3, 1, 1] and len({w["id"] for w in came[:3]}) == 1, f"attempts: {came}")
    must(came[0]["name"] != came[1]["name"] == came[2]["name"], f"another name where one is taken, the same where nobody answers: {came}")
    must(strings(pc.blob) == strings(base64.b64decode(told[2][1]["result"]["blob"])), "the blob is that of the last")
    for serial in failed:
        events = [json.dumps(e) for e in lab.timeline(serial)["timeline"] if e["type"] == "domain.failed"]
        must(len(events) == 1 and "Refused" in events[0], f"{serial} is refused: {events}")
    near.refused("result", told[3][1], 409)
    near.refused("result", {**told[3][1], "result": {}}, 409)


def removed(lab, dc, near, serial, name):
    must(int(dc.computer(name)["useraccountcontrol"][0]) == 4096, "the account is enabled")
    lab.cli("device", "retire", serial, "--now", "--reason", "lost")
    wait_for(lambda: int(dc.computer(name)["useraccountcontrol"][0]) == 4098, PATIENCE, "its account is disabled", lambda: not near.faults)
    wait_for(lambda: near.of("disable"), PATIENCE, "and that was told")
    must(near.of("disable")[0][2] == 200, f"taken: {near.of('disable')}")
    must(near.call("result", near.of("disable")[0][1])[0] in (200,), "told once more: the same answer")


def synced(lab, dc, near):
    """People and groups in runs of messages, in the document's order and out of it."""
    lab.cli("connector", "domain", "set", ad.DNS, "sync=on")
    told = near.hello()[ad.DNS]
    must(told["sync"] is True and told["syncSeconds"] >= 1, f"wanted of us: {told}")
    server = str(uuid.uuid4())
    base = {"domain": ad.DNS, "run": "r0", "server": server, "from": "0", "to": "0", "full": False, "last": False, "objects": []}
    must(near.good("sync", base) == {"from": "0"}, "nothing is known of this server")
    everyone = near.people()
    half = len(everyone) // 2
    full = {**base, "run": "r1", "to": "4000", "full": True}
    one = {**full, "objects": everyone[:half]}
    must(near.good("sync", one) == {"from": "0"}, "until its end a run answers what it began from")
    must(near.good("sync", one) == {"from": "0"}, "told twice")
    must(near.good("sync", {**full, "objects": everyone[half:], "last": True}) == {"from": "4000"}, "the end of a run")
    shown = lab.cli("connector", "domain", "show", ad.DNS, "--json")
    must(shown["people"] >= 6, f"people are taken over: {shown}")
    members = lab.cli("group", "members", "Everybody")
    must(all(dc.upn(n) in members for n in ("alice", "bob", "carol")) and dc.upn("dan") not in members, f"groups within groups: {members}")
    dan = next(o for o in everyone if o["sam"] == "dan")
    step = {**base, "run": "r2", "from": "4000", "to": "4010", "last": True}
    must(near.good("sync", {**step, "from": "3000", "objects": []}) == {"from": "4000"}, "from another number: void")
    must(near.good("sync", {**step, "server": str(uuid.uuid4())}) == {"from": "0"}, "of another server: everything")
    near.refused("sync", {**step, "objects": [dan] * 501}, 400)
    near.refused("sync", {**step, "objects": [{**dan, "kind": "ghost"}]}, 400)
    must(near.good("sync", {**step, "objects": [{"guid": dan["guid"], "deleted": True}]}) == {"from": "4010"}, "a step")
    must(dc.upn("dan") not in lab.cli("user", "list"), "deleted there, gone here")


def scenario(lab):
    with ad.Domain() as dc:
        lab.enter(dc)
        lab.init()
        lab.serve("--config", lab.write("serve.ini", f"[serve]\nmetrics-token = {lab.password}\n"))
        hybrid_lab.configure(lab)
        lab.cli("tenant", "set", "password-grant=on")
        near, other = foreign_worker.Connector(lab, dc, "near"), foreign_worker.Connector(lab, dc, "other")
        registering(lab, near, other)
        calling(lab, near)
        bound(lab, near)
        waiting(lab, near)
        with near.serving():
            serial, name = joined(lab, dc, near)
            people(lab, dc, near)
            wrong_answers(lab, dc, near)
            removed(lab, dc, near, serial, name)
        near.hello()
        synced(lab, dc, near)
