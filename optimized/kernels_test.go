//go:build unix

package optimized

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"example.com/pool2d"
	"example.com/pool2d/optimized/internal/guard"
)

// fenced is a source or a result between pages that are not mapped.
func fenced(t *testing.T, cells int) *guard.Memory {
	m, err := guard.New(cells)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// places returns n cells of m at both fences and, aligned in every way, between them.
func places(m *guard.Memory, n int) [][]float32 {
	s := [][]float32{m.First(n), m.Last(n)}
	for i := 16; i < 32; i++ {
		s = append(s, m.At(i, n))
	}
	return s
}

// integers fills s with integers whose sums are exact.
func integers(r *rand.Rand, s []float32) {
	for i := range s {
		s[i] = float32(r.IntN(201) - 100)
	}
}

// same reports whether got and want are equal, any NaN to any NaN.
func same(got, want []float32) bool {
	return slices.EqualFunc(got, want, func(g, w float32) bool { return g == w || g != g && w != w })
}

var quiet, signalling = math.Float32frombits(0xffc00001), math.Float32frombits(0x7f800001)

// TestKernel compares each row kernel of each set with its Go loop: each length, at both fences and in every alignment,
// and a NaN at every position.
func TestKernel(t *testing.T) {
	contracts := [2]ops[float32]{maxGeneric[float32](), sumGeneric[float32]()}
	for _, s := range sets {
		if !s.runnable {
			t.Logf("set %s: does not run here", s.name)
			continue
		}
		for op := range s.ops {
			o, contract := &s.ops[op], &contracts[op]
			longest := 4*max(8, o.lanes) + 3
			if raceEnabled { // thirty times as slow, and what it is for is TestSameBits
				longest = o.lanes + 3
			}
			name := func(kernel string) string {
				return fmt.Sprintf("set=%s/op=%v/kernel=%s/lengths=0-%d", s.name, pool2d.Op(op), kernel, longest)
			}
			t.Run(name("fold"), func(t *testing.T) {
				testRow(t, longest, op == 0, 5, func(n int) (reach []int) {
					return []int{1, 2, 7, 16, n + 1}
				}, o.fold, contract.fold)
			})
			for _, step := range []int{2, 3, 5} {
				t.Run(name(fmt.Sprintf("pick%d", step)), func(t *testing.T) {
					testPick(t, longest, op == 0, step, o.pick, contract.pick)
				})
			}
			if o.slide != nil {
				t.Run(name("slide"), func(t *testing.T) {
					slide := slideMax[float32]
					if op == 1 {
						slide = slideSum[float32]
					}
					for k := 2; k <= o.widest; k++ {
						testSlide(t, longest, op == 0, k, o.slide, slide)
					}
				})
			}
			if o.slideBlock.exact != nil {
				t.Run(name("slideBlock"), func(t *testing.T) {
					for k := 2; k <= o.widest; k++ {
						testSlideBlock(t, longest, op == 0, k, o.slideBlock.fast, o.slideBlock.exact, of(op, slideBlockMax[float32], slideBlockSum[float32]))
					}
				})
				t.Run(name("suffix"), func(t *testing.T) {
					testSuffix(t, longest, op == 0, o.suffix, of(op, suffixMax[float32], suffixSum[float32]))
				})
			}
			t.Run(name("pair"), func(t *testing.T) { testPair(t, longest, o.pair, contract.pair) })
			t.Run(name("prefix"), func(t *testing.T) { testPrefix(t, longest, o.prefix, contract.prefix) })
			t.Run(name("reduce"), func(t *testing.T) { testReduce(t, longest, op == 0, o.reduce, contract.reduce) })
			if o.scale != nil {
				t.Run(name("scale"), func(t *testing.T) {
					testPair(t, longest, func(dst, a, b []float32) { copy(dst, a); o.scale(dst, b) },
						func(dst, a, b []float32) { copy(dst, a); contract.scale(dst, b) })
				})
			}
			if o.pickCells != nil {
				t.Run(name("pickCells"), func(t *testing.T) {
					testPickCells(t, longest, op == 0, o.pickCells, of(op, pickCellsMax[float32], pickCellsSum[float32]))
				})
			}
			if o.cells != nil {
				t.Run(name("cells"), func(t *testing.T) {
					testCells(t, longest, op == 0, o.cells, of(op, cellsMax[float32], cellsSum[float32]))
				})
			}
			if o.cellRows != nil {
				t.Run(strings.Replace(name("cellRows"), "=0-", fmt.Sprintf("=%d-", o.lanes), 1), func(t *testing.T) {
					testCellRows(t, o.lanes, longest, op == 0, o.cellRows, of(op, cellRowsMax[float32], cellRowsSum[float32]))
				})
			}
			if o.lines != nil {
				t.Run(fmt.Sprintf("set=%s/op=%v/kernel=lines/lengths=1-9", s.name, pool2d.Op(op)), func(t *testing.T) { testLines(t, op == 0, o.lanes, o.lines, contract) })
			}
			if o.globals.exact != nil {
				t.Run(name("globals"), func(t *testing.T) { testGlobals(t, longest, o, contract) })
			}
		}
	}
}

// against runs kernel and contract on every place of src and dst, and with NaN at every position if nans.
func against(t *testing.T, nans bool, what string, src, dst *guard.Memory, cells, n int, kernel, contract func(dst, src []float32)) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, uint64(n)))
	want := make([]float32, n)
	base := make([]float32, cells)
	integers(r, base)
	contract(want, base)
	for i, s := range places(src, cells) {
		copy(s, base)
		for _, d := range places(dst, n)[i%2*2:] {
			for j := range d {
				d[j] = 12345
			}
			kernel(d, s)
			if !same(d, want) {
				t.Fatalf("%s, place %d: got %v, want %v", what, i, d, want)
			}
			if i > 1 {
				break
			}
		}
	}
	if !nans {
		return
	}
	s, d := src.Last(cells), dst.Last(n)
	copy(s, base)
	for i := range s {
		old := s[i]
		s[i] = quiet
		contract(want, s)
		for _, s[i] = range []float32{quiet, signalling} {
			kernel(d, s)
			if !same(d, want) {
				t.Fatalf("%s, NaN at %d: got %v, want %v", what, i, d, want)
			}
		}
		s[i] = old
	}
}

func testRow(t *testing.T, longest int, nans bool, taps int, aparts func(n int) []int, kernel, contract func(dst, src []float32, taps, apart int)) {
	src, dst := fenced(t, 6*longest+200), fenced(t, longest+40)
	for n := range longest + 1 {
		for k := 1; k <= taps; k++ {
			for _, apart := range aparts(n) {
				cells := (k-1)*apart + n
				against(t, nans && n%5 == 0, fmt.Sprintf("length %d, %d taps %d apart", n, k, apart), src, dst, cells, n,
					func(d, s []float32) { kernel(d, s, k, apart) }, func(d, s []float32) { contract(d, s, k, apart) })
			}
		}
	}
}

