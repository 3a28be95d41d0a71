"""People of a domain sign in by page, token and SOAP; what the domain has against them is told; who is disabled, renamed or deleted there is so here."""
import base64
import hashlib
import html
import json
import os
import re
import secrets

import ad
import hybrid_lab
import lab as laboratory
from lab import LabError, run, say, wait_for

APP = "14d82eec-204b-4c2f-b7e8-296a70dab67e"
BACK = "http://localhost:40123/back"
SCOPE = "openid profile offline_access https://graph.microsoft.com/.default"
SECONDS = 10  # between two looks of the sync
SLACK = 25    # ... and what a busy machine takes for one


def must(condition, what):
    if not condition:
        raise LabError(f"not so: {what}")


class Client:
    """curl in the namespace: browser and program of another make."""

    def __init__(self, lab, dc):
        self.lab, self.dc = lab, dc

    def send(self, path, *more, **fields):
        data = [w for k, v in fields.items() for w in ("--data-urlencode", f"{k}={v}")]
        done = self.dc.run("curl", "-sS", "-m", "40", "--cacert", self.lab.ca, "-D", self.lab.path("head"), "-w", "\n%{http_code}", *more, *data,
                           self.lab.url + path)
        body, _, status = done.stdout.rpartition("\n")
        return int(status), body

    def token(self, **fields):
        status, body = self.send(f"/{laboratory.TENANT}/oauth2/v2.0/token", client_id=APP, scope=SCOPE, **fields)
        return status, json.loads(body)

    def password(self, user, password):
        return self.token(grant_type="password", username=user, password=password)

    def page(self, user, password):
        """Through the sign-in pages as a browser goes; the page that refuses, or the code that came back."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        query = f"client_id={APP}&response_type=code&redirect_uri={BACK}&scope=openid&code_challenge={challenge}&code_challenge_method=S256&state=s"
        _, page = self.send(f"/{laboratory.TENANT}/oauth2/v2.0/authorize?{query}")
        for fields in ({"username": user}, {"username": user, "password": password}):
            action = html.unescape(re.search(r'<form[^>]*action="([^"]*)"', page).group(1))
            flow = html.unescape(re.search(r'name="flow" value="([^"]*)"', page).group(1))
            status, page = self.send(action, flow=flow, **fields)
        if status != 302:
            return None, html.unescape(page)
        with open(self.lab.path("head"), encoding="latin-1") as f:
            code = re.search(r"[?&]code=([^&\s]+)", f.read()).group(1)
        status, body = self.send(f"/{laboratory.TENANT}/oauth2/v2.0/token", client_id=APP, grant_type="authorization_code", code=code, redirect_uri=BACK,
                                 code_verifier=verifier)
        must(status == 200, f"the code is good for tokens: {body}")
        return json.loads(body), page

    def graph(self, path, token):
        status, body = self.send(path, "-G", "-H", f"Authorization: Bearer {token}")
        return status, json.loads(body) if body else {}

    def soap(self, user, password):
        """RequestSecurityToken with user name and password; the fault's subcode."""
        with open(os.path.join(laboratory.ROOT, "tests", "bench", "bodies", "policies.xml"), encoding="utf-8") as f:
            text = f.read().replace("{HOST}", self.lab.url)
        token = (f"<wsse:UsernameToken><wsse:Username>{user}</wsse:Username><wsse:Password Type=\"http://docs.oasis-open.org/wss/2004/01/"
                 f"oasis-200401-wss-username-token-profile-1.0#PasswordText\">{html.escape(password)}</wsse:Password></wsse:UsernameToken>")
        text = re.sub(r"<wsse:BinarySecurityToken .*?</wsse:BinarySecurityToken>", token, text, count=1, flags=re.S)
        _, body = self.send("/EnrollmentServer/Policy.svc", "-H", "Content-Type: application/soap+xml; charset=utf-8", "--data-binary",
                            "@" + self.lab.write("soap.xml", text))
        hit = re.search(r"<[a-z]+:Subcode>\s*<[a-z]+:Value>([^<]+)<", body)
        return hit.group(1).split(":")[-1] if hit else body


