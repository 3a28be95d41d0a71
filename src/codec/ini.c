#include "codec/ini.h"

#include "base/fault.h"

#include <stdio.h>
#include <string.h>

struct reading {
    const char *file;
    struct td_arena *a;
    td_ini_fn *fn;
    void *ctx;
    const char *section;
    size_t line;
};

static struct td_slice without_remark(struct td_slice line)
{
    if (line.n != 0 && (line.p[0] == ';' || line.p[0] == '#'))
        return td_sub(line, 0, 0);
    for (size_t i = 1; i < line.n; i++)
        if (line.p[i] == ';' && (line.p[i - 1] == ' ' || line.p[i - 1] == '\t'))
            return td_trim(td_sub(line, 0, i));
    return line;
}

static enum td_code wrong_line(const struct reading *r, struct td_error *err)
{
    return td_remedy(err, td_fail(err, TD_EFORMAT, r->file, "line %zu is neither [section] nor key = value", r->line),
                     "Write each key with its value on a line of its own, below its [section]; a remark begins with # "
                     "or ;.");
}

static enum td_code read_section(struct reading *r, struct td_slice line, struct td_error *err)
{
    struct td_slice name = td_trim(td_sub(line, 1, line.n - 2));
    if (line.n < 3 || line.p[line.n - 1] != ']' || td_find(name, ']') != SIZE_MAX || name.n == 0)
        return wrong_line(r, err);
    r->section = td_arena_text(r->a, name);
    return TD_OK;
}

static enum td_code read_pair(struct reading *r, struct td_slice line, struct td_error *err)
{
    size_t at = TD_MIN(td_find(line, '='), td_find(line, ':'));
    if (at == SIZE_MAX)
        return wrong_line(r, err);
    const char *key = td_arena_text(r->a, td_trim(td_sub(line, 0, at)));
    const char *value = td_arena_text(r->a, td_trim(td_sub(line, at + 1, line.n)));
    enum td_code rc = r->fn(r->ctx, r->section, key, value, err);
    if (rc != TD_OK && err != NULL)
        (void)snprintf(err->where, sizeof(err->where), "[%.28s] %.28s", r->section, key);
    return rc;
}

static enum td_code read_line(struct reading *r, struct td_slice whole, struct td_error *err)
{
    struct td_slice line = without_remark(td_trim(whole));
    r->line++;
    if (td_find(whole, '\0') != SIZE_MAX && !td_fault("ini-half-a-file"))
        return wrong_line(r, err); /* what stands behind it would be lost */
    if (line.n == 0)
        return TD_OK;
    return line.p[0] == '[' ? read_section(r, line, err) : read_pair(r, line, err);
}

enum td_code td_ini_read(const char *file, struct td_slice text, struct td_arena *a, td_ini_fn *fn, void *ctx,
                         struct td_error *err)
{
    struct reading r = {.file = file, .a = a, .fn = fn, .ctx = ctx, .section = ""};
    struct td_slice line, rest = td_starts(text, "\xEF\xBB\xBF") ? td_sub(text, 3, text.n) : text;
    while (rest.n != 0) {
        rest = td_cut(rest, '\n', &line);
        td_try(read_line(&r, line, err));
    }
    return TD_OK;
}

bool td_ini_put(const struct td_ini_text *texts, size_t count, const char *key, const char *value)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(key, texts[i].key) == 0) {
            *texts[i].to = value;
            return true;
        }
    return false;
}
