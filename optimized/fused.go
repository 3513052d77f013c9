package optimized

import (
	"unsafe"

	"example.com/pool2d"
)

// fusedKind returns the kind of windows that may be computed in one pass, or -1. It is never k3s1Same, which is k3s1 too.
func (p *plan) fusedKind() int {
	h, w := p.h, p.w
	if p.unit == 1 && h.k == w.k && h.s == w.s && h.d == 1 && w.d == 1 && w.in <= maxFusedWidth {
		switch {
		case h.k == 2 && h.s == 2 && w.l == 0:
			return k2s2
		case h.k == 3 && h.s == 2:
			return k3s2
		case h.k == 3 && h.s == 1:
			return k3s1
		case h.k == 5 && h.s == 1:
			return k5s1
		}
	}
	return -1
}

// fusedKernel returns the kind of windows, if there is a kernel that computes them in one pass, or -1.
func (c *call[T]) fusedKernel() int {
	kind := c.fusedKind()
	switch {
	case kind == k3s1 && c.isSame():
		return k3s1Same
	case kind >= 0 && c.ops.fused[kind].exact == nil:
		return -1
	}
	return kind
}

// maxFusedWidth is how wide a plane may be for the kernels that compute windows in one pass: they read zeros in place
// of a row that is not there, and no call of theirs may take long.
const maxFusedWidth = 1 << 14

// zeros is a row for a sum to read in place of one that is not there, and as many bytes before and behind it as a vector has, or more.
var zeros [8 + maxFusedWidth + 64]float64

// zeroRow returns the row of zeros.
func zeroRow[T pool2d.Elem]() []T {
	return unsafe.Slice((*T)(unsafe.Pointer(&zeros[8])), maxFusedWidth)
}

// factors returns which row of factors the windows of row y of k rows have: of the first k/2 rows and of the last, which may hang over an
// edge, each has its own, and between them all have one.
func (f *band) factors(k, y int) int {
	switch reach := k / 2; {
	case y < reach:
		return y
	case y < f.oh-reach:
		return reach
	default:
		return 2*reach + 1 - (f.oh - y)
	}
}

// isSame reports whether windows of 3×3/1 are computed by k3s1Same. Where there are as many as cells, each pad is one.
func (c *call[T]) isSame() bool {
	h, w := c.h, c.w
	return h.out == h.in && w.out == w.in && w.in <= sameWidth && h.in <= sameCells/w.in && c.ops.fused[k3s1Same].exact != nil
}

// sameWidth is up to how wide planes have rows that registers hold, sameCells up to how large they are, since they are not
// cut into bands.
const (
	sameWidth = 64
	sameCells = 1 << 15
)

// besidePlanes is how many planes of besideFrom to besideTo columns k3s1Same takes at a time by AVX-512 (_asm/same.go). Planes of 35×35 take
// 0.81 to 0.9 of the time, Inception on two threads 0.82 to 0.95; where a goroutine has more bytes than besideBelow, the second-level
// cache of the Intel of model 167, it took 0.98 to 1.05 (-bench Pool2D/workload=.*inception).
const (
	besidePlanes         = 4
	besideFrom, besideTo = 33, 35
	besideBelow          = 2 << 20
)

// fused computes the rows [y0, y1) of planes [p0, p1) in one pass.
func (c *call[T]) fused(p0, p1, y0, y1 int, s *scratch) {
	h, w := c.h, c.w
	s.band = band{planes: p1 - p0, h: h.in, w: w.in, oh: h.out, ow: w.out, y0: y0, y1: y1, top: h.l, left: w.l, stream: c.stream, beside: c.beside}
	src := c.src[p0*h.in*w.in : p1*h.in*w.in]
	dst := c.dst[p0*h.out*w.out : p1*h.out*w.out]
	k := &c.ops.fused[c.kind]
	if k.fast != nil && k.fast(dst, src, &s.band, c.by) {
		return
	}
	if c.stream {
		c.ops.fence() // before it is written again
	}
	k.exact(dst, src, &s.band, c.by)
}
