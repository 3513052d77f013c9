package optimized

import (
	"os"

	"example.com/pool2d"
)

// ops are the row kernels of one operation on one element type. The Go loops in kernels_generic.go are their contract.
type ops[T pool2d.Elem] struct {
	identity   T    // what changes nothing
	idempotent bool // a cell may enter twice
	keys       bool // float32: keys are faster

	fold       func(dst, src []T, taps, apart int)          // dst[i] = src[i] ∘ src[i+apart] ∘ … taps of them
	pick       func(dst, src []T, step, taps, apart int)    // dst[i] = src[i·step] ∘ src[i·step+apart] ∘ …
	pair       func(dst, a, b []T)                          // dst[i] = a[i] ∘ b[i]
	prefix     func(dst, acc, src, end []T)                 // acc[i] = acc[i] ∘ src[i], dst[i] = end[i] ∘ acc[i]
	slide      func(dst, src []T, k int, by []T, h hint[T]) // dst[i] = (src[i] ∘ … ∘ src[i+k−1])·by[i], k <= widest; nil: use fold
	slideBlock fallible[slideBlock[T]]
	suffix     func(s []T, n, width, rows int) // of rows of n cells, s[y] = s[y+1] ∘ … ∘ s[rows−1]
	widest     int
	slidePays  func(k, cells int) bool // whether slide makes windows of k along a row of cells sooner than folds
	// pickCells is pick for cells of several elements at stride 2; nil: use fold for each.
	pickCells func(dst, src []T, f *cellPicks, taps, apart int)
	reduce    func(src, tmp []T) T // src[0] ∘ src[1] ∘ …; tmp is 64 elements that it may use
	scale     func(dst, by []T)    // dst[i] *= by[i]
	fence     func()               // orders what was streamed before all that is written later; nil: nothing is streamed

	fused   [fusedKinds]fusedKernels[T] // whole planes in one pass
	globals fallible[func(dst, src []T, n int, by T) bool]
	cells   func(dst, src []T, f *cellWindows, by T) // nil: separable passes are as good
	// cellRows is cells for rows of windows of 3×3, of lanes elements or more, times by[y]; false: there is a NaN. nil: cells for each.
	cellRows func(dst, src []T, f *cellWindows, by []T) bool
	narrow   fallible[func(dst, src, tmp []T, f *narrowPlanes) bool]
	held     func(dst, src []T, f *heldTile, by []T) bool // like fast, and reads narrowWidth cells of each row; nil: none
	pack     func(dst, src []T, n int) *lineKernels[T]    // dst[8i+j] = src[j·n+i], and what suits these cells; nil: none
	unpack   func(dst, src []T, n int, by []T)            // dst[j·n+i] = src[8i+j]·by[i]
	lines    *lineKernels[T]                              // exact, for lanes elements a vector; nil: none
	lanes    int                                          // of globals: how many planes at a time
}

// hint is what a kernel may do about memory.
type hint[T pool2d.Elem] struct {
	next   []T  // will be read soon
	stream bool // what is written will not be
}

// fallible is a kernel in two forms, nil where the set has none. fast may give up and return false, with anything in
// dst; exact does not.
type fallible[F any] struct{ fast, exact F }

// fusedKernels compute windows of one kind.
type fusedKernels[T pool2d.Elem] = fallible[func(dst, src []T, f *band, by []T) bool]

// The kinds of windows that are computed in one pass.
const (
	k2s2 = iota
	k3s2
	k3s1
	k3s1Same // pads of 1, results as large as planes, whose rows are held in registers: whole planes only
	k5s1
	fusedKinds
)

// windowOf is what each kind of windows is.
var windowOf = [fusedKinds]struct{ k, stride int }{k2s2: {2, 2}, k3s2: {3, 2}, k3s1: {3, 1}, k3s1Same: {3, 1}, k5s1: {5, 1}}

// lineKernels pool lines of cells that are vectors: packed planes, or channels of NHWC. Distances between cells and between lines are in
// elements.
type lineKernels[T pool2d.Elem] struct {
	// ends makes of lines of n cells the ends of blocks, in suffix, and their beginnings, in place.
	ends func(suffix, src []T, n, next, lines, line, block int)
	// combine makes lines of windows of up to packedTaps lines each, times by, if that is not nil, which has a number for each cell.
	combine func(dst, src []T, n, next, windows, dstLine, dstNext int, table []int, by []T)
}

// band is a run of planes, or rows [y0, y1) of one.
type band struct {
	planes, h, w, oh, ow, y0, y1 int
	top, left                    int  // pads
	stream                       bool // what is written will not be read soon
	beside                       bool // k3s1Same may take besidePlanes at a time
}

// slideBlock does f.rows rows of a strip: it slides each, folds that into acc, and end[i] ∘ acc[i] into dst, and leaves it in end. Rows
// of a strip are f.width apart. A fast one may give up with anything in acc and end, too; it takes acc, not end, to be free of NaN.
type slideBlock[T pool2d.Elem] func(dst, acc, src, end []T, f *slideRows, by []T, h hint[T]) bool

// slideRows are n windows in each of some rows, along cells between identities: lead, so many cells, and more, n+k−1 in all.
// lead < k, and at least k−1 are lead or cells.
type slideRows struct {
	rows, n, lead, cells, k      int
	dstRow, srcRow, byRow, width int // elements from row to row
}

