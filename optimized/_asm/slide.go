package main

import (
	"fmt"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// slideSteps is the greatest number of steps of a maximum's slide; slideBits of a sum's.
const (
	slideSteps = 7
	slideBits  = 6
)

// slide computes windows of k cells along a row in registers, AVX-512 only. Windows look back, so each step needs a
// vector and its predecessor, and shifts by at most a vector:
//
//	max  steps of one window and itself, index[i] lanes further back: 2, 4, 8 … cells, the last step shorter
//	sum  bits of k, lowest first: a is a sum of 2ⁱ cells, r the sum of the bits so far, further back:
//	     if bit i: r = a ∘ r shifted by 2ⁱ; then a = a ∘ a shifted by 2ⁱ; 32 back is the vector before the last
//
// index holds a permutation a step, of 32 lanes: 16 of the predecessor, 16 of the vector. Before the row's cells and
// behind them are identities.
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
	// take returns a vector of the row at from, of the lanes of ms if that is not nil.
	take := func(from []Register, ms *mask) VecVirtual {
		load := func(p Register) VecVirtual {
			if ms != nil {
				return kt.loadMasked(at(p, 0), *ms)
			}
			return kt.load(at(p, 0))
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
			kt.storeMasked(a, *ms, at(from[0], 0))
		} else {
			VMOVUPS(a, at(from[0], 0))
		}
		kt.combine(end, a, end)
		return end
	}
	advance := func(pointers ...Register) {
		for _, p := range pointers {
			ADDQ(Imm(64), p)
		}
	}
	levels := slideSteps
	if kt.op == sum {
		levels = slideBits
	}
	index, shift := GP64(), make([]VecVirtual, levels)
	Load(Param("index"), index)
	for i := range shift {
		shift[i] = kt.load(at(index, 64*i))
	}
	prev := make([]VecVirtual, levels) // of each level's vector; of a sum, of a
	rest := make([]VecVirtual, levels) // of a sum, of r
	for i := range prev {
		prev[i] = kt.vec()
		VMOVAPS(kt.ident, prev[i])
		if kt.op == sum {
			rest[i] = kt.vec()
			VMOVAPS(kt.ident, rest[i])
		}
	}
	older := kt.vec() // of a sum, the last step's r before rest
	VMOVAPS(kt.ident, older)
	back := func(i int, prev, v VecVirtual) VecVirtual {
		t := kt.vec()
		VMOVAPS(prev, t)
		VPERMT2PS(v, shift[i], t)
		return t
	}
	// body turns v into its windows.
	body := func(name string, v VecVirtual) VecVirtual {
		r := kt.vec()
		if kt.op == sum {
			VMOVAPS(kt.ident, r)
		}
		for i := range levels {
			if kt.op == sum {
				BTQ(Imm(uint64(i)), steps)
				JCC(LabelRef(fmt.Sprintf("%s_skip%d", name, i)))
				t := kt.vec()
				if i == slideBits-1 {
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
			return r
		}
		return v
	}
	var by GPVirtual
	if kt.op == sum {
		by = GP64()
		MOVQ(param("by"), by)
	}
	// finished multiplies a window's vector by its factors.
	finished := func(name string, v VecVirtual, ms *mask) VecVirtual {
		if kt.op != sum {
			return v
		}
		TESTQ(by, by)
		JZ(LabelRef(name + "_unscaled"))
		if ms != nil {
			VMULPS(kt.loadMasked(at(by, 0), *ms), v, v)
		} else {
			VMULPS(at(by, 0), v, v)
		}
		ADDQ(Imm(64), by)
		Label(name + "_unscaled")
		return v
	}
	Comment("The cells before go through the steps, whole vectors of them last.")
	before, left := GP64(), GP64()
	MOVQ(param("before"), before)
	SUBQ(before, cells)
	MOVQ(before, left)
	ANDQ(Imm(15), left)
	JZ(LabelRef("before"))
	ms := kt.last(left)
	first := make([]Register, len(from))
	for i, p := range from {
		first[i] = GP64()
		LEAQ(Mem{Base: p, Index: left, Scale: 4, Disp: -64}, first[i])
		LEAQ(Mem{Base: p, Index: left, Scale: 4}, p)
	}
	body("first", take(first, &ms))
	Label("before")
	SHRQ(Imm(4), before)
	JZ(LabelRef("windows"))
	Label("whole")
	body("whole", take(from, nil))
	advance(from...)
	DECQ(before)
	JNZ(LabelRef("whole"))
	Label("windows")
	next := GP64()
	MOVQ(param("next"), next)
	CMPQ(param("stream"), Imm(0))
	JNE(LabelRef("streamed"))
	for _, name := range []string{"cached", "streamed"} {
		Label(name)
		CMPQ(cells, Imm(16))
		JLT(LabelRef(name + "_end"))
		if name == "streamed" {
			PREFETCHT1(at(next, 0))
		} else {
			PREFETCHT0(at(next, 0))
		}
		v := finished(name, body(name, take(from, nil)), nil)
		if name == "streamed" {
			VMOVNTPS(v, at(dst, 0))
		} else {
			VMOVUPS(v, at(dst, 0))
		}
		advance(append(from, dst, next)...)
		SUBQ(Imm(16), cells)
		SUBQ(Imm(16), n)
		JMP(LabelRef(name))
		Label(name + "_end")
		if name == "cached" {
			JMP(LabelRef("rest"))
		}
	}
	Label("rest")
	TESTQ(n, n)
	JLE(LabelRef("done"))
	in, out := kt.first(cells), kt.first(n)
	kt.storeMasked(finished("rest", body("rest", take(from, &in)), &out), out, at(dst, 0))
	XORQ(cells, cells)
	advance(dst)
	SUBQ(Imm(16), n)
	JMP(LabelRef("rest"))
	Label("done")
	kt.report()
	VZEROUPPER()
	RET()
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
