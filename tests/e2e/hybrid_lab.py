"""A tenant whose Sales PCs join a domain: its profile and item, connectors near the domain, PCs of its people.

    with ad.Domain() as dc:
        lab.enter(dc)
        lab.init(); lab.serve()
        hybrid_lab.configure(lab)                    # profile, domain-join item, the domain judges its people's passwords
        hybrid_lab.connector(lab, dc)                # one registers and is heard of
        lab.register(); hybrid_lab.run_device(lab, dc)"""
import os

import ad
import lab as laboratory
from lab import wait_for

PROFILE = {
    "displayName": "Sales PCs in the domain",
    "joinType": "hybrid",
    "outOfBoxExperienceSettings": {"deviceUsageType": "singleUser", "userType": "administrator", "hideEULA": True, "hidePrivacySettings": True,
                                   "hideEscapeLink": True, "skipKeyboardSelectionPage": True},
}
JOIN = {"kind": "domain-join", "domain": ad.DNS, "organizationalUnit": ad.OU, "namePrefix": "SALES-", "nameRandom": 6}


def configure(lab, profile=None, join=None, everybody=False):
    """profile, join: members laid over PROFILE and JOIN."""
    lab.cli("group", "add", "Sales", "--rule", f'(device.devicePhysicalIds -any _ -eq "[OrderID]:{laboratory.TAG}")')
    lab.cli("profile", "add", "hybrid", "--file", lab.write("hybrid.json", {**PROFILE, **(profile or {})}))
    lab.cli("profile", "assign", "hybrid", "--group", "Sales")
    lab.cli("policy", "add", "join", "--file", lab.write("join.json", {**JOIN, **(join or {})}))
    lab.cli("policy", "assign", "join", *(["--all-devices"] if everybody else ["--group", "Sales"]))
    lab.cli("connector", "domain", "set", ad.DNS, "sign-in=on", f"upn-suffix={ad.DNS}")


def config(lab, dc, name, user=None, password=None, keytab=None, url=None, more=""):
    """A connector's configuration; by password unless a keytab is given; more: lines of the domain."""
    own, secret = dc.connector
    words = [f"[connector]\nname = {name}\nserver = {lab.url}\nca = {lab.ca}\nstate = {lab.path(name)}\n",
             f"[domain {ad.DNS}]\nurl = {url or dc.url}\nca = {dc.ca}\n"]
    if keytab:
        words.append(f"user = {user or ad.CONNECTOR}\nkeytab = {keytab}\n")
    else:
        file = lab.write(f"{name}.password", password or secret)
        os.chmod(file, 0o600)
        words.append(f"user = {user or own}\npassword-file = {file}\n")
    return lab.write(f"{name}.ini", "".join(words) + more)


def shown(lab, name):
    found = [c for c in lab.cli("connector", "list", "--json")["connectors"] if c["name"] == name]
    return found[0] if found else {}


def connector(lab, dc, name="near", bound=(), **how):
    """Registers one, bound to domains or not, and waits until it is heard of; its process."""
    code = lab.cli("connector", "add", name, *[f"--domain={d}" for d in bound], "--json")["code"]
    file = lab.write(f"{name}.code", code)
    os.chmod(file, 0o600)
    p = dc.start(lab.path(f"{name}.log"), laboratory.TOUCHDOWN, "connector", "run", "--config", config(lab, dc, name, **how), "--code-file", file)
    wait_for(lambda: shown(lab, name).get("state") in ("active", "failing"), 20, f"connector {name} is heard of", lambda: p.poll() is None)
    return p


def restart(lab, dc, process, name="near"):
    """The same connector once more: one that waits for a service which was away asks again at once."""
    laboratory.end(process)
    return dc.start(lab.path(f"{name}.log"), laboratory.TOUCHDOWN, "connector", "run", "--config", lab.path(f"{name}.ini"))


def log_of(lab, name="near"):
    with open(lab.path(f"{name}.log"), encoding="utf-8", errors="replace") as f:
        return f.read()


def answers(lab, dc, who="alice", password=None):
    """What a person of the domain types."""
    file = lab.write(f"{who}.password", password or dc.password(who))
    os.chmod(file, 0o600)
    return {"user": dc.upn(who), "password": "@" + file}


def run_device(lab, dc, who="alice", password=None, **more):
    return lab.run_device(answers=answers(lab, dc, who, password), alone=True, **more)
