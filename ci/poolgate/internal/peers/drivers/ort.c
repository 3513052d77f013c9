// ONNX Runtime through its C API, with bound and pre-allocated tensors. The blocked layout is MLAS's own, the tensor
// being taken as already blocked; its blocks are 16 channels where the machine has AVX-512, and 8 where it has not.
#include "protocol.h"
#include <onnxruntime_c_api.h>
static const OrtApi *api;
static OrtEnv *env;
static OrtMemoryInfo *info;
static OrtSession *session;
static OrtIoBinding *binding;
static OrtValue *in, *out;

#define TRY(x) do { OrtStatus *s = (x); if (s) { snprintf(why, sizeof why, "%s", api->GetErrorMessage(s)); why[strcspn(why, "\n")] = 0; api->ReleaseStatus(s); return why; } } while (0)

const char *load(pooling *p) {
  static char why[256];
  OrtSessionOptions *options;
  TRY(api->CreateSessionOptions(&options));
  TRY(api->SetIntraOpNumThreads(options, p->threads));
  TRY(api->SetInterOpNumThreads(options, 1));
  TRY(api->SetSessionGraphOptimizationLevel(options, ORT_ENABLE_ALL));
  TRY(api->CreateSession(env, p->model, options, &session));
  api->ReleaseSessionOptions(options);
  int64_t dx[] = {p->n, p->c, p->h, p->w}, dy[] = {p->n, p->c, p->oh, p->ow};
  TRY(api->CreateTensorWithDataAsOrtValue(info, p->x, p->n * p->c * p->h * p->w * 4, dx, 4, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &in));
  TRY(api->CreateTensorWithDataAsOrtValue(info, p->y, p->n * p->c * p->oh * p->ow * 4, dy, 4, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &out));
  TRY(api->CreateIoBinding(session, &binding));
  TRY(api->BindInput(binding, "x", in));
  TRY(api->BindOutput(binding, "y", out));
  return 0;
}

void call(void) {
  OrtStatus *s = api->RunWithBinding(session, 0, binding);
  if (s) { fprintf(stderr, "%s\n", api->GetErrorMessage(s)); exit(1); }
}

void unload(void) {
  api->ReleaseIoBinding(binding);
  api->ReleaseValue(in);
  api->ReleaseValue(out);
  api->ReleaseSession(session);
}

int main(void) {
  api = OrtGetApiBase()->GetApi(ORT_API_VERSION);
  if (!api) { fprintf(stderr, "API version %d is not offered\n", ORT_API_VERSION); return 1; }
  if (api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "pool2d", &env) || api->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &info)) return 1;
  char layouts[32];
  snprintf(layouts, sizeof layouts, "nchw %s", blocked());
  return serve("onnxruntime", OrtGetApiBase()->GetVersionString(), layouts);
}
