//go:build !purego

package optimized

import (
	"math"
	"unsafe"

	"golang.org/x/sys/cpu"
)

// sets is the table of kernel sets, best first.
var sets = []set{
	{
		"avx512", cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VL && cpu.X86.HasBMI2,
		[2]ops[float32]{
			maxOps(kernels{
				lanes: 16, fold: foldMaxAVX512, pick2: pick2MaxAVX512, pickN: pickNMaxAVX512, reduce: reduceMaxAVX512, prefix: prefixMaxAVX512, cells: cellsMaxAVX512, cellsFast: [4]cellsFast{2: cells2MaxFastAVX512, 3: cells3MaxFastAVX512}, cellRowsFast: [3]cellRowsFast{1: cellRows1MaxFastAVX512, 2: cellRows2MaxFastAVX512}, slide: slideMaxAVX512, slideFast: slideMaxFastAVX512, ends: endsMaxAVX512, lines: combineLinesMaxAVX512, slideBlock: slideBlockMaxAVX512, slideBlockFast: slideBlockMaxFastAVX512, suffix: suffixMaxAVX512, pickCells: pickCellsMaxAVX512,
				fused:      [k3s1Same]fusedFunc{k2s2MaxAVX512, k3s2MaxAVX512, k3s1MaxAVX512},
				fast:       [k3s1Same]fusedFast{k2s2MaxFastAVX512, k3s2MaxFastAVX512, k3s1MaxFastAVX512},
				fastStream: [k3s1Same]fusedFast{k2s2: k2s2StreamMaxFastAVX512, k3s2: k3s2StreamMaxFastAVX512},
				globals:    globalsMaxAVX512, globalsFast: globalsMaxFastAVX512,
				globalLines: globalLinesMaxAVX512, globalLinesFast: globalLinesMaxFastAVX512,
				narrow: narrowMaxAVX512, narrowFast: narrowMaxFastAVX512, heldFast: heldMaxFastAVX512,
				same: k3s1SameMaxAVX512, sameFast: k3s1SameMaxFastAVX512, sameFastStream: k3s1SameStreamMaxFastAVX512,
				sameFastBeside: k3s1SameBesideMaxFastAVX512,
			}),
			sumOps(kernels{
				lanes: 16, fold: foldSumAVX512, pick2: pick2SumAVX512, pickN: pickNSumAVX512, reduce: reduceSumAVX512, prefix: prefixSumAVX512, cells: cellsSumAVX512, cellsOf: [4]cellsFunc{2: cells2SumAVX512, 3: cells3SumAVX512}, cellRows: [3]cellRowsFunc{1: cellRows1SumAVX512, 2: cellRows2SumAVX512}, slide: slideSumAVX512, ends: endsSumAVX512, lines: combineLinesSumAVX512, scaleLines: scaleLinesSumAVX512, slideBlock: slideBlockSumAVX512, suffix: suffixSumAVX512, pickCells: pickCellsSumAVX512, scale: scaleAVX512,
				fused:   [k3s1Same]fusedFunc{k2s2SumAVX512, k3s2SumAVX512, k3s1SumAVX512},
				stream:  [k3s1Same]fusedFunc{k2s2: k2s2StreamSumAVX512, k3s2: k3s2StreamSumAVX512},
				globals: globalsSumAVX512, globalLines: globalLinesSumAVX512, narrow: narrowSumAVX512, held: heldSumAVX512, same: k3s1SameSumAVX512, sameStream: k3s1SameStreamSumAVX512,
				sameBeside: k3s1SameBesideSumAVX512,
			}),
		},
	},
	{
		"avx2", cpu.X86.HasAVX2,
		[2]ops[float32]{
			maxOps(kernels{
				lanes: 8, fold: foldMaxAVX2, pick2: pick2MaxAVX2, pickN: pickNMaxAVX2, reduce: reduceMaxAVX2, prefix: prefixMaxAVX2, cells: cellsMaxAVX2, cellsFast: [4]cellsFast{2: cells2MaxFastAVX2, 3: cells3MaxFastAVX2}, cellRowsFast: [3]cellRowsFast{1: cellRows1MaxFastAVX2, 2: cellRows2MaxFastAVX2}, slide: slideMaxAVX2, slideFast: slideMaxFastAVX2,
				fused:      [k3s1Same]fusedFunc{k2s2MaxAVX2, k3s2MaxAVX2, k3s1MaxAVX2},
				fast:       [k3s1Same]fusedFast{k2s2MaxFastAVX2, k3s2MaxFastAVX2, k3s1MaxFastAVX2},
				fastStream: [k3s1Same]fusedFast{k2s2: k2s2StreamMaxFastAVX2, k3s2: k3s2StreamMaxFastAVX2},
				globals:    globalsMaxAVX2, globalsFast: globalsMaxFastAVX2,
				pack: packMaxFastAVX2, ends: endsMaxAVX2, endsFast: endsMaxFastAVX2, lines: combineLinesMaxAVX2, linesFast: combineLinesMaxFastAVX2,
				unpack: func(dst, src *float32, n, apart int, _ *float32) { unpackMaxFastAVX2(dst, src, n, apart) },
			}),
			sumOps(kernels{
				lanes: 8, fold: foldSumAVX2, pick2: pick2SumAVX2, pickN: pickNSumAVX2, reduce: reduceSumAVX2, prefix: prefixSumAVX2, cells: cellsSumAVX2, cellsOf: [4]cellsFunc{2: cells2SumAVX2, 3: cells3SumAVX2}, cellRows: [3]cellRowsFunc{1: cellRows1SumAVX2, 2: cellRows2SumAVX2}, slide: slideSumAVX2, scale: scaleAVX2,
				fused:   [k3s1Same]fusedFunc{k2s2SumAVX2, k3s2SumAVX2, k3s1SumAVX2},
				stream:  [k3s1Same]fusedFunc{k2s2: k2s2StreamSumAVX2, k3s2: k3s2StreamSumAVX2},
				globals: globalsSumAVX2,
				pack:    func(dst, src *float32, n, apart int) int { packSumAVX2(dst, src, n, apart); return 0 },
				unpack:  unpackSumAVX2, ends: endsSumAVX2, lines: combineLinesSumAVX2,
			}),
		},
	},
	generic,
}

