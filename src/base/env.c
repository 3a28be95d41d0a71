#include "base/env.h"

#include "base/encode.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec ts;
    (void)clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * TD_SECOND + ts.tv_nsec / 1000;
}

static int64_t real_now(void *ctx TD_UNUSED)
{
    return read_clock(CLOCK_REALTIME);
}

static void real_sleep(void *ctx TD_UNUSED, int64_t us)
{
    struct timespec ts = {.tv_sec = us / TD_SECOND, .tv_nsec = us % TD_SECOND * 1000};
    (void)nanosleep(&ts, NULL);
}

static void real_fill(void *ctx TD_UNUSED, void *out, size_t n)
{
    unsigned char *p = out;
    while (n != 0) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0 && errno != EINTR)
            abort(); /* a kernel without randomness: nothing we make would be safe */
        if (got > 0) {
            p += got;
            n -= (size_t)got;
        }
    }
}

static const struct td_clock real_clock = {.now = real_now, .sleep = real_sleep};
static const struct td_random real_random = {.fill = real_fill};
const struct td_env td_env_real = {.clock = &real_clock, .random = &real_random};

int64_t td_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

static int64_t fixed_now(void *ctx)
{
    return ((struct td_env_fixed *)ctx)->now;
}

static void fixed_sleep(void *ctx, int64_t us)
{
    ((struct td_env_fixed *)ctx)->now += us;
}

/* SplitMix64: enough to tell values apart, and the same in every run. */
static void fixed_fill(void *ctx, void *out, size_t n)
{
    struct td_env_fixed *f = ctx;
    unsigned char *p = out;
    while (n != 0) {
        uint64_t z = f->seed += UINT64_C(0x9E3779B97F4A7C15);
        z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
        z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
        z ^= z >> 31;
        size_t step = TD_MIN(n, sizeof(z));
        memcpy(p, &z, step);
        p += step;
        n -= step;
    }
}

void td_env_fixed_init(struct td_env_fixed *f, int64_t now, uint64_t seed)
{
    *f = (struct td_env_fixed){.now = now, .seed = seed};
    f->clock = (struct td_clock){.now = fixed_now, .sleep = fixed_sleep, .ctx = f};
    f->random = (struct td_random){.fill = fixed_fill, .ctx = f};
    f->env = (struct td_env){.clock = &f->clock, .random = &f->random};
}

static void split(int64_t us, struct tm *ret_tm, int *ret_micros)
{
    time_t secs = (time_t)(us / TD_SECOND);
    int64_t rest = us % TD_SECOND;
    if (rest < 0) {
        rest += TD_SECOND;
        secs--;
    }
    memset(ret_tm, 0, sizeof(*ret_tm));
    (void)gmtime_r(&secs, ret_tm);
    *ret_micros = (int)rest;
}

