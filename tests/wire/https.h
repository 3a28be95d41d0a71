/* A real listener on loopback and a blocking client, for the tests of the HTTPS server. One server a test: served(). */
#ifndef TD_TESTS_WIRE_HTTPS_H
#define TD_TESTS_WIRE_HTTPS_H

#include "base/encode.h"
#include "crypto/cert.h"
#include "http/server.h"
#include "unit/test.h"

#include <openssl/ssl.h>
#include <stdatomic.h>

struct client {
    int fd;
    SSL *ssl; /* NULL: plain */
    struct td_buf in;
};

struct client_options {
    bool cert, plain, tls12, raw; /* raw: connected, no handshake */
    const char *name;             /* SNI */
    const char *file;             /* by this socket file, plain */
    SSL_SESSION *session;
};

extern struct td_server_config config; /* of the next served(); reset by it_ends() */
extern struct td_server *server;
extern _Thread_local struct td_arena test_arena; /* a thread of a test ends its own */
extern _Atomic int at_work;                      /* handlers of /slow that wait */

/* Once a program: keys and certificates. */
int https_setup(void **state);
int https_teardown(void **state);
/* Around every test: default configuration; ends the server. */
int begins(void **state);
int ends(void **state);
void served(void);                           /* starts the server */
struct td_slice https_client_cert(void);     /* DER, what dial shows with .cert */
struct td_server_cert https_cert(int which); /* 0 and 1: two certificates for the same names */
void open_gate(void);                        /* lets the handlers of /slow go */

struct client *dial(const struct client_options *o);
struct client *dial_new(void);  /* TLS, no certificate */
void hang_up(struct client *c); /* close_notify, close */
void drop(struct client *c);    /* FIN without close_notify */
void reset(struct client *c);   /* RST */
void half_close(struct client *c);
bool send_text(struct client *c, const char *text); /* false: the other side is gone */
bool send_bytes(struct client *c, struct td_slice s);
/* Next answer whole (status line to end of body), without its octets in the buffer; status 0: none came. */
struct answer {
    int status;
    struct td_slice head, body;
};
struct answer receive(struct client *c);
struct answer ask(struct client *c, const char *text); /* send_text, receive */
bool is_closed(struct client *c, int ms);              /* the other side ends within that time */
int64_t closed_after(struct client *c);                /* ms until it does; at most 10 s */
bool has_line(const struct answer *a, const char *line);
SSL_SESSION *session_of(struct client *c);
struct td_server_stats stats(void);
void nap(int ms);
int64_t cpu_us(void); /* used by this process */

#endif