func init() {
	if size := lastCache(); size > 0 {
		streamAbove = min(streamAbove, size/2)
	}
}

// zen4 is whether this is an AMD Zen 4 or a later one: those have AVX-512.
var zen4 = func() bool {
	_, b, c, d := cpuid(0, 0)
	return cpu.X86.HasAVX512F && b == 0x68747541 && d == 0x69746e65 && c == 0x444d4163 // "AuthenticAMD"
}()

// lastCache returns the bytes of the last cache, and 0 if the processor does not tell.
func lastCache() (size int) {
	for _, leaf := range [...]uint32{4, 0x8000001d} { // Intel's, AMD's: of the same form
		if most, _, _, _ := cpuid(leaf&^0xff, 0); most < leaf {
			continue
		}
		for i := range uint32(8) {
			kind, b, c, _ := cpuid(leaf, i)
			if kind&31 == 0 { // no more
				break
			}
			ways, parts, line, sets := b>>22+1, b>>12&0x3ff+1, b&0xfff+1, c+1
			size = max(size, int(ways)*int(parts)*int(line)*int(sets))
		}
	}
	return size
}

// kernels are the assembly functions of one operation.
type kernels struct {
	lanes           int
	fold, pick2     func(dst, src *float32, n, taps, apart int)
	pickN           func(dst, src *float32, n, step, taps, apart int)
	reduce          func(dst, src *float32, n int)
	prefix          func(dst, acc, src, end *float32, n int)
	cells           func(dst, src *float32, n, c, step, rows, down, cols, right, stream int, by float32)
	cellsOf         [4]cellsFunc // by how many rows and columns of taps
	cellsFast       [4]cellsFast
	cellRows        [3]cellRowsFunc // by stride
	cellRowsFast    [3]cellRowsFast
	slide           func(dst, src *float32, before, cells, n, k int, last *uint32, next *float32, stream int, by *float32)
	slideBlock      slideBlockFunc
	suffix          func(p *float32, n, row, rows int)
	slideFast       func(dst, src *float32, before, cells, n, k int, last *uint32, next *float32, stream int, by *float32) int
	slideBlockFast  slideBlockFast
	pickCells       func(dst, src *float32, vectors, rest, u int, index *uint32, from *int, hi, restLo, restHi, taps, apart int)
	scale           func(dst, by *float32, n int)
	fused           [k3s1Same]fusedFunc
	fast            [k3s1Same]fusedFast
	same            sameFunc
	sameFast        sameFast
	sameBeside      sameFunc // several planes at a time
	sameFastBeside  sameFast
	globals         globalsFunc
	globalsFast     globalsFast
	globalLines     globalsFunc
	globalLinesFast globalsFast
	pack            func(dst, src *float32, n, apart int) int
	unpack          func(dst, src *float32, n, apart int, by *float32)
	ends, endsFast  endsFunc
	lines           linesFunc
	scaleLines      scaleLinesFunc
	linesFast       linesFunc
	narrow          func(dst, src, tmp *float32, planes, h, w, oh, ow, block, steps int, index *uint32, rows *int, scale *float32)
	narrowFast      func(dst, src, tmp *float32, planes, h, w, oh, ow, block, steps int, index *uint32, rows *int, scale *float32) int
	held            func(dst, src *float32, tiles, h, w, first, out, srcRow, srcNext, dstRow, dstNext, reach, columns, alike int, scale *float32, halves *int32)
	heldFast        func(dst, src *float32, tiles, h, w, first, out, srcRow, srcNext, dstRow, dstNext, reach, columns, alike int, scale *float32, halves *int32) int

	// Those that write past the cache.
	stream         [k3s1Same]fusedFunc
	fastStream     [k3s1Same]fusedFast
	sameStream     sameFunc
	sameFastStream sameFast
}