func testPick(t *testing.T, longest int, nans bool, step int, kernel, contract func(dst, src []float32, step, taps, apart int)) {
	src, dst := fenced(t, 6*longest+200), fenced(t, longest+40)
	for n := 1; n <= longest; n++ {
		for k := 1; k <= 3; k++ {
			for _, apart := range []int{1, 4} {
				cells := (n-1)*step + (k-1)*apart + 1
				against(t, nans && n%5 == 0, fmt.Sprintf("length %d, %d taps %d apart", n, k, apart), src, dst, cells, n,
					func(d, s []float32) { kernel(d, s, step, k, apart) }, func(d, s []float32) { contract(d, s, step, k, apart) })
			}
		}
	}
}

// of returns the Go loop of an operation.
func of[F any](op int, maximum, sum F) F { return [...]F{maximum, sum}[op] }

func testPickCells(t *testing.T, longest int, nans bool, kernel, contract func(dst, src []float32, f *cellPicks, taps, apart int)) {
	src, dst := fenced(t, 4*longest+200), fenced(t, longest+40)
	for u := 2; u < 16; u++ {
		var f cellPicks
		if !f.prepare(u) {
			continue
		}
		for n := u; n <= longest; n += u {
			for k := 1; k <= 3; k++ {
				cells := f.at(n-1) + (k-1)*u + 1
				against(t, nans && n%5 == 0, fmt.Sprintf("%d cells of %d, %d taps", n/u, u, k), src, dst, cells, n,
					func(d, s []float32) { kernel(d, s, &f, k, u) }, func(d, s []float32) { contract(d, s, &f, k, u) })
			}
		}
	}
}

func testSlide(t *testing.T, longest int, nans bool, k int, kernel, contract func(dst, src []float32, k int, by []float32, h hint[float32])) {
	src, dst, factors := fenced(t, longest+200), fenced(t, longest+40), fenced(t, longest)
	integers(rand.New(rand.NewPCG(6, 6)), factors.Last(longest))
	for n := 1; n <= longest; n++ {
		for _, stream := range []bool{false, true} {
			h := hint[float32]{stream: stream}
			var by []float32
			if !nans && n%2 == 0 {
				by = factors.Last(n)
			}
			against(t, nans && (n+k)%11 == 0, fmt.Sprintf("length %d, width %d", n, k), src, dst, n+k-1, n,
				func(d, s []float32) { kernel(d, s, k, by, h) }, func(d, s []float32) { contract(d, s, k, by, h) })
		}
	}
}

func testPair(t *testing.T, longest int, kernel, contract func(dst, a, b []float32)) {
	src, dst, other := fenced(t, longest+40), fenced(t, longest+40), fenced(t, longest+40)
	r := rand.New(rand.NewPCG(2, 2))
	for n := range longest + 1 {
		for i, b := range places(other, n) {
			integers(r, b)
			against(t, n%3 == i, fmt.Sprintf("length %d, second source at place %d", n, i), src, dst, n, n,
				func(d, a []float32) { kernel(d, a, b) }, func(d, a []float32) { contract(d, a, b) })
		}
		a, b := src.Last(n), other.Last(n)
		want := make([]float32, n)
		contract(want, a, b)
		kernel(a, a, b)
		if !same(a, want) {
			t.Fatalf("length %d, in place: got %v, want %v", n, a, want)
		}
	}
}

func testPrefix(t *testing.T, longest int, kernel, contract func(dst, acc, src, end []float32)) {
	var m [4]*guard.Memory
	for i := range m {
		m[i] = fenced(t, longest+40)
	}
	r := rand.New(rand.NewPCG(3, 3))
	for n := range longest + 1 {
		for p := range 18 {
			var got, want [4][]float32
			for i := range got {
				got[i] = places(m[i], n)[(p+i*p)%18]
				integers(r, got[i])
				if n > 0 && p%3 == 0 {
					got[i][r.IntN(n)] = quiet
				}
				want[i] = slices.Clone(got[i])
			}
			kernel(got[0], got[1], got[2], got[3])
			contract(want[0], want[1], want[2], want[3])
			for i := range got {
				if !same(got[i], want[i]) {
					t.Fatalf("length %d, place %d, argument %d: got %v, want %v", n, p, i, got[i], want[i])
				}
			}
		}
	}
}

// testSlideBlock does rows of a strip by each kernel, between fences on all sides. What is of a strip fills whole vectors.
func testSlideBlock(t *testing.T, longest int, nans bool, k int, fast, exact, contract slideBlock[float32]) {
	const most = 4 // rows
	var m [5]*guard.Memory
	for i := range m { // dst, acc, src, end, by
		m[i] = fenced(t, most*(longest+k+60))
	}
	isNaN := func(v float32) bool { return v != v }
	r := rand.New(rand.NewPCG(3, uint64(k)))
	for n := 1; n <= longest; n++ {
		for p := range 18 {
			whole := (n + 15) &^ 15
			f := &slideRows{rows: 1 + r.IntN(most), n: n, k: k, width: whole + 16*r.IntN(2)}
			if p%2 == 1 {
				f.lead = r.IntN(k)
			}
			f.cells = n + k - 1 - f.lead - r.IntN(min(k, n+1))
			if f.cells < max(1, k-1-f.lead) {
				continue
			}
			f.srcRow, f.dstRow, f.byRow = f.cells+r.IntN(3), n+r.IntN(20), r.IntN(2)*n
			if p%4 == 1 { // so that all rows may be streamed
				f.dstRow = (f.dstRow + 15) &^ 15
			}
			lengths := [5]int{(f.rows-1)*f.dstRow + n, whole, (f.rows-1)*f.srcRow + f.cells, (f.rows-1)*f.width + whole, (f.rows-1)*f.byRow + n}
			var before, got, want [5][]float32
			for i, length := range lengths {
				before[i] = make([]float32, length)
				integers(r, before[i])
				got[i] = m[i].Last(length)
				if i%2 == 0 {
					got[i] = places(m[i], length)[(p+i*p)%18]
				}
			}
			if nans && p%3 == 0 {
				before[2][r.IntN(lengths[2])] = quiet
			}
			run := func(kernel slideBlock[float32], a *[5][]float32) bool {
				by := a[4]
				if nans || p%2 == 0 {
					by = nil
				}
				return kernel(a[0], a[1], a[2], a[3], f, by, hint[float32]{stream: p%4 < 2})
			}
			for j, kernel := range []slideBlock[float32]{fast, exact} {
				if kernel == nil {
					continue
				}
				for i := range got {
					copy(got[i], before[i])
					if nans && (i == 3 || i == 1 && j == 1) { // the fast kernel takes acc to have none
						got[i][r.IntN(n)] = quiet
					}
					want[i] = slices.Clone(got[i])
				}
				run(contract, &want)
				if !run(kernel, &got) {
					if !slices.ContainsFunc(before[2], isNaN) {
						t.Fatalf("%+v: gave up without a NaN", *f)
					}
					continue
				}
				for y := range f.rows { // what fills a vector may be anything
					copy(got[3][y*f.width+n:][:whole-n], want[3][y*f.width+n:])
				}
				copy(got[1][n:], want[1][n:])
				for i := range got {
					if !same(got[i], want[i]) {
						t.Fatalf("%+v, kernel %d, place %d, argument %d: got %v, want %v", *f, j, p, i, got[i], want[i])
					}
				}
			}
		}
	}
}

