"""A device without a user deploys itself, admitted by its TPM: no key pressed, nobody's; reset, wiped and cut off it is ready again by itself; once only where the tenant says so."""
import contoso
import lab as laboratory
import matrix
import tpms
import userless
from graph_script import DEVICES, Program
from lab import run, say
from userless import Bench, must, types

WORDS = ["device.registered", "device.assigned", "device.contacted", "device.attested", "device.joined", "device.enrolled",
         "device.device-setup", "device.device-done", "device.ready"]
NEVER = ["device.signed-in", "device.account-setup", "device.failed"]
IDENTITIES = "/beta/deviceManagement/windowsAutopilotDeviceIdentities"
HELPER = "./Device/Vendor/MSFT/Accounts/Users/helper"
EVENTS = "/beta/deviceManagement/autopilotEvents"
LAST = "page     sign-in screen: Contoso"


def asks_nobody(out):
    must("inputs asked: 0 (none)" in out, f"nothing is asked: {out[-600:]}")
    shown = [line for line in out.splitlines() if line.startswith("page")]
    must(shown == ["page     securing your hardware", "page     Device setup", LAST], f"no page that waits for anybody: {shown}")


def deploys_itself(lab, bench):
    """From its box to the sign-in screen; language and region by the profile, everything in effect, in no one's name."""
    serial = bench.register("kiosk", 1)
    out = bench.run("kiosk")
    asks_nobody(out)
    for page in ("language", "region", "keyboard"):
        must(f"skip     {page}: " in out, f"the page {page} is left out")
    seen = types(lab, serial)
    must([t for t in seen if t in WORDS] == WORDS, f"every station once, in its order: {seen}")
    must(not [t for t in seen if t in NEVER], f"nobody signs in, no account is set up: {seen}")
    must(lab.timeline(serial)["state"] == "ready", "it is ready")
    now = bench.shown("kiosk")
    must(now["language"] == "en-US" and now["region"] == "en-US", f"the profile's language: {now['language']}, {now['region']}")
    must(now["attested"] == "self-deploying" and now["user"] is None and now["azureAdPrt"] is False, "joined by its TPM, no user's token on it")
    must(now["computerName"].startswith("KIO-") and now["edition"] == "4", f"name and edition: {now['computerName']}, {now['edition']}")
    must("DeviceLock/MinDevicePasswordLength=8" in now["policies"] and contoso.WIFI in now["wifi"] and now["apps"], "all is in effect")
    return serial


def told(lab, graph, serial):
    """Lists and reports say what it is: by the device alone, nobody's, without an account phase."""
    device = graph.only(serial)
    must(device["deviceEnrollmentType"] == "windowsAzureADJoinUsingDeviceAuth" and not device["userPrincipalName"], device)
    must(graph.ask(200, "GET", f"{DEVICES}/{device['id']}/users")["value"] == [], "no primary user")
    found = graph.ask(200, "GET", f"{EVENTS}?$filter=deviceSerialNumber eq '{serial}'")["value"]
    must(len(found) == 1, found)
    must(found[0]["enrollmentType"] == "azureADJoinedUsingDeviceAuthWithAutopilotProfile" and found[0]["deploymentState"] == "success" and
         found[0]["deviceSetupStatus"] == "success" and found[0]["accountSetupStatus"] == "disabled" and not found[0]["userPrincipalName"], found[0])
    shown = lab.cli("device", "show", serial, "--json")
    must(not shown["user"], f"nobody's: {shown['user']}")


def anybody_signs_in(lab, bench, graph, serial):
    """Later on: a person of the organization, and another one; neither becomes its user."""
    for upn in (laboratory.USER, f"admin@{laboratory.TENANT}"):
        out = run(laboratory.DEVICE, "use", "--state", lab.path("kiosk"), "--user", upn, "--answer", f"password=@{lab.password_file}").stdout
        must(f"user signed in: {upn}" in out, out)
        must(not graph.only(serial)["userPrincipalName"], "it stays nobody's")
    run(laboratory.DEVICE, "use", "--state", lab.path("kiosk"), "--user", laboratory.USER, "--answer", "password=wrong", expect=1)
    bench.sync("kiosk")
    must(bench.shown("kiosk")["user"] == f"admin@{laboratory.TENANT}", "the last one stands at the sign-in screen")


def comes_back(lab, bench, serial):
    """Autopilot Reset keeps join and enrolment, a wipe ends them: from both it is ready by itself."""
    device = bench.shown("kiosk")["deviceId"]
    for kind, keeps in (("reset", True), ("wipe", False)):
        order = matrix.ask(lab, serial, kind)
        before = types(lab, serial).count("device.ready")
        bench.sync("kiosk")
        out = bench.run("kiosk")
        must(LAST in out, f"at the sign-in screen after {kind}")
        matrix.must_be(lab, order, "done")
        seen = types(lab, serial)
        must(seen.count("device.ready") == before + 1, f"ready again after {kind}: {seen}")
        must(seen.count("device.attested") == (1 if keeps else 2), f"proven again where the join is gone: {seen}")
        must(not [t for t in seen if t in NEVER], f"and nobody was asked: {seen}")
        must((bench.shown("kiosk")["deviceId"] == device) or not keeps, "reset in place it is the same device")