type (
	cellsFunc      func(dst, src *float32, n, c, step, down, right, stream int, by float32)
	cellsFast      func(dst, src *float32, n, c, step, down, right, stream int, by float32) int
	globalsFunc    func(dst, src *float32, groups, n int, by float32)
	globalsFast    func(dst, src *float32, groups, n int, by float32) int
	fusedFunc      func(dst, src *float32, planes, h, w, oh, ow, y0, y1, top, ahead, blocks, in0, in1, out int, scale *float32, pitch int, zeros *float32, fetch int)
	endsFunc       func(suffix, src *float32, n, next, lines, line, block int)
	scaleLinesFunc func(dst, src *float32, n, next, windows, dstLine, dstNext int, table *int, by *float32)
	linesFunc      func(dst, src *float32, n, next, windows, dstLine, dstNext int, table *int)
	sameFunc       func(dst, src *float32, planes, h, w int, scale *float32, pitch int, zeros *float32)
	sameFast       func(dst, src *float32, planes, h, w int, scale *float32, pitch int, zeros *float32) int
	cellRowsFunc   func(dst, src *float32, n, c, step, cols, rows, above, real, down, dstRow, stream int, by *float32)
	cellRowsFast   func(dst, src *float32, n, c, step, cols, rows, above, real, down, dstRow, stream int, by *float32) int
	slideBlockFunc func(dst, src, acc, end *float32, before, cells, n, k int, last *uint32, next *float32, stream int, by *float32, rows, dstRow, srcRow, byRow, width int)
	slideBlockFast func(dst, src, acc, end *float32, before, cells, n, k int, last *uint32, next *float32, stream int, by *float32, rows, dstRow, srcRow, byRow, width int) int
	fusedFast      func(dst, src *float32, planes, h, w, oh, ow, y0, y1, top, ahead, blocks, in0, in1, out int, scale *float32, pitch int, zeros *float32, fetch int) int
)

// maxAssembly is how many cells a call of an assembly kernel may read, since it cannot be preempted: at 10 GB/s, a bad
// day of the memory, 100 µs. Chunks and strips keep calls below it by themselves but for extreme windows.
const maxAssembly = 1 << 18

// within panics unless s has n cells, before assembly touches them. It names no cell, since others may be writing it.
func within(s []float32, n int) { _ = s[:len(s):len(s)][:n] }

// startsLine reports whether s begins where a line of the cache does, and so may be written past it by whole vectors.
func startsLine(s []float32) bool { return uintptr(unsafe.Pointer(&s[0]))%64 == 0 }

// streams is 1 if whole vectors may be written past the cache, and are to be, or else 0.
func (f *cellWindows) streams(dst []float32) int {
	if f.stream && f.c%16 == 0 && startsLine(dst) {
		return 1
	}
	return 0
}

// streams reports whether the band is written past the cache.
func (f *band) streams(dst []float32) bool { return f.stream && startsLine(dst[f.y0*f.ow:]) }

func maxOps(k kernels) ops[float32] {
	o := k.ops(foldMax[float32], reduceMax[float32])
	o.globals.fast = k.globalsOp(k.globalsFast, k.globalLinesFast)
	o.identity, o.idempotent = float32(math.Inf(-1)), true
	k.slideOps(&o)
	for kind := range k.fused {
		exact, fast := k.fusedOp(kind)
		o.fused[kind] = fusedKernels[float32]{fast, exact}
	}
	o.fused[k3s1Same] = k.sameOps()
	return o
}

func sumOps(k kernels) ops[float32] {
	o := k.ops(foldSum[float32], reduceSum[float32])
	o.scale = func(dst, by []float32) {
		if len(dst) == 0 {
			return
		}
		noteRead(by[:len(dst)])
		noteWrite(dst)
		k.scale(&dst[0], &by[0], len(dst))
	}
	k.slideOps(&o)
	for kind := range k.fused {
		exact, _ := k.fusedOp(kind)
		o.fused[kind] = fusedKernels[float32]{nil, exact}
	}
	o.fused[k3s1Same] = k.sameOps()
	return o
}

