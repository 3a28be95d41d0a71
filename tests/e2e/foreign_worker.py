"""A connector of another make: docs/protocol/connector.md by curl and openssl, the directory by OpenLDAP's tools, accounts and blobs by Samba's `net`.

    c = foreign_worker.Connector(lab, dc, "foreign")
    c.register(code), c.hello()
    with c.serving():                      # four calls wait; what is asked is done, and kept in c.seen
        ...
    status, answer = c.call("result", {...})

Nothing here shares a line with src/connector or src/api/connector. What a piece of work brings is judged as it comes in."""
import base64
import contextlib
import json
import os
import re
import threading
import time
import uuid

import ad
from foreign_pc import b64, must, un64url
from lab import LabError, run

MEMBERS = {"join": {"name", "ou", "reuse", "registration", "job"}, "disable": {"accountGuid", "name"}, "delete": {"accountGuid", "name"},
           "password": {"upn", "secret"}, "computer": {"accountGuid"}}
ROOM = 4  # calls that wait


class Refused(Exception):
    """What the directory says no to: a reason's name, and a detail."""

    def __init__(self, reason, detail=""):
        super().__init__(reason)
        self.reason, self.detail = reason, detail


# --- a compact JWE, RSA-OAEP-256 and A256GCM: openssl has the ciphers, the tag is counted by hand (NIST SP 800-38D)

def block(key, octets):
    return run("openssl", "enc", "-aes-256-ecb", "-nopad", "-K", key.hex(), input=octets, text=False).stdout


def ghash(h, *parts):
    h, y = int.from_bytes(h, "big"), 0
    text = b"".join(p + bytes(-len(p) % 16) for p in parts) + b"".join((8 * len(p)).to_bytes(8, "big") for p in parts)
    for at in range(0, len(text), 16):
        x, v, y = y ^ int.from_bytes(text[at:at + 16], "big"), h, 0
        for bit in range(127, -1, -1):
            y ^= v if x >> bit & 1 else 0
            v = v >> 1 ^ (0xE1 << 120 if v & 1 else 0)
    return y.to_bytes(16, "big")


def open_jwe(text, key_file):
    """(header, clear octets)."""
    parts = text.split(".")
    must(len(parts) == 5 and all(parts[:3]), "a compact JWE has five parts")
    header = json.loads(un64url(parts[0]))
    must(header["alg"] == "RSA-OAEP-256" and header["enc"] == "A256GCM", f"its algorithms: {header}")
    wrapped, iv, sealed, tag = (un64url(p) for p in parts[1:])
    key = run("openssl", "pkeyutl", "-decrypt", "-inkey", key_file, "-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256", "-pkeyopt",
              "rsa_mgf1_md:sha256", input=wrapped, text=False).stdout
    must(len(key) == 32 and len(iv) == 12 and len(tag) == 16, "key, nonce and tag have the sizes of A256GCM")
    clear = run("openssl", "enc", "-d", "-aes-256-ctr", "-K", key.hex(), "-iv", (iv + b"\0\0\0\2").hex(), input=sealed, text=False).stdout
    mask = block(key, iv + b"\0\0\0\1")
    counted = bytes(a ^ b for a, b in zip(mask, ghash(block(key, bytes(16)), parts[0].encode(), sealed)))
    must(counted == tag, "the tag is over header and text")
    return header, clear


# --- what a directory tells

def sid_text(raw):
    parts = [int.from_bytes(raw[at:at + 4], "little") for at in range(8, 8 + 4 * raw[1], 4)]
    return "-".join(["S", str(raw[0]), str(int.from_bytes(raw[2:8], "big")), *map(str, parts)])


