// oneDNN, both the 2.x and the 3.x API.
#include "protocol.h"
#include <dnnl.hpp>
#include <omp.h>
#include <memory>
#include <string>
#include <unordered_map>
using namespace dnnl;

static struct state {
  engine e{engine::kind::cpu, 0};
  stream s{e};
  std::unique_ptr<pooling_forward> pool;
  std::unordered_map<int, memory> args;
} *st;

const char *load(pooling *p) try {
  std::string layout = p->layout;
  auto tag = layout == "nhwc" ? memory::format_tag::nhwc : layout == "nchw16c" ? memory::format_tag::aBcd16b
           : layout == "nchw8c" ? memory::format_tag::aBcd8b : memory::format_tag::nchw;
  std::string op = p->op;
  auto alg = op == "max" ? algorithm::pooling_max : op == "avgi" ? algorithm::pooling_avg_include_padding : algorithm::pooling_avg_exclude_padding;
  omp_set_num_threads(p->threads);
  memory::desc in({p->n, p->c, p->h, p->w}, memory::data_type::f32, tag), out({p->n, p->c, p->oh, p->ow}, memory::data_type::f32, tag);
  memory::dims stride{p->sh, p->sw}, kernel{p->kh, p->kw}, lead{p->pt, p->pl}, trail{p->pb, p->pr};
#if DNNL_VERSION_MAJOR >= 3
  pooling_forward::primitive_desc pd(st->e, prop_kind::forward_inference, alg, in, out, stride, kernel, {0, 0}, lead, trail);
#else
  pooling_forward::primitive_desc pd({prop_kind::forward_inference, alg, in, out, stride, kernel, lead, trail}, st->e);
#endif
  st->pool.reset(new pooling_forward(pd));
  st->args = {{DNNL_ARG_SRC, memory(in, st->e, p->x)}, {DNNL_ARG_DST, memory(out, st->e, p->y)}};
  return nullptr;
} catch (const std::exception &e) { return "refused"; }

void call(void) {
  st->pool->execute(st->s, st->args);
  st->s.wait();
}
void unload(void) { st->args.clear(); }
int main() {
  st = new state;
  const dnnl_version_t *v = dnnl_version();
  std::string version = std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
  return serve("onednn", version.c_str(), (std::string("nchw nhwc ") + blocked()).c_str());
}
