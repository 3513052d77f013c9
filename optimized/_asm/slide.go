package main

import (
	"fmt"
	"math/bits"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// line is the bytes of a line of the cache.
const line = 64

// slide computes windows of k cells along a row in registers. Windows look back, so each step needs a vector and its
// predecessor, and shifts by at most a vector: slideSteps and slideBits say how. Before the row's cells and behind them are
// identities.
//
//	dst[i] = row[before+i−k+1] ∘ … ∘ row[before+i], 0 <= i < n; before <= cells
//
// The row is src, or withPrefix each vector of it is made of three where it is needed: acc[i] = acc[i] ∘ src[i], row[i] =
// end[i] ∘ acc[i].
//
// A sum's windows are multiplied by by[i], if by is not nil.
//
// Meanwhile it fetches as many cells from next into the first-level cache. Where stream is set it writes past the cache,
// and fetches into the second level, since both need the core's few line buffers; then dst must be aligned to a line.
func slide(kt kit, withPrefix bool) {
	name, rows := "slide", []string{"src"}
	if withPrefix {
		name, rows = "prefixSlide", []string{"acc", "src", "end"}
	}
	begin(&kt, name, "func(dst, "+strings.Join(rows, ", ")+" *float32, before, cells, n, steps int, index *uint32, next *float32, stream int, by *float32)"+result(kt.op))
	dst, n, cells := Load(Param("dst"), GP64()), Load(Param("n"), GP64()), Load(Param("cells"), GP64())
	from := make([]Register, len(rows))
	for i, row := range rows {
		from[i] = Load(Param(row), GP64())
	}
	steps := Load(Param("steps"), GP64())
	kt.open()
	// take returns a vector of the row at from and disp bytes on, of the lanes of ms if that is not nil.
	take := func(from []Register, disp int, ms *mask) VecVirtual {
		load := func(p Register) VecVirtual {
			if ms != nil {
				return kt.loadMasked(at(p, disp), *ms)
			}
			return kt.load(at(p, disp))
		}
		if !withPrefix {
			v := load(from[0])
			kt.check(v, v)
			return v
		}
		a, v, end := load(from[0]), load(from[1]), load(from[2])
		kt.combine(v, a, a) // a NaN of acc stays, so that the exact twin may take src again
		kt.check(v, a)
		kt.check(end, end)
		if ms != nil {
			kt.storeMasked(a, *ms, at(from[0], disp))
		} else {
			VMOVUPS(a, at(from[0], disp))
		}
		kt.combine(end, a, end)
		return end
	}
	advance := func(bytes int, pointers ...Register) {
		for _, p := range pointers {
			ADDQ(num(bytes), p)
		}
	}
	windows := slideBits
	if kt.isa == avx512 {
		windows = slideSteps
	}
	body := windows(&kt, steps)
	var by GPVirtual
	if kt.op == sum {
		by = GP64()
		MOVQ(param("by"), by)
	}
	// finished multiplies the vectors of windows by their factors.
	finished := func(name string, vs []VecVirtual, ms *mask) []VecVirtual {
		if kt.op != sum {
			return vs
		}
		TESTQ(by, by)
		JZ(LabelRef(name + "_unscaled"))
		for i, v := range vs {
			if ms != nil {
				VMULPS(kt.loadMasked(at(by, 0), *ms), v, v)
			} else {
				VMULPS(at(by, i*kt.bytes()), v, v)
			}
		}
		advance(len(vs)*kt.bytes(), by)
		Label(name + "_unscaled")
		return vs
	}
	Comment("The cells before go through the steps, whole vectors of them last.")
	before, left := GP64(), GP64()
	MOVQ(param("before"), before)
	SUBQ(before, cells)
	MOVQ(before, left)
	ANDQ(num(kt.lanes()-1), left)
	JZ(LabelRef("before"))
	ms := kt.last(left)
	first := make([]Register, len(from))
	for i, p := range from {
		first[i] = GP64()
		LEAQ(Mem{Base: p, Index: left, Scale: 4, Disp: -kt.bytes()}, first[i])
		LEAQ(Mem{Base: p, Index: left, Scale: 4}, p)
	}
	body("first", []VecVirtual{take(first, 0, &ms)})
	Label("before")
	SHRQ(num(bits.TrailingZeros(uint(kt.lanes()))), before)
	JZ(LabelRef("windows"))
	Label("whole")
	body("whole", []VecVirtual{take(from, 0, nil)})
	advance(kt.bytes(), from...)
	DECQ(before)
	JNZ(LabelRef("whole"))
	Label("windows")
	next := GP64()
	MOVQ(param("next"), next)
	CMPQ(param("stream"), Imm(0))
	JNE(LabelRef("streamed"))
	for _, name := range []string{"cached", "streamed"} {
		Label(name)
		CMPQ(cells, Imm(line/4))
		JLT(LabelRef(name + "_end"))
		if name == "streamed" {
			PREFETCHT1(at(next, 0))
		} else {
			PREFETCHT0(at(next, 0))
		}
		var vs []VecVirtual
		for disp := 0; disp < line; disp += kt.bytes() {
			vs = append(vs, take(from, disp, nil))
		}
		for i, v := range finished(name, body(name, vs), nil) {
			if name == "streamed" {
				VMOVNTPS(v, at(dst, i*kt.bytes()))
			} else {
				VMOVUPS(v, at(dst, i*kt.bytes()))
			}
		}
		advance(line, append(from, dst, next)...)
		SUBQ(Imm(line/4), cells)
		SUBQ(Imm(line/4), n)
		JMP(LabelRef(name))
		Label(name + "_end")
		if name == "cached" {
			JMP(LabelRef("rest"))
		}
	}
	Label("rest")
	TESTQ(n, n)
	JLE(LabelRef("done"))
	reads, writes := Register(cells), Register(n)
	if kt.isa == avx2 { // whose first takes no more than there are
		least := func(lanes Register) Register {
			t := GP64()
			MOVQ(U32(uint32(kt.lanes())), t)
			CMPQ(lanes, t)
			CMOVQLT(lanes, t)
			return t
		}
		reads, writes = least(cells), least(n)
	}
	in, out := kt.first(reads), kt.first(writes)
	vs := finished("rest", body("rest", []VecVirtual{take(from, 0, &in)}), &out)
	kt.storeFirst(vs[0], writes, out, at(dst, 0))
	if kt.isa == avx2 {
		SUBQ(reads, cells)
		advance(kt.bytes(), from...)
	} else {
		XORQ(cells, cells)
	}
	advance(kt.bytes(), dst)
	SUBQ(num(kt.lanes()), n)
	JMP(LabelRef("rest"))
	Label("done")
	kt.report()
	VZEROUPPER()
	RET()
}

// slideSteps returns what turns a vector, one at a time, into its windows on AVX-512:
//
//	max  steps of one window and itself, index[i] lanes further back: 2, 4, 8 … cells, the last step shorter
//	sum  bits of k, lowest first: a is a sum of 2ⁱ cells, r the sum of the bits so far, further back:
//	     if bit i: r = a ∘ r shifted by 2ⁱ; then a = a ∘ a shifted by 2ⁱ; 32 back is the vector before the last
//
// index holds a permutation a step, of 32 lanes: 16 of the predecessor, 16 of the vector.
func slideSteps(kt *kit, steps Register) func(name string, vs []VecVirtual) []VecVirtual {
	levels := 7
	if kt.op == sum {
		levels = 6
	}
	index, shift := GP64(), make([]VecVirtual, levels)
	Load(Param("index"), index)
	for i := range shift {
		shift[i] = kt.load(at(index, 64*i))
	}
	prev := make([]VecVirtual, levels) // of each level's vector; of a sum, of a
	rest := make([]VecVirtual, levels) // of a sum, of r
	for i := range prev {
		prev[i] = kt.identity()
		if kt.op == sum {
			rest[i] = kt.identity()
		}
	}
	older := kt.identity() // of a sum, the last step's r before rest
	back := func(i int, prev, v VecVirtual) VecVirtual {
		t := kt.vec()
		VMOVAPS(prev, t)
		VPERMT2PS(v, shift[i], t)
		return t
	}
	return func(name string, vs []VecVirtual) []VecVirtual {
		v, r := vs[0], kt.vec()
		if kt.op == sum {
			VMOVAPS(kt.ident, r)
		}
		for i := range levels {
			if kt.op == sum {
				BTQ(Imm(uint64(i)), steps)
				JCC(LabelRef(fmt.Sprintf("%s_skip%d", name, i)))
				t := kt.vec()
				if i == levels-1 {
					VMOVAPS(older, t)
					VMOVAPS(rest[i], older)
				} else {
					t = back(i, rest[i], r)
				}
				VMOVAPS(r, rest[i])
				kt.combine(v, t, r)
				Label(fmt.Sprintf("%s_skip%d", name, i))
				if i == levels-1 {
					break
				}
			} else {
				CMPQ(steps, Imm(uint64(i)))
				JEQ(LabelRef(name + "_done"))
			}
			t := back(i, prev[i], v)
			VMOVAPS(v, prev[i])
			kt.combine(v, t, v)
		}
		Label(name + "_done")
		if kt.op == sum {
			return []VecVirtual{r}
		}
		return []VecVirtual{v}
	}
}

// slideBits returns what turns vectors into their windows on AVX2, which has no permutation of two vectors: by the bits of
// k = 8q + b. a is of 2ⁱ cells, r of as many as the bits of b so far say, further back:
//
//	if bit i of b: r = a ∘ r shifted by 2ⁱ; then a = a ∘ a shifted by 2ⁱ, up to 8
//	q times: r = a ∘ r of the vector before
func slideBits(kt *kit, k Register) func(name string, a []VecVirtual) []VecVirtual {
	const most = 7 // times q
	var prev, rest [3]VecVirtual
	for i := range prev {
		prev[i] = kt.identity()
		if i > 0 {
			rest[i] = kt.identity()
		}
	}
	kept := GP64() // the last r of each time but the last
	LEAQ(AllocLocal((most+1)*kt.bytes()), kept)
	ADDQ(num(kt.bytes()-1), kept)
	ANDQ(I8(-kt.bytes()), kept)
	for i := range most {
		VMOVAPS(kt.ident, at(kept, kt.bytes()*i))
	}
	// shifted returns vs moved up by 2ⁱ lanes, over prev, which becomes the last of them.
	shifted := func(i int, prev VecVirtual, vs []VecVirtual) []VecVirtual {
		moved := make([]VecVirtual, len(vs))
		for j, v := range vs {
			if j == 0 {
				moved[j] = kt.below(prev, v)
			} else {
				moved[j] = kt.below(vs[j-1], v)
			}
		}
		VMOVAPS(vs[len(vs)-1], prev)
		for j, v := range vs {
			if i < 2 {
				moved[j] = kt.back(1<<i, moved[j], v)
			}
		}
		return moved
	}
	return func(name string, a []VecVirtual) []VecVirtual {
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
				for j, v := range shifted(i, rest[i], r) {
					kt.combine(a[j], v, r[j])
				}
				Label(fmt.Sprintf("%s_skip%d", name, i))
			}
			CMPQ(k, num(2<<i))
			JLT(LabelRef(name + "_done"))
			for j, v := range shifted(i, prev[i], a) {
				kt.combine(a[j], v, a[j])
			}
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
		Label(name)
		CMPQ(n, num(vectors*k.lanes()))
		JLT(LabelRef(name + "_end"))
		step(vectors, nil)
		for _, r := range []Register{dst, acc, src, end} {
			ADDQ(num(vectors*k.bytes()), r)
		}
		SUBQ(num(vectors*k.lanes()), n)
		JMP(LabelRef(name))
		Label(name + "_end")
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