// ops wraps the kernels of k: slices in place of pointers, their bounds checked once a call, and what assembly touches
// told to the race detector.
func (k kernels) ops(foldGo func(dst, src []float32, taps, apart int), reduceGo func(src, tmp []float32) float32) ops[float32] {
	ofSize := k.cellsFast
	for size, call := range k.cellsOf {
		if call != nil {
			ofSize[size] = call.exact()
		}
	}
	rowsOf := k.cellRowsFast
	for stride, call := range k.cellRows {
		if call != nil {
			rowsOf[stride] = call.exact()
		}
	}
	o := ops[float32]{
		fold: func(dst, src []float32, taps, apart int) {
			n := len(dst)
			if n == 0 {
				return
			}
			within(src, (taps-1)*apart+n)
			if taps > maxAssembly/16 {
				foldGo(dst, src, taps, apart)
				return
			}
			if raceEnabled {
				for t := range taps {
					noteRead(src[t*apart:][:n])
				}
				noteWrite(dst)
			}
			if n*taps <= maxAssembly {
				k.fold(&dst[0], &src[0], n, taps, apart)
				return
			}
			step := max(16, maxAssembly/taps&^15)
			for i := 0; i < n; i += step {
				k.fold(&dst[i], &src[i], min(step, n-i), taps, apart)
			}
		},
		pick: func(dst, src []float32, step, taps, apart int) {
			n := len(dst)
			if n == 0 {
				return
			}
			last := (n-1)*step + (taps-1)*apart
			noteRead(src[:last+1])
			noteWrite(dst)
			if step == 2 {
				k.pick2(&dst[0], &src[0], n, taps, apart)
			} else {
				k.pickN(&dst[0], &src[0], n, step, taps, apart)
			}
		},
		pair: func(dst, a, b []float32) {
			n := len(dst)
			if n == 0 {
				return
			}
			within(a, n)
			within(b, n)
			noteRead(a[:n])
			noteRead(b[:n])
			noteWrite(dst)
			// Two taps, as far apart as the slices are.
			apart := (int(uintptr(unsafe.Pointer(&b[0]))) - int(uintptr(unsafe.Pointer(&a[0])))) / 4
			k.fold(&dst[0], &a[0], n, 2, apart)
		},
		prefix: func(dst, acc, src, end []float32) {
			n := len(dst)
			if n == 0 {
				return
			}
			within(acc, n)
			within(src, n)
			within(end, n)
			noteRead(src[:n])
			noteRead(end[:n])
			noteWrite(acc[:n])
			noteWrite(dst)
			k.prefix(&dst[0], &acc[0], &src[0], &end[0], n)
		},
		reduce: func(src, tmp []float32) float32 {
			noteRead(src)
			lanes, part, both := tmp[:k.lanes], tmp[16:][:k.lanes], tmp[32:][:k.lanes]
			k.reduce(&lanes[0], &src[0], min(len(src), maxAssembly))
			for i := maxAssembly; i < len(src); i += maxAssembly {
				k.reduce(&part[0], &src[i], min(len(src)-i, maxAssembly))
				foldGo(both, tmp, 2, 16)
				copy(lanes, both)
			}
			return reduceGo(lanes, nil)
		},
		cells: func(dst, src []float32, f *cellWindows, by float32) {
			within(dst, f.n*f.c)
			within(src, (f.n-1)*f.step+(f.rows-1)*f.down+(f.cols-1)*f.right+f.c)
			noteWrite(dst[:f.n*f.c])
			if raceEnabled {
				for a := range f.rows {
					noteRead(src[a*f.down:][:(f.n-1)*f.step+(f.cols-1)*f.right+f.c])
				}
			}
			stream := f.streams(dst)
			fast := cellsFast(nil)
			if f.rows == f.cols && f.rows < len(ofSize) {
				fast = ofSize[f.rows]
			}
			n := max(1, maxAssembly/(f.c*f.rows*f.cols))
			for x := 0; x < f.n; x += n {
				dst, src, n := &dst[x*f.c], &src[x*f.step], min(n, f.n-x)
				if fast == nil || fast(dst, src, n, f.c, f.step, f.down, f.right, stream, by) != 0 {
					if fast != nil && stream != 0 {
						fence() // before it is written again
					}
					k.cells(dst, src, n, f.c, f.step, f.rows, f.down, f.cols, f.right, stream, by)
				}
			}
		},
		cellRows: func(dst, src []float32, f *cellWindows, by []float32) bool {
			row := (f.n-1)*f.step + (f.cols-1)*f.c + f.c
			within(dst, (f.windows-1)*f.dstRow+f.n*f.c)
			within(src, (f.real-1)*f.down+row)
			if raceEnabled {
				for y := range f.windows {
					noteWrite(dst[y*f.dstRow:][:f.n*f.c])
				}
				for y := range f.real {
					noteRead(src[y*f.down:][:row])
				}
			}
			var factors *float32
			if by != nil {
				within(by, f.windows)
				factors = &by[0]
			}
			stream := f.streams(dst)
			n := max(1, maxAssembly/(f.c*f.real*f.cols))
			for x := 0; x < f.n; x += n {
				if rowsOf[f.stride](&dst[x*f.c], &src[x*f.step], min(n, f.n-x), f.c, f.step, f.cols, f.windows, f.above, f.real, f.down, f.dstRow, stream, factors) != 0 {
					if stream != 0 {
						fence() // before it is written again
					}
					return false
				}
			}
			return true
		},
		fence:   fence,
		lanes:   k.lanes,
		globals: fallible[func(dst, src []float32, n int, by float32) bool]{exact: k.globalsOp(k.globals.exact(), k.globalLines.exact())},
		narrow:  k.narrowOps(),
		held:    k.heldOp(),
	}
	if k.lanes == 16 {
		o.lines = lineOps(k)
	}
	if k.pack != nil {
		exact, fast := lineOps(k), lineOps(kernels{lanes: k.lanes, ends: k.endsFast, lines: k.linesFast})
		o.pack = func(dst, src []float32, n int) *lineKernels[float32] {
			within(dst, packedPlanes*n)
			within(src, packedPlanes*n)
			noteRead(src[:packedPlanes*n])
			if k.pack(&dst[0], &src[0], n, n) == 0 && k.endsFast != nil {
				return fast
			}
			return exact
		}
		o.unpack = func(dst, src []float32, n int, by []float32) {
			within(dst, packedPlanes*n)
			within(src, packedPlanes*n)
			noteWrite(dst[:packedPlanes*n])
			var factors *float32
			if by != nil {
				within(by, n)
				factors = &by[0]
			}
			k.unpack(&dst[0], &src[0], n, n, factors)
		}
	}
	if k.pickCells != nil {
		o.pickCells = func(dst, src []float32, f *cellPicks, taps, apart int) {
			n := len(dst)
			if n == 0 {
				return
			}
			noteRead(src[:f.at(n-1)+(taps-1)*apart+1])
			noteWrite(dst)
			vectors, rest := n/16, n%16
			reach := 0
			if rest > 0 {
				reach = f.at(n-1) - f.at(16*vectors) + 1
			}
			k.pickCells(&dst[0], &src[0], vectors, rest, f.u, &f.index[0], &f.from[0], f.reach-16, min(reach, 16), max(reach-16, 0), taps, apart)
		}
	}
	return o
}

