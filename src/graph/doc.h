/* What graph-doc prints beside the tables of docs/graph.md. */
#ifndef TD_GRAPH_DOC_H
#define TD_GRAPH_DOC_H

void td_doc_roles(void);
void td_doc_actions(void);

#endif