func testSuffix(t *testing.T, longest int, nans bool, kernel, contract func(s []float32, n, width, rows int)) {
	m := fenced(t, 9*(longest+64))
	r := rand.New(rand.NewPCG(4, 4))
	for n := 1; n <= longest; n++ {
		for rows := 1; rows < 9; rows++ {
			width := (n+15)&^15 + 16*r.IntN(2)
			s := m.Last((rows-1)*width + (n+15)&^15)
			integers(r, s)
			if nans && rows%2 == 0 {
				s[r.IntN(len(s))] = quiet
			}
			want := slices.Clone(s)
			kernel(s, n, width, rows)
			contract(want, n, width, rows)
			for y := range rows {
				if !same(s[y*width:][:n], want[y*width:][:n]) {
					t.Fatalf("%d rows of %d cells, row %d: got %v, want %v", rows, n, y, s[y*width:][:n], want[y*width:][:n])
				}
			}
		}
	}
}

func testReduce(t *testing.T, longest int, nans bool, kernel, contract func(src, tmp []float32) float32) {
	src, dst := fenced(t, 3*longest+40), fenced(t, 40)
	tmp := make([]float32, 64)
	for n := 1; n <= 3*longest; n++ {
		against(t, nans && n%7 == 0, fmt.Sprintf("length %d", n), src, dst, n, 1,
			func(d, s []float32) { d[0] = kernel(s, tmp) }, func(d, s []float32) { d[0] = contract(s, nil) })
	}
}

// TestFold compares the folds of the contract, which take several taps at a time, with loops.
func TestFold(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	src := make([]float32, 100)
	for i := range src {
		src[i] = r.Float32() - 0.5
	}
	for taps := 1; taps <= 14; taps++ {
		for apart := 1; apart <= 4; apart++ {
			for op, fold := range []func(dst, src []float32, taps, apart int){foldMax[float32], foldSum[float32]} {
				got := make([]float32, 1+r.IntN(20))
				fold(got, src, taps, apart)
				for i, g := range got {
					want := src[i]
					for t := 1; t < taps; t++ {
						if v := src[i+t*apart]; op == 0 {
							want = max(want, v)
						} else {
							want += v
						}
					}
					if g != want {
						t.Fatalf("%v of %d taps, %d apart: cell %d is %v, want %v", pool2d.Op(op), taps, apart, i, g, want)
					}
				}
			}
		}
	}
}

// bitsInOrder are those of some float32, in the order of maxima.
var bitsInOrder = []uint32{
	0xff800000, 0xff7fffff, 0xbf800000, 0x80800000, 0x80000001, 0x80000000, // −Inf … −0
	0, 1, 0x00800000, 0x3f800000, 0x7f7fffff, 0x7f800000, // +0 … +Inf
	0x7f800001, 0x7fc00000, 0x7fffffff, 0xffffffff, 0xffc00000, 0xff800001, // NaNs
}

