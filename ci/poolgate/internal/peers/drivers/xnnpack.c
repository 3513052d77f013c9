// XNNPACK, as Debian packages it (a snapshot of 2022). It pools NHWC only, and its average never counts padding.
#include "protocol.h"
#include <math.h>
#include <pthreadpool.h>
#include <xnnpack.h>
static xnn_operator_t op;
static pthreadpool_t pool;

const char *load(pooling *p) {
  enum xnn_status s;
  if (!pool && p->threads > 1) pool = pthreadpool_create(p->threads);
  if (!strcmp(p->op, "avgi") && p->pt + p->pl + p->pb + p->pr) return "an average that counts padding";
  if (!strcmp(p->op, "max")) {
    s = xnn_create_max_pooling2d_nhwc_f32(p->pt, p->pr, p->pb, p->pl, p->kh, p->kw, p->sh, p->sw, 1, 1, p->c, p->c, p->c, -INFINITY, INFINITY, 0, &op);
    if (!s) s = xnn_setup_max_pooling2d_nhwc_f32(op, p->n, p->h, p->w, p->x, p->y, pool);
  } else if (p->oh * p->ow == 1) {
    s = xnn_create_global_average_pooling_nwc_f32(p->c, p->c, p->c, -INFINITY, INFINITY, 0, &op);
    if (!s) s = xnn_setup_global_average_pooling_nwc_f32(op, p->n, p->h * p->w, p->x, p->y, pool);
  } else {
    s = xnn_create_average_pooling2d_nhwc_f32(p->pt, p->pr, p->pb, p->pl, p->kh, p->kw, p->sh, p->sw, p->c, p->c, p->c, -INFINITY, INFINITY, 0, &op);
    if (!s) s = xnn_setup_average_pooling2d_nhwc_f32(op, p->n, p->h, p->w, p->x, p->y, pool);
  }
  return s ? "refused" : 0;
}
void call(void) { if (xnn_run_operator(op, pool)) exit(1); }
void unload(void) { xnn_delete_operator(op); }
int main(void) { return xnn_initialize(0) ? 1 : serve("xnnpack", "2022", "nhwc"); }
