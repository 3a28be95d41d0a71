"""A real Active Directory: accounts made, taken over, refused and ended, joins judged by `net`, every reason of a password, changes; the connector's account can do nothing else."""
import base64
import os

import ad
from lab import TOUCHDOWN, LabError, say

PASSWORD = "Aa1." + "Zq7_" * 29
OTHERS = "Bb2." + "Yp8-" * 29


def must(condition, what):
    if not condition:
        raise LabError(f"not so: {what}")


def make(dc, name, ou=ad.OU, reuse="own", registration="reg-1", job="job-1", attempt=1, password=PASSWORD, blob=None, **more):
    return dc.probe("make", name, ou, reuse, registration, job, str(attempt), password, *([blob] if blob else []), **more)


def machine(dc, name, password, expect=0):
    """The machine's own ticket."""
    return dc.kinit(f"{name}$", password=password, cache=dc.path("machine.cc"), expect=expect)


def admin_computer(dc, name, ou, password=OTHERS):
    """An account that an administrator made."""
    secret = base64.b64encode(f'"{password}"'.encode("utf-16-le")).decode()
    dc.ldap("add", who=dc.admin, stdin=f"dn: CN={name},{ou}\nobjectClass: computer\nsAMAccountName: {name}$\nuserAccountControl: 4096\n"
            f"dNSHostName: {name.lower()}.{ad.DNS}\nservicePrincipalName: HOST/{name}\nunicodePwd:: {secret}\n")
    return f"CN={name},{ou}"


# --- the domain

def facts(dc):
    say("    facts are read, not configured")
    told = dc.probe("facts")
    domain = dc.find("(objectClass=domainDNS)", "objectSid", "objectGUID")
    must(told["sid"] == domain["objectsid"][0] and told["guid"] == domain["objectguid"][0], f"SID and GUID are the domain's: {told} {domain}")
    for key, value in (("dn", ad.BASE), ("dns", ad.DNS), ("netbios", ad.NETBIOS), ("forest", ad.DNS), ("realm", ad.REALM), ("dc", ad.HOST),
                       ("address", ad.IP), ("site", "Default-First-Site-Name"), ("clockGood", True)):
        must(told[key] == value, f"{key} is {value}: {told}")


def lines(dc, lab):
    """Whom it talks to, and what it says when it can't."""
    say("    the line: other roots, other names, plain, closed, hanging")
    foreign = lab.make_foreign_root()
    dc.probe("facts", options={"--ca": foreign}, expect="certificate")
    dc.probe("facts", options={"--url": f"ldaps://{ad.DNS}"}, expect="certificate")
    dc.probe("facts", options={"--url": f"ldaps://{ad.IP}"})
    dc.probe("facts", options={"--url": f"ldap://{ad.HOST}"}, expect="url")
    dc.probe("facts", options={"--url": f"ldaps://{ad.HOST}:637"}, expect="connect")
    dc.probe("facts", options={"--url": f"ldaps://nowhere.{ad.DNS}"}, expect="connect")
    dc.probe("facts", options={"--password": "Wrong-Pass-1"}, expect="bind")
    dc.freeze()
    try:
        dc.probe("facts", options={"--url": f"ldaps://{ad.IP}", "--seconds": "1"}, expect="connect")
    finally:
        dc.thaw()
    dc.stop()
    dc.probe("facts", options={"--url": f"ldaps://{ad.IP}"}, expect="connect")
    dc.resume()
    dc.probe("facts")


def tickets(dc):
    say("    a keytab instead of a password, sealed by Kerberos")
    cache = dc.path("connector.cc")
    dc.kinit(ad.CONNECTOR, keytab=dc.keytab, cache=cache)
    dc.run("kvno", "-q", f"ldap/{ad.HOST}", env={**dc.env, "KRB5CCNAME": f"FILE:{cache}"})
    by_ticket = {"--url": f"ldap://{ad.HOST}", "--user": None, "--password": None, "--ccache": f"FILE:{cache}"}
    make(dc, "PC-TICKET", registration="reg-t", options=by_ticket)
    machine(dc, "PC-TICKET", PASSWORD)
    dc.probe("facts", options={**by_ticket, "--ccache": "FILE:/nonexistent"}, expect="bind")


