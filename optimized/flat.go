package optimized

import "example.com/pool2d"

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
// (-bench Shapes/layout=nchw, with other limits).
// 6144 cells are 24 KiB: a layout and what it is folded into fit the first-level cache.
const (
	flatWidth = 64
	flatCells = 6 << 10
)

// flatLayout is the geometry of a layout.
type flatLayout struct{ pitch, rows int }

// isFlat reports whether planes are computed flat.
func (c *call[T]) isFlat() bool {
	h, w := c.h, c.w
	if c.unit != 1 || h.s != 1 || w.s != 1 || h.d != 1 || w.d != 1 || w.in > flatWidth || h.k > flatCells || w.k > flatCells {
		return false
	}
	if c.ops.lanes == 0 && c.ops.idempotent && isFloat[T]() {
		return false // in Go, maxima of identities cost more than calls: 1.3 times, for 13×13 on 13×13 and 19×19
	}
	c.layout.pitch = w.in + max(w.l, w.out+w.k-1-w.l-w.in)
	c.layout.rows = max(h.l+h.in, h.out+h.k-1)
	return c.layout.rows*c.layout.pitch+w.l <= flatCells
}

// flat is a goroutine's memory for planes that are computed flat.
type flat[T pool2d.Elem] struct {
	layout, columns, windows []T
	down, along              horizontal[T]
}

func (c *call[T]) newFlat(s *scratch) flat[T] {
	h, w, pitch := c.h, c.w, c.layout.pitch
	var f flat[T]
	f.layout = carve[T](s, c.layout.rows*pitch+w.l)
	fill(f.layout, c.ops.identity)
	f.columns = carve[T](s, (h.out-1)*pitch+w.out+w.k-1)
	f.windows = carve[T](s, (h.out-1)*pitch+w.out)
	f.down = newHorizontal(c.ops, axis{k: h.k, s: 1, d: pitch}, 1, f.layout[:len(f.columns)+(h.k-1)*pitch], s)
	f.along = newHorizontal(c.ops, axis{k: w.k, s: 1, d: 1}, 1, f.columns, s)
	return f
}

// flatPlane computes a plane.
func (c *call[T]) flatPlane(dst, src []T, f *flat[T]) {
	h, w, pitch := c.h, c.w, c.layout.pitch
	for y := range h.in {
		to, from := f.layout[(h.l+y)*pitch+w.l:], src[y*w.in:][:w.in]
		if c.keyed {
			toKeys(cellBits(to), cellBits(from))
		} else {
			copy(to, from)
		}
	}
	f.down.run(f.columns, nil, hint[T]{})
	f.along.run(f.windows, nil, hint[T]{})
	for y := range h.out {
		to, from := dst[y*w.out:][:w.out], f.windows[y*pitch:][:w.out]
		if c.keyed {
			fromKeys(cellBits(to), cellBits(from))
		} else {
			copy(to, from)
		}
	}
	if c.by != nil {
		c.ops.scale(dst, c.by)
	}
}