// TestKeys checks that keys are in the order of maxima, can be undone, and are the identity for −Inf; and maxima by bits.
func TestKeys(t *testing.T) {
	ordered := make([]float32, len(bitsInOrder))
	for i, b := range bitsInOrder {
		ordered[i] = math.Float32frombits(b)
	}
	keys := make([]int32, len(ordered))
	toKeys(keys, cellBits(ordered))
	if keys[0] != least[int32]() {
		t.Errorf("the key of −Inf is %d, want %d", keys[0], least[int32]())
	}
	for i := 1; i < len(keys); i++ {
		if keys[i-1] >= keys[i] {
			t.Errorf("the key of %#x is %d, that of %#x is %d", bitsInOrder[i-1], keys[i-1], bitsInOrder[i], keys[i])
		}
	}
	if fromKeys(keys, keys); !slices.Equal(keys, cellBits(ordered)) {
		t.Errorf("keys undone are %x, want %x", keys, bitsInOrder)
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 10_000 {
		some := ordered[r.IntN(len(ordered)):]
		src := make([]float32, 1+r.IntN(20))
		for i := range src {
			src[i] = some[r.IntN(1+r.IntN(len(some)))]
		}
		if got, want := reduceBits(src, nil), reduceMax(src, nil); !same([]float32{got}, []float32{want}) {
			t.Fatalf("the maximum of %v is %v, want %v", src, got, want)
		}
	}
}

func testCells(t *testing.T, longest int, nans bool, kernel, contract func(dst, src []float32, f *cellWindows, by float32)) {
	src, dst := fenced(t, 15*longest+200), fenced(t, 3*longest+40)
	for c := 1; c <= longest; c++ {
		windows := []cellWindows{
			{n: 1, rows: 1, cols: 1},
			{n: 1, rows: 2, down: 4 * c, cols: 3, right: c},
			{n: 3, step: c, rows: 2, down: 5 * c, cols: 2, right: c},
			{n: 2, step: 2 * c, rows: 1, cols: 2, right: 3 * c},
			{n: 2, step: 3 * c, rows: 2, down: 7 * c, cols: 2, right: 2 * c},
			{n: 3, step: c, rows: 3, down: 5 * c, cols: 3, right: c},
		}
		if c <= 10 { // of which a vector has several, or one and a bit
			for n := 7; n <= 10; n++ {
				windows = append(windows,
					cellWindows{n: n, step: 2 * c, rows: 2, down: 20 * c, cols: 2, right: c},
					cellWindows{n: n, step: c, rows: 2, down: 12 * c, cols: 3, right: c},
					cellWindows{n: n, step: 2 * c, rows: 3, down: 21 * c, cols: 3, right: c})
			}
		}
		for _, f := range windows {
			f.c, f.stream = c, c%32 == 0
			cells := (f.n-1)*f.step + (f.rows-1)*f.down + (f.cols-1)*f.right + c
			against(t, nans && c%6 == 1, fmt.Sprintf("%+v", f), src, dst, cells, f.n*c,
				func(d, s []float32) { kernel(d, s, &f, 0.5) }, func(d, s []float32) { contract(d, s, &f, 0.5) })
		}
		f := cellWindows{n: 3, c: c, step: c, rows: 1, cols: 1}
		against(t, nans && c%6 == 1, fmt.Sprintf("%+v in place", f), src, dst, 3*c, 3*c,
			func(d, s []float32) { kernel(d, d[:copy(d, s)], &f, 0.5) }, func(d, s []float32) { contract(d, s, &f, 0.5) })
	}
}

func testCellRows(t *testing.T, lanes, longest int, nans bool, kernel, contract func(dst, src []float32, f *cellWindows, by []float32) bool) {
	src, dst := fenced(t, 90*longest), fenced(t, 20*longest)
	by := []float32{0.5, 0.25, 2, 1, 4}
	for c := lanes; c <= longest; c++ {
		for i := range 24 { // both strides, cut off or not by each edge
			f := cellWindows{c: c, cols: 2 + i%2, n: 1 + c%3, windows: 1 + (c+i)%len(by), stride: 1 + i/2%2, above: i / 4 % 2, stream: c%32 == 0}
			f.real = (f.windows-1)*f.stride + 3 - f.above - i/8 // the last window has three rows, two or one
			if _, rows := f.under(f.windows - 1); rows < 1 {
				continue
			}
			f.step, f.dstRow = f.stride*c, f.n*c+i%3*16
			f.down = (f.n-1)*f.step + f.cols*c + i%5
			cells, results := (f.real-1)*f.down+(f.n-1)*f.step+f.cols*c, (f.windows-1)*f.dstRow+f.n*c
			want := func(d, s []float32) {
				for j := range d {
					d[j] = 12345 // is left between rows
				}
				contract(d, s, &f, by)
			}
			against(t, nans && c%8 == 1 && i%4 == c/8%4, fmt.Sprintf("%+v", f), src, dst, cells, results, func(d, s []float32) {
				if kernel(d, s, &f, by) {
					return
				}
				if !nans || !slices.ContainsFunc(s, func(v float32) bool { return v != v }) {
					t.Fatalf("%+v: a NaN is reported where there is none", f)
				}
				want(d, s)
			}, want)
		}
	}
}

// testLines tests ends and combine by lines of n vectors, with gaps between vectors and lines.
func testLines(t *testing.T, nans bool, lanes int, k *lineKernels[float32], contract *ops[float32]) {
	src, dst := fenced(t, 1<<12), fenced(t, 1<<13)
	by := []float32{0.5, 2, 0.25, 4, 1, 8}
	for n := 1; n <= 9; n++ {
		for lines := 1; lines <= 7; lines++ {
			gap := (n + lines) % 2 * 3
			next, block := lanes+gap, 1+(n+lines)%6
			line := n*next + gap
			cells := (n-1)*next + (lines-1)*line + lanes
			each := func(do func(at, first, last int)) { // vectors, and where those of its block begin and end
				for i := range n * lines {
					y := i / n
					first := y - y%block
					do(i%n*next+y*line, i%n*next+first*line, i%n*next+min(first+block-1, lines-1)*line)
				}
			}
			copied := func(d, s []float32) (suffix, src []float32) {
				fill(d, 12345)
				return d[:cells], d[cells : cells+copy(d[cells:], s)]
			}
			against(t, nans && n == lines, fmt.Sprintf("ends of %d lines of %d, blocks of %d", lines, n, block), src, dst, cells, 2*cells, func(d, s []float32) {
				suffix, src := copied(d, s)
				k.ends(suffix, src, n, next, lines, line, block)
			}, func(d, s []float32) {
				suffix, src := copied(d, s)
				each(func(at, first, last int) {
					contract.fold(suffix[at:][:lanes], s[at:], (last-at)/line+1, line)
					contract.fold(src[at:][:lanes], s[first:], (at-first)/line+1, line)
				})
			})
			var table []int
			taps := func(y int) int { return min(lines-y, (n+y)%(packedTaps+1)) } // from line y on
			for y := range lines {
				entry := [1 + packedTaps]int{taps(y)}
				for i := range taps(y) {
					entry[1+i] = 4 * (y + i) * line
				}
				table = append(table, entry[:]...)
			}
			for _, factors := range [][]float32{nil, slices.Repeat(by, n*lines)[:n*lines]} {
				if factors != nil && nans {
					continue // sums only
				}
				results := (n-1)*(next+1) + (lines-1)*(line+n) + lanes
				against(t, nans && n == lines, fmt.Sprintf("%d lines of %d, combined, factors %v", lines, n, factors != nil), src, dst, cells, results, func(d, s []float32) {
					fill(d, 12345)
					k.combine(d, s, n, next, lines, line+n, next+1, table, factors)
				}, func(d, s []float32) {
					fill(d, 12345)
					for i := range n * lines {
						y := i / n
						to := d[i%n*(next+1)+y*(line+n):][:lanes]
						if fill(to, contract.identity); taps(y) > 0 {
							contract.fold(to, s[i%n*next+y*line:], taps(y), line)
						}
						if factors != nil {
							scale(to, slices.Repeat(factors[i:i+1], lanes))
						}
					}
				})
			}
		}
	}
}

func testGlobals(t *testing.T, longest int, o, contract *ops[float32]) {
	planes := 6*o.lanes + 3
	src, dst := fenced(t, planes*longest+40), fenced(t, planes+40)
	for n := 1; n <= longest; n++ {
		for _, p := range []int{o.lanes, 2*o.lanes + 3, planes} {
			want := func(d, s []float32) {
				for i := range d {
					d[i] = contract.reduce(s[i*n:(i+1)*n], nil)
					if !o.idempotent {
						d[i] *= 0.5
					}
				}
			}
			got := func(d, s []float32) {
				if k := &o.globals; k.fast == nil || !k.fast(d, s, n, 0.5) {
					k.exact(d, s, n, 0.5)
				}
			}
			against(t, o.idempotent && n%9 == 4, fmt.Sprintf("%d planes of %d", p, n), src, dst, p*n, p, got, want)
		}
	}
	// A plane has the same bits wherever it is, and whichever kernel takes it.
	r := rand.New(rand.NewPCG(2, 2))
	all, first := make([]float32, planes), make([]float32, o.lanes)
	for n := 1; n <= longest; n++ {
		for _, s := range places(src, planes*n) {
			for i := range s {
				s[i] = r.Float32() - 0.5
			}
			for i := range n {
				s[3*n+i] = float32(math.Copysign(0, -1))
			}
			o.globals.exact(all, s, n, 0.3)
			for p := range planes - o.lanes + 1 {
				o.globals.exact(first, s[p*n:(p+o.lanes)*n], n, 0.3)
				if math.Float32bits(first[0]) != math.Float32bits(all[p]) {
					t.Fatalf("plane %d of %d cells: %v among others, %v as the first", p, n, all[p], first[0])
				}
			}
		}
	}
}

// TestKernelPlanes compares the kernels that compute planes in one pass, of each set, with their Go loops: each width,
// every overhang, at both fences, and a NaN at every position.
func TestKernelPlanes(t *testing.T) {
	for _, s := range sets {
		for op := range s.ops {
			for kind, k := range s.ops[op].fused {
				if !s.runnable || k.exact == nil {
					continue
				}
				name := [fusedKinds]string{"k2s2", "k3s2", "k3s1", "k3s1Same", "k5s1"}[kind]
				widest := 8*max(s.ops[op].lanes, 1) + 3
				if kind == k3s1Same {
					widest = sameWidth
				}
				if raceEnabled {
					widest = s.ops[op].lanes + 3
				}
				t.Run(fmt.Sprintf("set=%s/op=%v/kernel=%s/widths=1-%d", s.name, pool2d.Op(op), name, widest), func(t *testing.T) {
					testFused(t, &s, pool2d.Op(op), kind, widest)
				})
			}
		}
	}
}

func testFused(t *testing.T, s *set, op pool2d.Op, kind, widest int) {
	size, stride := windowOf[kind].k, windowOf[kind].stride
	k := s.ops[op].fused[kind]
	tallest := max(3*(stride+1), 2*size-1)
	src, dst := fenced(t, 9*6*widest+40), fenced(t, 9*7*(widest+2)+40)
	r := rand.New(rand.NewPCG(4, 4))
	for w := 1; w <= widest; w++ {
		for variant := range 16 {
			h := 1 + r.IntN(tallest)
			p := pool2d.Params{Op: op, Kernel: pool2d.HW{H: size, W: size}, Stride: pool2d.HW{H: stride, W: stride},
				Pad: pool2d.Pad{Top: r.IntN(size/2 + 1), Bottom: r.IntN(size/2 + 1), Right: variant & 1 * (1 + r.IntN(size/2))}, Ceil: variant&2 != 0, CountPad: r.IntN(2) == 0}
			if size > 2 {
				p.Pad.Left = variant >> 2 & 1 * (1 + r.IntN(size/2))
			}
			if kind == k3s1Same {
				p.Pad = pool2d.Pad{Top: 1, Left: 1, Bottom: 1, Right: 1}
			}
			in := pool2d.Shape{N: 1, C: 1 + variant>>3, H: h, W: w}
			if kind == k3s1Same {
				in.C = 1 + variant%9 // planes, of which up to two times four go together
			}
			out, err := pool2d.OutputShape(in, p)
			if err != nil {
				continue
			}
			c := call[float32]{plan: newPlan(in, out, pool2d.NCHW, p), path: pathFused, scaled: op == pool2d.Avg}
			c.factors()
			f := band{planes: in.C, h: h, w: w, oh: out.H, ow: out.W, y1: out.H, top: p.Pad.Top, left: p.Pad.Left, stream: r.IntN(2) == 0, beside: r.IntN(4) > 0}
			if kind != k3s1Same && in.C == 1 {
				f.y0 = r.IntN((out.H+1)/2) * 2 // which every band begins at: k3s1 takes two rows at a time
				f.y1 = f.y0 + 1 + r.IntN(out.H-f.y0)
			}
			from, to := f.y0*f.ow, ((f.planes-1)*f.oh+f.y1)*f.ow
			contract := func(d, s []float32) {
				full := make([]float32, f.planes*f.oh*f.ow)
				if op == pool2d.Max {
					fusedMax(full, s, &f, size, stride)
				} else {
					fusedSum(full, s, &f, size, stride, c.by)
				}
				copy(d[from:to], full[from:to])
			}
			poison := func(d []float32) {
				for i := range d {
					d[i] = 777
				}
			}
			cells := f.planes * f.oh * f.ow
			what := fmt.Sprintf("%s, rows %d-%d", caseName(in, p, pool2d.NCHW), f.y0, f.y1)
			exact := func(d, s []float32) { poison(d); k.exact(d, s, &f, c.by) }
			want := func(d, s []float32) { poison(d); contract(d, s) }
			everywhere := w%16 == variant && f.planes*h*w < 1000 // a NaN
			against(t, op == pool2d.Max && everywhere, what+", exact", src, dst, f.planes*h*w, cells, exact, want)
			if k.fast != nil {
				against(t, everywhere, what+", fast", src, dst, f.planes*h*w, cells, func(d, s []float32) {
					poison(d)
					if !k.fast(d, s, &f, c.by) {
						if !slices.ContainsFunc(s, func(v float32) bool { return v != v }) {
							t.Fatalf("%s: saw a NaN where there is none", what)
						}
						exact(d, s)
					}
				}, want)
			}
		}
	}
}

// TestKernelSmall compares the kernels for small planes, of each set, with their Go loops: each width, heights up to those
// that registers hold and more, at both fences, and a NaN at every position; and those for tiles, of wider planes too.
func TestKernelSmall(t *testing.T) {
	for _, s := range sets {
		for op := range s.ops {
			for _, path := range []path{pathNarrow, pathHeld, pathPacked} {
				o := &s.ops[op]
				widest, tallest := 3*narrowWidth, 2*heldRows+2
				name, ok := "held", o.held != nil
				switch path {
				case pathNarrow:
					widest, tallest = narrowWidth, heldRows+2
					name, ok = "narrow", o.narrow.exact != nil
				case pathPacked:
					widest, tallest = 21, 13
					name, ok = "packed", o.pack != nil
				}
				if !s.runnable || !ok {
					continue
				}
				if raceEnabled {
					widest, tallest = narrowWidth+3, 3
				}
				t.Run(fmt.Sprintf("set=%s/op=%v/kernel=%s/widths=1-%d/heights=1-%d", s.name, pool2d.Op(op), name, widest, tallest), func(t *testing.T) {
					testSmall(t, o, pool2d.Op(op), widest, tallest, path)
				})
			}
		}
	}
}

func testSmall(t *testing.T, o *ops[float32], op pool2d.Op, widest, tallest int, path path) {
	planes := func(variant int) int { return 1 + variant%3 }
	if path == pathPacked { // fewer than at a time, as many, and one more
		planes = func(variant int) int { return packedLeast + variant }
	}
	src, dst := fenced(t, planes(5)*tallest*widest+40), fenced(t, planes(5)*tallest*widest+40)
	tmp := make([]float32, narrowScratch(tallest))
	r := rand.New(rand.NewPCG(6, 6))
	cases, tiles, byHalves := 0, 0, 0
	for w := 1; w <= widest; w++ {
		for h := 1 + w%2; h <= tallest; h += 2 {
			for variant := range 6 {
				reach := pool2d.HW{H: r.IntN(heldReach + 2), W: r.IntN(heldReach + 2)}
				if variant == 3 && w <= narrowWidth { // which sums by halves are of
					reach.H, reach.W = halvesReach+w%3, halvesReach+w%3
				}
				p := pool2d.Params{Op: op, Kernel: pool2d.HW{H: 2*reach.H + 1, W: 2*reach.W + 1}, Stride: pool2d.HW{H: 1, W: 1},
					Pad: pool2d.Pad{Top: reach.H, Left: reach.W, Bottom: reach.H, Right: reach.W}, CountPad: variant&1 == 0}
				if path == pathHeld && p.CountPad { // one divisor, by which a multiplication is exact whenever it is done
					p.Divisor = 32
				}
				if variant >= 4 { // another window than one around each cell
					p.Kernel.H, p.Kernel.W, p.Stride.W = p.Kernel.H+r.IntN(2), p.Kernel.W+r.IntN(2), 1+r.IntN(2)
					p.Pad.Top, p.Pad.Right = r.IntN(reach.H+1), r.IntN(reach.W+1)
				}
				in := pool2d.Shape{N: 1, C: planes(variant), H: h, W: w}
				out, err := pool2d.OutputShape(in, p)
				if err != nil {
					continue
				}
				c := call[float32]{plan: newPlan(in, out, pool2d.NCHW, p), ops: o, path: path, scaled: op == pool2d.Avg}
				kernel := func(d, s []float32) {
					f := c.narrow
					f.planes, f.by = in.C, c.by
					if k := &o.narrow; k.fast == nil || !k.fast(d, s, tmp, &f) {
						k.exact(d, s, tmp, &f)
					}
				}
				want := func(d, s []float32) { narrowSum(d, s, in.C, c.h, c.w, c.by) }
				if op == pool2d.Max {
					want = func(d, s []float32) { narrowMax(d, s, in.C, c.h, c.w) }
				}
				switch path {
				case pathNarrow:
					if !c.isNarrow() {
						continue
					}
					c.factors()
				case pathHeld:
					if !c.isHeld() {
						continue
					}
					var factors []float32 // by tiles; narrowSum has them by rows of the plane
					if op == pool2d.Avg {
						c.factors()
						factors = c.by
					}
					tiles = max(tiles, len(c.tiles))
					if c.tiles[0].halves != nil {
						byHalves++
					}
					memory := new(scratch)
					fill(carve[float32](memory, 4096), quiet)
					kernel = func(d, s []float32) {
						c.dst, c.src, c.by = d, s, factors
						if !c.heldRun(0, in.C, memory) {
							narrowMax(d, s, in.C, c.h, c.w)
							if !slices.ContainsFunc(s, func(v float32) bool { return v != v }) {
								t.Fatalf("%s: saw a NaN where there is none", caseName(in, p, pool2d.NCHW))
							}
						}
					}
					want = func(d, s []float32) { wholePlanes(d, s, in.C, &c) }
				case pathPacked:
					if !c.isPacked() {
						continue
					}
					c.factors()
					memory := new(scratch)
					kernel = func(d, s []float32) {
						c.dst, c.src = d, s
						c.packedRun(0, in.C, memory)
					}
					want = func(d, s []float32) { wholePlanes(d, s, in.C, &c) }
				}
				cases++
				cells, results := in.C*h*w, in.C*out.H*out.W
				against(t, op == pool2d.Max && (5*w+h)%24 == variant && cells < 300, caseName(in, p, pool2d.NCHW), src, dst, cells, results, kernel, want)
			}
		}
	}
	t.Logf("%d cases, up to %d tiles, %d by halves", cases, tiles, byHalves)
	if path == pathHeld && (cases < 100 || tiles < 4 || op == pool2d.Avg && byHalves < 100) && !raceEnabled {
		t.Errorf("registers held the planes of %d cases only, in %d tiles at most, %d by halves", cases, tiles, byHalves)
	}
}

// wholePlanes is the contract of planes that are held.
func wholePlanes(dst, src []float32, planes int, c *call[float32]) {
	if c.op == pool2d.Max {
		narrowMax(dst, src, planes, c.h, c.w)
		return
	}
	by := make([]float32, c.h.out*c.w.out)
	for y := range c.h.out {
		c.scales(by[y*c.w.out:], c.rowsCounted(y), 0, c.w.out)
	}
	for i := range dst {
		y, x := i/c.w.out%c.h.out, i%c.w.out
		row, rows := c.h.taps(y)
		column, columns := c.w.taps(x)
		var sum float32
		for a := range rows {
			for b := range columns {
				sum += src[(i/(c.h.out*c.w.out)*c.h.in+row+a)*c.w.in+column+b]
			}
		}
		dst[i] = sum * by[y*c.w.out+x]
	}
}

// TestKernelTurned computes planes of keys by rows that are turned, between fences, against maxima of keys one by one.
func TestKernelTurned(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 11))
	src, dst := fenced(t, 1<<15), fenced(t, 1<<15)
	widest := 0
	for i := range 4000 {
		if raceEnabled && i%10 > 0 {
			continue
		}
		random := func(most int) axis {
			a := axis{in: 1 + r.IntN(most), k: 5, s: 1, d: 1}
			a.l, a.t = r.IntN(a.k/2+1), r.IntN(a.k/2+1)
			a.out = a.in + a.l + a.t - a.k + 1
			return a
		}
		c := call[int32]{keyed: true}
		c.plan = plan{op: pool2d.Max, h: random([]int{9, 2*turnedRows + 9}[i%2]), w: random(40), planes: 1 + r.IntN(3), unit: 1}
		if c.h.out < 1 || c.w.out < 1 {
			continue
		}
		if !c.turns() {
			t.Fatalf("%v by %v are not turned", c.h, c.w)
		}
		c.src, c.dst = cellBits(src.First(c.planes*c.h.in*c.w.in)), cellBits(dst.First(c.planes*c.h.out*c.w.out))
		if i%4 > 1 {
			c.src, c.dst = cellBits(src.Last(len(c.src))), cellBits(dst.Last(len(c.dst)))
		}
		for j := range c.src {
			c.src[j] = int32(r.Uint32())
			if i%3 == 0 {
				c.src[j] = int32(bitsInOrder[r.IntN(len(bitsInOrder))])
			}
		}
		keys, want := make([]int32, len(c.src)), make([]int32, len(c.dst))
		toKeys(keys, c.src)
		narrowMax(want, keys, c.planes, c.h, c.w)
		fromKeys(want, want)
		s := new(scratch)
		for _, at := range [][2]int{{0, 1}, {1, c.planes}} { // planes
			cut := r.IntN(c.h.out + 1)
			for _, rows := range [][2]int{{0, cut}, {cut, c.h.out}} {
				c.turnedRun(at[0], at[1], rows[0], rows[1], s)
			}
		}
		for j, w := range want {
			if g := c.dst[j]; g != w {
				t.Fatalf("h %+v, w %+v: cell %d of %d: got %#x, want %#x", c.h, c.w, j, len(want), uint32(g), uint32(w))
			}
		}
		widest = max(widest, c.w.in)
	}
	t.Logf("windows of 5×5, planes of up to %d columns and %d rows", widest, 2*turnedRows+9)
	most := call[int32]{keyed: true, plan: plan{unit: 1}}
	most.h = axis{in: turnedRows, out: turnedRows, k: 5, s: 1, d: 1, l: 2, t: 2}
	most.w = axis{in: turnedWidth, out: turnedWidth, k: 5, s: 1, d: 1, l: 2, t: 2}
	most.planes, most.src, most.dst = 1, make([]int32, most.h.in*most.w.in), make([]int32, most.h.out*most.w.out)
	if most.turnedRun(0, 1, 0, turnedRows, new(scratch)); !most.turns() { // carve panics where there is too little scratch
		t.Error("the largest plane is not turned")
	}
}