def refused(client, user, password, number, words):
    """At the token endpoint and on the page, by the right number and the right words."""
    status, answer = client.password(user, password)
    must(status == 400 and answer["error"] == "invalid_grant" and answer["error_codes"] == [number], f"{user}: {number}, not {status} {answer}")
    tokens, page = client.page(user, password)
    must(tokens is None and words in page, f"{user}: the page says '{words}': {page[-1500:]}")
    say(f"{user}: {answer['error_description']}")


def account(lab, user):
    """The account, or {}."""
    text = lab.cli("user", "list", "--json")
    return next((u for u in text if u["upn"].lower() == user), {})


def soon(true, what):
    wait_for(true, SECONDS + SLACK, what)


def sign_ins(lab, dc, client):
    alice = dc.upn("alice")
    status, answer = client.password(alice, dc.password("alice"))
    must(status == 200, f"the right password: {status} {answer}")
    tokens, _ = client.page(alice, dc.password("alice"))
    claims = json.loads(base64.urlsafe_b64decode(tokens["id_token"].split(".")[1] + "=="))
    must(claims["oid"] == account(lab, alice)["id"] and claims["preferred_username"].lower() == alice, f"she is who she is: {claims}")
    refused(client, alice, "Wrong-Pass-123", 50126, "user name or the password is wrong")
    refused(client, dc.upn("nobody"), "Wrong-Pass-123", 50126, "user name or the password is wrong")
    dc.must_change("carol")
    refused(client, dc.upn("carol"), dc.password("carol"), 50055, "must be changed")
    dc.need_not_change("carol")
    dc.expire_account("dan")
    refused(client, dc.upn("dan"), dc.password("dan"), 50057, "account has run out")
    dc.never("dan")
    erin, word = dc.user("erin")
    dc.expire_password("erin")
    refused(client, erin, word, 50055, "password has run out")
    dc.lock("dan")
    refused(client, dc.upn("dan"), dc.password("dan"), 50053, "is locked")
    dc.unlock("dan")
    status, answer = client.password(dc.upn("dan"), dc.password("dan"))
    must(status == 200, f"unlocked: {answer}")
    must(client.soap(alice, "Wrong-Pass-123") == "Authentication", "a wrong password at the enrolment's door")
    must("Fault" not in client.soap(alice, dc.password("alice")), "and the right one")


def people_and_groups(lab, dc, client):
    def shown():
        return lab.cli("connector", "domain", "show", ad.DNS, "--json")
    soon(lambda: shown()["syncedAt"] is not None and shown()["people"] >= 6, "people are taken over")
    must(all(account(lab, dc.upn(name))["source"] == "ad" for name in ad.PEOPLE), "each of them is the domain's")
    members = run(laboratory.TOUCHDOWN, "group", "members", "Everybody", "--data", lab.data).stdout
    must(all(dc.upn(name) in members for name in ("alice", "bob", "carol")) and dc.upn("dan") not in members, f"groups within groups: {members}")
    run(laboratory.TOUCHDOWN, "user", "disable", dc.upn("alice"), "--data", lab.data, expect=1)
    zoe, word = dc.user("zoe")
    dc.tool("group", "add", "Fleet")
    dc.tool("group", "addmembers", "Fleet", "zoe")
    soon(lambda: account(lab, zoe), "a new person appears")
    soon(lambda: zoe in run(laboratory.TOUCHDOWN, "group", "members", "Fleet", "--data", lab.data, expect=None).stdout, "and a new group with her")
    must(f"  Fleet  (of {ad.DNS})" in run(laboratory.TOUCHDOWN, "group", "list", "--data", lab.data).stdout, "a list tells whose group it is")
    before = account(lab, zoe)
    dc.edit(dc.dn_of("zoe"), "replace: userPrincipalName", f"userPrincipalName: zora@{ad.DNS}")
    soon(lambda: account(lab, f"zora@{ad.DNS}"), "renamed there, renamed here")
    must(account(lab, f"zora@{ad.DNS}")["id"] == before["id"], "one and the same account")
    status, answer = client.password(f"zora@{ad.DNS}", word)
    must(status == 200, f"she signs in by her new name: {answer}")
    dc.tool("user", "delete", "zoe")
    soon(lambda: not account(lab, f"zora@{ad.DNS}"), "deleted there, gone here")


