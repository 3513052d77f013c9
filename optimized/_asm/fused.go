package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// pairFetch is how many bytes ahead two rows of results are fetched. 64 to 512 are the same. On the Intel of model 207 (DESIGN.md), from the
// second-level cache, rows of 67 and 150 columns take 0.53 to 0.65 of the time, others 0.95 to 1.07; from the last cache 0.82 to 0.95. On
// AVX2 it is 0.8 to 1.04 there, and not done, since no AMD was at hand. Rows of stride 2 gain nothing.
const pairFetch = 256

// fused writes a kernel for windows of k×k at stride s: whole planes, or a band of one, in one pass.
//
// Rows are combined first (r0, r1, r2: those behind an edge are clamped to the nearest row of the window for a maximum
// and are zeros for a sum), then columns, in registers. Windows look back: the last column of window x is cell
// ahead + s·x + s−1, so a vector needs the one before it and none after.
//
//	r0  ..............   ┐
//	r1  ..............   ├ ∘ ──► column vector c, its predecessor kept
//	r2  ..............   ┘
//	3×3/1   out = (c ∘ back(1)) ∘ back(2)           two rows of windows share the inner rows of their four
//	3×3/2   out = (even(c) ∘ odd(c)) ∘ back(1) of odd(c)
//	2×2/2   out = even(c) ∘ odd(c)
//
// The columns before "ahead" enter as the first predecessor.
//
// With stream, results are written past the cache (see liner): not k3s1, which is at two rows at a time.
func fused(kt kit, k, s int, stream bool) {
	kernel := map[[2]int]string{{2, 2}: "k2s2", {3, 2}: "k3s2", {3, 1}: "k3s1"}[[2]int{k, s}]
	if stream {
		kernel += "Stream"
	}
	begin(&kt, kernel, "func(dst, src *float32, planes, h, w, oh, ow, y0, y1, top, ahead, blocks, in0, in1, out int, scale *float32, pitch int, zeros *float32, fetch int)"+result(kt.op))
	kt.open()
	var u unzipper
	if s == 2 {
		u = kt.unzipper()
	}
	t := GP64()
	in0 := kt.first(Load(Param("in0"), t))
	in1 := in0
	if s == 2 {
		in1 = kt.first(Load(Param("in1"), t))
	}
	var out, before mask
	if !stream && kt.isa == avx512 {
		out = kt.first(Load(Param("out"), t))
	}
	if k == 3 {
		before = kt.last(Load(Param("ahead"), t))
	}
	var line *liner
	if stream {
		line = kt.liner()
		kt.rowEnds(line, param("out"))
		start := GP64()
		MOVQ(param("y0"), start)
		IMULQ(param("ow"), start)
		SHLQ(Imm(2), start)
		ADDQ(start, param("dst"))
	}
	pair := k == 3 && s == 1 // rows of windows at a time: two
	rows := make([]GPVirtual, k)
	if pair {
		rows = make([]GPVirtual, 4)
	}
	for i := range rows {
		rows[i] = GP64()
	}
	outs := []GPVirtual{GP64()}
	scales := []GPVirtual{GP64()}
	if pair {
		outs = append(outs, GP64())
		scales = append(scales, GP64())
	}

	Label("plane")
	y := Load(Param("y0"), GP64()).(GPVirtual)
	Label("row")
	{
		i, w4, h := GP64(), GP64(), GP64()
		Comment("Row pointers: row s·y − top + j, if it is there.")
		if s == 2 {
			LEAQ(Mem{Base: y, Index: y, Scale: 1}, i)
		} else {
			MOVQ(y, i)
		}
		SUBQ(param("top"), i)
		MOVQ(param("h"), h)
		MOVQ(param("w"), w4)
		SHLQ(Imm(2), w4)
		for j, r := range rows {
			MOVQ(i, r)
			if j > 0 {
				ADDQ(Imm(uint64(j)), r)
			}
			if kt.op == sum {
				IMULQ(w4, r)
				ADDQ(param("src"), r)
				if j == 0 {
					TESTQ(i, i)
					CMOVQLT(param("zeros"), r)
				} else {
					q := GP64()
					LEAQ(at(i, j), q)
					CMPQ(q, h)
					CMOVQGE(param("zeros"), r)
				}
			} else {
				if j == 0 {
					zero := GP64()
					MOVQ(U32(0), zero)
					TESTQ(r, r)
					CMOVQLT(zero, r)
				} else {
					last := GP64()
					LEAQ(at(h, -1), last)
					CMPQ(r, h)
					CMOVQGE(last, r)
				}
				IMULQ(w4, r)
				ADDQ(param("src"), r)
			}
		}
		if k == 3 {
			a := GP64()
			MOVQ(param("ahead"), a)
			for _, r := range rows {
				LEAQ(Mem{Base: r, Index: a, Scale: 4}, r)
			}
		}
		ow4 := GP64()
		MOVQ(param("ow"), ow4)
		SHLQ(Imm(2), ow4)
		if stream {
			MOVQ(param("dst"), outs[0]) // the line that is next
		} else {
			MOVQ(y, outs[0])
			IMULQ(ow4, outs[0])
			ADDQ(param("dst"), outs[0])
		}
		if pair {
			Comment("A last row without a partner is written twice, at last as it should be.")
			second := GP64()
			LEAQ(at(y, 1), second)
			LEAQ(Mem{Base: outs[0], Index: ow4, Scale: 1}, outs[1])
			CMPQ(second, param("y1"))
			CMOVQGE(outs[0], outs[1])
		}
		if kt.op == sum {
			Comment("Reciprocals of the divisors: of the first row, of those between, of the last.")
			for j, sc := range scales {
				pitch, row, last := GP64(), GP64(), GP64()
				MOVQ(param("pitch"), pitch)
				SHLQ(Imm(2), pitch)
				MOVQ(param("scale"), row)
				LEAQ(Mem{Base: row, Index: pitch, Scale: 1}, sc)
				LEAQ(Mem{Base: row, Index: pitch, Scale: 2}, last)
				q := GP64()
				LEAQ(at(y, j+1), q)
				CMPQ(q, param("oh"))
				CMOVQEQ(last, sc)
				if j == 0 {
					TESTQ(y, y)
					CMOVQEQ(row, sc)
				}
			}
		}
	}
	if shared := rows[:len(rows)-s*len(outs)]; kt.op == maxFast && len(shared) > 0 {
		kt.look(shared, y)
	}
	var ahead []GPVirtual // of the two newest rows
	if s == 2 {
		for _, r := range rows[len(rows)-2:] {
			p := GP64()
			MOVQ(r, p)
			ADDQ(param("fetch"), p)
			ahead = append(ahead, p)
		}
	}
	x, left := GP64(), GP64()
	XORQ(x, x)

	cell := func(r Register, disp int) Mem { return Mem{Base: r, Index: x, Scale: uint8(s), Disp: disp} }
	// column combines the rows at an offset: one vector for each row of windows. A maximum loses the NaN of the vector
	// that it starts with, so that and the last maximum are looked at, and in neither are the rows that windows share
	// with those above.
	column := func(disp int, ms *mask) []VecVirtual {
		load := func(j int) VecVirtual {
			if ms != nil {
				return kt.loadMasked(cell(rows[j], disp), *ms)
			}
			return kt.load(cell(rows[j], disp))
		}
		with := func(v VecVirtual, j int) VecVirtual {
			var row Op = cell(rows[j], disp)
			if ms != nil {
				row = load(j)
			}
			c := kt.vec()
			kt.combine(v, row, c)
			return c
		}
		if pair {
			inner, v := load(1), load(2)
			kt.combine(inner, v, inner)
			c := []VecVirtual{with(inner, 0), with(inner, 3)}
			kt.check(v, c[1])
			return c
		}
		own := k - s // the first that is not shared
		v := load(own)
		c := v
		for j := range rows {
			if j != own {
				c = with(c, j)
			}
		}
		kt.check(v, c)
		return []VecVirtual{c}
	}
	prev := make([]VecVirtual, len(outs))
	if k == 3 {
		for j := range prev {
			prev[j] = kt.vec()
			VMOVAPS(kt.ident, prev[j])
		}
		a := GP64()
		MOVQ(param("ahead"), a)
		TESTQ(a, a)
		JZ(LabelRef("edge"))
		for j, v := range column(-kt.bytes(), &before) {
			VMOVAPS(v, prev[j])
		}
		Label("edge")
	}
	vector := func(masked bool) {
		var a, b *mask
		if !masked {
			for _, p := range ahead {
				// The same line twice on AVX2: once, 3×3/2 that is streamed takes a Zen 3 1.06 to 1.2 times as long.
				PREFETCHT0(cell(p, 0))
				PREFETCHT0(cell(p, kt.bytes()))
			}
		}
		if masked {
			a, b = &in0, &in1
		}
		c := column(0, a)
		var second []VecVirtual
		if s == 2 {
			second = column(kt.bytes(), b)
		}
		for j := len(outs) - 1; j >= 0; j-- {
			v := kt.vec()
			switch {
			case pair:
				below := kt.below(prev[j], c[j])
				kt.combine(c[j], kt.back(1, below, c[j]), v)
				kt.combine(v, kt.back(2, below, c[j]), v)
				VMOVAPS(c[j], prev[j])
			default:
				e, o := kt.both(u, c[0], second[0])
				kt.combine(e, o, v)
				if k == 3 {
					kt.combine(v, kt.back(1, kt.below(prev[0], o), o), v)
					VMOVAPS(o, prev[0])
				}
			}
			if kt.op == sum {
				VMULPS(Mem{Base: scales[j], Index: x, Scale: 1}, v, v)
			}
			to := Mem{Base: outs[j], Index: x, Scale: 1}
			if pair && kt.isa == avx512 {
				PREFETCHT0(Mem{Base: outs[j], Index: x, Scale: 1, Disp: pairFetch})
			}
			switch {
			case stream && masked:
				kt.cut(line, v, param("out"), param("dst"))
			case stream:
				kt.write(line, v, to)
			case masked:
				kt.storeFirst(v, param("out"), out, to)
			default:
				VMOVUPS(v, to)
			}
		}
	}
	MOVQ(param("blocks"), left)
	TESTQ(left, left)
	JZ(LabelRef("rest"))
	Label("vector")
	vector(false)
	ADDQ(num(kt.bytes()), x)
	DECQ(left)
	JNZ(LabelRef("vector"))
	Label("rest")
	if stream {
		ADDQ(x, param("dst"))
	}
	CMPQ(param("out"), Imm(0))
	JEQ(LabelRef("next"))
	vector(true)
	Label("next")
	ADDQ(Imm(uint64(len(outs))), y)
	CMPQ(y, param("y1"))
	JLT(LabelRef("row"))

	kt.nextPlane([2]string{"h", "w"}, [2]string{"oh", "ow"}, line)
}