def checked(dc, lab):
    say("    `connector check` by password and by keytab, with no configuration of Kerberos on the machine")
    secret = lab.write("secret", dc.connector[1])
    by_password = f"url = {dc.url}\nca = {dc.ca}\nuser = {dc.connector[0]}\npassword-file = {secret}\n"
    by_keytab = f"url = ldap://{ad.HOST}\nca = {dc.ca}\nuser = {ad.CONNECTOR}\nkeytab = {dc.keytab}\n"
    bare = {k: v for k, v in os.environ.items() if not k.startswith("KRB5")}
    for words in (by_password, by_keytab):
        config = lab.write("connector.ini", f"[domain {ad.DNS}]\n{words}")
        good = dc.run(TOUCHDOWN, "connector", "check", "--config", config, "--ou", ad.OU, "--ou", ad.DEEP_OU, env=bare)
        must("WRONG" not in good.stdout and ad.DEEP_OU in good.stdout, f"all is well: {good.stdout}")
        bad = dc.run(TOUCHDOWN, "connector", "check", "--config", config, "--ou", ad.OTHER_OU, env=bare, expect=None)
        must(bad.returncode != 0 and "NoRight" in bad.stdout + bad.stderr, f"a unit without right is told: {bad.stdout}{bad.stderr}")


# --- accounts

def accounts(dc):
    say("    an account is made; `net` takes its blob and finds the join good")
    blob = dc.path("blob")
    made = make(dc, "PC-1", blob=blob)
    must(made["existed"] is False and made["dn"] == f"CN=PC-1,{ad.OU}", f"made in its unit: {made}")
    shown = dc.computer("PC-1")
    must(shown["objectguid"][0] == made["guid"] and shown["objectsid"][0] == made["sid"], "SID and GUID are told as they are")
    must(shown["description"] == ["Touchdown reg-1 job-1 1"], f"the account says who made it: {shown['description']}")
    must(sorted(shown["serviceprincipalname"]) == sorted(["HOST/PC-1", "HOST/pc-1.corp.test", "RestrictedKrbHost/PC-1",
                                                          "RestrictedKrbHost/pc-1.corp.test"]), f"four names: {shown['serviceprincipalname']}")
    machine(dc, "PC-1", PASSWORD)
    dc.testjoin("PC-1", blob)

    say("    taken over by a later attempt, and never by an earlier one")
    make(dc, "PC-1", attempt=2, password=OTHERS, blob=blob)
    machine(dc, "PC-1", PASSWORD, expect=1)
    machine(dc, "PC-1", OTHERS)
    dc.testjoin("PC-1", blob)
    make(dc, "PC-1", attempt=1, expect="Superseded")
    must(make(dc, "PC-1", job="job-2", attempt=1)["existed"] is True, "the device's own account is reused for its next deployment")
    make(dc, "PC-1", job="job-3", reuse="never", expect="NameTaken")
    make(dc, "PC-1", registration="reg-2", expect="NameTaken")
    machine(dc, "PC-1", PASSWORD)
    must(len(dc.ldap("search", "-b", ad.BASE, "(sAMAccountName=PC-1$)", "dn").stdout.split("dn:")) == 2, "there is one account of that name")

    say("    units and rights")
    make(dc, "PC-2", ou=f"OU=Nowhere,{ad.BASE}", expect="NoOu")
    make(dc, "PC-2", ou="OU=Autopilot,DC=other,DC=test", expect="NoOu")
    make(dc, "PC-2", ou="not a name", expect="NoOu")
    make(dc, "PC-2", ou=ad.OTHER_OU, expect="NoRight")
    make(dc, "PC-2", ou="", expect="NoRight")
    make(dc, "1234567", expect="NameInvalid")
    must(make(dc, "PC-2", ou=ad.DEEP_OU)["dn"] == f"CN=PC-2,{ad.DEEP_OU}", "the right holds below the unit")
    return made["guid"]


