#include "http/addresses.h"

#include <pthread.h>

enum { BUCKETS = 4096 };

struct entry {
    struct entry *next;
    struct td_address address;
    int64_t open;
    int64_t full_at; /* monotonic time at which the bucket will be full again */
};

struct td_addresses {
    const struct td_http_limits *limits;
    uint64_t seed;
    pthread_mutex_t lock;
    struct entry *buckets[BUCKETS];
    int64_t count;
};

struct td_addresses *td_addresses_new(const struct td_env *env, const struct td_http_limits *limits)
{
    struct td_addresses *t = td_new(struct td_addresses);
    t->limits = limits;
    td_random_fill(env, &t->seed, sizeof(t->seed));
    (void)pthread_mutex_init(&t->lock, NULL);
    return t;
}

void td_addresses_free(struct td_addresses *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        while (t->buckets[i] != NULL) {
            struct entry *e = t->buckets[i];
            t->buckets[i] = e->next;
            td_free(e);
        }
    }
    (void)pthread_mutex_destroy(&t->lock);
    td_free(t);
}

struct td_address td_address_of(const struct td_ip *ip)
{
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    struct td_address a = {{0}};
    memcpy(a.octets, ip->octets, memcmp(ip->octets, mapped, sizeof(mapped)) == 0 ? 16 : 8);
    return a;
}

/* Seeded, so that nobody can choose addresses that fall into one bucket. */
static struct entry **bucket(struct td_addresses *t, const struct td_address *a)
{
    uint64_t words[2];
    memcpy(words, a->octets, sizeof(words));
    uint64_t h = t->seed;
    for (size_t i = 0; i < 2; i++) {
        h = (h ^ words[i]) * UINT64_C(0x9E3779B97F4A7C15);
        h ^= h >> 29;
    }
    return &t->buckets[h % BUCKETS];
}

static struct entry *find(struct td_addresses *t, const struct td_address *a, bool make)
{
    struct entry **head = bucket(t, a);
    for (struct entry *e = *head; e != NULL; e = e->next)
        if (memcmp(&e->address, a, sizeof(*a)) == 0)
            return e;
    if (!make)
        return NULL;
    struct entry *e = td_new(struct entry);
    e->address = *a;
    e->next = *head;
    *head = e;
    t->count++;
    return e;
}

/* Drops what nobody uses any more: without connections and with a full bucket, or too many of them. */
static void sweep(struct td_addresses *t, struct entry **at, int64_t now)
{
    while (*at != NULL) {
        struct entry *e = *at;
        if (e->open == 0 && (e->full_at <= now || t->count > 2 * t->limits->connections)) {
            *at = e->next;
            t->count--;
            td_free(e);
        } else {
            at = &e->next;
        }
    }
}

bool td_addresses_enter(struct td_addresses *t, const struct td_address *a)
{
    (void)pthread_mutex_lock(&t->lock);
    struct entry *e = find(t, a, true);
    bool ok = t->limits->connections_per_address == 0 || e->open < t->limits->connections_per_address;
    if (ok)
        e->open++;
    (void)pthread_mutex_unlock(&t->lock);
    return ok;
}

void td_addresses_leave(struct td_addresses *t, const struct td_address *a, int64_t now)
{
    (void)pthread_mutex_lock(&t->lock);
    struct entry *e = find(t, a, false);
    if (e != NULL && e->open > 0)
        e->open--;
    sweep(t, bucket(t, a), now);
    (void)pthread_mutex_unlock(&t->lock);
}

bool td_addresses_take(struct td_addresses *t, const struct td_address *a, int64_t now, int *ret_seconds)
{
    const struct td_http_limits *l = t->limits;
    if (l->rate_per_address == 0)
        return true;
    int64_t each = TD_MAX(TD_SECOND / l->rate_per_address, 1), whole = each * l->burst_per_address;
    (void)pthread_mutex_lock(&t->lock);
    sweep(t, bucket(t, a), now); /* who comes through a proxy has no connection here whose end would do it */
    struct entry *e = find(t, a, true);
    int64_t full_at = TD_MAX(e->full_at, now) + each;
    bool ok = full_at - now <= whole;
    if (ok)
        e->full_at = full_at;
    (void)pthread_mutex_unlock(&t->lock);
    if (!ok)
        *ret_seconds = (int)TD_MIN((full_at - now - whole) / TD_SECOND + 1, 3600);
    return ok;
}