def ldif(text):
    """Objects of ldapsearch: {name: [octets]}, names in lower case."""
    objects = []
    for block_ in re.split(r"\n\n+", text.strip()):
        one = {}
        for line in block_.splitlines():
            name, colon, value = line.partition(":")
            if colon and not line.startswith("#"):
                one.setdefault(name.lower(), []).append(base64.b64decode(value[1:]) if value.startswith(":") else value.strip().encode())
        if "dn" in one:
            objects.append(one)
    return objects


def word(one, name):
    return one.get(name, [b""])[0].decode()


class Connector:
    def __init__(self, lab, dc, name):
        self.lab, self.dc, self.name = lab, dc, name
        self.seen, self.faults, self.id, self.stopping = [], [], None, False
        self.twist = None  # (work, body) -> another body to send, or None for the same
        self.domains = [{"domain": ad.DNS, "netbios": ad.NETBIOS, "dc": ad.HOST, "site": "", "problem": "", "detail": ""}]
        self.make_keys()

    def file(self, what):
        return self.lab.path(f"{self.name}.{what}")

    def make_keys(self):
        """A certificate that names nobody and has run out: its key alone counts."""
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/O=Nobody", "-keyout", self.file("key"), "-out",
            self.file("csr"))
        run("openssl", "x509", "-req", "-in", self.file("csr"), "-signkey", self.file("key"), "-days", "-1", "-out", self.file("crt"))
        run("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072", "-out", self.file("rsa"))

    def encryption_key(self, key=None):
        return b64(run("openssl", "pkey", "-in", key or self.file("rsa"), "-pubout", "-outform", "DER", text=False).stdout)

    # --- calls

    def call(self, what, body, pair=None, method="POST", patience=40):
        """Status and answer. pair: (certificate, key), or () for none."""
        crt, key = pair if pair else (self.file("crt"), self.file("key"))
        shown = [] if pair == () else ["--cert", crt, "--key", key]
        body = json.dumps(body) if isinstance(body, dict) else body
        done = self.dc.run("curl", "-s", "-m", patience, "--cacert", self.lab.ca, *shown, "-X", method, "-H", "Content-Type: application/json", "-H", "Expect:",
                           "--data-binary", "@-", "-w", "\n%{http_code} %{content_type}", f"{self.lab.url}/connector/{what}", input=body, expect=None)
        if done.returncode != 0:
            raise LabError(f"curl {what}: {done.returncode} {done.stderr}")
        text, _, tail = done.stdout.rpartition("\n")
        status, _, kind = tail.partition(" ")
        must(kind.split(";")[0] == ("application/json" if status == "200" else "application/problem+json"), f"{what} answers with JSON: {tail} {text[:200]}")
        return int(status), json.loads(text)

    def good(self, what, body):
        status, answer = self.call(what, body)
        must(status == 200, f"{what}: {status} {answer}")
        return answer

    def refused(self, what, body, status, field=None, **more):
        """An error as the document has it."""
        found, answer = self.call(what, body, **more)
        must(found == status, f"{what} is refused with {status}: {found} {answer} for {str(body)[:200]}")
        must(answer.get("detail") and answer.get("remedy") and answer.get("field"), f"it names field, detail and remedy: {answer}")
        must(field is None or answer["field"] == field, f"the field is {field}: {answer}")
        return answer

    def register(self, code):
        answer = self.good("register", {"code": code, "name": self.name, "version": "foreign/1", "encryptionKey": self.encryption_key(), "tomorrow": [1]})
        must(set(answer) >= {"id", "name", "tenantId"}, f"who it is: {answer}")
        self.id = answer["id"]
        return answer

    def hello(self, domains=None):
        answer = self.good("hello", {"version": "foreign/1", "domains": self.domains if domains is None else domains, "tomorrow": {}})
        must(answer["id"] == self.id, f"its own identifier: {answer}")
        return {d["domain"]: d for d in answer["domains"]}

    # --- working

    @contextlib.contextmanager
    def serving(self):
        self.stopping = False
        threads = [threading.Thread(target=self.loop, daemon=True) for _ in range(ROOM)]
        for t in threads:
            t.start()
        try:
            yield self
        finally:
            self.stopping = True
            with contextlib.suppress(LabError):
                self.hello([])  # whose domains change is answered at once
            for t in threads:
                t.join(30)
        must(not self.faults, f"the connector met nothing that is not in its document: {self.faults}")

    def loop(self):
        while not self.stopping:
            try:
                for work in self.good("work", {"free": 2})["work"]:
                    self.do(work)
            except (LabError, KeyError, ValueError, OSError) as e:
                if not self.stopping:
                    self.faults.append(f"{type(e).__name__}: {e}")
                    time.sleep(1)

    def do(self, work):
        kind = work["kind"]
        must(set(work) == {"id", "attempt", "kind", "domain"} | MEMBERS[kind], f"the members of {kind}: {sorted(work)}")
        must(work["domain"] == ad.DNS and isinstance(work["attempt"], int), f"of our domain: {work}")
        must((work["attempt"] == 0) == (kind in ("password", "computer")), f"0 for questions alone: {work['attempt']} {kind}")
        head = {"id": work["id"], "attempt": work["attempt"]}
        try:
            body = {**head, "result": getattr(self, kind)(work)}
        except Refused as e:
            body = {**head, "error": {"reason": e.reason, "detail": e.detail}}
        changed = self.twist(work, body) if self.twist else None
        status, answer = self.call("result", changed or body)
        self.seen.append((work, changed or body, status, answer))

    def of(self, kind):
        return [s for s in self.seen if s[0]["kind"] == kind]

    # --- the directory, by others' tools

    def search(self, base, what, *attrs, scope="sub"):
        done = self.dc.ldap("search", "-b", base, "-s", scope, what, *attrs, expect=None)
        if done.returncode == 32:
            return []
        must(done.returncode == 0, f"ldapsearch: {done.stderr}")
        return ldif(done.stdout)

    def account(self, name):
        found = self.search(ad.BASE, f"(sAMAccountName={name}$)", "objectGUID", "objectSid", "description")
        return found[0] if found else None

    def by_guid(self, guid, *attrs):
        found = self.search(f"<GUID={guid}>", "(objectClass=*)", *attrs, scope="base")
        return found[0] if found else None

    def join(self, work):
        """`net` makes account and blob; whose it is stands in the description."""
        must(work["ou"] == ad.OU and work["reuse"] in ("never", "own", "any") and work["attempt"] >= 1, f"a join as the item has it: {work}")
        must(re.fullmatch(r"SALES-[A-Z0-9]{6}", work["name"]), f"its name: {work['name']}")
        there = self.account(work["name"])
        mine = f"Touchdown {work['registration']} {work['job']} "
        own = there and (word(there, "description").startswith(mine)
                         or work["reuse"] != "never" and word(there, "description").startswith(f"Touchdown {work['registration']} "))
        if there and not own and work["reuse"] != "any":
            raise Refused("NameTaken", f"{work['name']} is there")
        file = self.file(work["name"] + ".odj")
        user, secret = ad.CONNECTOR, ad.CONNECTOR_PASSWORD
        config = self.dc.net_config(self.dc.path(self.name + ".net", work["name"]), "CONNECTOR")
        self.dc.net("offlinejoin", "provision", f"--configfile={config}", "-U", f"{user}%{secret}", f"domain={ad.REALM}", f"machine_name={work['name']}",
                    f"machine_account_ou={work['ou']}", f"dcname={ad.HOST}", *(["reuse"] if there else []), f"savefile={file}")
        made = self.account(work["name"])
        dn = word(made, "dn")
        verb = "replace" if there else "add"
        self.dc.ldap("modify", stdin=f"dn: {dn}\nchangetype: modify\n{verb}: description\ndescription: {mine}{work['attempt']}\n")
        with open(file, "rb") as f:
            blob = f.read().decode("utf-16").rstrip("\0")
        os.unlink(file)
        return {"accountGuid": str(uuid.UUID(bytes_le=made["objectguid"][0])), "accountSid": sid_text(made["objectsid"][0]), "accountDn": dn,
                "existed": there is not None, "blob": blob}

    def disable(self, work):
        one = self.by_guid(work["accountGuid"], "userAccountControl", "sAMAccountName")
        if one is None:
            return {}
        must(word(one, "samaccountname") == work["name"] + "$", f"the name of the account: {work['name']}")
        flags = int(word(one, "useraccountcontrol")) | 2
        self.dc.ldap("modify", stdin=f"dn: {word(one, 'dn')}\nchangetype: modify\nreplace: userAccountControl\nuserAccountControl: {flags}\n")
        return {}

    def delete(self, work):
        one = self.by_guid(work["accountGuid"], "1.1")
        if one is not None and self.dc.ldap("delete", word(one, "dn"), expect=None).returncode != 0:
            raise Refused("NoRight", "may not be deleted")
        return {}

    def password(self, work):
        header, secret = open_jwe(work["secret"], self.file("rsa"))
        must(header["id"] == work["id"] and header["aud"] == self.id, f"the secret is for this question and this connector: {header}")
        bound = self.dc.ldap("search", "-b", "", "-s", "base", "1.1", who=(work["upn"], secret.decode()), expect=None)
        if bound.returncode == 49:
            code = re.search(r"data ([0-9a-f]+)", bound.stderr + bound.stdout)
            raise Refused({"533": "Disabled", "773": "MustChange", "532": "PasswordExpired", "701": "AccountExpired", "775": "Locked"}.get(
                code and code[1], "Wrong"))
        if bound.returncode != 0:
            raise Refused("NoDc", bound.stderr.strip())
        one = self.search(ad.BASE, f"(userPrincipalName={work['upn']})", "objectGUID", "objectSid", "sAMAccountName", "displayName", "cn", "mail")[0]
        return {"guid": str(uuid.UUID(bytes_le=one["objectguid"][0])), "sid": sid_text(one["objectsid"][0]), "upn": work["upn"],
                "sam": word(one, "samaccountname"), "name": word(one, "displayname") or word(one, "cn"), "mail": word(one, "mail")}

    def computer(self, work):
        one = self.by_guid(work["accountGuid"], "objectSid", "userAccountControl", "userCertificate")
        if one is None:
            raise Refused("NotRegistered", "no such account")
        keys = [k for k in one if k.startswith("usercertificate")]
        return {"accountSid": sid_text(one["objectsid"][0]), "enabled": not int(word(one, "useraccountcontrol")) & 2,
                "certificates": [b64(c) for k in keys for c in one[k]]}

    # --- people

    def people(self):
        """All people and groups below the base, as objects of a run."""
        found = self.search(ad.BASE, "(|(&(objectCategory=person)(objectClass=user))(objectClass=group))", "*")
        guids = {word(o, "dn").lower(): str(uuid.UUID(bytes_le=o["objectguid"][0])) for o in found}
        return [self.person(o, guids) for o in found]

    def person(self, o, guids):
        group = b"group" in o["objectclass"]
        sam = word(o, "samaccountname")
        one = {"guid": guids[word(o, "dn").lower()], "sid": sid_text(o["objectsid"][0]), "sam": sam, "name": word(o, "displayname") or word(o, "cn"),
               "mail": word(o, "mail"), "deleted": False}
        if group:
            members = [guids[m.decode().lower()] for m in o.get("member", []) if m.decode().lower() in guids]
            return {**one, "kind": "group", "upn": "", "enabled": True, "security": int(word(o, "grouptype")) < 0, "members": members}
        return {**one, "kind": "user", "upn": word(o, "userprincipalname") or f"{sam}@{ad.DNS}", "enabled": not int(word(o, "useraccountcontrol")) & 2,
                "security": False, "members": []}