// TestKernelPaths pools between fences, by each set, whatever path the case takes, every second case past the cache.
func TestKernelPaths(t *testing.T) {
	defer func(stream int) { streamAbove = stream }(streamAbove)
	for _, s := range KernelSets() {
		t.Run("set="+s, func(t *testing.T) {
			undo, ok := force(s)
			if !ok || KernelSet() != s {
				t.Fatalf("the set %s runs, where %s was forced", KernelSet(), s)
			}
			defer undo()
			r := rand.New(rand.NewPCG(5, 5))
			var paths [12]int
			streamed, together := 0, 0
			src, dst := fenced(t, 1<<19), fenced(t, 1<<19)
			cases := 3000
			if raceEnabled {
				cases = 300
			}
			for i := range cases {
				in, p := randomCase(r)
				nhwc := false
				switch {
				case i%5 == 1: // large windows of wide planes
					k, pad := 6+r.IntN(30), r.IntN(6)
					in.H, in.W = in.H+k, in.W+65+r.IntN(64)
					p.Kernel, p.Stride, p.Dilation = pool2d.HW{H: k, W: k}, pool2d.HW{H: 1, W: 1}, pool2d.HW{H: 1, W: 1}
					p.Pad = pool2d.Pad{Top: pad, Left: pad, Bottom: k / 2, Right: r.IntN(6)}
				case i%10 == 3: // windows of 3×3 in NHWC
					in.N, in.C, in.H, in.W, nhwc = 1, 14+r.IntN(60), 1+r.IntN(20), 1+r.IntN(20), true
					p.Kernel, p.Stride = pool2d.HW{H: 3, W: 3}, pool2d.HW{H: 1 + i/10%2, W: 1 + (i/10%2+r.IntN(7)/6)%2}
					p.Dilation = pool2d.HW{H: 1 + r.IntN(6)/5, W: 1 + r.IntN(6)/5}
					p.Pad = pool2d.Pad{Top: r.IntN(2), Left: r.IntN(2), Bottom: r.IntN(2), Right: r.IntN(2)}
				case i%10 == 7: // large windows of small planes in NHWC
					in.N, in.C, in.H, in.W, nhwc = 1+r.IntN(2), 16*(1+r.IntN(5))+r.IntN(4)/3*5, 6+r.IntN(13), 6+r.IntN(13), true
					p.Kernel, p.Stride, p.Dilation = pool2d.HW{H: in.H/2 + 1 + r.IntN(12), W: in.W/2 + 1 + r.IntN(12)}, pool2d.HW{H: 1 + i/10%2, W: 1 + r.IntN(2)}, pool2d.HW{H: 1, W: 1}
					p.Pad = pool2d.Pad{Top: p.Kernel.H / 2, Left: r.IntN(p.Kernel.W/2 + 1), Bottom: p.Kernel.H / 2, Right: p.Kernel.W / 2}
				case i%2 == 0: // narrow planes
					in.W = min(in.W, 16)
				case i%7 == 0: // one window
					p.Kernel, p.Dilation, p.Pad = pool2d.HW{H: in.H, W: in.W}, pool2d.HW{H: 1, W: 1}, pool2d.Pad{}
				case i%3 == 0: // windows of 2 or 3 on many planes
					k := 2 + r.IntN(2)
					pad, stride := k-2, 4-k+r.IntN(k-1)
					in.C, in.W = in.C+16, in.W+r.IntN(64)
					p.Kernel, p.Stride, p.Dilation = pool2d.HW{H: k, W: k}, pool2d.HW{H: stride, W: stride}, pool2d.HW{H: 1, W: 1}
					p.Pad = pool2d.Pad{Top: pad, Left: pad, Bottom: pad, Right: pad}
				}
				l := pool2d.Layout(r.IntN(4) / 3)
				if nhwc {
					l = pool2d.NHWC
				}
				out, err := pool2d.OutputShape(in, p)
				if err != nil {
					continue
				}
				cells, _ := in.Cells()
				outCells, _ := out.Cells()
				if cells > 1<<19 || outCells > 1<<19 {
					continue
				}
				streamAbove = i / 4 % 2 << 40
				c := call[float32]{plan: newPlan(in, out, l, p), src: make([]float32, 1)}
				c.choose(true)
				if c.plan.keyed() {
					k := call[int32]{plan: c.plan, keyed: true}
					k.choose(true)
					c.path = k.path
				}
				paths[c.path]++
				if c.together {
					together++
				}
				if c.stream {
					streamed++
				}
				x, y := pool2d.Tensor[float32]{Shape: in, Layout: l, Data: src.Last(cells)}, pool2d.Tensor[float32]{Shape: out, Layout: l, Data: dst.Last(outCells)}
				if i%4 > 1 {
					x.Data, y.Data = src.First(cells), dst.First(outCells)
				}
				copy(x.Data, randomTensor[float32](r, in, l, i%3 == 0).Data)
				if err := Pool2DInto(y, x, p); err != nil {
					t.Fatal(err)
				}
				// Sums of such integers, of 100 at most, are exact, so what is left is the rounding of the reciprocal, of the product, and of w; and
				// where beginnings of windows are multiplied, of the product of each row, and of each sum.
				early := 0.0
				if c.path == pathHeld && c.tiles[0].alike {
					early = 100 * float64(p.Kernel.H*p.Kernel.W) / float64(c.windowDivisor(p.Kernel.H, p.Kernel.W)) * float64(p.Kernel.H) * 0x1p-24
				}
				for j := 0; j < outCells; j += 1 + outCells/200 {
					if g, w := y.Data[j], window(x, p, y.CellAt(j)); g != w && !(g != g && w != w) && !(math.Abs(float64(g-w)) <= 0x1p-22*math.Abs(float64(w))+early) {
						t.Fatalf("%s: cell %v: got %v, want %v", caseName(in, p, l), y.CellAt(j), g, w)
					}
				}
			}
			t.Logf("set %s: paths direct %d, fused %d, narrow %d, flat %d, cells %d (rows together %d), rows %d, blocks %d, whole %d, held %d, packed %d, channels %d, turned %d; streamed %d", s, paths[pathDirect], paths[pathFused], paths[pathNarrow], paths[pathFlat], paths[pathCells], together, paths[pathRows], paths[pathBlocks], paths[pathWhole], paths[pathHeld], paths[pathPacked], paths[pathChannels], paths[pathTurned], streamed)
		})
	}
}

