#include "http/ip.h"

#include <arpa/inet.h>
#include <stdio.h>

enum { MAPPED_BITS = 96 };

static const unsigned char mapped[MAPPED_BITS / 8] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

static void map(const void *ipv4, struct td_ip *ret)
{
    memcpy(ret->octets, mapped, sizeof(mapped));
    memcpy(ret->octets + sizeof(mapped), ipv4, 4);
}

static bool is_mapped(const struct td_ip *ip)
{
    return memcmp(ip->octets, mapped, sizeof(mapped)) == 0;
}

bool td_ip_of_sockaddr(const struct sockaddr *sa, struct td_ip *ret)
{
    if (sa->sa_family == AF_INET)
        map(&((const struct sockaddr_in *)(const void *)sa)->sin_addr, ret);
    else if (sa->sa_family == AF_INET6)
        memcpy(ret->octets, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, sizeof(ret->octets));
    else
        return false;
    return true;
}

bool td_ip_parse(struct td_slice text, struct td_ip *ret)
{
    char copy[INET6_ADDRSTRLEN];
    unsigned char ipv4[4];
    if (text.n == 0 || text.n >= sizeof(copy) || memchr(text.p, '\0', text.n) != NULL)
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    if (inet_pton(AF_INET, copy, ipv4) != 1)
        return inet_pton(AF_INET6, copy, ret->octets) == 1;
    map(ipv4, ret);
    return true;
}

void td_ip_text(const struct td_ip *ip, char text[INET6_ADDRSTRLEN])
{
    const char *done = is_mapped(ip) ? inet_ntop(AF_INET, ip->octets + sizeof(mapped), text, INET6_ADDRSTRLEN)
                                     : inet_ntop(AF_INET6, ip->octets, text, INET6_ADDRSTRLEN);
    if (done == NULL)
        text[0] = '\0';
}

static bool is_set(const struct td_ip *ip, int bit)
{
    return (ip->octets[bit / 8] & (0x80 >> (bit % 8))) != 0;
}

enum td_code td_network_parse(struct td_slice text, struct td_network *ret, struct td_error *err)
{
    struct td_slice address, prefix = td_cut(text, '/', &address);
    uint64_t bits = 0;
    if (!td_ip_parse(address, &ret->ip))
        return td_fail(err, TD_EINVAL, "", "\"%.*s\" is not an address or network such as 192.0.2.1 or 10.0.0.0/8",
                       (int)TD_MIN(text.n, (size_t)60), text.p);
    bool ipv4 = td_find(address, ':') == SIZE_MAX;
    ret->bits = 128;
    if (address.n == text.n)
        return TD_OK;
    if (!td_parse_u64(prefix, &bits) || bits == 0 || bits > (ipv4 ? 32 : 128))
        return td_fail(err, TD_EINVAL, "", "the prefix of %.*s is not a number from 1 to %d", TD_FMT(text),
                       ipv4 ? 32 : 128);
    ret->bits = (int)bits + (ipv4 ? MAPPED_BITS : 0);
    for (int i = ret->bits; i < 128; i++)
        if (is_set(&ret->ip, i))
            return td_fail(err, TD_EINVAL, "", "%.*s has bits set behind its prefix", TD_FMT(text));
    return TD_OK;
}

bool td_network_has(const struct td_network *network, const struct td_ip *ip)
{
    size_t whole = (size_t)network->bits / 8;
    int rest = network->bits % 8;
    if (memcmp(network->ip.octets, ip->octets, whole) != 0)
        return false;
    return rest == 0 || ((network->ip.octets[whole] ^ ip->octets[whole]) & (0xFF00 >> rest) & 0xFF) == 0;
}
