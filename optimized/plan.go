package optimized

import (
	"math"
	"sync"
	"unsafe"

	"example.com/pool2d"
)

// axis is one axis of a pooling, normalized.
type axis struct {
	in, out    int
	k, s, d, l int // kernel, stride, dilation, leading pad
	t          int // trailing pad
}

// taps returns the first real cell of window i, and how many of its taps are real. They lie d apart.
func (a axis) taps(i int) (first, n int) {
	start := i*a.s - a.l
	skip := 0
	if start < 0 {
		skip = (-start-1)/a.d + 1
	}
	room := a.in - 1 - start // cells from the window's start to the last of the plane
	if room < 0 {
		return 0, 0
	}
	last := min(a.k-1, room/a.d)
	if skip > last {
		return 0, 0
	}
	return start + skip*a.d, last - skip + 1
}

// counted returns how many taps of window i, real or not, lie inside the plane and its pads.
func (a axis) counted(i int) int {
	room := a.in + a.t + a.l - 1 - i*a.s
	if room < 0 {
		return 0
	}
	return min(a.k, room/a.d+1)
}

// span is how many cells a window covers, gaps between its taps included.
func (a axis) span() int { return a.d*(a.k-1) + 1 }

// under returns the cells [r0, r1) from the first to the last under windows [i0, i1).
func (a axis) under(i0, i1 int) (r0, r1 int) {
	r0 = min(max(i0*a.s-a.l, 0), a.in)
	return r0, max(r0, min((i1-1)*a.s-a.l+a.span(), a.in))
}

// inner returns the windows [i0, i1) that hang over no edge.
func (a axis) inner() (i0, i1 int) {
	i0 = min((a.l+a.s-1)/a.s, a.out)
	if room := a.in + a.l - a.span(); room >= 0 {
		i1 = min(room/a.s+1, a.out)
	}
	return i0, max(i0, i1)
}

// byBlocks reports whether windows are folded by blocks: three operations a cell read, where directly it is k for each written.
func (a axis) byBlocks() bool { return a.d == 1 && min(a.k, a.in) > 3*a.s+2 }

// whole reports whether the axis has one window, whose taps are all the cells.
func (a axis) whole() bool { return a.out == 1 && a.d == 1 && a.k-a.l >= a.in }

// plan is the geometry of one call. Both layouts are planes of rows of cells of unit elements:
//
//	NCHW   N·C planes of H rows of W cells of 1 element
//	NHWC   N planes of H rows of W cells of C elements
type plan struct {
	h, w    axis
	op      pool2d.Op
	count   bool // CountPad
	divisor int
	planes  int
	unit    int
}

func newPlan(in, out pool2d.Shape, layout pool2d.Layout, p pool2d.Params) plan {
	p = p.Normalized()
	pl := plan{
		h:       axis{in: in.H, out: out.H, k: p.Kernel.H, s: p.Stride.H, d: p.Dilation.H, l: p.Pad.Top, t: p.Pad.Bottom},
		w:       axis{in: in.W, out: out.W, k: p.Kernel.W, s: p.Stride.W, d: p.Dilation.W, l: p.Pad.Left, t: p.Pad.Right},
		op:      p.Op,
		count:   p.CountPad,
		divisor: p.Divisor,
		planes:  in.N * in.C,
		unit:    1,
	}
	if layout == pool2d.NHWC && in.C > 1 {
		pl.planes, pl.unit = in.N, in.C
	}
	return pl
}

