"""A script that speaks the administration interface with an application's secret, by the standard library alone."""
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request

from lab import TENANT, LabError

DEVICES = "/v1.0/deviceManagement/managedDevices"


class Script:
    def __init__(self, lab, tenant, role="DeviceManagementServiceConfig.ReadWrite.All"):
        self.lab, self.token = lab, None
        self.sign_in(tenant, lab.cli("app", "add", f"script of {tenant}", "--role", role, "--tenant", tenant, "--json"))

    def sign_in(self, tenant, app):
        form = {"grant_type": "client_credentials", "client_id": app["client_id"], "client_secret": app["client_secret"],
                "scope": "https://graph.microsoft.com/.default"}
        self.token = self.send("POST", f"/{tenant}/oauth2/v2.0/token", urllib.parse.urlencode(form).encode(),
                               "application/x-www-form-urlencoded")[1]["access_token"]

    def send(self, method, path, body=None, kind="application/json"):
        headers = {"Content-Type": kind} if body is not None else {}
        if self.token:
            headers["Authorization"] = "Bearer " + self.token
        request = urllib.request.Request(self.lab.url + path, data=body, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=self.lab.ca), timeout=30) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as e:
            text = e.read()
            return e.code, json.loads(text) if text else None

    def ask(self, want, method, path, body=None):
        status, answer = self.send(method, urllib.parse.quote(path, safe="/?$&=',()"), None if body is None else json.dumps(body).encode())
        if status != want:
            raise LabError(f"{method} {path}: {status}, expected {want}: {answer}")
        return answer


class Program(Script):
    """An application of the tenant's with these roles."""

    def __init__(self, lab, name, *roles):
        self.lab, self.token = lab, None
        given = [word for role in roles for word in ("--role", role)]
        self.sign_in(TENANT, lab.cli("app", "add", name, *given, "--json"))

    def found(self, serial):
        return self.ask(200, "GET", f"{DEVICES}?$filter=serialNumber eq '{serial}'")["value"]

    def only(self, serial):
        found = self.found(serial)
        if len(found) != 1:
            raise LabError(f"not one managed device {serial}: {found}")
        return found[0]

    def act(self, serial, action, body=None):
        self.ask(204, "POST", f"{DEVICES}/{self.only(serial)['id']}/{action}", body)

    def result(self, serial, name):
        return {r["actionName"]: r["actionState"] for r in self.only(serial)["deviceActionResults"]}.get(name)
