package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// sameVectors is how many vectors a row may have that same holds in registers.
const sameVectors = 4

// sameFetch is how many bytes ahead of the newest row same fetches into the first-level cache. 0.5 to 8 KiB are the same, and take
// 20 % off what the second-level cache holds, half off what no cache does (an Intel Xeon of model 106). Of the result, which is not
// read, it is half as many bytes: Inception takes 0.93 of the time (of model 167; 256 to 2048 bytes are the same within 3 %).
// What is streamed is fetched into the second-level cache, as in slide, four times as far ahead: 0.89 of the time (of model 167).
const sameFetch = 1 << 10

// same writes the kernel for windows of 3×3 at stride 1 whose results are as large as their planes, with pads of 1: whole
// planes, whose rows are up to sameVectors vectors. AVX-512 only.
//
//	row y−1, y     combined before, a register a vector      ┐
//	row y+1        ................ ................ ...     ├ ∘ ──► c, 16 columns a vector
//	               kept, by itself and combined with row y   ┘
//
//	out = c ∘ c one back ∘ c one ahead
//
// So each cell is loaded once, and rows that begin anywhere in a line straddle two that seldom. In place of the row behind
// the last stands that, or zeros. With stream, results are written past the cache.
func same(kt kit, stream bool) {
	kernel := "k3s1Same"
	if stream {
		kernel += "Stream"
	}
	begin(&kt, kernel, "func(dst, src *float32, planes, h, w int, scale *float32, pitch int, zeros *float32)"+result(kt.op))
	kt.open()
	src, dst, w4 := Load(Param("src"), GP64()), Load(Param("dst"), GP64()), Load(Param("w"), GP64())
	y, rest := GP64(), GP64() // rows left, and cells of a row's last vector
	LEAQ(at(w4, -1), rest)
	ANDQ(Imm(15), rest)
	INCQ(rest)
	tail := kt.first(rest)
	var line *liner
	if stream {
		line = kt.liner()
		kt.rowEnds(line, rest.As32())
	}
	vectors := GP64()
	LEAQ(at(w4, 15), vectors)
	SHRQ(Imm(4), vectors)
	SHLQ(Imm(2), w4)
	SHLQ(Imm(2), param("pitch"))
	for n := 1; n < sameVectors; n++ {
		CMPQ(vectors, Imm(uint64(n)))
		JEQ(LabelRef(fmt.Sprintf("plane%d", n)))
	}
	for n := sameVectors; n > 0; n-- {
		name := func(label string) string { return fmt.Sprintf("%s%d", label, n) }
		Label(name("plane"))
		load := func(p Register, v int) VecVirtual {
			if v == n-1 {
				return kt.loadMasked(at(p, 64*v), tail)
			}
			return kt.load(at(p, 64*v))
		}
		prev, both := make([]VecVirtual, n), make([]VecVirtual, n) // the newest row, and it ∘ the one before
		scale := make([]VecVirtual, n)
		for v := range n {
			prev[v], both[v], scale[v] = load(src, v), kt.vec(), kt.vec()
			kt.check(prev[v], prev[v])
			VMOVAPS(prev[v], both[v])
		}
		ADDQ(w4, src)
		MOVQ(param("h"), y)
		Label(name("row"))
		next := kt.rowBehind(src, w4, y)
		kt.rowScale(y, name, func(p Register) {
			for v := range scale {
				VMOVUPS(at(p, 64*v), scale[v])
			}
		})
		columns := func(v int) VecVirtual {
			if stream {
				PREFETCHT1(at(src, 4*sameFetch+64*v))
			} else {
				PREFETCHT0(at(src, sameFetch+64*v))
				PREFETCHT0(at(dst, sameFetch/2+64*v))
			}
			row, c := load(next, v), kt.vec()
			kt.combine(both[v], row, c)
			kt.combine(prev[v], row, both[v])
			VMOVAPS(row, prev[v])
			switch {
			case v%2 == 1:
				kt.check(row, prev[v-1])
			case v == n-1:
				kt.check(row, row)
			}
			return c
		}
		back, c := kt.ident, columns(0)
		if stream {
			MOVQ(param("dst"), dst) // the line that is next
		}
		for v := range n {
			ahead := kt.ident
			if v < n-1 {
				ahead = columns(v + 1)
			}
			l, r, result := kt.vec(), kt.vec(), kt.vec()
			VALIGND(Imm(15), back, c, l)
			VALIGND(Imm(1), c, ahead, r)
			kt.combine(c, l, result)
			kt.combine(result, r, result)
			if kt.op == sum {
				VMULPS(scale[v], result, result)
			}
			switch {
			case stream && v == n-1:
				ADDQ(num(64*v), param("dst"))
				kt.cut(line, result, rest, param("dst"))
			case stream:
				kt.write(line, result, at(dst, 64*v))
			case v == n-1:
				kt.storeMasked(result, tail, at(dst, 64*v))
			default:
				VMOVUPS(result, at(dst, 64*v))
			}
			back, c = c, ahead
		}
		ADDQ(w4, src)
		if !stream {
			ADDQ(w4, dst)
		}
		DECQ(y)
		JNZ(LabelRef(name("row")))
		SUBQ(w4, src)
		DECQ(param("planes"))
		JNZ(LabelRef(name("plane")))
		if n > 1 {
			JMP(LabelRef("done"))
		}
	}
	Label("done")
	if stream {
		kt.finish(line, param("dst"))
	}
	kt.report()
	VZEROUPPER()
	RET()
}