// A call is cut into 16 chunks, or 8, 4 or 2 if they were smaller than minChunk, so that 2, 4 or 8 goroutines have as many
// each; a large call into more, of maxChunk. These are elements read and written: from the second-level cache the least takes 1
// µs, 20 times what taking it costs; the most takes 10 µs from memory, a tenth of what a garbage collection may have to wait
// for. Global pooling of 2048 planes, 4 µs of work, is 8 % faster by 6 chunks than by 16, and 15 % on two threads; there 13×13
// of 512 planes is 3 to 8 % faster by 8 chunks than by 11. Two goroutines have chunks of twice minChunk at least, which takes
// 0.85 to 1.0 of the time of such calls (-bench 'Pool2D/workload=(near|spp|global)' -cpu 2). Whole planes of no more than fewBelow in all are
// one chunk for each of up to two goroutines: with nobody to share them, 0.93 to 0.99 of the time (larger chunks of larger calls, 0.98 to
// 1.04; -bench 'Pool2D/workload=(near|spp|global|inc)' -cpu 1), and for two, against four chunks, 0.90 to 1.0 by AVX-512, 0.98
// to 1.02 else (-bench Pool2D/workload=spp/.*/layout=nchw -cpu 2).
const (
	minChunk = 1 << 14
	maxChunk = 1 << 16
	fewBelow = 1 << 18
)

// cut is how a call is cut into chunks: runs of whole planes, or bands of rows if planes are large.
// It depends on the geometry, and on whether anyone shares the work; results do not depend on it.
type cut struct {
	perChunk int // planes
	bands    int // of a plane; then perChunk is 1
	together int // rows
	chunks   int
}

// newCut cuts planes of so many rows, of which some stay together, for up to procs goroutines. A plane is perPlane elements.
func newCut(planes, rows, together, perPlane, procs int) cut {
	if planes == 0 {
		return cut{}
	}
	target, n := maxChunk, max(1, maxChunk/perPlane) // elements of a chunk, and planes
	if perPlane < 16*maxChunk/planes {
		parts, least := 16, minChunk
		if procs == 2 {
			least *= 2
		}
		for parts > 1 && perPlane*planes < parts*least {
			parts /= 2
		}
		target, n = perPlane*planes/parts, (planes+parts-1)/parts
	}
	if bands := min(rows/together, perPlane/target); bands > 1 {
		return cut{perChunk: 1, bands: bands, together: together, chunks: planes * bands}
	}
	if planes*perPlane <= fewBelow && procs <= 2 {
		n = max(n, (planes+procs-1)/procs)
	}
	n = min(planes, n)
	return cut{perChunk: n, bands: 1, together: together, chunks: (planes + n - 1) / n}
}

// at returns the planes [p0, p1) and rows [y0, y1) of chunk i.
func (c cut) at(i, planes, rows int) (p0, p1, y0, y1 int) {
	if c.bands > 1 {
		p, b := i/c.bands, i%c.bands
		groups := (rows + c.together - 1) / c.together
		return p, p + 1, groups * b / c.bands * c.together, min(rows, groups*(b+1)/c.bands*c.together)
	}
	return i * c.perChunk, min(planes, (i+1)*c.perChunk), 0, rows
}

// call is a forward pooling under way. It is the task that workers take chunks of.
type call[T pool2d.Elem] struct {
	job
	plan
	cut
	dst, src []T
	keyed    bool // cells are bits of float32, to be pooled as keys
	ops      *ops[T]
	path     path
	kind     int  // fused: which windows
	strip    int  // rows: output columns at a time
	herk     bool // rows: vertically by blocks
	scaled   bool // divide
	paired   bool // rows: every second of cells of few elements is taken by picks
	byCells  bool // cells of several elements are multiplied by one number each, not by a row of them
	together bool // cells: all rows of a band of windows of 3×3
	beside   bool // fused: k3s1Same takes besidePlanes at a time, where it can
	stream   bool // write past the cache

	by     []T // reciprocals of the divisors; which ones, the path knows
	in0    int // the windows of a row [in0, in1) hang over no edge
	in1    int
	edges  []int // how many columns of the others count
	picks  cellPicks
	narrow narrowPlanes
	tiles  []heldTile // of a plane that is held
	halves halves     // of its rows
	packed packed
	layout flatLayout
	shared []T // memory of by, kept for the next call

	prepared prepared
	once     sync.Once
	exact    *call[T] // of what is held, where there is a NaN
}

// prepared is what a call was prepared for.
type prepared struct {
	plan
	set         *set
	streamAbove int
	keyed       bool
	procs       int // 1, 2 or, for all that newCut tells apart, 3
}

// path is a way to compute a plane.
type path uint8