def reset_at_its_screen(lab, bench, graph, serial):
    """Ctrl+Win+R asks for an administrator of the PC, as on every device; behind it nobody is asked for."""
    items = {"reset-allowed": {"kind": "policy", "settings": [{"policy": "CredentialProviders/DisableAutomaticReDeploymentCredentials", "value": 0}]},
             "helper": {"kind": "policy", "track": False, "settings": [
                 {"uri": f"{HELPER}/Password", "value": lab.password, "operation": "add", "format": "chr"},
                 {"uri": f"{HELPER}/LocalUserGroup", "value": 2, "operation": "add", "format": "int"}]}}
    for name, item in items.items():
        lab.cli("policy", "add", name, "--file", lab.write(f"{name}.json", item))
        lab.cli("policy", "assign", name, "--group", "Kiosks")
    bench.sync("kiosk")
    before = types(lab, serial).count("device.ready")
    out = run(laboratory.DEVICE, "reset", "--state", lab.path("kiosk"), "--pace", "60", "--answer", "administrator=helper", "--answer",
              f"administrator-password={lab.password}").stdout
    must(LAST in out and "lock screen" not in out, f"set up anew, and nobody is asked for: {out[-600:]}")
    seen = types(lab, serial)
    must(seen.count("device.ready") == before + 1 and "device.signed-in" not in seen, f"ready again: {seen}")
    must(not graph.only(serial)["userPrincipalName"] and bench.shown("kiosk")["user"] is None, "nobody's, and who had signed in is forgotten")


def once_only(lab, bench, graph, serial):
    """userless-once (R17): the second deployment is refused until an administrator allows it; one before the switch counts."""
    lab.cli("tenant", "set", "userless-once=on")
    for _ in range(2):
        matrix.ask(lab, serial, "wipe")
        bench.sync("kiosk")
        out = bench.run("kiosk", expect=1)
        must("0x80180014" in out and "unblock" in out, f"refused with code and remedy: {out[-400:]}")
        failed = userless.failures(lab, serial, "enrolment")
        must(failed and failed[-1]["code"] == "0x80180014" and failed[-1]["remedy"], f"and the service says so: {failed}")
        lab.cli("device", "unblock", serial)
        must(LAST in bench.run("kiosk"), "allowed once more it deploys itself")
        status = graph.ask(200, "GET", f"{IDENTITIES}?$filter=serialNumber eq '{serial}'")["value"][0]["userlessEnrollmentStatus"]
        must(status == "blocked", f"blocked since: {status}")
    lab.cli("tenant", "set", "userless-once=off")


def without_a_tpm(lab, bench):
    """Refused by the device itself, with code, cause and remedy, before the service hears of it."""
    serial = bench.register("bare", 2, tpm=False)
    out = bench.run("bare", expect=1)
    must("0x800705b4" in out and "--tpm" in out, f"code and remedy: {out[-400:]}")
    must("device.attested" not in types(lab, serial) and not userless.failures(lab, serial), "nothing was sent")


def on_a_wireless_network(lab, bench):
    """Without a wire the pages up to the network come before the profile (autopilot.md 3.3)."""
    serial = bench.register("wireless", 3, nics=[{"mac": "00:1B:21:7F:03:09", "medium": 9, "bus": "PCI"}], wifi=["Contoso-Guest"])
    out = bench.run("wireless", expect=1)
    must("--answer language=" in out, f"somebody has to choose a language: {out[-400:]}")
    answers = {"language": "en-US", "region": "US", "keyboard": "US", "wifi": "Contoso-Guest:guest"}
    out = bench.run("wireless", answers=answers)
    must(LAST in out and "language, region, keyboard" in out and "sign-in:" not in out, f"the first pages and no other: {out[-600:]}")
    must(lab.timeline(serial)["state"] == "ready", "and it is ready")


def killed(lab, bench):
    """Killed at its lines it goes on; the proof is given again where the ticket went with the process."""
    serial = bench.register("cut", 4)

    def shape(line):
        return "".join(c for c in line if not c.isdigit()).strip()

    argv = lab.device_args(**bench.hardware["cut"], alone=True)
    kills, code, out = matrix.killed_at_each_line(argv, shape)
    must(code == 0 and LAST in out, f"killed {kills} times, then exit {code}: {out[-2000:]}")
    must(kills > 5, f"killed {kills} times only")
    seen = types(lab, serial)
    must(seen.count("device.ready") == 1 and "device.failed" not in seen, f"once ready: {seen}")
    say(f"killed {kills} times, and ready")


def user_driven_with_a_tpm(lab, bench):
    """The same hardware under a profile for a person: keys in the TPM, and nobody asks for a proof."""
    serial = bench.register("laptop", 5, tag=laboratory.TAG)
    out = bench.run("laptop", alone=False)
    must("inputs asked: 3 (user, password, password)" in out, "credentials and nothing else")
    seen = types(lab, serial)
    must("device.signed-in" in seen and "device.account-setup" in seen and "device.attested" not in seen, f"as ever: {seen}")
    for key in ("device.key.pem", "mdm.key.pem"):
        must(run("test", "-e", lab.path("laptop", key), expect=None).returncode == 1, f"{key} is in the TPM")


def scenario(lab):
    userless.begin(lab)
    graph = Program(lab, "reports", "DeviceManagementManagedDevices.Read.All", "DeviceManagementConfiguration.Read.All",
                    "DeviceManagementServiceConfig.Read.All")
    with tpms.Tpms(lab) as box:
        userless.trust(lab, box)
        bench = Bench(lab, box)
        serial = deploys_itself(lab, bench)
        told(lab, graph, serial)
        anybody_signs_in(lab, bench, graph, serial)
        comes_back(lab, bench, serial)
        reset_at_its_screen(lab, bench, graph, serial)
        once_only(lab, bench, graph, serial)
        without_a_tpm(lab, bench)
        on_a_wireless_network(lab, bench)
        killed(lab, bench)
        user_driven_with_a_tpm(lab, bench)
        say(lab.cli("device", "show", serial, "--timeline"))
