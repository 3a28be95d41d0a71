/* Between the files of the directory: values that types write, sets of each file. */
#ifndef TD_GRAPH_DIRECTORY_H
#define TD_GRAPH_DIRECTORY_H

#include "graph/graph.h"

typedef void td_g_writer(struct td_g_call *call, const struct td_view_row *row, const struct td_g_prop *prop,
                         struct td_jsonw *w);
td_g_writer td_g_group_types, td_g_group_status;                                         /* directory_groups.c */
td_g_writer td_g_physical_ids, td_g_security_ids, td_g_extensions;                       /* directory_devices.c */
td_g_writer td_g_user_mails, td_g_user_phones, td_g_user_nickname, td_g_user_identities; /* directory_users.c */
td_g_writer td_g_user_immutable;

/* The function of registrations that says why (explain.c). */
enum td_code td_g_explain_assignment(struct td_g_call *call, struct td_tx *tx, struct td_error *err) TD_MUST_USE;

/* The function of registrations and managed devices that tells their life (life.c). */
enum td_code td_g_tell_life(struct td_g_call *call, struct td_tx *tx, struct td_error *err) TD_MUST_USE;

#endif
