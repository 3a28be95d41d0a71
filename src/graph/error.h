/* Errors in OData's shape: {"error":{"code","message","innerError":{"date","request-id","client-request-id"}}}
 * (graph-api.md 2.4), and the headers that every answer of this interface carries. */
#ifndef TD_GRAPH_ERROR_H
#define TD_GRAPH_ERROR_H

#include "api/service.h"

/* request-id, client-request-id, OData-Version, Cache-Control: once a reply; the second time it only tells the id. */
const char *td_graph_headers(const struct td_service *svc, struct td_http_request *req, struct td_http_reply *reply);

void td_graph_error(const struct td_service *svc, struct td_http_request *req, struct td_http_reply *reply, int status,
                    const char *code, const char *message);

/* The same from an error of ours: status and code by one table, the message has field, reason and remedy. directory: in
 * the words of directory objects; status 0: the table's. A 500 tells nothing of err. */
void td_graph_fail(const struct td_service *svc, struct td_http_request *req, struct td_http_reply *reply,
                   bool directory, int status, const struct td_error *err);

/* 401 with the challenge that clients look for. */
void td_graph_challenge(const struct td_service *svc, struct td_http_request *req, struct td_http_reply *reply,
                        const char *message);

#endif
