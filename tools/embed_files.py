#!/usr/bin/env python3
"""Writes text files as a C table, with the line ends of Windows: embed_files.py NAME OUT.c FILE ..."""
import os
import sys

name, out, files = sys.argv[1], sys.argv[2], sorted(sys.argv[3:], key=os.path.basename)
lines = ['#include "media/existing.h"', "", f"const struct td_media_text {name}[] = {{"]
for path in files:
    with open(path, encoding="ascii") as f:
        text = f.read()
    lines.append(f'    {{"{os.path.basename(path)}",')
    for line in text.splitlines():
        quoted = line.replace("\\", "\\\\").replace('"', '\\"').replace("?", "\\?")
        lines.append(f'     "{quoted}\\r\\n"')
    lines.append("    },")
lines += ["};", f"const size_t {name}_count = {len(files)};", ""]
with open(out, "w", encoding="ascii") as f:
    f.write("\n".join(lines))