const (
	pathDirect   path = iota // each output cell by itself
	pathFused                // one pass over the plane, windows of 2 or 3
	pathNarrow               // rows that fit a register
	pathFlat                 // separable, all of a small plane at once
	pathCells                // NHWC, each output cell from its taps, all channels at once
	pathRows                 // separable: rows folded into one, then that along itself
	pathBlocks               // separable: along rows, then down by blocks of them, a strip of columns at a time
	pathWhole                // one window, all of the plane
	pathHeld                 // small planes, by tiles that registers hold
	pathPacked               // small planes, eight side by side, a cell of each in a vector
	pathChannels             // small NHWC planes, a vector of channels at a time
	pathTurned               // keys in windows of 5×5: rows, folded, are columns, which are folded in turn
)

// calls holds the calls of each element type that are not under way, so that a pooling does not allocate.
var calls [5]sync.Pool

func elemIndex[T pool2d.Elem]() int {
	var cell T
	switch any(cell).(type) {
	case float32:
		return 0
	case float64:
		return 1
	case int8:
		return 2
	case uint8:
		return 3
	}
	return 4
}

// forward computes dst, which is valid for src and p.
func forward[T pool2d.Elem](dst, src pool2d.Tensor[T], p pool2d.Params) {
	if len(dst.Data) == 0 {
		return
	}
	var cell T
	pl := newPlan(src.Shape, dst.Shape, src.Layout, p)
	if _, ok := any(cell).(float32); ok && pl.keyed() {
		pool(pl, cellBits(dst.Data), cellBits(src.Data), true)
		return
	}
	pool(pl, dst.Data, src.Data, false)
}

// pool computes dst, which is not empty. If keyed, cells are the bits of float32.
func pool[T pool2d.Elem](pl plan, dst, src []T, keyed bool) {
	free, c := &calls[elemIndex[T]()], newCall[T]()
	c.dst, c.src = dst, src
	procs := goroutines(len(src) + len(dst))
	if key := (prepared{pl, active, streamAbove, keyed, min(procs, 3)}); c.prepared != key { // most calls repeat one
		c.prepared, c.plan, c.keyed = key, pl, keyed
		c.prepare(procs)
	}
	c.start(c.chunks, len(c.src)+len(c.dst), procs)
	if f := c.exact; f != nil {
		f.dst, f.src = nil, nil
		free.Put(f)
		c.exact, c.once = nil, sync.Once{}
	}
	c.dst, c.src = nil, nil
	free.Put(c)
}

// prepare chooses the path, cuts the call into chunks, and computes what they share.
func (c *call[T]) prepare(procs int) {
	c.choose(true)
	rows := 1 // that stay together in a band
	switch {
	case c.path == pathFused && c.kind != k3s1Same:
		rows = 2 // what k3s1 takes at a time
	case c.path == pathFused || c.path == pathNarrow || c.path == pathFlat || c.path == pathHeld || c.path == pathPacked:
		rows = c.h.out // whole planes
	case c.herk:
		rows = 4*c.h.k/c.h.s + 1 // each band computes a block of its own
	case c.path == pathBlocks:
		rows = 4 * c.h.k // so does each that does not go on where another ended
	}
	perPlane := (c.h.in*c.w.in + c.h.out*c.w.out) * c.unit
	if c.byChannels() {
		c.cut = newCut(c.planes, c.unit, 64, perPlane, procs)
	} else {
		c.cut = newCut(c.planes, c.h.out, rows, perPlane, procs)
	}
	n := 1 // planes that stay together
	switch {
	case c.path == pathWhole && c.unit == 1:
		if n = c.ops.groups(); c.perChunk/4 >= n {
			n *= 4 // of AVX-512, the kernel for whole lines takes 64
		}
	case c.path == pathPacked:
		n = packedPlanes
	case c.path == pathFused && c.stream:
		n = 16 // whose results fill lines
	case c.path == pathFused && c.kind == k3s1Same:
		var cell T
		if c.beside = (len(c.src)+len(c.dst))*int(unsafe.Sizeof(cell)) <= besideBelow*min(procs, 3); c.beside {
			n = besidePlanes
		}
	}
	if c.perChunk > n {
		c.perChunk -= c.perChunk % n
		c.chunks = (c.planes + c.perChunk - 1) / c.perChunk
	}
	c.factors()
}