def taken_names(dc):
    say("    names that belong to others")
    admin_computer(dc, "PC-OTHER", ad.OTHER_OU)
    make(dc, "PC-OTHER", expect="NameTaken")
    raw = dc.ldap("add", expect=None, stdin=f"dn: CN=PC-OTHER,{ad.OU}\nobjectClass: computer\nsAMAccountName: PC-OTHER$\nuserAccountControl: 4096\n"
                  "servicePrincipalName: HOST/PC-OTHER\n")
    must(raw.returncode in (19, 68), f"the directory itself refuses the second of a name with 19 or 68: {raw.returncode} {raw.stderr}")
    theirs = admin_computer(dc, "PC-ADMIN", ad.OU)
    make(dc, "PC-ADMIN", expect="NameTaken")
    make(dc, "PC-ADMIN", reuse="any", expect="NoRight")
    machine(dc, "PC-ADMIN", OTHERS)
    must("description" not in dc.computer("PC-ADMIN"), "what was refused changed nothing")
    other = {"--user": f"{ad.SECOND}@{ad.DNS}", "--password": ad.SECOND_PASSWORD}
    must(make(dc, "PC-ADMIN", reuse="any", options=other)["dn"] == theirs, "with the rights of the second account it is taken over where it is")
    machine(dc, "PC-ADMIN", PASSWORD)
    make(dc, "DC1", reuse="any", options=other, expect="NameTaken")


def ends(dc, guid):
    say("    disabled, deleted, gone")
    must(dc.probe("find", guid)["enabled"], "it is enabled")
    dc.probe("disable", guid)
    must(not dc.probe("find", guid)["enabled"], "it is disabled")
    must("revoked" in machine(dc, "PC-1", PASSWORD, expect=1).stderr, "its ticket is refused")
    make(dc, "PC-1", job="job-4")
    machine(dc, "PC-1", PASSWORD)
    dc.probe("delete", guid)
    must(not dc.computer("PC-1"), "it is gone")
    for verb in ("find", "disable", "delete"):
        dc.probe(verb, guid, expect="account")
    controller = dc.find("(sAMAccountName=DC1$)", "objectGUID")["objectguid"][0]
    for verb in ("disable", "delete"):
        dc.probe(verb, controller, expect="Refused")
    person = dc.find("(sAMAccountName=alice)", "objectGUID")["objectguid"][0]
    dc.probe("delete", person, expect="account")
    theirs = dc.find("(sAMAccountName=PC-OTHER$)", "objectGUID")["objectguid"][0]
    dc.probe("disable", theirs, expect="NoRight")
    dc.probe("delete", theirs, expect="NoRight")


# --- people

def passwords(dc):
    say("    passwords: right, and every reason why not")
    alice, secret = dc.upn("alice"), dc.password("alice")
    known = dc.find("(sAMAccountName=alice)", "objectGUID", "objectSid")
    for name in (alice, alice.upper(), "CORP\\alice"):
        who = dc.probe("password", name, secret)
        must(who["guid"] == known["objectguid"][0] and who["sid"] == known["objectsid"][0] and who["sam"] == "alice", f"it is Alice: {who}")
    dc.probe("password", alice, "Wrong-Pass-1", expect="Wrong")
    dc.probe("password", alice, "", expect="Wrong")
    dc.probe("password", "nobody@corp.test", secret, expect="Wrong")
    dc.probe("password", "*@corp.test", secret, expect="Wrong")
    dc.disable("alice")
    dc.probe("password", alice, secret, expect="Disabled")
    dc.enable("alice")
    dc.probe("password", alice, secret)
    dc.must_change("bob")
    dc.probe("password", dc.upn("bob"), dc.password("bob"), expect="MustChange")
    dc.need_not_change("bob")
    dc.expire_account("dan")
    dc.probe("password", dc.upn("dan"), dc.password("dan"), expect="AccountExpired")
    dc.never("dan")
    eve, eves = dc.user("eve")
    dc.expire_password("eve")
    dc.probe("password", eve, eves, expect="PasswordExpired")
    nobody = base64.b64encode(bytes(21)).decode()
    dc.edit(dc.dn_of("dan"), "replace: logonHours", f"logonHours:: {nobody}")
    dc.probe("password", dc.upn("dan"), dc.password("dan"), expect="Hours")
    dc.lock("carol")
    dc.probe("password", dc.upn("carol"), dc.password("carol"), expect="Locked")
    dc.unlock("carol")
    dc.probe("password", dc.upn("carol"), dc.password("carol"))