// rowBehind returns where the next row is, of which y are left with the one before: at src, or in place of the one behind the last zeros
// (sum) or the last again.
func (k *kit) rowBehind(src, w4, y Register) GPVirtual {
	next, none := GP64(), GP64()
	MOVQ(src, next)
	if k.op == sum {
		MOVQ(param("zeros"), none)
	} else {
		MOVQ(src, none)
		SUBQ(w4, none)
	}
	CMPQ(y, Imm(1))
	CMOVQEQ(none, next)
	return next
}

// rowScale has load take the reciprocals of the divisors of a row of windows, of which y are left: those of the first row stand at scale,
// those between a pitch behind, and those of the last another.
func (k *kit) rowScale(y Register, name func(string) string, load func(p Register)) {
	if k.op != sum {
		return
	}
	p, second := GP64(), GP64()
	MOVQ(param("scale"), p)
	CMPQ(y, param("h"))
	JEQ(LabelRef(name("scale")))
	ADDQ(param("pitch"), p)
	LEAQ(at(y, 1), second)
	CMPQ(second, param("h"))
	JEQ(LabelRef(name("scale")))
	CMPQ(y, Imm(1))
	JNE(LabelRef(name("scaled")))
	ADDQ(param("pitch"), p)
	Label(name("scale"))
	load(p)
	Label(name("scaled"))
}

// beside is how many planes sameBeside takes, and besideVectors how many vectors a row of theirs fills. It has up to besideRest cells more.
// besideFetch and besideFetchTo are as sameFetch, and half of it, in each of four planes: Inception on two threads takes 0.87 to 0.96 of the
// time that it takes with those, and 0.93 to 0.99 of what it takes with half or twice as many bytes of the source (an Intel of model 167).
const (
	beside        = 4
	besideVectors = 2
	besideRest    = 16/beside - 1
	besideFetch   = 512
	besideFetchTo = 128
)