// byChannels reports whether chunks are bands of channels, not of rows.
func (c *call[T]) byChannels() bool {
	return c.unit > 1 && (c.path == pathWhole || c.path == pathChannels)
}

// exactly returns the call by another path than pathHeld, which has no exact kernels.
func (c *call[T]) exactly() *call[T] {
	c.once.Do(func() {
		f := newCall[T]()
		f.prepared = prepared{} // chunks are not its own
		f.plan, f.cut, f.dst, f.src = c.plan, c.cut, c.dst, c.src
		f.choose(false)
		f.factors()
		c.exact = f
	})
	return c.exact
}

// newCall returns a call that is not under way.
func newCall[T pool2d.Elem]() *call[T] {
	c, ok := calls[elemIndex[T]()].Get().(*call[T])
	if !ok {
		c = new(call[T])
		c.task = c
	}
	return c
}

// What separable paths may use of a goroutine's scratch. A strip has up to six rows beside its blocks, and where there are
// blocks, of six rows or more, they bound the rows: scratchBytes holds both.
const stripBytes = 64 << 10 // a row: wider than any plane of a network, and in the first-level cache if it is one row
var blockBytes = 512 << 10  // the ends of a block of rows: a quarter of the second-level cache here; tests lower it

// streamAbove is how many bytes source and result must have for results to be written past the cache. Then they do not
// fit there anyway, and the lines need not be read first. Copying 64 MiB was as fast either way, 256 MiB 1.6 times as
// fast (28.6 against 29.1 and 15.6 against 25.5 GB/s on one core); 2×2/2 in NHWC lost 5 % on 40 MiB, and gained 25 % on 120.
// That was with a last cache of 480 MiB. Of 32 MiB, 2×2/2 gains from half of it on: 0 to 4 % at 12 to 15 MiB, 1.2 to 1.8 times as fast
// at 19 to 38 (an AMD Zen 4).
var streamAbove = 96 << 20 // less where the last cache is small; tests lower it

// choose picks the path, pathHeld only if hold.
func (c *call[T]) choose(hold bool) {
	c.scaled = c.op == pool2d.Avg
	c.path, c.herk, c.strip, c.paired, c.byCells, c.together, c.beside, c.stream = pathDirect, false, c.w.out, false, false, false, false, false
	if c.op == pool2d.Avg && !isFloat[T]() {
		return // sums do not fit T
	}
	c.ops = opsFor[T](c.op)
	var cell T
	c.stream = c.ops.fence != nil && (len(c.src)+len(c.dst))*int(unsafe.Sizeof(cell)) > streamAbove
	if c.h.whole() && c.w.whole() {
		c.path = pathWhole
		return
	}
	c.kind = c.fusedKernel()
	sooner := c.kind >= 0 && (c.kind != k3s1Same || c.w.in > narrowWidth) // than what is held
	if hold && !sooner && !c.stream && c.isHeld() {
		c.path = pathHeld
		return
	}
	packs, narrow := c.isPacked(), c.isNarrow()
	sooner = packs && c.w.in <= packedSooner && c.w.in != 16 || narrow && !c.stream // than fused; 16 are two whole vectors of AVX2
	switch {
	case c.kind >= 0 && !sooner:
		c.path = pathFused
		return
	case packs:
		c.path = pathPacked
		return
	case narrow:
		c.path = pathNarrow
		return
	}
	if c.keyed && c.turns() {
		c.path = pathTurned
		return
	}
	byBlocks := c.isBlocks()
	if !(byBlocks && (c.w.out >= blocksOut || c.w.out >= wideOut && c.w.k >= blocksWindow)) && c.isFlat() {
		c.path = pathFlat
		return
	}
	if c.isChannels() {
		c.path = pathChannels
		return
	}
	c.paired = c.ops.pickCells != nil && 1 < c.unit && c.unit < c.ops.lanes && c.w.s == 2 && c.picks.prepare(c.unit)
	c.byCells = c.ops.cells != nil && c.unit > 1 && !c.paired && (c.unit >= cellVectors*c.ops.lanes || c.w.s > 1)
	of3 := func(a axis) bool { return a.k == 3 && a.d == 1 && a.s <= 2 }
	lanes := c.ops.lanes
	c.together = c.ops.cellRows != nil && of3(c.h) && of3(c.w) && c.unit >= lanes && (c.unit%lanes == 0 || c.byCells)
	if c.together || c.byCells && c.h.k*c.w.k <= cellTaps && (c.w.s > 1 || c.w.in*c.unit > rowElements) {
		c.path = pathCells
		return
	}
	if byBlocks {
		c.path = pathBlocks
		return
	}
	// A strip of x output columns reads (x−1)·s+span columns.
	size := int(unsafe.Sizeof(cell)) * c.unit
	width := stripBytes / size
	if c.w.span() > width/2 {
		return
	}
	c.path = pathRows
	c.strip = min(c.w.out, (width-c.w.span())/c.w.s+1)
	if c.h.byBlocks() {
		rows := min(c.h.k, c.h.in)
		if width := blockBytes / size / rows; c.w.span() <= width/2 {
			c.herk = true
			c.strip = min(c.strip, (width-c.w.span())/c.w.s+1)
		}
	}
	if 16 <= c.strip && c.strip < c.w.out {
		c.strip -= c.strip % 16 // whole lines of float32
	}
}