def changes(dc):
    say("    changes: what is new, who left, whole groups")
    first = dc.probe("changed", "0")
    people = {o["sam"]: o for o in first[:-1]}
    at = str(first[-1]["to"])
    must({"alice", "bob", "carol", "dan", "Sales", "Everybody"} <= set(people), f"people and groups: {sorted(people)}")
    must(not {"Administrator", "krbtgt", "Domain Admins"} & set(people), "not those that every domain has of its own")
    must(not any(o["sam"].endswith("$") for o in first[:-1]), "computers are no people")
    must(set(people["Sales"]["members"]) == {people["alice"]["guid"], people["bob"]["guid"]}, "a group's members by their GUID")
    must(people["Sales"]["guid"] in people["Everybody"]["members"], "a group in a group")
    must(dc.probe("changed", at)["to"] >= int(at), "nothing has changed")
    dc.user("fay")
    dc.disable("bob")
    dc.tool("group", "removemembers", "Sales", "bob")
    dc.tool("user", "delete", "dan")
    told = dc.probe("changed", at)
    now = {o["sam"]: o for o in told[:-1]}
    must({"fay", "bob", "Sales"} <= set(now) and "alice" not in now, f"what changed and nothing else: {sorted(now)}")
    must(not now["bob"]["enabled"] and now["fay"]["enabled"], "who is disabled is told so")
    must(now["Sales"]["members"] == [people["alice"]["guid"]], "who left a group is no longer among its members")
    name, password = dc.admin
    seen = {o["guid"]: o for o in dc.probe("changed", at, options={"--user": name, "--password": password})[:-1]}
    must(seen.get(people["dan"]["guid"], {}).get("deleted"), "an account that may look into the bin is told who was deleted")
    must(people["dan"]["guid"] not in {o["guid"] for o in dc.probe("changed", "0")[:-1]}, "a full run does not name him any more")
    below = {o["sam"] for o in dc.probe("changed", "0", ad.PEOPLE_OU)[:-1]}
    must("alice" in below and "Sales" not in below and "odjsvc" not in below, f"below one unit: {sorted(below)}")
    dc.enable("bob")


# --- the connector's account can do nothing else

def ldif(dn, *words):
    return f"dn: {dn}\n" + "\n".join(words) + "\n"


def change(dn, kind, name, value):
    return ldif(dn, "changetype: modify", f"{kind}: {name}", f"{name}: {value}" if isinstance(value, str) else f"{name}:: {base64.b64encode(value).decode()}")