// lineOps wraps the kernels for lines of vectors.
func lineOps(k kernels) *lineKernels[float32] {
	reach := func(n, next, lines, line int) int { return (n-1)*next + (lines-1)*line + k.lanes }
	return &lineKernels[float32]{
		ends: func(suffix, src []float32, n, next, lines, line, block int) {
			within(suffix, reach(n, next, lines, line))
			within(src, reach(n, next, lines, line))
			k.ends(&suffix[0], &src[0], n, 4*next, lines, 4*line, block)
		},
		combine: func(dst, src []float32, n, next, windows, dstLine, dstNext int, table []int, by []float32) {
			within(dst, reach(n, dstNext, windows, dstLine))
			if raceEnabled {
				for i := range n * windows {
					line, taps := i/n, table[i/n*(1+packedTaps):]
					noteWrite(dst[line*dstLine+i%n*dstNext:][:k.lanes])
					for _, at := range taps[1:][:taps[0]] {
						if at >= 0 { // not an end of a block, which nobody else has
							noteRead(src[at/4+i%n*next:][:k.lanes])
						}
					}
				}
			}
			t := &table[:windows*(1+packedTaps)][0]
			if by == nil {
				k.lines(&dst[0], &src[0], n, 4*next, windows, 4*dstLine, 4*dstNext, t)
				return
			}
			k.scaleLines(&dst[0], &src[0], n, 4*next, windows, 4*dstLine, 4*dstNext, t, &by[:n*windows][0])
		},
	}
}

