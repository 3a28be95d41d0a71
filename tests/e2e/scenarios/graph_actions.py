"""Actions through the administration interface on a real device: logs and passwords fetched, Autopilot Reset that another administrator approves, wipe, retire; what is told of them."""
import base64
import io
import ssl
import urllib.request
import zipfile

import contoso
import lab as laboratory
from graph_script import DEVICES, Program
from lab import say
from matrix import must, oem, shown, sync
from support import ITEM

SECOND = f"grace@{laboratory.TENANT}"
MANAGED = "DeviceManagementManagedDevices."
APPROVALS = "/beta/deviceManagement/operationApprovalRequests"


def plain_ones(lab, graph, serial):
    for name, state in (("rebootNow", "done"), ("remoteLock", "notSupported"), ("windowsDefenderUpdateSignatures", "notSupported")):
        graph.act(serial, name)
        must(graph.result(serial, name) == "pending", f"{name} waits for the device")
        sync(lab)
        must(graph.result(serial, name) == state, f"{name}: {graph.result(serial, name)}, not {state}")


def logs(lab, graph, serial):
    path = f"{DEVICES}/{graph.only(serial)['id']}"
    asked = graph.ask(200, "POST", f"{path}/createDeviceLogCollectionRequest", {"templateType": {"templateType": "predefined"}})
    must(asked["status"] == "pending", asked)
    sync(lab)
    come = graph.ask(200, "GET", f"{path}/logCollectionRequests/{asked['id']}")
    must(come["status"] == "completed" and come["sizeInKB"] > 0, come)
    url = graph.ask(200, "POST", f"{path}/logCollectionRequests/{asked['id']}/createDownloadUrl")["value"]
    with urllib.request.urlopen(url, context=ssl.create_default_context(cafile=lab.ca), timeout=30) as answer:
        with zipfile.ZipFile(io.BytesIO(answer.read())) as archive:
            must(archive.testzip() is None and archive.namelist(), f"a whole archive: {archive.namelist()}")


def password(lab, graph, serial):
    lab.cli("policy", "add", "local-administrator", "--file", lab.write("laps.json", ITEM))
    lab.cli("policy", "assign", "local-administrator", "--all-devices")
    sync(lab)
    device = graph.only(serial)["azureADDeviceId"]
    info = graph.ask(200, "GET", f"/v1.0/directory/deviceLocalCredentials/{device}?$select=credentials")
    told = base64.b64decode(info["credentials"][0]["passwordBase64"]).decode("utf-16-le")
    must(told == lab.cli("device", "laps", serial, "--json")["passwords"][0]["password"], "the password, as Windows encodes it")


def reset(lab, graph, other, serial):
    """Nothing reaches the device until somebody else has said yes; then the next one who signs in has it."""
    lab.cli("tenant", "set", "action-approval=on")
    graph.act(serial, "wipe", {"keepEnrollmentData": True, "keepUserData": False})
    sync(lab)
    must(graph.result(serial, "wipe") == "pending" and graph.only(serial)["managementState"] == "wipePending", graph.only(serial))
    waiting = other.ask(200, "GET", f"{APPROVALS}?$filter=status eq 'needsApproval'")["value"]
    must([w["serialNumber"] for w in waiting] == [serial], waiting)
    graph.ask(403, "POST", f"{APPROVALS}/{waiting[0]['id']}/approve", {"justification": "mine"})
    other.ask(200, "POST", f"{APPROVALS}/{waiting[0]['id']}/approve", {"justification": "agreed"})
    lab.cli("tenant", "set", "action-approval=off")
    lab.cli("user", "add", SECOND, "--password-file", lab.password_file, "--name", "Grace Example")
    before = graph.only(serial)["id"]
    lab.run_device(answers={"user": SECOND}, echo=say)
    now = graph.only(serial)
    must(graph.result(serial, "wipe") == "done" and now["managementState"] == "managed", now)
    must(now["id"] == before and now["userPrincipalName"] == SECOND, f"the same enrolment, and hers: {now['userPrincipalName']}")
    runs = graph.ask(200, "GET", f"/beta/deviceManagement/autopilotEvents?$filter=deviceSerialNumber eq '{serial}'")["value"]
    must([r["deploymentState"] for r in runs] == ["success", "success"], f"two deployments, each a success: {runs}")


def wiped(lab, graph, serial, hardware):
    before = graph.only(serial)["id"]
    graph.act(serial, "wipe", {"keepEnrollmentData": False, "keepUserData": False})
    lab.run_device(hardware=hardware, echo=say)
    now = graph.only(serial)
    must(now["id"] != before, "it came from its box and enrolled anew")
    graph.ask(404, "GET", f"{DEVICES}/{before}")


def retired(lab, graph, serial):
    graph.act(serial, "retire")
    sync(lab)
    must(graph.found(serial) == [] and shown(lab)["provider"] is None, f"out of management on both sides: {shown(lab)['provider']}")


def scenario(lab):
    lab.init()
    lab.serve()
    contoso.configure(lab)
    graph = Program(lab, "First script", MANAGED + "ReadWrite.All", MANAGED + "PrivilegedOperations.All", "DeviceLocalCredential.Read.All")
    other = Program(lab, "Second script", MANAGED + "Read.All", MANAGED + "PrivilegedOperations.All")
    hardware = oem(lab, "GRAPH-01", 61)
    serial = lab.register(hardware=hardware)
    lab.run_device(hardware=hardware)
    plain_ones(lab, graph, serial)
    logs(lab, graph, serial)
    password(lab, graph, serial)
    reset(lab, graph, other, serial)
    wiped(lab, graph, serial, hardware)
    retired(lab, graph, serial)
    say(lab.cli("device", "show", serial, "--timeline"))
