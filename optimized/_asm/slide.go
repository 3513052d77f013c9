package main

import (
	"fmt"
	"math/bits"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// line is the bytes of a line of the cache.
const line = 64

// blockFetch is how many bytes ahead slideBlock fetches results that are not streamed. 64 to 512 are the same. On the Intel of model 207
// (DESIGN.md), 128×128 to 2048² by 9 to 63 take 0.7 to 0.95 of the time, some averages 1.0. Single rows gain 0.95 to 1.1.
const blockFetch = 128

// slide computes windows of k cells along a row in registers. Windows look back, so each step needs a vector and its
// predecessor, and shifts by at most a vector: slideDoubling, slideSums and slideBits say how. Before the row's cells and behind
// them are identities.
//
//	dst[i] = row[before+i−k+1] ∘ … ∘ row[before+i], 0 <= i < n; before <= cells <= before+n
//
// A sum's windows are multiplied by by[i], if by is not nil.
//
// Meanwhile it fetches as many cells from next into the first-level cache. Where stream is set it writes past the cache,
// and fetches into the second level, since both need the core's few line buffers; then dst must be aligned to a line.
//
// Of a block of rows, the windows v of each are combined with those of the rows before, and these with the end of the block before,
// whose place they take:
//
//	acc[i] = v ∘ acc[i], dst[i] = end[i] ∘ acc[i], end[i] = v
//
// From row to row dst, src, next and by are so many bytes further on, and end width. acc and end are filled up to whole vectors.
func slide(kt kit, block bool) {
	name, signature := "slide", "func(dst, src *float32, before, cells, n, k int, last *uint32, next *float32, stream int, by *float32)"
	if block {
		name = "slideBlock"
		signature = "func(dst, src, acc, end *float32, before, cells, n, k int, last *uint32, next *float32, stream int, by *float32, rows, dstRow, srcRow, byRow, width int)"
	}
	begin(&kt, name, signature+result(kt.op))
	kt.open()
	k := Load(Param("k"), GP64())
	steps := slideBits
	switch {
	case kt.isa == avx512 && kt.op == sum:
		steps = slideSums
	case kt.isa == avx512:
		steps = slideDoubling
	}
	clear, body := steps(&kt, k)
	Label("row")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	n, cells, before := Load(Param("n"), GP64()), Load(Param("cells"), GP64()), Load(Param("before"), GP64())
	var acc, end, by Register
	if block {
		acc, end = Load(Param("acc"), GP64()), Load(Param("end"), GP64())
	}
	if kt.op == sum {
		by = Load(Param("by"), GP64())
	}
	clear()
	// take returns a vector of the row.
	take := func(m Mem, ms *mask) VecVirtual {
		var v VecVirtual
		if ms != nil {
			v = kt.loadMasked(m, *ms)
		} else {
			v = kt.load(m)
		}
		kt.check(v, v)
		return v
	}
	x := GP64() // bytes of all rows that are done
	on := func(p Register, vector int) Mem { return Mem{Base: p, Index: x, Scale: 1, Disp: vector * kt.bytes()} }
	// finished does what is to be done with windows.
	finished := func(name string, vs []VecVirtual, ms *mask) []VecVirtual {
		if block {
			for i, v := range vs {
				e, a := kt.load(on(end, i)), kt.load(on(acc, i))
				VMOVAPS(v, on(end, i))
				kt.combine(v, a, a)
				VMOVAPS(a, on(acc, i))
				kt.combine(a, e, v) // a NaN of e stays
			}
		}
		if kt.op != sum {
			return vs
		}
		TESTQ(by, by)
		JZ(LabelRef(name + "_unscaled"))
		for i, v := range vs {
			if ms != nil {
				VMULPS(kt.loadMasked(on(by, 0), *ms), v, v)
			} else {
				VMULPS(on(by, i), v, v)
			}
		}
		Label(name + "_unscaled")
		return vs
	}
	Comment("The cells before go through the steps, whole vectors of them last.")
	left := GP64()
	SUBQ(before, cells)
	MOVQ(before, left)
	ANDQ(num(kt.lanes()-1), left)
	JZ(LabelRef("before"))
	ms := kt.last(left)
	LEAQ(Mem{Base: src, Index: left, Scale: 4}, src)
	body("first", []VecVirtual{take(at(src, -kt.bytes()), &ms)})
	Label("before")
	SHRQ(num(bits.TrailingZeros(uint(kt.lanes()))), before)
	JZ(LabelRef("windows"))
	Label("whole")
	body("whole", []VecVirtual{take(at(src, 0), nil)})
	ADDQ(num(kt.bytes()), src)
	DECQ(before)
	JNZ(LabelRef("whole"))
	Label("windows")
	next, pairs := GP64(), GP64()
	MOVQ(param("next"), next)
	var below Register // the cells of the second row from here
	if block {
		below = GP64()
		MOVQ(param("srcRow"), below)
		LEAQ(Mem{Base: src, Index: below, Scale: 2}, below)
	}
	MOVQ(cells, pairs)
	ANDQ(I8(-2*kt.lanes()), pairs)
	SUBQ(pairs, cells)
	SUBQ(pairs, n)
	SHLQ(Imm(2), pairs)
	XORQ(x, x)
	TESTQ(pairs, pairs)
	JZ(LabelRef("rest"))
	CMPQ(param("stream"), Imm(0))
	JNE(LabelRef("streamed"))
	for _, name := range []string{"cached", "streamed"} {
		Label(name)
		var vs []VecVirtual
		for i := range 2 {
			if i*kt.bytes()%line == 0 {
				if name == "cached" {
					PREFETCHT0(on(next, i))
					if block {
						PREFETCHT0(Mem{Base: dst, Index: x, Scale: 1, Disp: blockFetch + i*kt.bytes()})
					}
				} else {
					if block {
						PREFETCHT0(on(below, i))
					}
					PREFETCHT1(on(next, i))
				}
			}
			vs = append(vs, kt.load(on(src, i)))
		}
		kt.check(vs[0], vs[1])
		for i, v := range finished(name, body(name, vs), nil) {
			if name == "streamed" {
				VMOVNTPS(v, on(dst, i))
			} else {
				VMOVUPS(v, on(dst, i))
			}
		}
		ADDQ(num(2*kt.bytes()), x)
		CMPQ(x, pairs)
		JNE(LabelRef(name))
		if name == "cached" {
			JMP(LabelRef("rest"))
		}
	}
	Label("rest")
	TESTQ(n, n)
	JLE(LabelRef("done"))
	least := func(lanes Register) Register {
		t := GP64()
		MOVQ(U32(uint32(kt.lanes())), t)
		CMPQ(lanes, t)
		CMOVQLT(lanes, t)
		return t
	}
	reads, writes := least(cells), least(n)
	in, out := kt.first(reads), kt.first(writes)
	vs := finished("rest", body("rest", []VecVirtual{take(on(src, 0), &in)}), &out)
	kt.storeFirst(vs[0], writes, out, on(dst, 0))
	SUBQ(reads, cells)
	SUBQ(writes, n)
	ADDQ(num(kt.bytes()), x)
	JMP(LabelRef("rest"))
	Label("done")
	if block {
		t := GP64()
		move := func(by string, pointers ...string) {
			MOVQ(param(by), t)
			for _, p := range pointers {
				ADDQ(t, param(p))
			}
		}
		move("dstRow", "dst")
		move("srcRow", "src", "next")
		if kt.op == sum {
			move("byRow", "by")
		}
		move("width", "end")
		DECQ(param("rows"))
		JNZ(LabelRef("row"))
	}
	kt.report()
	VZEROUPPER()
	RET()
}

// slideDoubling returns what forgets the vectors before, and what turns vectors, which follow those, into their windows of a maximum of
// k > 1 cells, on AVX-512: windows of 1, 2, 4, 8, 16, 32 and 48 cells, each the last and one further back, until one more makes k.
// The permutation for that is last: of 32 lanes, 16 of the vector before and 16 of the vector.
func slideDoubling(kt *kit, k Register) (clear func(), body func(name string, vs []VecVirtual) []VecVirtual) {
	index := kt.load(at(Load(Param("last"), GP64()), 0))
	widths := []int{1, 2, 4, 8, 16, 32, 48}
	prev := make([]VecVirtual, len(widths)) // the vector before, of windows of each width
	for i := range prev {
		prev[i] = kt.vec()
	}
	clear = func() {
		for _, p := range prev {
			VMOVAPS(kt.ident, p)
		}
	}
	return clear, func(name string, vs []VecVirtual) []VecVirtual {
		last := func(i int) {
			kt.step(prev[i], vs, vs, func(prev, v VecVirtual) VecVirtual {
				t := kt.vec()
				VMOVAPS(prev, t)
				VPERMT2PS(v, index, t)
				return t
			})
		}
		lastOf := func(i int) string { return fmt.Sprintf("%s_last%d", name, i) }
		for i, width := range widths[:len(widths)-1] {
			CMPQ(k, num(widths[i+1]))
			JLE(LabelRef(lastOf(i)))
			kt.step(prev[i], vs, vs, kt.shift(min(width, kt.lanes())))
		}
		last(len(widths) - 1)
		JMP(LabelRef(name + "_done"))
		for i := range widths[:len(widths)-1] {
			Label(lastOf(i))
			last(i)
			if i < len(widths)-2 {
				JMP(LabelRef(name + "_done"))
			}
		}
		Label(name + "_done")
		return vs
	}
}

// step combines a with vs, which become what they were moved up by, over the vector before, prev. vs may be a.
func (k *kit) step(prev VecVirtual, a, vs []VecVirtual, shift func(prev, v VecVirtual) VecVirtual) {
	moved := make([]VecVirtual, len(vs))
	for j, v := range vs {
		below := prev
		if j > 0 {
			below = vs[j-1]
		}
		moved[j] = shift(below, v)
	}
	VMOVAPS(vs[len(vs)-1], prev)
	for j, v := range vs {
		k.combine(a[j], moved[j], v)
	}
}

// shift returns what moves a vector up by a power of two of lanes, up to all of them, over the one before.
func (k *kit) shift(lanes int) func(prev, v VecVirtual) VecVirtual {
	return func(prev, v VecVirtual) VecVirtual {
		if lanes == k.lanes() {
			t := k.vec()
			VMOVAPS(prev, t)
			return t
		}
		below := k.below(prev, v)
		if k.isa == avx2 && lanes == 4 {
			return below
		}
		return k.back(lanes, below, v)
	}
}

// slideSums does the same for sums, by the bits of k, lowest first: a is a sum of 2ⁱ cells, r the sum of the bits so far, further
// back:
//
//	if bit i: r = a ∘ r shifted by 2ⁱ; then a = a ∘ a shifted by 2ⁱ; 32 back is the vector before the last
func slideSums(kt *kit, k Register) (clear func(), body func(name string, vs []VecVirtual) []VecVirtual) {
	const levels = 6
	var prev, rest [levels]VecVirtual // the vector before, of a and of r
	var all []VecVirtual
	for i := range levels {
		prev[i], rest[i] = kt.vec(), kt.vec() // of the last level, prev is the r before rest
		all = append(all, prev[i], rest[i])
	}
	clear = func() {
		for i, v := range all {
			if i != 1 { // rest of level 0
				VMOVAPS(kt.ident, v)
			}
		}
	}
	return clear, func(name string, vs []VecVirtual) []VecVirtual {
		a, r := vs, make([]VecVirtual, len(vs))
		for j := range r {
			r[j] = kt.identity()
		}
		for i := range levels {
			skip := fmt.Sprintf("%s_skip%d", name, i)
			BTQ(Imm(uint64(i)), k)
			JCC(LabelRef(skip))
			switch i {
			case 0:
				for j := range r {
					VMOVAPS(a[j], r[j])
				}
			case levels - 1: // two vectors back
				if len(r) == 1 {
					t := kt.vec()
					VMOVAPS(prev[i], t)
					VMOVAPS(rest[i], prev[i])
					VMOVAPS(r[0], rest[i])
					kt.combine(a[0], t, r[0])
					break
				}
				for j, before := range []VecVirtual{prev[i], rest[i]} {
					kt.combine(a[j], before, before)
					t := kt.vec()
					VMOVAPS(before, t)
					VMOVAPS(r[j], before)
					VMOVAPS(t, r[j])
				}
			default:
				kt.step(rest[i], a, r, kt.shift(1<<i))
			}
			Label(skip)
			if i == levels-1 {
				break
			}
			CMPQ(k, num(2<<i))
			JLT(LabelRef(name + "_done"))
			kt.step(prev[i], a, a, kt.shift(1<<i))
		}
		Label(name + "_done")
		return r
	}
}

// slideBits returns what turns vectors into their windows on AVX2, which has no permutation of two vectors: by the bits of
// k = 8q + b. a is of 2ⁱ cells, r of as many as the bits of b so far say, further back:
//
//	if bit i of b: r = a ∘ r shifted by 2ⁱ; then a = a ∘ a shifted by 2ⁱ, up to 8
//	q times: r = a ∘ r of the vector before
func slideBits(kt *kit, k Register) (clear func(), body func(name string, a []VecVirtual) []VecVirtual) {
	const most = 7 // times q
	var prev, rest [3]VecVirtual
	for i := range prev {
		prev[i] = kt.vec()
		if i > 0 {
			rest[i] = kt.vec()
		}
	}
	kept := GP64() // the last r of each time but the last
	LEAQ(AllocLocal((most+1)*kt.bytes()), kept)
	ADDQ(num(kt.bytes()-1), kept)
	ANDQ(I8(-kt.bytes()), kept)
	clear = func() {
		for i := range prev {
			VMOVAPS(kt.ident, prev[i])
			if i > 0 {
				VMOVAPS(kt.ident, rest[i])
			}
		}
		for i := range most {
			VMOVAPS(kt.ident, at(kept, kt.bytes()*i))
		}
	}
	return clear, func(name string, a []VecVirtual) []VecVirtual {
		r := make([]VecVirtual, len(a))
		for j := range r {
			r[j] = kt.vec()
			VMOVAPS(a[j], r[j])
		}
		BTQ(Imm(0), k)
		JCS(LabelRef(name + "_odd"))
		for j := range r {
			VMOVAPS(kt.ident, r[j])
		}
		Label(name + "_odd")
		for i := range prev {
			if i > 0 {
				BTQ(Imm(uint64(i)), k)
				JCC(LabelRef(fmt.Sprintf("%s_skip%d", name, i)))
				kt.step(rest[i], a, r, kt.shift(1<<i))
				Label(fmt.Sprintf("%s_skip%d", name, i))
			}
			CMPQ(k, num(2<<i))
			JLT(LabelRef(name + "_done"))
			kt.step(prev[i], a, a, kt.shift(1<<i))
		}
		for q := range most {
			if q > 0 {
				CMPQ(k, num(8*(q+1)))
				JLT(LabelRef(name + "_done"))
			}
			before := kt.load(at(kept, kt.bytes()*q))
			VMOVAPS(r[len(r)-1], at(kept, kt.bytes()*q))
			for j := len(r) - 1; j > 0; j-- {
				kt.combine(a[j], r[j-1], r[j])
			}
			kt.combine(a[0], before, r[0])
		}
		Label(name + "_done")
		return r
	}
}

// prefix takes a row into a prefix and completes windows with it.
//
//	acc[i] = acc[i] ∘ src[i], dst[i] = end[i] ∘ acc[i], 0 <= i < n
func prefix(k kit) {
	begin(&k, "prefix", "func(dst, acc, src, end *float32, n int)")
	dst, acc := Load(Param("dst"), GP64()), Load(Param("acc"), GP64())
	src, end, n := Load(Param("src"), GP64()), Load(Param("end"), GP64()), Load(Param("n"), GP64())
	k.open()
	step := func(vectors int, ms *mask) {
		for i := range vectors {
			load := func(r Register) VecVirtual {
				if ms != nil {
					return k.loadMasked(at(r, 0), *ms)
				}
				return k.load(at(r, i*k.bytes()))
			}
			store := func(v VecVirtual, r Register) {
				if ms != nil {
					k.storeFirst(v, n, *ms, at(r, 0))
				} else {
					VMOVUPS(v, at(r, i*k.bytes()))
				}
			}
			a := load(acc)
			k.combine(a, load(src), a)
			store(a, acc)
			e := load(end)
			k.combine(e, a, e)
			store(e, dst)
		}
	}
	loop := func(name string, vectors int) {
		k.groups(name, vectors, n, []Register{dst, acc, src, end}, func() { step(vectors, nil) })
	}
	loop("four", 4)
	loop("one", 1)
	TESTQ(n, n)
	JZ(LabelRef("done"))
	ms := k.first(n)
	step(1, &ms)
	Label("done")
	VZEROUPPER()
	RET()
}

// suffix makes, in the place of each row of a block, the combination of those behind it, some columns at a time, whose accumulators
// stay in registers.
//
//	p[i] = p[i+1] ∘ … ∘ p[rows−1], 0 <= i < rows
//
// Rows are row bytes apart, and n cells fill whole vectors.
func suffix(k kit) {
	begin(&k, "suffix", "func(p *float32, n, row, rows int)")
	p, n := Load(Param("p"), GP64()), Load(Param("n"), GP64())
	row, rows := Load(Param("row"), GP64()), Load(Param("rows"), GP64())
	t := GP64()
	MOVQ(rows, t)
	DECQ(t)
	IMULQ(row, t)
	ADDQ(t, p)
	k.open()
	loop := func(name string, vectors int) {
		k.groups(name, vectors, n, []Register{p}, func() {
			acc := make([]VecVirtual, vectors)
			for i := range acc {
				acc[i] = k.identity()
			}
			q, left := GP64(), GP64()
			MOVQ(p, q)
			MOVQ(rows, left)
			Label(name + "_row")
			for i, v := range acc {
				kept := k.load(at(q, i*k.bytes()))
				VMOVAPS(v, at(q, i*k.bytes()))
				k.combine(v, kept, v)
			}
			SUBQ(row, q)
			DECQ(left)
			JNZ(LabelRef(name + "_row"))
		})
	}
	loop("four", 4)
	loop("one", 1)
	VZEROUPPER()
	RET()
}
