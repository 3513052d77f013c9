package optimized

import (
	"slices"
	"unsafe"
)

// isNarrow reports whether there is a kernel that holds the rows of these planes in a register, and prepares for it.
func (c *call[T]) isNarrow() bool {
	h, w := c.h, c.w
	if c.ops.narrow.exact == nil || c.unit != 1 || h.d != 1 || w.d != 1 ||
		w.in > narrowWidth || w.out > narrowWidth || h.in > narrowHeight || h.out > narrowHeight || w.l > w.in || w.k > 3*narrowWidth || (w.out-1)*w.s >= w.in || w.s > 1 && c.ops.lanes < narrowWidth {
		return false
	}
	n := &c.narrow
	n.h, n.w, n.oh, n.ow = h.in, w.in, h.out, w.out
	n.block = min(h.k, h.in)
	n.index, n.rows = n.index[:0], n.rows[:0]

	// Two rows of tmp for each row of windows, as vertical.row chooses them: h suffixes, h prefixes, identities.
	const row = 4 * narrowWidth
	for y := range h.out {
		first, k := h.taps(y)
		last := first + k - 1
		b, e := first/n.block, last/n.block
		end, beginning := first*row, (h.in+last)*row
		switch {
		case k == 0:
			end, beginning = 2*h.in*row, 2*h.in*row
		case b == e && first == b*n.block:
			end = 2 * h.in * row
		case b == e:
			beginning = 2 * h.in * row
		}
		n.rows = append(n.rows, end, beginning)
	}

	left, right := w.l, w.k-1-w.l
	n.first = max(-left, 1-narrowWidth)
	n.taps = min(right, narrowWidth-1) - n.first + 1
	n.held = c.ops.lanes == narrowWidth && h.s == 1 && h.out == h.in && h.in <= heldRows && h.k == 2*h.l+1
	n.reach = min(h.l, h.in-1)
	n.held = n.held && n.reach <= heldReach
	if !c.ops.idempotent {
		if n.held = n.held && n.heldSums(w); !n.held {
			c.sumsOfRow()
		}
		return true
	}
	if c.ops.lanes < narrowWidth {
		return true
	}
	ok := n.maxima(w)
	n.columns = n.steps / 2
	n.held = n.held && n.steps%2 == 0
	return ok
}

// heldRows is how many rows a plane may have that registers hold whole, heldReach how many rows above and below a row its
// window may take.
const (
	heldRows  = 16
	heldReach = 7
)

// heldSums prepares for sums of planes that are held whole: of which sums of 8, 4, 2 and 1 cells, that end in their lane,
// a window is made. Its cells before the row are not in such a sum, those behind it are zeros up to the last lane. It
// reports false if a window needs a sum that ends behind that.
//
//	cells                   0 1 2 3 4 5 6 7 8 9
//	window              [───────┤                5 cells, of 4 and 1: that ends in 1, and 2
//	                            [───────┤        those that end in 7, and 8
//	                                      [───────┤  and in 12, and none
func (n *narrowPlanes) heldSums(w axis) bool {
	if w.k%2 == 0 || w.k > 2*heldReach+1 {
		return false
	}
	n.index, n.columns = n.index[:0], w.k/2
	before := 0
	for size := 8; size > 0; size /= 2 {
		if w.k&size == 0 {
			continue
		}
		for x := range narrowWidth {
			first := x*w.s - w.l + before
			last := first + size - 1
			switch {
			case x >= w.out || last < 0 || first >= w.in:
				n.index = append(n.index, 1<<31)
			case last < narrowWidth:
				n.index = append(n.index, uint32(last))
			default:
				return false
			}
		}
		before += size
	}
	return true
}

// maxima prepares for maxima: doubling makes windows of m cells that end in their lane, or with mirrored begin there, and
// of which the row's edge cuts off what is behind it; a window is the maximum of two of them. It reports false if windows
// are too unlike, as they hang over both edges by more than half.
//
//	cells           0 1 2 3 4 5 6 7 8 9
//	window                [───────]        5 cells, m = 3: those that end in 5 and in 7
//	              [───]                    3 left by the edge: those that end in 0 and in 2
func (n *narrowPlanes) maxima(w axis) bool {
	longest := 0
	for x := range w.out {
		_, taps := w.taps(x)
		longest = max(longest, taps)
	}
	m := (longest + 1) / 2 // with more, more windows were too short
	return n.cover(w, m, false) || n.cover(w, m, true)
}