def below_a_base(lab, dc):
    """Of those below one unit alone; who is moved out of it is gone, though nobody says so to the connector's account."""
    must(account(lab, f"odjsvc@{ad.DNS}"), "the whole domain was taken over")
    must(not account(lab, f"administrator@{ad.DNS}"), "but for the accounts that every domain has of its own")
    lab.cli("connector", "domain", "set", ad.DNS, f"base={ad.PEOPLE_OU}")
    wait_for(lambda: not account(lab, f"odjsvc@{ad.DNS}"), 60 + 2 * SECONDS + SLACK, "those elsewhere go")
    must(all(account(lab, dc.upn(name)) for name in ad.PEOPLE), "those below it stay")
    dc.tool("user", "move", "dan", ad.OTHER_OU)
    soon(lambda: not account(lab, dc.upn("dan")), "moved out of the base, gone here")


def disabled(lab, dc, client):
    bob, word = dc.upn("bob"), dc.password("bob")
    status, old = client.password(bob, word)
    must(status == 200, f"bob signs in: {old}")
    must(client.graph("/v1.0/me", old["access_token"])[0] == 200, "and is served")
    dc.disable("bob")
    refused(client, bob, word, 50057, "disabled")
    must(client.soap(bob, word) == "Authorization", "refused at once at the enrolment's door, too")
    soon(lambda: not account(lab, bob)["enabled"], "disabled here within the interval")
    must(client.graph("/v1.0/me", old["access_token"])[0] == 401, "his token opens nothing")
    status, answer = client.token(grant_type="refresh_token", refresh_token=old["refresh_token"])
    must(status == 400 and answer["error_codes"] == [50057], f"nor can it be renewed: {answer}")
    dc.enable("bob")
    status, answer = client.password(bob, word)
    must(status == 200, f"enabled there: at once: {answer}")
    status, answer = client.token(grant_type="refresh_token", refresh_token=old["refresh_token"])
    must(status == 400, f"what was given before stays void: {answer}")


def nobody_to_ask(lab, dc, client, connector):
    """Never taken for a wrong password."""
    laboratory.end(connector)
    for _ in range(2):
        status, answer = client.password(dc.upn("alice"), dc.password("alice"))
        must(status == 503 and answer["error"] == "temporarily_unavailable", f"without a connector: {status} {answer}")
    _, page = client.page(dc.upn("alice"), dc.password("alice"))
    must("can't be asked" in page and "wrong" not in page, "the page says so")
    status, _ = client.password(f"admin@{laboratory.TENANT}", lab.password)
    must(status == 200, "an administrator made by hand is never locked out")
    hybrid_lab.connector(lab, dc, name="second", bound=["elsewhere.test"])
    wait_for(lambda: "NotBound" in str(hybrid_lab.shown(lab, "second")), 30, "its state tells that it is bound to another domain")
    last = hybrid_lab.log_of(lab, "second").splitlines()[-1]
    must("refuses" in last and ad.DNS in last and "connector bind" in last, f"so does its own last line: {last}")
    status, answer = client.password(dc.upn("alice"), dc.password("alice"))
    must(status == 503, f"it is not asked: {status} {answer}")
    lab.cli("connector", "bind", "second", "--domain", ad.DNS)
    wait_for(lambda: hybrid_lab.shown(lab, "second")["state"] == "active" and hybrid_lab.shown(lab, "second")["domains"], 30, "bound to this one it serves")
    status, answer = client.password(dc.upn("alice"), dc.password("alice"))
    must(status == 200, f"another one answers: {answer}")


def scenario(lab):
    with ad.Domain() as dc:
        lab.enter(dc)
        lab.init()
        lab.cli("tenant", "set", "password-grant=on")
        lab.cli("connector", "domain", "set", ad.DNS, "sign-in=on", "sync=on", f"seconds={SECONDS}")
        lab.serve()
        connector = hybrid_lab.connector(lab, dc)
        client = Client(lab, dc)
        soon(lambda: account(lab, dc.upn("alice")), "people are taken over")
        sign_ins(lab, dc, client)
        people_and_groups(lab, dc, client)
        below_a_base(lab, dc)
        disabled(lab, dc, client)
        nobody_to_ask(lab, dc, client, connector)
        with open(lab.path("serve.log"), encoding="utf-8", errors="replace") as f:
            log = f.read() + hybrid_lab.log_of(lab)
        must("-Pass-123" not in log, "no log knows a password")
        stored = run("grep", "-c", "-r", "Alice-Pass-123", lab.data, expect=None)
        must(stored.returncode == 1, f"nor does the store:\n{stored.stdout}")