def forbidden(dc):
    """(what, LDIF): each would be more than making computers in the unit."""
    secret = '"Other-Pass-123"'.encode("utf-16-le")
    alice, theirs, controller = dc.dn_of("alice"), f"CN=PC-THEIRS,{ad.OU}", f"CN=DC1,OU=Domain Controllers,{ad.BASE}"
    policy = f"CN={{31B2F340-016D-11D2-945F-00C04FB984F9}},CN=Policies,CN=System,{ad.BASE}"
    me = dc.find(f"(sAMAccountName={ad.CONNECTOR})", "distinguishedName")["distinguishedname"][0]
    computer = ("objectClass: computer", "sAMAccountName: PC-BAD$")
    return [
        ("a user in the unit", ldif(f"CN=mallory,{ad.OU}", "objectClass: user", "sAMAccountName: mallory")),
        ("a user elsewhere", ldif(f"CN=mallory,{ad.PEOPLE_OU}", "objectClass: user", "sAMAccountName: mallory")),
        ("a group in the unit", ldif(f"CN=mallory,{ad.OU}", "objectClass: group", "sAMAccountName: mallory")),
        ("a unit in the unit", ldif(f"OU=mallory,{ad.OU}", "objectClass: organizationalUnit")),
        ("a contact in the unit", ldif(f"CN=mallory,{ad.OU}", "objectClass: contact")),
        ("a service's account in the unit", ldif(f"CN=mallory,{ad.OU}", "objectClass: msDS-GroupManagedServiceAccount", "sAMAccountName: mallory$",
                                                 "msDS-ManagedPasswordInterval: 30")),
        ("a computer elsewhere", ldif(f"CN=PC-BAD,{ad.OTHER_OU}", *computer, "userAccountControl: 4096")),
        ("a computer in the default container", ldif(f"CN=PC-BAD,CN=Computers,{ad.BASE}", *computer, "userAccountControl: 4096")),
        ("a domain controller", ldif(f"CN=PC-BAD,{ad.OU}", *computer, "userAccountControl: 532480")),
        ("a computer that may act for everybody", ldif(f"CN=PC-BAD,{ad.OU}", *computer, "userAccountControl: 528384")),
        ("somebody else's computer: its password", change(theirs, "replace", "unicodePwd", secret)),
        ("somebody else's computer: its description", change(theirs, "replace", "description", "mine")),
        ("somebody else's computer: disabled", change(theirs, "replace", "userAccountControl", "4098")),
        ("somebody else's computer: its names", change(theirs, "replace", "servicePrincipalName", "HOST/other")),
        ("somebody else's computer: who may act for it", change(theirs, "replace", "msDS-AllowedToActOnBehalfOfOtherIdentity", b"\1\0\4\x80" + bytes(16))),
        ("somebody else's computer: deleted", ldif(theirs, "changetype: delete")),
        ("somebody else's computer: moved", ldif(theirs, "changetype: modrdn", "newrdn: CN=PC-THEIRS", "deleteoldrdn: 1", f"newsuperior: {ad.OTHER_OU}")),
        ("the domain controller: its description", change(controller, "replace", "description", "mine")),
        ("the domain controller: its password", change(controller, "replace", "unicodePwd", secret)),
        ("a person's password", change(alice, "replace", "unicodePwd", secret)),
        ("a person's name", change(alice, "replace", "displayName", "Mallory")),
        ("a person disabled", change(alice, "replace", "userAccountControl", "514")),
        ("a person's other identities", change(alice, "replace", "altSecurityIdentities", "X509:<S>CN=mallory")),
        ("a person deleted", ldif(alice, "changetype: delete")),
        ("administrators: one more", change(f"CN=Domain Admins,CN=Users,{ad.BASE}", "add", "member", me)),
        ("a group's members", change(f"CN=Sales,CN=Users,{ad.BASE}", "add", "member", me)),
        ("its own restrictions", change(me, "replace", "userAccountControl", "66048")),
        ("its own names", change(me, "replace", "servicePrincipalName", "HOST/other")),
        ("a policy: its version", change(policy, "replace", "versionNumber", "99")),
        ("a policy: its folder", change(policy, "replace", "gPCFileSysPath", "\\\\other\\x")),
        ("a new policy", ldif(f"CN={{11111111-2222-3333-4444-555555555555}},CN=Policies,CN=System,{ad.BASE}", "objectClass: groupPolicyContainer")),
        ("a policy linked to the unit", change(ad.OU, "replace", "gPLink", f"[LDAP://{policy};0]")),
        ("a policy linked to the domain", change(ad.BASE, "replace", "gPLink", f"[LDAP://{policy};0]")),
        ("the unit's description", change(ad.OU, "replace", "description", "mine")),
        ("the unit deleted", ldif(ad.DEEP_OU, "changetype: delete")),
        ("the domain's quota", change(ad.BASE, "replace", "ms-DS-MachineAccountQuota", "9999")),
        ("the domain's lockout", change(ad.BASE, "replace", "lockoutThreshold", "0")),
        ("the schema", change(f"CN=Computer,CN=Schema,CN=Configuration,{ad.BASE}", "replace", "adminDescription", "mine")),
        ("a certificate authority that everybody trusts", ldif(f"CN=NTAuthCertificates,CN=Services,CN=Configuration,{ad.BASE}", "objectClass: container")),
    ]