// cover prepares for maxima of windows of m cells, if it can be done with them.
func (n *narrowPlanes) cover(w axis, m int, mirrored bool) bool {
	last := w.in - 1
	lane := func(i int) uint32 { // of cell i counted from the edge that windows are cut off by
		if i = min(max(i, 0), last); mirrored {
			i = last - i
		}
		return uint32(i)
	}
	n.index, n.steps = n.index[:0], 0
	for size := 1; size < m; n.steps += 2 {
		shift := min(size, m-size)
		for x := range narrowWidth {
			if mirrored {
				x = last - x
			}
			n.index = append(n.index, lane(x-shift))
		}
		size += shift
	}
	var one, other [narrowWidth]uint32
	own := true // each lane's one window is its own
	for x := range w.out {
		first, taps := w.taps(x)
		if taps == 0 {
			return false
		}
		end := first + taps - 1
		if mirrored {
			first, end = last-end, last-first
		}
		// The one that begins with the window: if the edge cuts it off, any that the other follows.
		i := first + m - 1
		if at := int(lane(x)); first == 0 && end-m <= at && at < m {
			i = at
		}
		if i > end && first > 0 {
			return false
		}
		one[x], other[x] = lane(min(i, end)), lane(end)
		own = own && one[x] == uint32(x)
	}
	n.index = append(n.index, other[:]...)
	if !own {
		n.steps++
		n.index = append(n.index, one[:]...)
	}
	return true
}

// narrowSums are the ways to make windows of up to 4, 6, 10, 14 and 16 cells: each a choice, lane by lane, of one of two
// sums of so many cells or none, all added up. Kernels have a loop for each.
var narrowSums = [...][][2]int{
	{{2, 1}, {2, 1}},
	{{2, 1}, {2, 1}, {2, 1}},
	{{4, 2}, {4, 2}, {2, 1}},
	{{8, 4}, {4, 2}, {2, 1}},
	{{8, 4}, {4, 2}, {2, 1}, {2, 1}},
}

// sumsOfRow prepares for sums: how to make the windows of a row of sums of 1, 2, 4 and 8 cells.
func (c *call[T]) sumsOfRow() {
	n := &c.narrow
	n.index = n.index[:0]
	longest := 1
	var from, left [narrowWidth]int
	for x := range c.w.out {
		from[x], left[x] = c.w.taps(x)
		longest = max(longest, left[x])
	}
	n.steps = slices.IndexFunc(narrowSums[:], func(sums [][2]int) bool {
		cells := 0
		for _, of := range sums {
			cells += of[0]
		}
		return longest <= cells
	})
	for _, of := range narrowSums[n.steps] {
		for x := range narrowWidth {
			switch lane := uint32(from[x]); {
			case left[x] >= of[0]:
				n.index = append(n.index, lane)
				from[x], left[x] = from[x]+of[0], left[x]-of[0]
			case left[x] >= of[1]:
				n.index = append(n.index, narrowWidth+lane)
				from[x], left[x] = from[x]+of[1], left[x]-of[1]
			default:
				n.index = append(n.index, 1<<31)
			}
		}
	}
}

// narrowHeight bounds the scratch memory of a narrow plane.
const narrowHeight = 1 << 11

// narrowRun computes planes [p0, p1).
func (c *call[T]) narrowRun(p0, p1 int, s *scratch) {
	in, out := c.h.in*c.w.in, c.h.out*c.w.out
	s.reset()
	tmp := carve[T](s, narrowScratch(c.h.in, c.h.out))
	s.narrow = c.narrow
	s.narrow.planes = p1 - p0
	if c.by != nil {
		s.narrow.by = unsafe.Slice((*float32)(unsafe.Pointer(&c.by[0])), len(c.by))
	} else {
		s.narrow.by = nil
	}
	dst, src := c.dst[p0*out:p1*out], c.src[p0*in:p1*in]
	if k := &c.ops.narrow; k.fast == nil || !k.fast(dst, src, tmp, &s.narrow) {
		k.exact(dst, src, tmp, &s.narrow)
	}
}
