/* Internet addresses as values, and networks of them. Pure; IPv4 is kept mapped into IPv6 (::ffff:a.b.c.d), so that one
 * caller is the same whichever kind of socket it came by. */
#ifndef TD_HTTP_IP_H
#define TD_HTTP_IP_H

#include "base/err.h"
#include "base/slice.h"

#include <netinet/in.h>

struct sockaddr;

struct td_ip {
    unsigned char octets[16];
};

struct td_network {
    struct td_ip ip;
    int bits; /* of the 128 */
};

bool td_ip_of_sockaddr(const struct sockaddr *sa, struct td_ip *ret); /* false: another family */
/* "192.0.2.1" or "2001:db8::1", nothing around it. */
bool td_ip_parse(struct td_slice text, struct td_ip *ret);
void td_ip_text(const struct td_ip *ip, char text[INET6_ADDRSTRLEN]); /* a mapped one as IPv4 */

/* "10.0.0.0/8", "2001:db8::/32", or a single address. Refused: bits set behind the prefix (a slip of the pen), and a
 * prefix of 0, which would be everybody. */
enum td_code td_network_parse(struct td_slice text, struct td_network *ret, struct td_error *err) TD_MUST_USE;
bool td_network_has(const struct td_network *network, const struct td_ip *ip);

#endif
