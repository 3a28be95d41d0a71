"""nginx ends TLS in front of the service and hands requests and client certificates on by a socket file: the whole user-driven way through it."""
import os
import re
import subprocess
import sys
import urllib.parse

import contoso
import lab as laboratory
from lab import LabError, run, say

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import user_driven  # noqa: E402

PATH = "/ManagementServer/MDM.svc"
HEADER = "X-Client-Cert"


def must(condition, what):
    if not condition:
        raise LabError(f"not so: {what}")


def start_nginx(lab, socket, port, plain):
    """As docs/tasks/serve.md shows it, in a folder of the lab and with the service's own certificate."""
    folder = lab.path("nginx")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(lab.data, "server.pem"), encoding="ascii") as f:
        pem = f.read()
    for name, kind in (("key", "[A-Z ]*PRIVATE KEY"), ("chain", "CERTIFICATE")):
        parts = re.findall(rf"-----BEGIN {kind}-----.*?-----END {kind}-----\n", pem, flags=re.S)
        with open(os.open(f"{folder}/{name}.pem", os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
            f.write("".join(parts))
    who = "user root;" if os.geteuid() == 0 else ""
    temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    headers = {"Connection": '""', "Host": "$http_host", "X-Forwarded-Host": '""', "X-Forwarded-Proto": "$scheme",
               "X-Forwarded-For": "$proxy_add_x_forwarded_for"}
    forward = "proxy_pass http://touchdown; proxy_http_version 1.1;"
    forward += "".join(f" proxy_set_header {name} {value};" for name, value in headers.items())
    with open(f"{folder}/conf", "w", encoding="utf-8") as f:
        f.write(f"""daemon off; {who} worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{ access_log off; {temporary} client_max_body_size 0; large_client_header_buffers 4 16k;
 upstream touchdown {{ server unix:{socket}; keepalive 16; }}
 server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {folder}/chain.pem; ssl_certificate_key {folder}/key.pem;
  ssl_protocols TLSv1.2 TLSv1.3; ssl_verify_client optional_no_ca;
  location / {{ {forward} proxy_set_header {HEADER} $ssl_client_escaped_cert; }} }}
 server {{ listen 127.0.0.1:{plain}; location ~ ^/(pki/|ocsp) {{ {forward} proxy_set_header {HEADER} ""; }}
  location / {{ return 404; }} location = /through {{ {forward} proxy_set_header {HEADER} ""; }} }} }}
""")
    out = open(f"{folder}/out", "wb")
    process = subprocess.Popen(["nginx", "-c", f"{folder}/conf", "-p", folder], stdout=out, stderr=out, start_new_session=True)
    out.close()
    lab.others.append(process)
    lab.port = port
    laboratory.wait_for(lab.ready, 10, "the service is ready through nginx", lambda: process.poll() is None)


def status(lab, url, *more):
    return int(run("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", lab.ca, *more, url).stdout)


def check_certificates(lab, direct):
    """The device's certificate opens management through nginx by its key alone; as text it opens nothing."""
    state = lab.path("device")
    certificate, key = os.path.join(state, "mdm.crt.pem"), os.path.join(state, "mdm.key.pem")
    with open(certificate, encoding="ascii") as f:
        text = f"{HEADER}: {urllib.parse.quote(f.read(), safe='-')}"
    post = ("-H", "Content-Type: application/vnd.syncml.dm+xml", "--data", "<SyncML/>")
    refused = (401, 403)
    must(status(lab, lab.url + PATH, *post) in refused, "no certificate, no management")
    must(status(lab, lab.url + PATH, *post, "-H", text) in refused, "nginx hands on no certificate that a client wrote down")
    must(status(lab, direct + PATH, *post, "-H", text) in refused, "the service itself believes no stranger's header")
    must(status(lab, lab.url + PATH, *post, "--cert", certificate, "--key", key) not in refused, "its key opens it")


def check_addresses(lab, lists, plain):
    """The certificate names lists without TLS; they are served there, through nginx too, and nothing else is."""
    with open(os.path.join(lab.path("device"), "mdm.crt.pem"), encoding="ascii") as f:
        text = run("openssl", "x509", "-noout", "-text", input=f.read()).stdout
    for word in ("pki/management.crl", "pki/management.crt", "ocsp"):
        must(f"URI:http://localhost:{lists}/{word}\n" in text, f"{word} is named without TLS: {text}")
    must("https:" not in text, "no list is named behind TLS")
    for at in (lists, plain):
        must(status(lab, f"http://localhost:{at}/pki/management.crl") == 200, "the list is there")
    must(status(lab, f"http://localhost:{plain}/through") == 404, "a door asked for without TLS stays shut")


def scenario(lab):
    socket = lab.path("touchdown.sock")
    port, plain, lists = (laboratory.free_port() for _ in range(3))
    lab.init()
    lab.serve("--name", "localhost", "--http", f"127.0.0.1:{lists}", "--config",
              lab.write("touchdown.conf", f"[proxy]\ntrusted = unix\nunix = {socket}\ncertificate-header = {HEADER}\n"))
    direct = lab.url
    start_nginx(lab, socket, port, plain)
    contoso.configure(lab)
    serial = lab.register()
    lab.run_device(echo=say)
    user_driven.check_timeline(lab, serial)
    user_driven.check_effects(lab, serial)
    user_driven.check_certificates(lab)
    check_certificates(lab, direct)
    check_addresses(lab, lists, plain)
    say(lab.cli("device", "show", serial, "--timeline"))
