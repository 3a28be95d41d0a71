"""A device that Samba's own tool provisioned lists the group policies that apply to it, in order, with the reasons of the others and the versions of their files."""
import json
import os

import ad
import lab as laboratory
from lab import LabError, say

NAME = "PC-0001"


def must(condition, what):
    if not condition:
        raise LabError(f"not so: {what}")


class Policies:
    """Group policies of the domain, by samba-tool, and what it has no word for by LDAP and in the share."""

    def __init__(self, dc):
        self.dc, self.made = dc, {}

    def tool(self, *words):
        name, password = self.dc.admin
        return self.dc.run("samba-tool", "gpo", *words, "-H", f"ldap://{ad.HOST}", "-U", f"{name}%{password}").stdout

    def make(self, name, *places, version=1, file=None):
        """One at each place: (dn, *options of setlink)."""
        guid = self.tool("create", name).split("created as ")[1].strip()
        self.made[name] = guid
        for place, *options in places:
            self.tool("setlink", place, guid, *options)
        self.version(name, version, version if file is None else file)

    def dn(self, name):
        return f"CN={self.made[name]},CN=Policies,CN=System,{ad.BASE}"

    def version(self, name, version, file):
        self.dc.edit(self.dn(name), "replace: versionNumber", f"versionNumber: {version}")
        folder = self.dc.path("lib", "sysvol", ad.DNS, "Policies", self.made[name])
        ini = [f for f in os.listdir(folder) if f.lower() == "gpt.ini"][0]
        with open(os.path.join(folder, ini), "w", encoding="ascii", newline="") as f:
            f.write(f"[General]\r\nVersion={file}\r\n")

    def deny(self, name, who):
        """Apply Group Policy is refused to somebody: a security filter."""
        sid = self.dc.find(f"(sAMAccountName={who})", "objectSid")["objectsid"][0]
        self.dc.tool("dsacl", "set", f"--objectdn={self.dn(name)}", f"--sddl=(OD;;CR;edacfd8f-ffb3-11d1-b41d-00a0c968f939;;{sid})")


def device(lab, dc, *words, expect=0, env=()):
    done = dc.run("env", *env, laboratory.DEVICE, "domain", "--state", lab.path("device"), *words, expect=expect)
    say(done.stdout.rstrip())
    return done.stdout


def lines(out):
    """(number or "-", name, rest) of each policy."""
    rows = [line.split(None, 2)[1:] for line in out.splitlines() if line.startswith("gpo ")]
    return [(number.rstrip("."), *rest.split(" (", 1)) for number, rest in rows]


def named(out):
    return [f"{number} {name}" for number, name, _ in lines(out)]


def join(lab, dc):
    """Samba makes account and blob; our device takes it, and hands it on unchanged: Samba's own client joins by it."""
    config = dc.net_config(dc.path("provision"), "MAKER")
    blob = lab.path("samba.djoin")
    dc.net("offlinejoin", "provision", f"--configfile={config}", "-U", f"{ad.CONNECTOR}%{ad.CONNECTOR_PASSWORD}", f"domain={ad.REALM}",
           f"machine_name={NAME}", f"machine_account_ou={ad.DEEP_OU}", f"dcname={ad.HOST}", f"savefile={blob}")
    said = device(lab, dc, "--blob", blob, "--take", "--djoin", lab.path("again.djoin"))
    must(f"offline domain join applied: {NAME} in {ad.DNS}" in said, "the device took Samba's blob")
    dc.kinit(NAME + "$", keytab=lab.path("device", "machine.keytab"), cache=dc.path("pc.cc"))
    dc.testjoin(NAME, lab.path("again.djoin"))


def scenario(lab):
    with ad.Domain() as dc:
        lab.enter(dc)
        os.makedirs(lab.path("device"), exist_ok=True)
        join(lab, dc)
        gpo = Policies(dc)
        gpo.make("Domain one", (ad.BASE,), version=3)
        gpo.make("Domain must", (ad.BASE, "--enforce"), version=0x20003)
        gpo.make("Unit one", (ad.OU,), version=7, file=4)
        gpo.make("Unit off", (ad.OU, "--disable"))
        gpo.make("Filtered", (ad.OU,))
        gpo.make("Deep one", (ad.DEEP_OU,))
        gpo.make("People only", (ad.DEEP_OU,))
        gpo.make("Nothing yet", (ad.DEEP_OU,), version=0)
        gpo.make("Elsewhere", (ad.OTHER_OU,))
        gpo.deny("Filtered", "Domain Computers")
        dc.edit(gpo.dn("People only"), "replace: flags", "flags: 2")
        out = device(lab, dc, "--policies")
        must("Elsewhere" not in out, "what is linked elsewhere is not its business")
        order = [n for n in named(out) if n != "- Default Domain Policy"]
        default = [n for n in order if "Default Domain Policy" in n]
        must(len(default) == 1, f"the domain's first policy is there: {order}")
        plain = [n.split(" ", 1)[1] for n in order if not n.startswith("-") and "Default" not in n]
        # of two at one place the one that was linked last has the first link: it is applied first, and the older one wins
        must(plain == ["Domain one", "Unit one", "Nothing yet", "Deep one", "Domain must"], f"the order of application: {plain}")
        judge = gpo.tool("list", NAME + "$")
        others = {line.strip().split(" {")[0].strip() for line in judge.splitlines() if "{" in line}
        must(others == {*plain, "Default Domain Policy", "Filtered", "People only"},
             f"Samba's own list, which takes it for a person and looks at the right to read alone: {judge}")
        must([n.split(" ", 1)[0] for n in order if not n.startswith("-")] == [str(i) for i in range(1, len(plain) + 2)], "numbered")
        rest = {name: why for number, name, why in lines(out) if number == "-"}
        must("security filter" in rest["Filtered"] and "switched off" in rest["Unit off"] and "for computers is switched off" in rest["People only"],
             f"reasons: {rest}")
        told = {name: what for _, name, what in lines(out)}
        must("version 7 in the directory, 4 in its file: not replicated yet" in told["Unit one"], told["Unit one"])
        must(told["Domain must"].startswith(f"{ad.BASE}, enforced): version {0x20003}"), told["Domain must"])
        must("holds nothing for computers" in told["Nothing yet"], told["Nothing yet"])
        with open(lab.path("device", "state.json"), encoding="utf-8") as f:
            kept = json.loads(json.load(f)["domain.gpos"])
        must([k["name"] for k in kept if k["applies"]][-1] == "Domain must" and len(kept) == len(lines(out)), "kept as it was said")
        must({k["name"]: k["fileVersion"] for k in kept}["Unit one"] == 4, "with the version of the file")

        say("--- inheritance blocked at the computer's own unit: only what is enforced comes down")
        gpo.tool("setinheritance", ad.DEEP_OU, "block")
        out = device(lab, dc, "--policies")
        must([n.split(" ", 1)[1] for n in named(out) if not n.startswith("-")] == ["Nothing yet", "Deep one", "Domain must"], f"blocked: {named(out)}")

        say("--- a machine without smbclient lists them all the same")
        os.makedirs(lab.path("empty"))
        out = device(lab, dc, "--policies", env=[f"PATH={lab.path('empty')}"])
        must("its file was not read" in out and "Install the package smbclient" in out and "Deep one" in out, "and says what is missing")

        say("--- no domain controller")
        dc.stop()
        out = device(lab, dc, "--policies", expect=1)
        must("policies of the domain were not read" in out, "it is told")
