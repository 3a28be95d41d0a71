"""A script that speaks the administration interface with an application's secret, by the standard library alone."""
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request

from lab import LabError


class Script:
    def __init__(self, lab, tenant, role="DeviceManagementServiceConfig.ReadWrite.All"):
        self.lab = lab
        app = lab.cli("app", "add", f"script of {tenant}", "--role", role, "--tenant", tenant, "--json")
        form = {"grant_type": "client_credentials", "client_id": app["client_id"], "client_secret": app["client_secret"],
                "scope": "https://graph.microsoft.com/.default"}
        self.token = None
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
