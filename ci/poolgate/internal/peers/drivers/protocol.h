// The driver's side of the line protocol of package peers, for C and C++: a driver defines load, call and unload, and
// its main calls serve. The words are explained in peers.go.
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

typedef struct {
  char op[8], layout[16], model[1024];
  int threads;
  long block; // channels whose cells lie side by side: 1 in nchw, 8 in nchw8c, 16 in nchw16c, all in nhwc
  long n, c, h, w, kh, kw, sh, sw, pt, pl, pb, pr, oh, ow;
  float *x, *y; // source and result, in the layout
} pooling;

const char *load(pooling *p); // null, or the reason why this pooling is not offered
void call(void);
void unload(void);

// offset returns where cell n c h w is in a tensor of C channels, in blocks of b, and H by W planes.
static inline size_t offset(long b, long C, long H, long W, long n, long c, long h, long w) {
  return (((n * (C / b) + c / b) * H + h) * W + w) * b + c % b;
}

// blocked names the layout of which libraries of this kind have kernels here: a block is a vector.
static inline const char *blocked(void) { return __builtin_cpu_supports("avx512f") ? "nchw16c" : "nchw8c"; }

// cells returns memory for n floats on pages of the size that POOL2D_PAGES names, so that all contenders have the same.
static inline float *cells(size_t n) {
  const size_t huge = 2 << 20;
  size_t bytes = (n * sizeof(float) + 2 * huge) & ~(huge - 1);
  char *p = (char *)mmap(0, bytes + huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) { perror("mmap"); exit(1); }
  p = (char *)(((uintptr_t)p + huge - 1) & ~(uintptr_t)(huge - 1));
  const char *pages = getenv("POOL2D_PAGES");
  madvise(p, bytes, pages && !strcmp(pages, "huge") ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  memset(p, 0, bytes);
  return (float *)p;
}

static inline void drop(float *p, size_t n) { munmap(p, (n * sizeof(float) + (4 << 20)) & ~(size_t)((2 << 20) - 1)); }

static inline double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static inline int serve(const char *name, const char *version, const char *layouts) {
  char line[2048];
  pooling p;
  memset(&p, 0, sizeof p);
  int loaded = 0;
  printf("hello %s %s %s\n", name, version, layouts);
  fflush(stdout);
  while (fgets(line, sizeof line, stdin)) {
    long warm, reps;
    if (!strncmp(line, "load ", 5)) {
      size_t in = (size_t)p.n * p.c * p.h * p.w, out = (size_t)p.n * p.c * p.oh * p.ow;
      if (loaded) unload();
      if (p.x) drop(p.x, in), drop(p.y, out);
      memset(&p, 0, sizeof p);
      int got = sscanf(line, "load %7s %15s %d %ld %ld %ld %ld %ld %ld %ld %ld %ld %ld %ld %ld %1023s", p.op, p.layout, &p.threads,
                       &p.n, &p.c, &p.h, &p.w, &p.kh, &p.kw, &p.sh, &p.sw, &p.pt, &p.pl, &p.pb, &p.pr, p.model);
      if (got < 15) { fprintf(stderr, "bad line: %s", line); return 1; }
      p.oh = (p.h + p.pt + p.pb - p.kh) / p.sh + 1;
      p.ow = (p.w + p.pl + p.pr - p.kw) / p.sw + 1;
      in = (size_t)p.n * p.c * p.h * p.w, out = (size_t)p.n * p.c * p.oh * p.ow;
      p.x = cells(in), p.y = cells(out);
      loaded = 0;
      p.block = 1;
      if (!strcmp(p.layout, "nhwc")) p.block = p.c;
      sscanf(p.layout, "nchw%ldc", &p.block);
      if (p.c % p.block) {
        printf("lacks planes that are not a multiple of %ld\n", p.block);
        fflush(stdout);
        continue;
      }
      uint32_t i = 0;
      for (long n = 0; n < p.n; n++) for (long c = 0; c < p.c; c++) for (long h = 0; h < p.h; h++) for (long w = 0; w < p.w; w++)
        p.x[offset(p.block, p.c, p.h, p.w, n, c, h, w)] = (float)(i++ * 2654435761u >> 8) * 0x1p-24f - 0.5f;
      const char *reason = load(&p);
      loaded = !reason;
      if (reason) {
        printf("lacks %s\n", reason);
      } else {
        call();
        double sum = 0, weighted = 0; // the weights make a result at a wrong place show
        size_t k = 0;
        for (long n = 0; n < p.n; n++) for (long c = 0; c < p.c; c++) for (long h = 0; h < p.oh; h++) for (long w = 0; w < p.ow; w++) {
          double v = p.y[offset(p.block, p.c, p.oh, p.ow, n, c, h, w)];
          sum += v, weighted += v * (k++ % 61);
        }
        printf("ok %.17g %.17g\n", sum, weighted);
      }
    } else if (sscanf(line, "time %ld %ld", &warm, &reps) == 2 && loaded) {
      double start = now();
      do call(); while (now() - start < warm);
      start = now();
      for (long i = 0; i < reps; i++) call();
      printf("%.0f\n", now() - start);
    } else {
      fprintf(stderr, "bad line: %s", line);
      return 1;
    }
    fflush(stdout);
  }
  return 0;
}
