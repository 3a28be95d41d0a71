#!/usr/bin/env python3
"""Writes the migrations of one engine as a C table: embed_sql.py NAME OUT.c 0001_x.sql 0002_y.sql ..."""
import os
import re
import sys

name, out, files = sys.argv[1], sys.argv[2], sorted(sys.argv[3:], key=os.path.basename)
lines = ['#include "store/driver.h"', "", f"extern const struct td_migration td_migrations_{name}[];",
         f"extern const size_t td_migrations_{name}_count;", f"const struct td_migration td_migrations_{name}[] = {{"]
seen = 0
for path in files:
    match = re.fullmatch(r"(\d{4})_(\w+)\.sql", os.path.basename(path))
    if not match or int(match.group(1)) <= seen:
        sys.exit(f"{path}: migrations are named NNNN_words.sql with rising numbers")
    seen = int(match.group(1))
    with open(path, encoding="utf-8") as f:
        sql = f.read()
    lines.append(f'    {{{seen}, "{match.group(2)}",')
    for line in sql.splitlines():
        line = line.split("--")[0].rstrip()
        if line:
            text = line.replace("\\", "\\\\").replace('"', '\\"')
            lines.append(f'     "{text}\\n"')
    lines.append("    },")
lines += ["};", f"const size_t td_migrations_{name}_count = {len(files)};", ""]
with open(out, "w", encoding="utf-8") as f:
    f.write("\n".join(lines))