// run computes chunk i.
func (c *call[T]) run(i int, s *scratch) {
	if c.stream {
		defer c.ops.fence()
	}
	rows := c.h.out
	if c.byChannels() {
		rows = c.unit
	}
	p0, p1, y0, y1 := c.at(i, c.planes, rows)
	switch c.path {
	case pathHeld:
		if !c.heldRun(p0, p1, s) {
			c.exactly().run(i, s)
		}
		return
	case pathFused:
		c.fused(p0, p1, y0, y1, s)
		return
	case pathPacked:
		c.packedRun(p0, p1, s)
		return
	case pathNarrow:
		c.narrowRun(p0, p1, s)
		return
	case pathChannels:
		c.channelsRun(p0, p1, y0, y1, s)
		return
	case pathTurned:
		c.turnedRun(p0, p1, y0, y1, s)
		return
	case pathCells:
		for plane := p0; plane < p1; plane++ {
			c.cellRows(plane, y0, y1, s)
		}
		return
	case pathWhole:
		c.whole(p0, p1, y0, y1, s)
		return
	}
	s.reset()
	row := c.w.in * c.unit
	var keys []T
	if c.keyed && c.path != pathFlat { // whose layout has the keys
		keys = carve[T](s, c.h.in*row)
	}
	var f flat[T]
	if c.path == pathFlat {
		f = c.newFlat(s)
	}
	for plane := p0; plane < p1; plane++ {
		src := c.src[plane*c.h.in*row:][:c.h.in*row]
		dst := c.dst[plane*c.h.out*c.w.out*c.unit:][:c.h.out*c.w.out*c.unit]
		if keys != nil {
			r0, r1 := c.h.under(y0, y1)
			toKeys(cellBits(keys[r0*row:r1*row]), cellBits(src[r0*row:r1*row]))
			src = keys
		}
		switch c.path {
		case pathFlat:
			c.flatPlane(dst, src, &f)
		case pathRows:
			c.rows(dst, src, y0, y1, s)
		case pathBlocks:
			c.blocksRun(dst, src, plane, c.h.blockStart(y0), c.h.blockStart(y1), s)
		default:
			c.direct(dst, src, y0, y1)
		}
		if keys != nil {
			row := cellBits(dst[y0*c.w.out*c.unit : y1*c.w.out*c.unit])
			fromKeys(row, row)
		}
	}
}

