#include "http/bounds.h"

#include "base/env.h"

const struct td_http_limits td_http_limits_default = {
    .url = 8192,
    .header_octets = 32768,
    .header_count = 100,
    .body_total = INT64_C(256) << 20,
    .connections = 20000,
    .connections_per_address = 4096,
    .rate_per_address = 50,
    .burst_per_address = 400,
    .queue = 1024,
    .output = 65536,
    .sessions = 5000,
    .handshake = 10 * TD_SECOND,
    .body = 30 * TD_SECOND,
    .work = 60 * TD_SECOND,
    .send = 30 * TD_SECOND,
    .send_rate = 16384,
    .idle = 75 * TD_SECOND,
    .linger = TD_SECOND,
    .drain = 20 * TD_SECOND,
};

#define FIELD(name, member, unit, min, max)                           \
    {                                                                 \
        name, offsetof(struct td_http_limits, member), unit, min, max \
    }
#define MILLIS(name, member) FIELD(name, member, 1000, 10, 3600000)

const struct td_http_limit_field td_http_limit_fields[] = {
    FIELD("url-octets", url, 1, 256, 65536),
    FIELD("header-octets", header_octets, 1, 1024, 262144),
    FIELD("header-count", header_count, 1, 8, 1000),
    FIELD("body-octets-in-all", body_total, 1, 65536, INT64_C(1) << 40),
    FIELD("connections", connections, 1, 1, 1000000),
    FIELD("connections-per-address", connections_per_address, 1, 0, 1000000),
    FIELD("limited-requests-per-second", rate_per_address, 1, 0, 1000000),
    FIELD("limited-requests-burst", burst_per_address, 1, 1, 1000000),
    FIELD("queue", queue, 1, 1, 1000000),
    FIELD("output-octets", output, 1, 16384, 1 << 24),
    FIELD("tls-sessions", sessions, 1, 1, 1000000),
    MILLIS("handshake-ms", handshake),
    MILLIS("body-ms", body),
    MILLIS("work-ms", work),
    MILLIS("send-ms", send),
    FIELD("send-octets-per-second", send_rate, 1, 1, INT64_C(1) << 40),
    MILLIS("idle-ms", idle),
    MILLIS("linger-ms", linger),
    MILLIS("drain-ms", drain),
};
const size_t td_http_limit_field_count = TD_COUNTOF(td_http_limit_fields);