// slideOps wraps the slides.
func (k kernels) slideOps(o *ops[float32]) {
	o.widest = 63
	// AVX2: one fold of up to 5 cells is up to 1.2 times as fast (-bench Window), and so are the folds of 16 and more along short
	// rows, where the cells before the first window count (-bench Pool2D/workload=small).
	o.slidePays = func(k, cells int) bool { return k > 5 && (k < 16 || cells >= 768) }
	if k.lanes == 16 {
		o.slidePays = func(k, _ int) bool { return k > 2 }
		if o.idempotent {
			o.widest = maxSlide
		}
	}
	// prepare notes what is touched beside the row, and turns hints and factors into arguments.
	prepare := func(dst, src, by []float32, h hint[float32]) (next *float32, stream int, factors *float32) {
		noteWrite(dst)
		next = &src[0]
		if len(h.next) > 0 {
			next = &h.next[0]
		}
		if h.stream && startsLine(dst) {
			stream = 1
		}
		if by != nil {
			noteRead(by[:len(dst)])
			factors = &by[0]
		}
		return next, stream, factors
	}
	o.slide = func(dst, src []float32, width int, by []float32, h hint[float32]) {
		n, cells := len(dst), len(dst)+width-1
		if n == 0 {
			return
		}
		noteRead(src[:cells])
		next, stream, factors := prepare(dst, src, by, h)
		last := lastStep(width)
		if k.slideFast != nil {
			if k.slideFast(&dst[0], &src[0], width-1, cells, n, width, last, next, stream, factors) == 0 {
				return
			}
			fence() // before it is written again
		}
		k.slide(&dst[0], &src[0], width-1, cells, n, width, last, next, stream, factors)
	}
	if k.slideBlock == nil {
		return
	}
	block := func(kernel slideBlockFast) slideBlock[float32] {
		if kernel == nil {
			return nil
		}
		return func(dst, acc, src, end []float32, f *slideRows, by []float32, h hint[float32]) bool {
			vectors := (f.n + 15) &^ 15
			within(acc, vectors)
			within(end, (f.rows-1)*f.width+vectors)
			within(dst, (f.rows-1)*f.dstRow+f.n)
			within(src, (f.rows-1)*f.srcRow+f.cells)
			if raceEnabled {
				for y := range f.rows {
					noteWrite(dst[y*f.dstRow:][:f.n])
					noteRead(src[y*f.srcRow:][:f.cells])
					if by != nil {
						noteRead(by[y*f.byRow:][:f.n])
					}
				}
			}
			next, stream, factors := prepare(dst[:1], src, nil, h) // what lies between rows is not written
			if f.dstRow%16 != 0 {
				stream = 0
			}
			byRow := 0
			if by != nil {
				within(by, (f.rows-1)*f.byRow+f.n)
				factors, byRow = &by[0], f.byRow
			}
			nan := kernel(&dst[0], &src[0], &acc[0], &end[0], f.k-1-f.lead, f.cells, f.n, f.k, lastStep(f.k), next, stream, factors,
				f.rows, 4*f.dstRow, 4*f.srcRow, 4*byRow, 4*f.width)
			if nan != 0 && stream != 0 {
				fence() // before it is written again
			}
			return nan == 0
		}
	}
	o.slideBlock.fast, o.slideBlock.exact = block(k.slideBlockFast), block(k.slideBlock.exact())
	o.suffix = func(s []float32, n, width, rows int) {
		n = (n + 15) &^ 15
		within(s, (rows-1)*width+n)
		k.suffix(&s[0], n, 4*width, rows)
	}
}

// maxSlide is the widest window of a maximum's slide on AVX-512.
const maxSlide = 64

// lastStep returns the permutation for the last step of windows of a maximum; what is wider is of a sum, which has none.
func lastStep(width int) *uint32 { return &lastSteps[min(width, maxSlide)][0] }

// lastSteps holds, for each width of a maximum's windows, the permutation of the last step on AVX-512: it shifts a vector up by what
// is missing to the width, and takes the lanes below from the vector before.
var lastSteps = func() (all [maxSlide + 1][16]uint32) {
	for width := range all {
		for _, w := range []int{48, 32, 16, 8, 4, 2, 1} {
			if w < width {
				for lane := range 16 {
					all[width][lane] = uint32(16 + lane - (width - w))
				}
				break
			}
		}
	}
	return all
}()

// exact returns the kernel as one that has seen no NaN, whatever there was.
func (call cellRowsFunc) exact() cellRowsFast {
	return func(dst, src *float32, n, c, step, cols, rows, above, real, down, dstRow, stream int, by *float32) int {
		call(dst, src, n, c, step, cols, rows, above, real, down, dstRow, stream, by)
		return 0
	}
}

func (call cellsFunc) exact() cellsFast {
	return func(dst, src *float32, n, c, step, down, right, stream int, by float32) int {
		call(dst, src, n, c, step, down, right, stream, by)
		return 0
	}
}

// exact returns the kernel as one that has seen no NaN, whatever there was.
func (call slideBlockFunc) exact() slideBlockFast {
	return func(dst, src, acc, end *float32, before, cells, n, k int, last *uint32, next *float32, stream int, by *float32, rows, dstRow, srcRow, byRow, width int) int {
		call(dst, src, acc, end, before, cells, n, k, last, next, stream, by, rows, dstRow, srcRow, byRow, width)
		return 0
	}
}

// exact returns the kernel as one that has seen no NaN, whatever there was.
func (call globalsFunc) exact() globalsFast {
	return func(dst, src *float32, groups, n int, by float32) int {
		call(dst, src, groups, n, by)
		return 0
	}
}

