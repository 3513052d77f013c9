package optimized

// Small planes are packed where a set has kernels for it, eight at a time: a vector has a cell of each. So planes of any
// width fill vectors, neighbours are neighbouring vectors, and both axes are pooled alike, line by line:
//
//	planes  ▒▒▒▒▒▒▒  ▓▓▓▓▓▓▓  ░░░░░░░ …       pack: vectors of ▒▓░…, one for each cell
//
//	lines   ┌──────────────┐                  down: lines are rows
//	 first  │ ▒▓░… ▒▓░… …  │ ┐                along: lines are columns
//	        │ ▒▓░… ▒▓░… …  │ ├ ∘ ─► window
//	        │ ▒▓░… ▒▓░… …  │ ┘                of up to five lines: all of them; of more: the end of a block of
//	        └──────────────┘                  lines and the beginning of the next
type packed struct {
	down, along packedAxis
	src, suffix int // vectors of the source and of ends; what is pooled one way comes behind
	pitch       int // vectors from row to row of that: odd, so that the cells of a column lie in many sets of the cache
	vectors     int // of all
}

// packedAxis is how one axis is pooled.
type packedAxis struct {
	block int   // lines of a block; 0: none
	table []int // for each window, how many lines make it, and where they are, in bytes: 1 + packedTaps numbers
}

const (
	packedPlanes = 8 // at a time
	packedTaps   = 5 // up to how many lines are combined one by one

	packedLeast  = 4       // planes: of so many, as few as half of the lanes are worth it
	packedCells  = 1 << 11 // 45×45. At 48×48 it is 1.6 times as slow as by flat planes, at 44×44 it takes half of the time
	packedSooner = 20      // columns, up to which it is faster than fused kernels, whose rows are few vectors
)

// isPacked reports whether planes are packed, and prepares for it.
func (c *call[T]) isPacked() bool {
	h, w := c.h, c.w
	if c.ops.pack == nil || c.unit != 1 || h.d != 1 || w.d != 1 || c.planes < packedLeast ||
		h.in*w.in < 4 || h.out*w.out < 4 || h.in > packedCells/w.in || h.out > packedCells/max(w.out, w.in) {
		return false
	}
	p := &c.packed
	p.src = max(h.in*w.in, h.out*w.out)
	p.pitch = w.in | 1
	p.suffix = max(h.in, h.out) * p.pitch
	p.vectors = p.src + p.suffix + h.out*p.pitch
	p.down.prepare(h, w.in, p.src)
	p.along.prepare(w, 1, -p.suffix)
	return true
}

// prepare makes the table of an axis whose lines are so many vectors apart. Ends of blocks come suffix vectors behind.
func (p *packedAxis) prepare(a axis, line, suffix int) {
	const vector = 4 * packedPlanes
	p.block, p.table = 0, p.table[:0]
	if block := min(a.k, a.in); block > packedTaps {
		p.block = block
	}
	for i := range a.out {
		first, taps := a.taps(i)
		last := first + taps - 1
		var entry [1 + packedTaps]int
		add := func(vectors int) {
			entry[0]++
			entry[entry[0]] = vectors * vector
		}
		switch {
		case p.block == 0:
			for t := range taps {
				add((first + t) * line)
			}
		case taps == 0:
		default:
			if first%p.block > 0 {
				add(first*line + suffix) // the end of a block
			}
			if first%p.block == 0 || first/p.block < last/p.block {
				add(last * line) // the beginning of one
			}
		}
		p.table = append(p.table, entry[:]...)
	}
}

// packedRun computes planes [p0, p1).
func (c *call[T]) packedRun(p0, p1 int, s *scratch) {
	s.reset()
	in, out := c.h.in*c.w.in, c.h.out*c.w.out
	tmp := carve[T](s, packedPlanes*c.packed.vectors)
	dst, src := c.dst[p0*out:p1*out], c.src[p0*in:p1*in]
	for ; len(src) >= packedPlanes*in; dst, src = dst[packedPlanes*out:], src[packedPlanes*in:] {
		c.pack(dst[:packedPlanes*out], src[:packedPlanes*in], tmp)
	}
	if len(src) > 0 { // fewer planes, among others
		few, results := carve[T](s, packedPlanes*in), carve[T](s, packedPlanes*out)
		fill(few[copy(few, src):], 0)
		c.pack(results, few, tmp)
		copy(dst, results)
	}
}

// pack computes as many planes as are packed.
func (c *call[T]) pack(dst, src, tmp []T) {
	h, w, p := c.h, c.w, &c.packed
	suffix, half := tmp[packedPlanes*p.src:], tmp[packedPlanes*(p.src+p.suffix):]
	k := c.ops.pack(tmp, src, h.in*w.in)
	if p.down.block > 0 {
		k.ends(suffix, tmp, w.in, 1, h.in, w.in, p.down.block)
	}
	k.combine(half, tmp, w.in, 1, h.out, p.pitch, 1, p.down.table)
	if p.along.block > 0 {
		k.ends(suffix, half, h.out, p.pitch, w.in, 1, p.along.block)
	}
	k.combine(tmp, half, h.out, p.pitch, w.out, 1, w.out, p.along.table)
	c.ops.unpack(dst, tmp, h.out*w.out, c.by)
}