// cellTaps is up to how many taps NHWC windows are computed without separable passes, and rowElements from how many
// elements a row on, if windows are side by side. Separable passes go through a row of W·C elements: of 8 KiB it stays in the
// first-level cache, and 3×3/1 is 1.1 to 3 times as fast by them as by windows one by one (C from 256 down to 16); of 16 KiB it is 1 to
// 1.6 times as slow. Rows together are sooner than both.
//
// cellVectors is from how many vectors on a cell is worth a turn of its own, if windows are side by side: what the kernel
// takes at a time. Averages of fewer, multiplied by a row of factors, are 1.1 to 2.8 times as fast (-bench
// Shapes/layout=nhwc, with other limits, has these figures).
const (
	cellTaps    = 16
	rowElements = 1 << 11
	cellVectors = 4
)

// cellRows computes the rows [y0, y1) of an NHWC plane.
func (c *call[T]) cellRows(plane, y0, y1 int, s *scratch) {
	w := c.w
	if !c.together {
		c.cellWindows(plane, y0, y1, 0, w.out, s)
		return
	}
	h, u := c.h, c.unit
	src := c.src[plane*h.in*w.in*u:][:h.in*w.in*u]
	dst := c.dst[(plane*h.out+y0)*w.out*u:][:(y1-y0)*w.out*u]
	r0, r1 := h.under(y0, y1)
	by := c.by // those of the next windows
	for x, n := 0, 0; x < w.out; x += n {
		n = c.alike(x)
		var factors []T
		if c.scaled {
			factors, by = by[y0:], by[h.out:]
		}
		col, ncols := w.taps(x)
		if ncols > 1 {
			s.cells = cellWindows{
				n: n, c: u, step: w.s * u, down: w.in * u, cols: ncols, stream: c.stream,
				windows: y1 - y0, dstRow: w.out * u, stride: h.s, above: r0 - (y0*h.s - h.l), real: r1 - r0,
			}
			if c.ops.cellRows(dst[x*u:], src[(r0*w.in+col)*u:], &s.cells, factors) {
				continue
			}
		}
		c.cellWindows(plane, y0, y1, x, x+n, s)
	}
}

// alike returns how many windows from column x on have the same columns of cells, or else 1: those that hang over no edge.
func (c *call[T]) alike(x int) int {
	if in0, in1 := c.w.inner(); x == in0 && in1 > in0 {
		return in1 - in0
	}
	return 1
}

// cellWindows computes the windows [x0, x1) of rows [y0, y1) of an NHWC plane: those cut off by the left or right edge one by one, those
// between in one go.
func (c *call[T]) cellWindows(plane, y0, y1, x0, x1 int, s *scratch) {
	h, w, u := c.h, c.w, c.unit
	src := c.src[plane*h.in*w.in*u:][:h.in*w.in*u]
	f := &s.cells
	for y := y0; y < y1; y++ {
		dst := c.dst[(plane*h.out+y)*w.out*u:][:w.out*u]
		row, nrows := h.taps(y)
		rows := 1
		if c.scaled {
			rows = c.rowsCounted(y)
		}
		for x := x0; x < x1; {
			col, ncols := w.taps(x)
			n := c.alike(x)
			if nrows == 0 || ncols == 0 {
				fill(dst[x*u:(x+n)*u], c.ops.identity)
				x += n
				continue
			}
			by := T(1)
			if c.scaled {
				by = reciprocal[T](c.windowDivisor(rows, c.columns(x)))
			}
			*f = cellWindows{n: n, c: u, step: w.s * u, rows: nrows, down: h.d * w.in * u, cols: ncols, right: w.d * u, stream: c.stream}
			c.ops.cells(dst[x*u:], src[(row*w.in+col)*u:], f, by)
			x += n
		}
	}
}

// least returns what loses every comparison: −Inf, or the least integer.
func least[T pool2d.Elem]() T {
	var cell T
	var v any
	switch any(cell).(type) {
	case float32:
		v = float32(math.Inf(-1))
	case float64:
		v = math.Inf(-1)
	case int8:
		v = int8(math.MinInt8)
	case uint8:
		v = uint8(0)
	case int32:
		v = int32(math.MinInt32)
	}
	return v.(T)
}