// look looks for NaN in rows, if y is the first row of windows: of later ones, those above have looked at what they share.
func (k *kit) look(rows []GPVirtual, y Register) {
	Comment("Rows that the first row of windows does not share")
	CMPQ(y, param("y0"))
	JNE(LabelRef("looked"))
	i, n, next := GP64(), GP64(), GP64()
	MOVQ(param("ahead"), i)
	MOVQ(param("w"), n)
	SUBQ(i, n)
	NEGQ(i)
	cell := func(r Register) Mem { return Mem{Base: r, Index: i, Scale: 4} }
	Label("look")
	LEAQ(at(i, k.lanes()), next)
	CMPQ(next, n)
	JGT(LabelRef("lookRest"))
	k.check(k.load(cell(rows[0])), k.load(cell(rows[len(rows)-1])))
	MOVQ(next, i)
	JMP(LabelRef("look"))
	Label("lookRest")
	CMPQ(i, n)
	JGE(LabelRef("looked"))
	for _, r := range rows {
		v := k.vec()
		VMOVSS(cell(r), v.AsX())
		k.check(v, v)
	}
	INCQ(i)
	JMP(LabelRef("lookRest"))
	Label("looked")
}

// nextPlane goes on with the next plane, at the label plane, and ends the kernel after the last. in and out are the
// arguments whose product is how many cells a plane has, and its result; results that are written past the cache follow
// each other by themselves.
func (k *kit) nextPlane(in, out [2]string, line *liner) {
	advance := func(pointer string, cells [2]string) {
		n := GP64()
		MOVQ(param(cells[0]), n)
		IMULQ(param(cells[1]), n)
		SHLQ(Imm(2), n)
		ADDQ(n, param(pointer))
	}
	advance("src", in)
	if line == nil {
		advance("dst", out)
	}
	DECQ(param("planes"))
	JNZ(LabelRef("plane"))
	if line != nil {
		k.finish(line, param("dst"))
	}
	k.report()
	VZEROUPPER()
	RET()
}

// param returns the argument name in memory. The kernel owns it, as a C function does.
func param(name string) Mem {
	p, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return p.Addr
}
