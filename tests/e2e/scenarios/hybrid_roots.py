"""A blob brings the roots that the forest trusts, read by a connector of little right: the computer trusts them with its domain, and no more without it."""
import json
import os

import ad
import hybrid_lab
import lab as laboratory
from lab import LabError, run

PLACE = f"CN=Certification Authorities,CN=Public Key Services,CN=Services,CN=Configuration,{ad.BASE}"
ROOT = "Corp Enterprise Root"


def must(condition, what):
    if not condition:
        raise LabError(f"not so: {what}")


def authority(lab, dc):
    """An enterprise authority as the domain's certificate service publishes one."""
    der = lab.path("root.der")
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", f"/CN={ROOT}",
        "-keyout", lab.path("root.key"), "-out", der, "-outform", "DER")
    dc.ldap("add", who=dc.admin, stdin=f"dn: CN={ROOT},{PLACE}\nobjectClass: certificationAuthority\ncACertificate:< file://{der}\n"
            "authorityRevocationList:: AA==\ncertificateRevocationList:: AA==\n")


def shown(lab):
    return json.loads(run(laboratory.DEVICE, "show", "--state", lab.path("device"), "--json").stdout)


def scenario(lab):
    with ad.Domain() as dc:
        lab.enter(dc)
        authority(lab, dc)
        lab.init()
        lab.serve()
        hybrid_lab.configure(lab)
        hybrid_lab.connector(lab, dc, more="roots = yes\n")
        serial = lab.register()
        hybrid_lab.run_device(lab, dc)
        pc = shown(lab)
        must(any(ROOT in name for name in pc["trustedRoots"]), f"the forest's root is trusted: {pc['trustedRoots']}")
        must(os.stat(lab.path("device", "domain.roots.pem")).st_mode & 0o777 == 0o600, "its file is the device's alone")
        told = json.loads(run(laboratory.DEVICE, "domain", "--state", lab.path("device"), "--json").stdout)
        must(told["roots"] == "1", f"the blob says so: {told}")
        dc.testjoin(pc["computerName"], lab.path("device", "odj.txt"))  # another reader is not disturbed by the part
        lab.cli("device", "action", "wipe", serial, "--reason", "sold")
        dc.run(laboratory.DEVICE, "sync", "--state", lab.path("device"), "--pace", "60")
        after = shown(lab)
        must(after["domain"] is None and not any(ROOT in name for name in after.get("trustedRoots") or []), f"gone with the domain: {after}")