def its_own(dc):
    """What it made is its own; that makes it no more than what it is: (what, LDIF, how the directory refuses)."""
    make(dc, "PC-OWN", registration="reg-o")
    own = f"CN=PC-OWN,{ad.OU}"
    return [
        ("trusted for everybody's tickets", change(own, "replace", "userAccountControl", "528384"), 50),
        ("trusted to speak for others", change(own, "replace", "userAccountControl", str(4096 + 0x1000000)), 50),
        ("a domain controller", change(own, "replace", "userAccountControl", "532480"), 50),
        ("the domain controller's service name", change(own, "add", "servicePrincipalName", f"HOST/{ad.HOST}"), 19),
        ("the domain controller's host name", change(own, "replace", "dNSHostName", ad.HOST), 19),
        ("the domain controller's account name", change(own, "replace", "sAMAccountName", "DC1"), 53),
        ("whom it may speak to for others", change(own, "replace", "msDS-AllowedToDelegateTo", f"HOST/{ad.HOST}"), 50),
        ("an administrator's past", change(own, "replace", "sIDHistory", b"\1\1\0\0\0\0\0\5\x20\0\0\0"), 50),
        ("administrators as its first group", change(own, "replace", "primaryGroupID", "512"), 50),
    ]


# Samba's own library writes the access list of an entry: ldapmodify can't say that it is the list alone.
GRANT = """import sys, ldb
from samba import credentials, param, samdb
from samba.dcerpc import security
from samba.ndr import ndr_pack
url, config, name, password, dn, sddl = sys.argv[1:]
lp = param.LoadParm(config)
c = credentials.Credentials()
c.guess(lp)
c.set_username(name)
c.set_password(password)
db = samdb.SamDB(url=url, credentials=c, lp=lp)
m = ldb.Message(ldb.Dn(db, dn))
list_alone = security.descriptor.from_sddl(sddl, security.dom_sid("S-1-5-21-1-2-3"))
m["x"] = ldb.MessageElement(ndr_pack(list_alone), ldb.FLAG_MOD_REPLACE, "nTSecurityDescriptor")
try:
    db.modify(m, ["sd_flags:1:4"])
except ldb.LdbError as e:
    sys.exit(e.args[0])
"""


def grant(dc, dn, sid, **more):
    """The connector's account gives itself every right; the directory's result."""
    return dc.run("/usr/bin/python3", "-c", GRANT, f"ldap://{ad.HOST}", dc.net_config(dc.path("grant"), "CONN"), ad.CONNECTOR, ad.CONNECTOR_PASSWORD, dn,
                  f"D:(A;;GA;;;{sid})", expect=None, **more)


SECRETS = ("unicodePwd", "ntPwdHistory", "lmPwdHistory", "dBCSPwd", "supplementalCredentials", "msDS-ManagedPassword", "clearTextPassword",
           "msFVE-RecoveryPassword", "msTPM-OwnerInformation", "unixUserPassword", "userPassword", "currentValue", "priorValue", "trustAuthIncoming")