// TestKernelBlocks pools planes of several strips and bands by blocks, between fences, and compares the bits with those of plain Go:
// sums of such integers are exact. Chunks come in order, where each goes on with what the one before left, or in any other, each
// after the one before it of another source.
func TestKernelBlocks(t *testing.T) {
	defer func(stream, block int) { streamAbove, blockBytes = stream, block }(streamAbove, blockBytes)
	r := rand.New(rand.NewPCG(9, 9))
	src, dst, other := fenced(t, 1<<19), fenced(t, 1<<19), fenced(t, 1<<19)
	pad := func(k int) int { return []int{0, k / 2, r.IntN(k/2 + 1)}[r.IntN(3)] }
	var strips, parts, goOn, nans, fives int
	for i := range 400 {
		if raceEnabled && i%10 > 0 {
			continue
		}
		kh, kw := 5+r.IntN(27), 3+r.IntN(61)
		switch i % 8 {
		case 0:
			kh = 6 + r.IntN(6*mostInBlock)
		case 1:
			kh = 5 + r.IntN(4)
		}
		p := pool2d.Params{
			Op: pool2d.Op(i % 2), Kernel: pool2d.HW{H: kh, W: kw}, Stride: pool2d.HW{H: 1, W: 1}, CountPad: r.IntN(2) == 0, Divisor: r.IntN(2) * r.IntN(9),
			Pad: pool2d.Pad{Top: pad(kh), Left: pad(kw), Bottom: pad(kh), Right: pad(kw)},
		}
		in := pool2d.Shape{N: 1, C: 1 + r.IntN(2), H: kh + r.IntN(20*kh), W: max(1, kw-p.Pad.Left-p.Pad.Right) + r.IntN(700)}
		if i%3 == 0 { // the last strip has few columns
			c := call[float32]{plan: plan{h: axis{k: kh}, w: axis{k: kw, out: 1 << 20}}, stream: r.IntN(2) == 0}
			in.W = c.stripWidth()*(1+r.IntN(2)) + 1 + r.IntN(40) + kw - 1 - p.Pad.Left - p.Pad.Right
		}
		if i%9 == 0 { // the last block has few rows, and there may be no other
			in.H = kh*r.IntN(3) + kh - p.Pad.Top - p.Pad.Bottom + r.IntN(5)
		}
		in.H = min(max(in.H, 6), 1<<18/in.W/in.C)
		out, err := pool2d.OutputShape(in, p)
		cells, _ := in.Cells()
		outCells, _ := out.Cells()
		if err != nil || outCells > 1<<19 {
			continue
		}
		x, y, decoy := src.Last(cells), dst.Last(outCells), other.Last(cells)
		if i%4 > 1 {
			x, y = src.First(cells), dst.First(outCells)
		}
		integers(r, x)
		integers(r, decoy)
		for range r.IntN(3) * r.IntN(3) {
			x[r.IntN(cells)] = quiet
			nans++
		}
		undo, _ := force("generic")
		want, err := Pool2D(pool2d.Tensor[float32]{Shape: in, Data: x}, p)
		undo()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range KernelSets() {
			undo, _ := force(s)
			streamAbove, blockBytes = i/2%2<<40, 512<<10>>(i/3%2*4)
			c := newCall[float32]()
			c.plan, c.src, c.dst = newPlan(in, out, pool2d.NCHW, p), x, y
			c.prepare(1 + i%3)
			if c.path != pathBlocks {
				undo()
				continue
			}
			for i := range y {
				y[i] = 12345
			}
			order := r.Perm(c.chunks)
			if i%5 > 1 {
				if i%5 > 2 {
					slices.Sort(order)
				}
				sc := &scratch{carried: carried{plane: -1}}
				for _, chunk := range order {
					p0, _, y0, _ := c.at(chunk, c.planes, c.h.out)
					if y0 > 0 && sc.carried == (carried{p0, c.h.blockStart(y0)}) {
						goOn++
					}
					c.run(chunk, sc)
				}
			} else {
				work := func(data []float32, chunk int) {
					c.src = data
					c.turn++
					c.parts.Store(1)
					c.all[0].set(chunk, chunk+1)
					c.work(0)
				}
				for _, chunk := range order {
					if chunk > 0 {
						kept := slices.Clone(y)
						work(decoy, chunk-1)
						copy(y, kept)
					}
					work(x, chunk)
				}
			}
			undo()
			if c.w.out > stripLeast {
				strips++
			}
			if kh == 5 {
				fives++
			}
			if c.bands > 1 {
				parts++
			}
			if !same(y, want.Data) {
				i := 0
				for same(y[i:i+1], want.Data[i:i+1]) {
					i++
				}
				t.Fatalf("%s, set %s: cell %v: got %v, want %v", caseName(in, p, pool2d.NCHW), s, want.CellAt(i), y[i], want.Data[i])
			}
		}
	}
	t.Logf("%d cases of several strips, %d of five rows, %d of bands, %d of which went on with what the one before left, %d NaN", strips, fives, parts, goOn, nans)
}