// globalsOp wraps kernels for whole planes: lines, where there is one, for as many groups of 64 planes as there are, then
// call. A last group that is not full overlaps the one before.
func (k kernels) globalsOp(call, lines globalsFast) func(dst, src []float32, n int, by float32) bool {
	return func(dst, src []float32, n int, by float32) bool {
		noteRead(src)
		noteWrite(dst)
		within(dst, k.lanes)
		within(src, n*len(dst))
		p, nan := 0, 0
		if groups := len(dst) / 64; k.globalLines != nil && groups > 0 && n >= 32 {
			nan = lines(&dst[0], &src[0], groups, n, by)
			p = groups * 64
		}
		if groups := (len(dst) - p) / k.lanes; groups > 0 {
			nan |= call(&dst[p], &src[p*n], groups, n, by)
			p += groups * k.lanes
		}
		if p < len(dst) {
			p = len(dst) - k.lanes
			nan |= call(&dst[p], &src[p*n], 1, n, by)
		}
		return nan == 0
	}
}

// narrowOps wraps the kernels for narrow planes, if there are any.
func (k kernels) narrowOps() fallible[func(dst, src, tmp []float32, f *narrowPlanes) bool] {
	type function = func(dst, src, tmp []float32, f *narrowPlanes) bool
	wrap := func(call func(dst, src, tmp *float32, planes, h, w, oh, ow, block, steps int, index *uint32, rows *int, scale *float32) int) function {
		return func(dst, src, tmp []float32, f *narrowPlanes) bool {
			noteRead(src)
			noteWrite(dst)
			noteWrite(tmp)
			within(dst, f.planes*f.oh*f.ow)
			within(src, f.planes*f.h*f.w)
			within(tmp, narrowScratch(f.h))
			var by *float32
			if f.by != nil {
				within(f.by, f.oh*narrowWidth)
				by = &f.by[0]
			}
			return call(&dst[0], &src[0], &tmp[0], f.planes, f.h, f.w, f.oh, f.ow, f.block, f.steps, unsafe.SliceData(f.index), &f.rows[0], by) == 0
		}
	}
	var o fallible[function]
	if k.narrow != nil {
		o.exact = wrap(func(dst, src, tmp *float32, planes, h, w, oh, ow, block, steps int, index *uint32, rows *int, scale *float32) int {
			k.narrow(dst, src, tmp, planes, h, w, oh, ow, block, steps, index, rows, scale)
			return 0
		})
	}
	if k.narrowFast != nil {
		o.fast = wrap(k.narrowFast)
	}
	return o
}

// heldOp wraps the kernel for planes that registers hold, if there is one.
func (k kernels) heldOp() func(dst, src []float32, f *heldTile, by []float32) bool {
	call := k.heldFast
	if k.held != nil {
		call = func(dst, src *float32, tiles, h, w, first, out, srcRow, srcNext, dstRow, dstNext, reach, columns, alike int, scale *float32, halves *int32) int {
			k.held(dst, src, tiles, h, w, first, out, srcRow, srcNext, dstRow, dstNext, reach, columns, alike, scale, halves)
			return 0
		}
	}
	if call == nil {
		return nil
	}
	return func(dst, src []float32, f *heldTile, by []float32) bool {
		cells, rows := f.h*f.w, f.rows-f.firstRow
		noteRead(src[:f.planes*cells]) // what is read behind rows is in no result
		noteWrite(dst[:f.planes*cells])
		from, to := f.row*f.w+f.column, (f.row+f.firstRow)*f.w+f.column
		within(src, (f.planes-1)*cells+from+(f.rows-1)*f.w+narrowWidth)
		within(dst, (f.planes-1)*cells+to+(rows-1)*f.w+f.columns)
		var scale *float32
		if by != nil {
			within(by, f.rows*narrowWidth)
			scale = &by[0]
		}
		out := ((1<<f.columns - 1) &^ (1<<f.firstColumn - 1)) << f.shift & (1<<narrowWidth - 1)
		var half *int32
		if f.halves != nil {
			half = &f.halves.cells[0]
		}
		alike := 0
		if f.alike {
			alike = 1
		}
		return call(&dst[to], &src[from], f.planes, f.rows, f.columns, f.firstRow, out,
			f.w, cells-f.rows*f.w, f.w, cells-rows*f.w, f.reach.H, f.reach.W, alike, scale, half) == 0
	}
}

