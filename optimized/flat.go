package optimized

// Small planes at stride 1 are computed flat: the plane is laid out with identities around it, so that a window of rows
// is a fold of the whole layout at the distance of its rows, and a window of columns one of neighbours. The identities
// behind a row are those before the next.
//
//	 id id id id id id id id          l cells, then rows of pitch cells
//	 id id ┌──────────┐ gap ┐
//	  gap  │  plane   │ gap │ pitch = W + gap, gap = what windows hang over, to the left or to the right
//	  gap  └──────────┘ gap ┘
//	 id id id id id id id id
//
// A row of a plane of 19 columns is two vectors: by rows, calling kernels would cost as much as what they do.

// flatWidth and flatCells are up to how wide planes, and how large layouts, are computed flat: up to where that is not slower
// than by rows, for windows of 2 to 13 and all sets. At 56 columns it is 1.1 to 1.8 times as fast, at 80 from 0.8 to 1.3 times
// (-bench Shapes/layout=NCHW, with other limits).
// 6144 cells are 24 KiB: a layout and what it is folded into fit the first-level cache.
const (
	flatWidth = 64
	flatCells = 6 << 10
)

// flatPlanes is the geometry of a layout.
type flatPlanes struct{ pitch, rows int }

// isFlat reports whether planes are computed flat.
func (c *call[T]) isFlat() bool {
	h, w := c.h, c.w
	if c.unit != 1 || h.s != 1 || w.s != 1 || h.d != 1 || w.d != 1 || w.in > flatWidth || h.k > flatCells || w.k > flatCells {
		return false
	}
	if c.ops.lanes == 0 && c.ops.idempotent {
		return false // in Go, maxima of identities cost more than calls: 1.3 times, for 13×13 on 13×13 and 19×19
	}
	c.flat.pitch = w.in + max(w.l, w.out+w.k-1-w.l-w.in)
	c.flat.rows = max(h.l+h.in, h.out+h.k-1)
	return c.flat.rows*c.flat.pitch+w.l <= flatCells
}

// flatRun computes planes [p0, p1).
func (c *call[T]) flatRun(p0, p1 int, s *scratch) {
	h, w, pitch := c.h, c.w, c.flat.pitch
	s.reset()
	layout := carve[T](s, c.flat.rows*pitch+w.l)
	fill(layout, c.ops.identity)
	columns := carve[T](s, (h.out-1)*pitch+w.out+w.k-1)
	windows := carve[T](s, (h.out-1)*pitch+w.out)
	down := newHorizontal(c.ops, axis{k: h.k, s: 1, d: pitch}, 1, layout[:len(columns)+(h.k-1)*pitch], s)
	along := newHorizontal(c.ops, axis{k: w.k, s: 1, d: 1}, 1, columns, s)
	for plane := p0; plane < p1; plane++ {
		src := c.src[plane*h.in*w.in:][:h.in*w.in]
		dst := c.dst[plane*h.out*w.out:][:h.out*w.out]
		for y := range h.in {
			copy(layout[(h.l+y)*pitch+w.l:], src[y*w.in:][:w.in])
		}
		down.run(columns, nil, hint[T]{})
		along.run(windows, nil, hint[T]{})
		for y := range h.out {
			copy(dst[y*w.out:][:w.out], windows[y*pitch:])
		}
		if c.by != nil {
			c.ops.scale(dst, c.by)
		}
	}
}