// cellWindows are n windows side by side over cells of c elements, all of rows·cols taps.
type cellWindows struct {
	n, c        int
	step        int // elements from window to window
	rows, down  int // taps, and elements from one to the next
	cols, right int
	stream      bool // what is written will not be read soon

	windows, dstRow int // cellRows: rows of windows, and elements from one to the next
	stride          int // rows from window to window
	above, real     int // rows of cells that are missing before src, and are there from there on
}

// cellPicks say how to take every second cell of u elements: of the 32 elements that begin at from[i], turn by turn,
// which are the next 16. After u turns it begins anew, 32·u elements further on.
type cellPicks struct {
	u     int
	index []uint32 // 16 a turn
	from  []int
	reach int // elements of the 32 that are needed; 0: it cannot be done so
}

// at returns where in the source element i of the result is.
func (f *cellPicks) at(i int) int { return i/f.u*2*f.u + i%f.u }

// prepare makes them for cells of u elements. It reports false unless every turn needs the same number of elements, 32
// at most: what a kernel reads for a turn is then what the turn needs, and nothing behind it.
func (f *cellPicks) prepare(u int) bool {
	if f.u != u {
		*f = cellPicks{u: u, index: f.index[:0], from: f.from[:0]}
		for turn := range u {
			first := f.at(16 * turn)
			reach := f.at(16*turn+15) - first + 1
			if reach > 32 || turn > 0 && reach != f.reach {
				f.reach = 0
				break
			}
			f.reach = reach
			f.from = append(f.from, first)
			for lane := range 16 {
				f.index = append(f.index, uint32(f.at(16*turn+lane)-first))
			}
		}
	}
	return f.reach > 0
}

// narrowPlanes are whole planes whose rows fit narrowWidth cells, and how to pool them.
type narrowPlanes struct {
	planes, h, w, oh, ow int
	block                int       // rows of a block
	steps                int       // of a maximum's columns, twice, and one more if a last permutation is needed; or which of narrowSums
	index                []uint32  // permutations of narrowWidth lanes, as package _asm says
	rows                 []int     // for each row of windows, the offsets in bytes of the two rows in tmp that make it
	by                   []float32 // factors, narrowWidth a row
}

// narrowWidth is the greatest width of a narrow plane, and of its result.
const narrowWidth = 16

// narrowScratch is how many elements of scratch narrow planes need: rows of ends and beginnings of blocks and one of
// identities, of two planes.
func narrowScratch(h int) int { return 2 * (2*h + 1) * narrowWidth }

// set is a kernel set: an implementation of ops on float32.
type set struct {
	name     string
	runnable bool
	ops      [2]ops[float32] // by pool2d.Op
}

// active is the set that calls use. It is chosen once: the one that POOL2D_KERNELS names, or the best that runs.
var active = chosen(os.Getenv("POOL2D_KERNELS"))

func chosen(name string) *set {
	wanted := false
	for i := range sets {
		wanted = wanted || sets[i].name == name
	}
	passed := !wanted
	for i := range sets {
		s := &sets[i]
		passed = passed || s.name == name
		if passed && s.runnable {
			return s
		}
	}
	return &sets[len(sets)-1]
}

// force makes calls use the set name, and returns what undoes that. It reports whether the set runs here.
// No call may be under way.
func force(name string) (undo func(), ok bool) {
	old := active
	for i := range sets {
		if s := &sets[i]; s.name == name && s.runnable {
			active = s
			return func() { active = old }, true
		}
	}
	return func() {}, false
}

// KernelSet returns the name of the kernel set that float32 runs on: avx512, avx2 or generic.
func KernelSet() string { return active.name }

// KernelSets returns the names of the sets that run here, best first. POOL2D_KERNELS takes each of them.
func KernelSets() []string {
	var names []string
	for _, s := range sets {
		if s.runnable {
			names = append(names, s.name)
		}
	}
	return names
}

// generic is the last of every table: it runs everywhere.
var generic = set{"generic", true, [2]ops[float32]{maxFloat32(), sumGeneric[float32]()}}

// opsFor returns the kernels of op on T.
func opsFor[T pool2d.Elem](op pool2d.Op) *ops[T] {
	var v any
	var cell T
	switch any(cell).(type) {
	case float32:
		v = &active.ops[op]
	case float64:
		v = &opsFloat64[op]
	case int8:
		v = &opsInt8
	case uint8:
		v = &opsUint8
	default:
		v = &opsInt32
	}
	return v.(*ops[T])
}

var (
	opsFloat64 = [2]ops[float64]{maxFloat[float64](), sumGeneric[float64]()}
	opsInt8    = maxGeneric[int8]()
	opsUint8   = maxGeneric[uint8]()
	opsInt32   = maxGeneric[int32]()
)

func maxGeneric[T pool2d.Elem]() ops[T] {
	return ops[T]{
		identity: least[T](), idempotent: true,
		fold: foldMax[T], pick: pickMax[T], pair: pairMax[T], prefix: prefixMax[T], reduce: reduceMax[T],
	}
}

// maxFloat returns the maxima of floats in plain Go.
func maxFloat[T float]() ops[T] {
	o := maxGeneric[T]()
	for _, kind := range [...]int{k2s2, k3s2, k3s1, k5s1} {
		o.fused[kind] = onePass[T](pool2d.Max, kind)
	}
	return o
}

func sumGeneric[T float]() ops[T] {
	o := ops[T]{fold: foldSum[T], pick: pickSum[T], pair: pairSum[T], prefix: prefixSum[T], reduce: reduceSum[T], scale: scale[T]}
	for _, kind := range [...]int{k2s2, k3s2, k3s1, k5s1} {
		o.fused[kind] = onePass[T](pool2d.Avg, kind)
	}
	return o
}
