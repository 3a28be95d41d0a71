/* The world as interfaces: time, sleep and randomness come in here and nowhere else, so that every test can fix them.
 *
 * Times are microseconds of UTC since 1970 in int64_t. Owner: app/ makes the real ones, tests make fixed ones; both
 * must outlive every user. fill() may be called from any thread. */
#ifndef TD_BASE_ENV_H
#define TD_BASE_ENV_H

#include "base/arena.h"

#define TD_SECOND INT64_C(1000000)
#define TD_MINUTE (60 * TD_SECOND)
#define TD_HOUR (60 * TD_MINUTE)
#define TD_DAY (24 * TD_HOUR)

struct td_clock {
    int64_t (*now)(void *ctx);            /* wall clock */
    void (*sleep)(void *ctx, int64_t us); /* returns early only if the process is to stop */
    void *ctx;
};

struct td_random {
    void (*fill)(void *ctx, void *out, size_t n);
    void *ctx;
};

struct td_env {
    const struct td_clock *clock;
    const struct td_random *random;
};

extern const struct td_env td_env_real; /* the system's clock and getrandom(2) */

static inline int64_t td_now(const struct td_env *env)
{
    return env->clock->now(env->clock->ctx);
}

static inline void td_sleep(const struct td_env *env, int64_t us)
{
    env->clock->sleep(env->clock->ctx, us);
}

static inline void td_random_fill(const struct td_env *env, void *out, size_t n)
{
    env->random->fill(env->random->ctx, out, n);
}

/* Monotonic microseconds, for durations and deadlines inside one process only. */
int64_t td_monotonic(void);

/* A fixed world for tests: the clock stands at *now and moves only when the test or a sleep moves it; the bytes come
 * from a counter that starts at the seed. */
struct td_env_fixed {
    int64_t now;
    uint64_t seed;
    struct td_clock clock;
    struct td_random random;
    struct td_env env; /* hand this to the code under test */
};
void td_env_fixed_init(struct td_env_fixed *f, int64_t now, uint64_t seed);

#define TD_TIME_TEXT 32
/* 2030-01-02T03:04:05Z, with micros as .123456Z; out holds TD_TIME_TEXT. */
const char *td_time_text(int64_t us, char out[TD_TIME_TEXT]);
const char *td_time_text_us(int64_t us, char out[TD_TIME_TEXT]);
char *td_time_arena(struct td_arena *a, int64_t us);
/* The same forms back, fraction of any length and Z or +00:00; years 1970 to 9999. */
bool td_time_parse(struct td_slice s, int64_t *ret_us);

#define TD_UUID_TEXT 37
/* Random version 4 UUID in lower case. */
void td_uuid_new(const struct td_env *env, char out[TD_UUID_TEXT]);
char *td_uuid_arena(const struct td_env *env, struct td_arena *a);
/* The same form with the time in front (its first 48 bits are milliseconds, 74 are random), for rows of which many are
 * made one after the other: their keys then lie side by side in every index. It says 4 all the same, since clients take
 * ids for random ones. Not for what must tell nothing about its time. */
char *td_uuid_rising(const struct td_env *env, struct td_arena *a);
/* 8-4-4-4-12 in any case, braces allowed; out in lower case. */
bool td_uuid_parse(struct td_slice s, char out[TD_UUID_TEXT]);
/* Text to 16 octets and back: network order, or the order of Windows' GUIDs (first three fields little-endian). */
void td_uuid_bytes(const char text[TD_UUID_TEXT], bool windows_order, unsigned char out[16]);
void td_uuid_text(const unsigned char in[16], bool windows_order, char out[TD_UUID_TEXT]);

/* n random octets as base64url text (opaque handles). */
char *td_random_text(const struct td_env *env, struct td_arena *a, size_t octets);

#endif