def least_privilege(dc, lab):
    say("    the connector's account: everything else is refused")
    theirs = admin_computer(dc, "PC-THEIRS", ad.OU)
    key = "msFVE-RecoveryGuid:: " + base64.b64encode(bytes(range(16))).decode()
    dc.ldap("add", who=dc.admin, stdin=ldif(f"CN=key,{theirs}", "objectClass: msFVE-RecoveryInformation", key, "msFVE-RecoveryPassword: 111111-222222"))
    must("111111" in dc.ldap("search", "-b", theirs, "msFVE-RecoveryPassword", who=dc.admin).stdout, "an administrator reads the key of a disk")
    for what, text in forbidden(dc):
        verb = "modify" if "changetype:" in text else "add"
        done = dc.ldap(verb, stdin=text, expect=None)
        must(done.returncode == 50, f"{what} is refused for want of right (50): {done.returncode} {done.stderr}")
    for what, text, code in its_own(dc):
        done = dc.ldap("modify", stdin=text, expect=None)
        must(done.returncode == code, f"its own computer: {what} is refused with {code}: {done.returncode} {done.stderr}")
    for dn in (theirs, f"CN=PC-OWN,{ad.OU}"):  # what it created is narrowed: by itself it would read this of its own computers
        dc.edit(dn, "replace: msTPM-OwnerInformation", "msTPM-OwnerInformation: confidential")
        must("confidential" in dc.ldap("search", "-b", dn, "msTPM-OwnerInformation", who=dc.admin).stdout, "an administrator reads it")
    sid = dc.find(f"(sAMAccountName={ad.CONNECTOR})", "objectSid")["objectsid"][0]
    for dn in (theirs, ad.OU, dc.dn_of("alice"), ad.BASE):
        more = grant(dc, dn, sid)
        must(more.returncode == 50, f"it gives itself no right on {dn}: {more.returncode} {more.stderr}")
    shown = dc.ldap("search", "-b", ad.BASE, "(objectClass=*)", *SECRETS).stdout
    must("dn:" in shown, "it sees the tree")
    for name in SECRETS:
        must(f"\n{name.lower()}:" not in shown.lower(), f"it reads no {name}")
    must(all(not dc.computer(n) for n in ("PC-BAD",)) and not dc.find("(cn=mallory)", "dn"), "nothing of it was made")
    machine(dc, "PC-THEIRS", OTHERS)
    dc.probe("password", dc.upn("alice"), dc.password("alice"))

    say("    ... and in SYSVOL")
    note = lab.write("note", "x")
    base = f"\\{ad.DNS}\\Policies\\{{31B2F340-016D-11D2-945F-00C04FB984F9}}"
    for what in (f'put "{note}" "{base}\\GPT.INI"', f'put "{note}" "{base}\\new"', f'mkdir "\\{ad.DNS}\\Policies\\new"', f'del "{base}\\GPT.INI"'):
        said = dc.run("smbclient", f"//{ad.HOST}/sysvol", "-s", dc.net_config(dc.path("smb"), "CONN"), "-U", f"{ad.CONNECTOR}%{ad.CONNECTOR_PASSWORD}", "-c", what,
                      expect=None)
        must("ACCESS_DENIED" in said.stdout + said.stderr, f"{what} is refused: {said.stdout}{said.stderr}")
    config = os.path.join(dc.path("lib"), "sysvol", ad.DNS, "Policies", "{31B2F340-016D-11D2-945F-00C04FB984F9}", "GPT.INI")
    must(os.path.exists(config), "the policy's file is there as before")


def scenario(lab):
    with ad.Domain() as dc:
        facts(dc)
        tickets(dc)
        checked(dc, lab)
        guid = accounts(dc)
        taken_names(dc)
        ends(dc, guid)
        passwords(dc)
        changes(dc)
        least_privilege(dc, lab)
        lines(dc, lab)
