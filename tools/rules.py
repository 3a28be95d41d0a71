#!/usr/bin/env python3
"""The rules of the tree that a machine can check: who may include whom, which library stands in which folder, banned
functions, sizes. docs/ARCHITECTURE.md explains them; this file is their only other place."""
import re
import subprocess
import sys

MAY_USE = {
    "base": set(),
    "codec": {"base"},
    "crypto": {"base", "codec"},
    "way": {"base", "codec"},
    "policy": {"base", "codec", "way"},
    "store": {"base", "codec", "way", "policy"},
    "http": {"base", "codec", "crypto"},
    "net": {"base"},
    "connect": {"base", "codec", "crypto", "way", "net"},
    "connector": {"base", "codec", "crypto", "way", "net", "connect"},
    "media": {"base", "codec", "crypto", "way"},
    "api": {"base", "codec", "crypto", "way", "policy", "store", "http", "connect"},
    "graph": {"base", "codec", "crypto", "way", "policy", "store", "http", "api"},
    "device": {"base", "codec", "crypto", "net", "way", "connect"},
    "app": {
        "base", "codec", "crypto", "way", "policy", "store", "http", "net", "api", "graph", "device", "connect", "connector",
        "media"
    },
}
# header prefix -> the only places that may include it
LIBRARIES = {
    "openssl/": ["src/crypto/", "src/http/tls.c"],
    "sqlite3.h": ["src/store/sqlite/"],
    "curl/": ["src/net/"],
    "jansson.h": ["src/codec/json.c"],
    "expat.h": ["src/codec/xml.c"],
    "event2/": ["src/http/"],
    "llhttp.h": ["src/http/"],
    "argon2.h": ["src/crypto/"],
    "qrencode.h": ["src/device/qr.c"],
    "tss2/": ["src/device/tpm/"],
    "ldap.h": ["src/connect/ldap"],
    "krb5/": ["src/connect/krb_"],
    "profile.h": ["src/connect/krb_talk.c"],
    "gssapi/": ["src/connect/ldap.c"],
}
BANNED = r"\b(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|atof|strtok|alloca|system|popen|rand|srand|tmpnam|mktemp)\s*\("
MALLOC = r"\b(malloc|calloc|realloc|free|strdup)\s*\("
CLOCK = r"\b(time|clock_gettime|gettimeofday|sleep|usleep|nanosleep)\s*\("
MAX_FILE, MAX_HEADER, MAX_FUNCTION, MAX_COLUMNS = 800, 260, 100, 120

problems = []


def say(path, line, text):
    problems.append(f"{path}:{line}: {text}")


def check_includes(path, room, number, line):
    m = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
    if m:
        other = m.group(1).split("/")[0]
        if other not in MAY_USE:
            say(path, number, f'include "{m.group(1)}" by its path under src/')
        elif other != room and other not in MAY_USE[room]:
            say(path, number, f"{room}/ may not use {other}/")
    m = re.match(r"\s*#\s*include\s*<([^>]+)>", line)
    for prefix, places in LIBRARIES.items() if m else ():
        if m.group(1).startswith(prefix) and not any(path.startswith(p) for p in places):
            say(path, number, f"<{m.group(1)}> belongs to {', '.join(places)} alone")


def check_words(path, room, number, code):
    m = re.search(BANNED, code)
    if m:
        say(path, number, f"{m.group(1)} is banned")
    if room != "base" and re.search(MALLOC, code):
        say(path, number, "memory comes from base/arena.h")
    if room not in ("base", "app") and re.search(CLOCK, code):
        say(path, number, "time comes in through struct td_env")


def check_functions(path, lines):
    start = None
    for number, line in enumerate(lines, 1):
        if line.rstrip() == "{":
            start = number
        elif line.rstrip() == "}" and start is not None:
            if number - start > MAX_FUNCTION:
                say(path, start, f"a function of {number - start} lines; {MAX_FUNCTION} is the limit")
            start = None


def check_file(path):
    room = path.split("/")[1]
    with open(path, encoding="utf-8") as f:
        text = f.read()
    lines = text.split("\n")
    limit = MAX_HEADER if path.endswith(".h") else MAX_FILE
    if len(lines) > limit:
        say(path, 1, f"{len(lines)} lines; {limit} is the limit: split it by idea")
    stripped = re.sub(r'"(\\.|[^"\\\n])*"', '""', re.sub(r"/\*.*?\*/|//[^\n]*", lambda m: "\n" * m.group(0).count("\n"), text, flags=re.S))
    for number, (line, code) in enumerate(zip(lines, stripped.split("\n")), 1):
        if len(line) > MAX_COLUMNS:
            say(path, number, f"{len(line)} columns")
        check_includes(path, room, number, line)
        check_words(path, room, number, code)
    if path.endswith(".c"):
        check_functions(path, lines)


def check_faults(files):
    planted = set()
    for path in files:
        with open(path, encoding="utf-8") as f:
            planted |= set(re.findall(r'td_fault\("([\w-]+)"\)', re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)))
    with open("tests/faults/list", encoding="utf-8") as f:
        listed = {line.split()[0] for line in f if line.strip() and not line.startswith("#")}
    for name in sorted(planted ^ listed):
        say("tests/faults/list", 1, f"fault {name} stands on one side only")


FILES = subprocess.run(["git", "ls-files", "src/*.c", "src/*.h"], capture_output=True, text=True, check=True).stdout.split()
check_faults(FILES)
for name in FILES:
    check_file(name)
print("\n".join(problems) if problems else "rules: kept")
sys.exit(1 if problems else 0)
