"""Ctrl+Win+R at the lock screen: allowed by policy, by an administrator of the PC alone; what users left goes, the rest stays, ready again."""
import contoso
import lab as laboratory
import matrix
from lab import run, say
from matrix import compare, events, holds, must, oem, ready_again, same, shown, traces, use

HELPER = "helper"
POLICY = {"kind": "policy", "settings": [{"policy": "CredentialProviders/DisableAutomaticReDeploymentCredentials", "value": 0}]}
SECOND = f"grace@{laboratory.TENANT}"


def local_administrator(lab):
    account = f"./Device/Vendor/MSFT/Accounts/Users/{HELPER}"
    return {"kind": "policy", "track": False, "settings": [
        {"uri": f"{account}/Password", "value": lab.password, "operation": "add", "format": "chr"},
        {"uri": f"{account}/LocalUserGroup", "value": 2, "operation": "add", "format": "int"}]}


def add(lab, name, item):
    lab.cli("policy", "add", name, "--file", lab.write(f"{name}.json", item))
    lab.cli("policy", "assign", name, "--all-devices")


def reset(lab, administrator=HELPER, password=None, user=laboratory.USER, expect=0, more=()):
    argv = [laboratory.DEVICE, "reset", "--state", lab.path("device"), "--pace", "60", "--timeout", "300",
            "--answer", f"administrator={administrator}", "--answer", f"administrator-password={password or lab.password}",
            "--answer", f"user={user}", "--answer", f"password=@{lab.password_file}", *more]
    return run(*argv, expect=expect, timeout=300).stdout


def refused(lab):
    """Off by default, told why; then nobody but an administrator of this PC, with the right password."""
    before = holds(lab)
    out = reset(lab, expect=1)
    must("DisableAutomaticReDeploymentCredentials" in out, f"the policy that forbids it is named: {out}")
    must(same(holds(lab), before), "a refused reset changes nothing")
    add(lab, "reset-allowed", POLICY)
    run(laboratory.DEVICE, "sync", "--state", lab.path("device"))
    before = holds(lab)
    must("failed" in reset(lab, password="not-the-one", expect=1), "a wrong password is refused")
    must("administrator" in reset(lab, administrator=laboratory.USER, expect=1), "a standard user is refused")
    must(same(holds(lab), before), "a refused sign-in changes nothing")


def only_as_primary_user(lab, after, user):
    """The primary user stays who it was: management says so in its own nodes, and nothing else knows the name any more."""
    must(traces(lab, user) == ["csp.json"], f"one file at most knows {user}: {traces(lab, user)}")
    names = [k for part in after["holds"].values() for k, v in part.items() if user in k + v]
    must(all(k.endswith(("/UPN", "/LocalUsersAndGroups/Configure")) for k in names), f"{user} is named by management alone: {names}")


def by_its_user(lab):
    """A user who is an administrator of the PC: the directory judges the password, and nobody takes the device over by it."""
    oobe = dict(contoso.PROFILE["outOfBoxExperienceSettings"], userType="administrator")
    lab.cli("group", "add", "Admins", "--rule", '(device.devicePhysicalIds -any _ -eq "[OrderID]:ADMINS")')
    lab.cli("profile", "add", "admins", "--file", lab.write("admins.json", dict(
        contoso.PROFILE, displayName="Admins' laptops", outOfBoxExperienceSettings=oobe)))
    lab.cli("profile", "assign", "admins", "--group", "Admins")
    hardware = oem(lab, "LOCAL-02", 3)
    serial = lab.register(hardware=hardware, tag="ADMINS", name="pc2")
    lab.run_device(name="second", hardware=hardware)
    before = shown(lab, "second")
    must(before["accountGroup"] == "Administrators", f"the profile makes the user an administrator: {before['accountGroup']}")
    argv = [laboratory.DEVICE, "reset", "--state", lab.path("second"), "--pace", "60", "--answer", f"user={laboratory.USER}"]
    out = run(*argv, "--answer", "password=wrong", expect=1).stdout
    must("failed" in out and same(holds(lab, "second"), before["holds"]), f"a wrong password changes nothing: {out}")
    stick = lab.write("office.ppkg", "a provisioning package on a USB stick")
    out = run(*argv, "--answer", f"password=@{lab.password_file}", "--package", stick, timeout=300).stdout
    must("the package on the USB stick will be used" in out, f"the page tells of the stick: {out}")
    after = ready_again(lab, serial, before, laboratory.USER, "second")
    must(any("office.ppkg" in k for k in after["holds"]["provisioning packages"]), "the package was applied")
    must("device.repurposed" not in events(lab, serial), "nobody has taken the device over")


def scenario(lab):
    lab.init()
    lab.cli("user", "add", SECOND, "--password-file", lab.password_file, "--name", "Grace Example")
    lab.serve()
    contoso.configure(lab)
    add(lab, "local-administrator", local_administrator(lab))
    hardware = oem(lab, "LOCAL-01", 1)
    serial = lab.register(hardware=hardware)
    lab.run_device(hardware=hardware, echo=say)
    first = shown(lab)
    use(lab, package=lab.write("corp.ppkg", "a provisioning package"))
    refused(lab)
    before = shown(lab)
    say("--- reset by an administrator of the PC; another user signs in next")
    say(reset(lab, user=SECOND))
    after = shown(lab)
    compare(before["holds"], after["holds"], matrix.RESET)
    only_as_primary_user(lab, after, laboratory.USER)
    must(after["deviceId"] == first["deviceId"] and after["mdmThumbprint"] == first["mdmThumbprint"], "join and enrolment stay")
    ready_again(lab, serial, dict(before, user=SECOND), SECOND)  # policies go on naming the primary user, who stays
    must(after["resetStatus"] == 1, "the device says that the reset is over")
    must("device.reset" in events(lab, serial), "the service knows of a reset that nobody asked for there")
    say(lab.cli("device", "show", serial, "--timeline"))
    by_its_user(lab)