// sameBeside does what same does, the same bits, for planes of 33 to 35 columns, four of them at a time: groups of them. What their rows
// have beyond two vectors would take a third, most of which is empty, so it is one vector for all four, whose parts are the last
// columns of each.
//
//	plane 0  0 ··········· 15 16 ·········· 31 32 33 34
//	plane 1  0 ··········· 15 16 ·········· 31 32 33 34      31 32 33 34 │ 31 32 33 34 │ 31 32 33 34 │ 31 32 33 34
//	plane 2  ···                                             plane 0       plane 1       plane 2       plane 3
//
// Of the first columns of a part results are wrong, and are written over by those of the vectors before. AVX-512 only.
func sameBeside(kt kit) {
	begin(&kt, "k3s1SameBeside", "func(dst, src *float32, groups, h, w int, scale *float32, pitch int, zeros *float32)"+result(kt.op))
	kt.open()
	src, dst, w4 := Load(Param("src"), GP64()), Load(Param("dst"), GP64()), Load(Param("w"), GP64())
	y := GP64()
	Comment("Permutations that move a vector of a plane by a lane, and in the first cell of its part of the last.")
	order := GP64()
	LEAQ(Mem{Base: w4, Disp: -16*besideVectors - 1}, y)
	SHLQ(Imm(8), y)
	LEAQ(global("besideOrder"), order)
	ADDQ(y, order)
	SHLQ(Imm(2), w4)
	SHLQ(Imm(2), param("pitch"))
	plane, plane3 := GP64(), GP64()
	MOVQ(param("h"), plane)
	IMULQ(w4, plane)
	LEAQ(Mem{Base: plane, Index: plane, Scale: 2}, plane3)
	type rows [besideVectors]VecVirtual
	var prev, both [beside]rows // the newest row, and it ∘ the one before
	loadRest := func(base, plane, plane3 Register) VecVirtual {
		p, v := GP64(), kt.vec()
		LEAQ(Mem{Base: base, Index: w4, Scale: 1, Disp: -16}, p)
		VMOVUPS(ofFour(p, plane, plane3, 0, 0), v.AsX())
		for i := 1; i < beside; i++ {
			VINSERTF32X4(Imm(uint64(i)), ofFour(p, plane, plane3, i, 0), v, v)
		}
		kt.check(v, v)
		return v
	}
	Label("group")
	for i := range beside {
		for v := range besideVectors {
			prev[i][v], both[i][v] = kt.load(ofFour(src, plane, plane3, i, 64*v)), kt.vec()
			VMOVAPS(prev[i][v], both[i][v])
		}
		kt.check(prev[i][0], prev[i][1])
	}
	rest, restBoth := loadRest(src, plane, plane3), kt.vec()
	VMOVAPS(rest, restBoth)
	ADDQ(w4, src)
	MOVQ(param("h"), y)

	Label("row")
	next, apart, apart3 := kt.rowBehind(src, w4, y), GP64(), GP64()
	MOVQ(plane, apart)
	MOVQ(plane3, apart3)
	if kt.op == sum { // all planes have the same zeros
		none := GP64()
		XORL(none.As32(), none.As32())
		CMPQ(y, Imm(1))
		CMOVQEQ(none, apart)
		CMOVQEQ(none, apart3)
	}
	scale := [besideVectors + 1]VecVirtual{kt.vec(), kt.vec(), kt.vec()}
	kt.rowScale(y, func(label string) string { return label }, func(p Register) {
		for v := range besideVectors {
			VMOVUPS(at(p, 64*v), scale[v])
		}
		VBROADCASTF32X4(Mem{Base: p, Index: w4, Scale: 1, Disp: -16}, scale[besideVectors])
	})
	// down takes a row in.
	down := func(row, prev, both VecVirtual) VecVirtual {
		c := kt.vec()
		kt.combine(both, row, c)
		kt.combine(prev, row, both)
		VMOVAPS(row, prev)
		return c
	}
	// along combines three columns.
	along := func(c, l, r, by VecVirtual) VecVirtual {
		kt.combine(c, l, l)
		kt.combine(l, r, l)
		if kt.op == sum {
			VMULPS(by, l, l)
		}
		return l
	}
	last := down(loadRest(next, apart, apart3), rest, restBoth)
	l, r := kt.vec(), kt.vec()
	VPERMILPS(Imm(0x90), last, l) // 0 0 1 2
	if kt.op == sum {
		VPSRLDQ(Imm(4), last, r)
	} else {
		VPERMILPS(Imm(0xf9), last, r) // 1 2 3 3
	}
	l = along(last, l, r, scale[besideVectors])
	p := GP64()
	LEAQ(Mem{Base: dst, Index: w4, Scale: 1, Disp: -16}, p)
	VMOVUPS(l.AsX(), ofFour(p, plane, plane3, 0, 0))
	for i := 1; i < beside; i++ {
		VEXTRACTF32X4(Imm(uint64(i)), l, ofFour(p, plane, plane3, i, 0))
	}
	Comment("What is fetched after the last row is of the planes behind these.")
	from, to, left := GP64(), GP64(), GP64()
	MOVQ(y, left)
	IMULQ(w4, left)
	for _, f := range []struct {
		p, of Register
		ahead int
	}{{from, src, besideFetch}, {to, dst, besideFetchTo}} {
		behind := GP64()
		LEAQ(at(f.of, f.ahead), f.p)
		LEAQ(Mem{Base: f.p, Index: plane3, Scale: 1}, behind)
		CMPQ(left, num(f.ahead))
		CMOVQLE(behind, f.p)
	}
	for i := range beside {
		for line := range besideVectors + 1 {
			PREFETCHT0(ofFour(from, plane, plane3, i, 64*line))
			PREFETCHT0(ofFour(to, plane, plane3, i, 64*line))
		}
		var c rows
		for v := range c {
			row := kt.load(ofFour(next, apart, apart3, i, 64*v))
			c[v] = down(row, prev[i][v], both[i][v])
		}
		kt.check(prev[i][0], prev[i][1])
		for v := range c {
			back := kt.ident
			if v > 0 {
				back = c[v-1]
			}
			l, r := kt.vec(), kt.vec()
			VALIGND(Imm(15), back, c[v], l)
			if v < besideVectors-1 {
				VALIGND(Imm(1), c[v], c[v+1], r)
			} else {
				VMOVUPS(at(order, 64*i), r)
				VPERMI2PS(last, c[v], r)
			}
			VMOVUPS(along(c[v], l, r, scale[v]), ofFour(dst, plane, plane3, i, 64*v))
		}
	}
	ADDQ(w4, src)
	ADDQ(w4, dst)
	DECQ(y)
	JNZ(LabelRef("row"))
	SUBQ(w4, src)
	ADDQ(plane3, src)
	ADDQ(plane3, dst)
	DECQ(param("groups"))
	JNZ(LabelRef("group"))
	kt.report()
	VZEROUPPER()
	RET()
}