static void format(int64_t us, bool micros, char out[TD_TIME_TEXT])
{
    struct tm tm;
    int frac;
    split(us, &tm, &frac);
    size_t n = strftime(out, TD_TIME_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
    if (micros)
        (void)snprintf(out + n, TD_TIME_TEXT - n, ".%06dZ", frac);
    else
        (void)snprintf(out + n, TD_TIME_TEXT - n, "Z");
}

const char *td_time_text(int64_t us, char out[TD_TIME_TEXT])
{
    format(us, false, out);
    return out;
}

const char *td_time_text_us(int64_t us, char out[TD_TIME_TEXT])
{
    format(us, true, out);
    return out;
}

char *td_time_arena(struct td_arena *a, int64_t us)
{
    char text[TD_TIME_TEXT];
    return td_arena_strdup(a, td_time_text(us, text));
}

static bool digits(struct td_slice s, size_t from, size_t n, int *ret)
{
    uint64_t v;
    if (from + n > s.n || !td_parse_u64(td_sub(s, from, n), &v))
        return false;
    *ret = (int)v;
    return true;
}

/* "" or ".123", then Z or +00:00 */
static bool parse_tail(struct td_slice s, int64_t *ret_micros)
{
    int64_t micros = 0, unit = TD_SECOND / 10;
    size_t i = 0;
    if (s.n != 0 && s.p[0] == '.') {
        for (i = 1; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++, unit /= 10)
            micros += (s.p[i] - '0') * unit;
        if (i == 1)
            return false;
    }
    *ret_micros = micros;
    struct td_slice zone = td_sub(s, i, s.n);
    return td_eqs(zone, "Z") || td_eqs(zone, "+00:00");
}

bool td_time_parse(struct td_slice s, int64_t *ret_us)
{
    struct tm tm = {0};
    int64_t micros;
    if (s.n < 20 || s.n > 40 || s.p[4] != '-' || s.p[7] != '-' || s.p[10] != 'T' || s.p[13] != ':' || s.p[16] != ':')
        return false;
    if (!digits(s, 0, 4, &tm.tm_year) || !digits(s, 5, 2, &tm.tm_mon) || !digits(s, 8, 2, &tm.tm_mday) ||
        !digits(s, 11, 2, &tm.tm_hour) || !digits(s, 14, 2, &tm.tm_min) || !digits(s, 17, 2, &tm.tm_sec) ||
        !parse_tail(td_sub(s, 19, s.n), &micros))
        return false;
    if (tm.tm_year < 1970 || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 ||
        tm.tm_min > 59 || tm.tm_sec > 60)
        return false;
    int day = tm.tm_mday;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    time_t t = timegm(&tm);
    if (tm.tm_mday != day) /* 31 February was carried over */
        return false;
    *ret_us = (int64_t)t * TD_SECOND + micros;
    return true;
}

void td_uuid_text(const unsigned char in[16], bool windows_order, char out[TD_UUID_TEXT])
{
    static const int windows[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    static const char hex[] = "0123456789abcdef";
    size_t n = 0;
    for (int i = 0; i < 16; i++) {
        unsigned char c = in[windows_order ? windows[i] : i];
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[n++] = '-';
        out[n++] = hex[c >> 4];
        out[n++] = hex[c & 15];
    }
    out[n] = '\0';
}

void td_uuid_bytes(const char text[TD_UUID_TEXT], bool windows_order, unsigned char out[16])
{
    static const int windows[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    int i = 0;
    for (const char *s = text; *s != '\0' && i < 16; s++) {
        if (*s == '-')
            continue;
        int hi = *s <= '9' ? *s - '0' : (*s | 32) - 'a' + 10;
        s++;
        int lo = *s <= '9' ? *s - '0' : (*s | 32) - 'a' + 10;
        out[windows_order ? windows[i] : i] = (unsigned char)(hi << 4 | lo);
        i++;
    }
}

bool td_uuid_parse(struct td_slice s, char out[TD_UUID_TEXT])
{
    if (s.n == 38 && s.p[0] == '{' && s.p[37] == '}')
        s = td_sub(s, 1, 36);
    if (s.n != 36)
        return false;
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        char c = s.p[i];
        if (c >= 'A' && c <= 'F')
            c = (char)(c + 32);
        if (dash ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        out[i] = c;
    }
    out[36] = '\0';
    return true;
}

static void stamp(unsigned char b[16])
{
    b[6] = (unsigned char)((b[6] & 0x0F) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3F) | 0x80);
}

void td_uuid_new(const struct td_env *env, char out[TD_UUID_TEXT])
{
    unsigned char b[16];
    td_random_fill(env, b, sizeof(b));
    stamp(b);
    td_uuid_text(b, false, out);
}

char *td_uuid_arena(const struct td_env *env, struct td_arena *a)
{
    char text[TD_UUID_TEXT];
    td_uuid_new(env, text);
    return td_arena_strdup(a, text);
}

char *td_uuid_rising(const struct td_env *env, struct td_arena *a)
{
    unsigned char b[16];
    char text[TD_UUID_TEXT];
    uint64_t ms = (uint64_t)td_now(env) / 1000;
    td_random_fill(env, b, sizeof(b));
    for (int i = 5; i >= 0; i--, ms >>= 8)
        b[i] = (unsigned char)ms;
    stamp(b);
    td_uuid_text(b, false, text);
    return td_arena_strdup(a, text);
}

char *td_random_text(const struct td_env *env, struct td_arena *a, size_t octets)
{
    unsigned char raw[64];
    octets = TD_MIN(octets, sizeof(raw));
    td_random_fill(env, raw, octets);
    char *text = td_b64url(a, td_bytes(raw, octets));
    td_wipe(raw, sizeof(raw));
    return text;
}
