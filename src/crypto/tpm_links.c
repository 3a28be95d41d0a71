/* Which authority was found to have signed which: what every TPM of a maker would have worked out again. Dates, flags
 * and trust are judged each time; only the signature is a matter of the two certificates alone. */
#include "base/fault.h"
#include "crypto/digest.h"
#include "crypto/tpm_room.h"

void td_ek_links_init(struct td_ek_links *links)
{
    *links = (struct td_ek_links){.next = 0};
    (void)pthread_mutex_init(&links->lock, NULL);
}

void td_ek_links_done(struct td_ek_links *links)
{
    (void)pthread_mutex_destroy(&links->lock);
}

void td_ek_link_of(const struct td_lean_cert *below, const struct td_lean_cert *above, struct td_ek_link *ret)
{
    unsigned char both[2 * sizeof(ret->octets)];
    td_sha256(below->der, both);
    td_sha256(td_fault("ek-link-any-issuer") ? above->subject : above->spki, both + sizeof(ret->octets));
    td_sha256(td_bytes(both, sizeof(both)), ret->octets);
}

bool td_ek_links_has(struct td_ek_links *links, const struct td_ek_link *link)
{
    bool found = false;
    (void)pthread_mutex_lock(&links->lock);
    for (size_t i = 0; i < TD_COUNTOF(links->kept) && !found; i++)
        found = memcmp(links->kept[i].octets, link->octets, sizeof(link->octets)) == 0;
    (void)pthread_mutex_unlock(&links->lock);
    return found;
}

void td_ek_links_keep(struct td_ek_links *links, const struct td_ek_link *link)
{
    (void)pthread_mutex_lock(&links->lock);
    links->kept[links->next++ % TD_COUNTOF(links->kept)] = *link;
    (void)pthread_mutex_unlock(&links->lock);
}