// TestKernelSet says which set ran, and that it is the one that was asked for.
func TestKernelSet(t *testing.T) {
	t.Logf("kernel set: %s of %v", KernelSet(), KernelSets())
	want := os.Getenv("POOL2D_KERNELS")
	if slices.Contains(KernelSets(), want) && KernelSet() != want {
		t.Errorf("POOL2D_KERNELS=%s, but %s runs", want, KernelSet())
	}
	if os.Getenv("POOL2D_KERNELS_REQUIRED") != "" && KernelSet() != want {
		t.Errorf("%s runs, and %s is required", KernelSet(), want)
	}
}

// TestLastCache checks from where on results are written past the cache by what Linux says of the last one.
func TestLastCache(t *testing.T) {
	text, err := os.ReadFile("/sys/devices/system/cpu/cpu0/cache/index3/size")
	kib, found := strings.CutSuffix(strings.TrimSpace(string(text)), "K")
	size, bad := strconv.Atoi(kib)
	if err != nil || !found || bad != nil || len(KernelSets()) == 1 {
		t.Skip("nothing to compare with")
	}
	if want := min(96<<20, size<<10/2); streamAbove != want {
		t.Errorf("streamAbove = %d, want %d: the last cache has %d KiB", streamAbove, want, size)
	}
}