// fusedOp wraps the kernels of a kind.
func (k kernels) fusedOp(kind int) (exact, fast func(dst, src []float32, f *band, by []float32) bool) {
	size, stride := windowOf[kind].k, windowOf[kind].stride
	run := func(call func(dst, src *float32, ahead, blocks, in0, in1, out int, scale *float32) int, dst, src []float32, f *band, by []float32) bool {
		within(dst, f.planes*f.oh*f.ow)
		within(src, f.planes*f.h*f.w)
		first, last := max(0, f.y0*stride-f.top), min(f.h, (f.y1-1)*stride-f.top+size)
		noteRead(src[first*f.w : ((f.planes-1)*f.h+last)*f.w])
		noteWrite(dst[f.y0*f.ow : ((f.planes-1)*f.oh+f.y1)*f.ow])
		var scale *float32
		if by != nil {
			within(by, 3*pitch(f.ow))
			scale = &by[0]
		}
		ahead := 0
		if size == 3 {
			ahead = 3 - stride - f.left
		}
		cells := f.w - ahead
		blocks := min(f.ow/k.lanes, cells/(stride*k.lanes))
		left := cells - blocks*stride*k.lanes
		return call(&dst[0], &src[0], ahead, blocks, min(left, k.lanes), min(max(left-k.lanes, 0), k.lanes), f.ow-blocks*k.lanes, scale) == 0
	}
	exact = func(dst, src []float32, f *band, by []float32) bool {
		exactAsm := k.fused[kind]
		if k.stream[kind] != nil && f.streams(dst) {
			exactAsm = k.stream[kind]
		}
		return run(func(dst, src *float32, ahead, blocks, in0, in1, out int, scale *float32) int {
			exactAsm(dst, src, f.planes, f.h, f.w, f.oh, f.ow, f.y0, f.y1, f.top, ahead, blocks, in0, in1, out, scale, pitch(f.ow), &zeroRow[float32]()[0], fetchAhead(f))
			return 0
		}, dst, src, f, by)
	}
	fast = func(dst, src []float32, f *band, by []float32) bool {
		fastAsm := k.fast[kind]
		if k.fastStream[kind] != nil && f.streams(dst) {
			fastAsm = k.fastStream[kind]
		}
		return run(func(dst, src *float32, ahead, blocks, in0, in1, out int, scale *float32) int {
			return fastAsm(dst, src, f.planes, f.h, f.w, f.oh, f.ow, f.y0, f.y1, f.top, ahead, blocks, in0, in1, out, scale, pitch(f.ow), &zeroRow[float32]()[0], fetchAhead(f))
		}, dst, src, f, by)
	}
	return exact, fast
}

// fetchAhead returns how many bytes ahead of the two newest rows the kernels of stride 2 fetch into the cache. Past the cache
// it is two rows, where they are wide. On an Intel Xeon of model 106, 4 KiB take 15 to 20 % off 8-image stem, VGG, 32 and
// 128 MB, and nothing off what is within its caches; 8 KiB lose 3 to 9 % of a stem. On one of model 167, 0 to 8 KiB are the
// same within 2 %.
//
// An AMD Zen 4 follows the one stream of narrow rows by itself: fetching too makes 112 columns 1.06 times as slow in the
// last cache, and 1.3 to 1.4 times past it. 224 to 1024 columns gain 5 to 25 % there. A Zen 5 was measured once, fetching, and
// was at 2.4 of the limit past its last cache; until it is measured again it does as a Zen 4. A Zen 3 needs it: there 2 and 4 KiB
// take 5 to 20 % off 56 and 112 columns past the last cache, 20 to 35 % of what is streamed, and half of VGG.
func fetchAhead(f *band) int {
	switch {
	case f.w <= 128 && zen4:
		return 0
	case f.stream:
		return max(4096, 2*4*f.w)
	}
	return 4096
}

// sameOps wraps the kernels of k3s1Same, if there are any.
func (k kernels) sameOps() fusedKernels[float32] {
	type function = func(dst, src []float32, f *band, by []float32) bool
	wrap := func(call, beside, stream sameFast) function {
		return func(dst, src []float32, f *band, by []float32) bool {
			cells := f.h * f.w
			n := f.planes * cells
			within(dst, n)
			within(src, n)
			noteRead(src[:n])
			noteWrite(dst[:n])
			var scale *float32
			if by != nil {
				within(by, 3*pitch(f.w))
				scale = &by[0]
			}
			asm, nan, done := call, 0, 0
			switch groups := f.planes / besidePlanes; {
			case stream != nil && f.streams(dst):
				asm = stream
			case beside != nil && f.beside && groups > 0 && besideFrom <= f.w && f.w <= besideTo:
				nan = beside(&dst[0], &src[0], groups, f.h, f.w, scale, pitch(f.w), &zeroRow[float32]()[0])
				done = groups * besidePlanes
			}
			if done < f.planes {
				nan |= asm(&dst[done*cells], &src[done*cells], f.planes-done, f.h, f.w, scale, pitch(f.w), &zeroRow[float32]()[0])
			}
			return nan == 0
		}
	}
	exact := func(asm sameFunc) sameFast {
		if asm == nil {
			return nil
		}
		return func(dst, src *float32, planes, h, w int, scale *float32, pitch int, zeros *float32) int {
			asm(dst, src, planes, h, w, scale, pitch, zeros)
			return 0
		}
	}
	var o fusedKernels[float32]
	if k.same != nil {
		o.exact = wrap(exact(k.same), exact(k.sameBeside), exact(k.sameStream))
	}
	if k.sameFast != nil {
		o.fast = wrap(k.sameFast, k.sameFastBeside, k.sameFastStream)
	}
	return o
}
