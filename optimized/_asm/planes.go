package main

import (
	"fmt"
	"math/bits"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// result returns what a kernel's signature ends with.
func result(o op) string {
	if o == maxFast {
		return " (nan int)"
	}
	return ""
}

// reduce leaves one value a lane.
//
//	dst[i] = src[i] ∘ src[i+lanes] ∘ …, 0 <= i < lanes
func reduce(k kit) {
	begin(&k, "reduce", "func(dst, src *float32, n int)")
	dst, src, n := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("n"), GP64())
	k.open()
	acc := make([]VecVirtual, 8)
	for i := range acc {
		acc[i] = k.vec()
		VMOVAPS(k.ident, acc[i])
	}
	step := func(name string, vectors int) {
		Label(name)
		CMPQ(n, num(vectors*k.lanes()))
		JLT(LabelRef(name + "_end"))
		for i := range vectors {
			if k.isa == avx2 && k.op == maxExact {
				k.combine(acc[i], k.load(at(src, i*k.bytes())), acc[i])
			} else {
				k.combine(acc[i], at(src, i*k.bytes()), acc[i])
			}
		}
		ADDQ(num(vectors*k.bytes()), src)
		SUBQ(num(vectors*k.lanes()), n)
		JMP(LabelRef(name))
		Label(name + "_end")
	}
	step("eight", len(acc))
	step("one", 1)
	ms := k.first(n)
	k.combine(acc[1], k.loadMasked(at(src, 0), ms), acc[1])
	for half := len(acc) / 2; half > 0; half /= 2 {
		for i := range half {
			k.combine(acc[i], acc[i+half], acc[i])
		}
	}
	VMOVUPS(acc[0], at(dst, 0))
	VZEROUPPER()
	RET()
}

// globals reduces each plane of n cells to one: as many planes as there are lanes at a time, whose vectors are then
// combined in one tree. groups >= 1.
//
//	dst[p] = (src[p·n] ∘ … ∘ src[p·n+n−1]) · by, 0 <= p < groups·lanes
func globals(k kit) {
	begin(&k, "globals", "func(dst, src *float32, groups, n int, by float32)"+result(k.op))
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	groups, n := Load(Param("groups"), GP64()), Load(Param("n"), GP64())
	k.open()
	vectors, left := GP64(), GP64()
	MOVQ(n, vectors)
	MOVQ(n, left)
	ANDQ(num(k.lanes()-1), left)
	SHRQ(Imm(map[isa]uint64{avx512: 4, avx2: 3}[k.isa]), vectors)
	ms := k.first(left)
	SHLQ(Imm(2), left)
	Label("group")
	n2, n3 := GP64(), GP64()
	MOVQ(n, n2)
	SHLQ(Imm(2), n2)
	LEAQ(Mem{Base: n2, Index: n2, Scale: 2}, n3)
	// planes reduces four planes side by side, so that their chains overlap.
	planes := func(i int) (acc [4]VecVirtual) {
		name := fmt.Sprintf("planes%d", i)
		var cell [4]Mem
		for j := range cell {
			cell[j] = ofFour(src, n2, n3, j, 0)
		}
		for j := range acc {
			acc[j] = k.vec()
			VMOVAPS(k.ident, acc[j])
		}
		c := GP64()
		MOVQ(vectors, c)
		TESTQ(c, c)
		JZ(LabelRef(name + "_rest"))
		Label(name)
		step := func(load func(m Mem) VecVirtual) {
			var v [4]VecVirtual
			for j := range v {
				v[j] = load(cell[j])
			}
			k.check(v[0], v[1])
			k.check(v[2], v[3])
			for j := range v {
				k.combine(acc[j], v[j], acc[j])
			}
		}
		for j := range cell {
			PREFETCHT0(Mem{Base: cell[j].Base, Index: cell[j].Index, Scale: cell[j].Scale, Disp: 2048})
		}
		step(k.load)
		ADDQ(num(k.bytes()), src)
		DECQ(c)
		JNZ(LabelRef(name))
		Label(name + "_rest")
		step(func(m Mem) VecVirtual { return k.loadMasked(m, ms) })
		ADDQ(left, src)
		ADDQ(n3, src)
		return acc
	}
	var t tree
	for i := 0; i < k.lanes(); i += 4 {
		for _, v := range planes(i) {
			t.add(&k, v)
		}
	}
	r := t.result(&k)
	if k.op == sum {
		by := k.vec()
		VBROADCASTSS(param("by"), by)
		VMULPS(by, r, r)
	}
	VMOVUPS(r, at(dst, 0))
	ADDQ(num(k.bytes()), dst)
	DECQ(groups)
	JNZ(LabelRef("group"))
	k.report()
	VZEROUPPER()
	RET()
}

// globalLines does what globals does, the same bits, for planes of at least 32 cells, 64 of them at a time: groups of
// them. A load that straddles two lines of the cache counts twice, and most vectors of a plane of 49 cells do, so this
// takes whole lines, and of the two lines at the ends of a plane the lanes that belong to it. Sixteen planes are n lines,
// whatever n is, so planes 16 apart have their ends in the same lanes, and share the masks. AVX-512 only.
//
//	lines   0               1               2               3               4               5               6
//	plane 0 ················ ················ ················ ·
//	plane 1                                                   ··············· ················ ················ ··
func globalLines(k kit) {
	begin(&k, "globalLines", "func(dst, src *float32, groups, n int, by float32)"+result(k.op))
	dst, src, n := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("n"), GP64())
	k.open()
	Comment("A plane begins at lane from of the line at src.")
	from := GP64()
	MOVQ(src, from)
	ANDQ(Imm(63), from)
	SUBQ(from, src)
	SHRQ(Imm(2), from)
	n64, n192 := GP64(), GP64()
	MOVQ(n, n64)
	SHLQ(Imm(6), n64)
	LEAQ(Mem{Base: n64, Index: n64, Scale: 2}, n192)
	const side = 4 // planes side by side
	line := func(i, disp int) Mem { return ofFour(src, n64, n192, i, disp) }
	ones, mine, before := GP32(), K(), K()
	MOVL(U32(0xffff), ones)
	masks := func() {
		t := GP32()
		SHLXL(from.As32(), ones, t)
		KMOVW(t, mine)
		KNOTW(mine, before)
	}

	Label("group")
	masks()
	var acc, border [side]VecVirtual
	var trees [side]tree
	for i := range border {
		border[i] = k.vec()
		VMOVUPS_Z(line(i, 0), mine, border[i])
	}
	for p := range 16 {
		name := fmt.Sprintf("plane%d", p)
		left := GP64()
		ADDQ(n, from)
		MOVQ(from, left)
		SHRQ(Imm(4), left) // lines to the border after the plane, at least two
		ANDQ(Imm(15), from)
		for i := range acc {
			acc[i] = k.load(line(i, 64))
			k.check(acc[i], border[i])
			k.combineMasked(acc[i], border[i], mine, acc[i])
		}
		ADDQ(Imm(64), src)
		SUBQ(Imm(2), left)
		JZ(LabelRef(name + "_end"))
		Label(name)
		var v [side]VecVirtual
		for i := range v {
			v[i] = k.load(line(i, 64))
		}
		for i := range v {
			if i%2 == 0 {
				k.check(v[i], v[i+1])
			}
			k.combine(acc[i], v[i], acc[i])
		}
		ADDQ(Imm(64), src)
		DECQ(left)
		JNZ(LabelRef(name))
		Label(name + "_end")
		masks()
		for i := range acc {
			if p < 15 {
				VMOVUPS(line(i, 64), border[i])
			} else {
				VMOVUPS_Z(line(i, 64), before, border[i])
				k.check(border[i], border[i])
			}
			k.combineMasked(acc[i], border[i], before, acc[i])
			trees[i].add(&k, acc[i])
		}
		ADDQ(Imm(64), src)
	}
	for i := range trees {
		r := trees[i].result(&k)
		if k.op == sum {
			k.combine(r, k.ident, r) // as in globals, where −0 is added to 0
			VMULPS_BCST(param("by"), r, r)
		}
		VMOVUPS(r, at(dst, 64*i))
	}
	ADDQ(num(64*side), dst)
	ADDQ(n192, src)
	DECQ(param("groups"))
	JNZ(LabelRef("group"))
	k.report()
	VZEROUPPER()
	RET()
}

// tree combines the lanes of as many vectors as there are lanes, lane i of its result those of vector i. Lanes half a
// vector apart come first and neighbours last, so the bits are the same wherever in the vectors the first cell was.
type tree struct {
	parts []VecVirtual // each of twice as many vectors as the next, at least
	n     int          // vectors so far
}

func (t *tree) add(k *kit, v VecVirtual) {
	t.n++
	level := 4 - bits.TrailingZeros(uint(k.lanes()))
	for n := t.n; n%2 == 0; n /= 2 {
		last := len(t.parts) - 1
		a, b := t.parts[last], v
		t.parts = t.parts[:last]
		v = k.vec()
		h := k.vec()
		switch {
		case level == 0:
			VSHUFF32X4(Imm(0x44), b, a, v)
			VSHUFF32X4(Imm(0xee), b, a, h)
		case level == 1 && k.isa == avx512:
			VSHUFF32X4(Imm(0x88), b, a, v)
			VSHUFF32X4(Imm(0xdd), b, a, h)
		case level == 1:
			VPERM2F128(Imm(0x20), b, a, v)
			VPERM2F128(Imm(0x31), b, a, h)
		case level == 2:
			VUNPCKLPD(b, a, v)
			VUNPCKHPD(b, a, h)
		default:
			VSHUFPS(Imm(0x88), b, a, v)
			VSHUFPS(Imm(0xdd), b, a, h)
		}
		k.combine(v, h, v)
		level++
	}
	t.parts = append(t.parts, v)
}

func (t *tree) result(k *kit) VecVirtual {
	r, order := k.vec(), k.load(global("treeOrder"+string(k.isa)))
	VPERMPS(t.parts[0], order, r)
	return r
}

// narrow computes planes whose rows fit a vector, AVX-512 only.
//
//	rows         of each block, prefixes and suffixes are kept in tmp: a window of rows is one of each, at the two
//	             offsets that "rows" holds for it (van Herk 1992; Gil, Werman 1993)
//	columns, max  windows of 2, 4, 8 … cells by doubling, the last step shorter; the result is two of them
//	columns, sum  sums of 2, 4 and 8 cells by doubling, of which each window is a few, side by side
//
// index holds the permutations. Of a maximum, one for each of steps/2, that of one window, and if steps is odd that of the
// other, which is the lane's own otherwise. Of a sum, those of narrowSums[steps]: a lane is one of the first sums, or
// 16 and one of the second, or negative for none.
func narrow(k kit) {
	begin(&k, "narrow", "func(dst, src, tmp *float32, planes, h, w, oh, ow, block, steps int, index *uint32, rows *int, scale *float32)"+result(k.op))
	k.open()
	t := GP64()
	in := k.first(Load(Param("w"), t))
	out := k.first(Load(Param("ow"), t))
	src, dst, tmp := Load(Param("src"), GP64()), Load(Param("dst"), GP64()), Load(Param("tmp"), GP64())
	w4, ow4 := Load(Param("w"), GP64()), Load(Param("ow"), GP64())
	SHLQ(Imm(2), w4)
	SHLQ(Imm(2), ow4)

	Comment("tmp, twice: h rows of suffixes, h rows of prefixes, a row of identities.")
	h64, s := Load(Param("h"), GP64()), GP64()
	SHLQ(Imm(6), h64)
	VMOVUPS(k.ident, Mem{Base: tmp, Index: h64, Scale: 2})
	MOVQ(tmp, s)
	LEAQ(Mem{Base: tmp, Index: h64, Scale: 2, Disp: 64}, tmp)
	VMOVUPS(k.ident, Mem{Base: tmp, Index: h64, Scale: 2})

	// row takes the next of the left rows of a plane into the prefix, and the one as far from the end of its block into
	// the suffix.
	left, n, from, to := Load(Param("h"), GP64()), GP64(), GP64(), GP64()
	up, down := k.vec(), k.vec()
	row := func(name string) {
		TESTQ(n, n)
		JNZ(LabelRef(name + "_row"))
		Comment("A block begins.")
		MOVQ(param("block"), n)
		CMPQ(n, left)
		CMOVQGT(left, n)
		VMOVAPS(k.ident, up)
		VMOVAPS(k.ident, down)
		MOVQ(n, from)
		IMULQ(w4, from)
		ADDQ(src, from)
		MOVQ(n, to)
		SHLQ(Imm(6), to)
		ADDQ(s, to)
		Label(name + "_row")
		k.accumulate(up, at(src, 0), in)
		k.check(up, up) // a NaN of this row is still there
		VMOVUPS(up, Mem{Base: s, Index: h64, Scale: 1})
		ADDQ(w4, src)
		ADDQ(Imm(64), s)
		SUBQ(w4, from)
		SUBQ(Imm(64), to)
		k.accumulate(down, at(from, 0), in)
		VMOVUPS(down, at(to, 0))
		DECQ(n)
		DECQ(left)
	}
	XORQ(n, n)
	Label("first")
	row("first")
	JNZ(LabelRef("first"))

	Comment("The rows of windows of a plane are computed between the rows of the next, which wait for each other.")
	Label("plane")
	MOVQ(tmp, t)
	MOVQ(s, tmp)
	SUBQ(h64, tmp)
	MOVQ(t, s)
	DECQ(param("planes"))
	JZ(LabelRef("last"))
	MOVQ(param("h"), left)
	Label("last")

	rows, index, y := GP64(), GP64(), GP64()
	Load(Param("rows"), rows)
	Load(Param("index"), index)
	MOVQ(param("oh"), y)
	var sc GPVirtual
	if k.op == sum {
		sc = GP64()
		MOVQ(param("scale"), sc)
	}
	// window combines the two rows of a row of windows.
	window := func() VecVirtual {
		a := GP64()
		MOVQ(at(rows, 0), a)
		v := k.load(Mem{Base: tmp, Index: a, Scale: 1})
		MOVQ(at(rows, 8), a)
		ADDQ(Imm(16), rows)
		k.combine(v, Mem{Base: tmp, Index: a, Scale: 1}, v)
		return v
	}
	// loops computes all rows of windows, each by columns, and between them rows of the next plane.
	loops := func(name string, columns func() VecVirtual) {
		finish := func(v VecVirtual) {
			if k.op == sum {
				VMULPS(at(sc, 0), v, v)
				ADDQ(Imm(64), sc)
			}
			PREFETCHT0(at(dst, narrowFetch))
			VMOVUPS(v, out.k, at(dst, 0))
			ADDQ(ow4, dst)
			DECQ(y)
		}
		alone := name + "_alone"
		TESTQ(left, left)
		JZ(LabelRef(alone))
		Label(name)
		row(name)
		finish(columns())
		JZ(LabelRef("next"))
		TESTQ(left, left)
		JNZ(LabelRef(name))
		Label(alone)
		finish(columns())
		JNZ(LabelRef(alone))
		JMP(LabelRef("next"))
	}
	// choice is what is done for a value of steps, the last for any other.
	choice := func(steps int, last bool, loops func(name string)) {
		name := fmt.Sprintf("steps%d", steps)
		if !last {
			CMPQ(param("steps"), Imm(uint64(steps)))
			JNE(LabelRef(name + "_end"))
		}
		loops(name)
		Label(name + "_end")
	}
	if k.op == sum {
		for n, picks := range narrowSums {
			choice(n, n == len(narrowSums)-1, func(name string) {
				idx, some := make([]VecVirtual, len(picks)), make([]OpmaskVirtual, len(picks))
				for i := range picks {
					idx[i], some[i] = k.load(at(index, 64*i)), K()
					VPMOVD2M(idx[i], some[i])
					KNOTW(some[i], some[i])
				}
				loops(name, func() VecVirtual {
					sums := map[int]VecVirtual{1: window()}
					for size := 1; size < picks[0][0]; size *= 2 {
						d := k.vec()
						VALIGND(Imm(uint64(size)), sums[size], k.ident, d)
						k.combine(d, sums[size], d)
						sums[2*size] = d
					}
					var acc VecVirtual
					for i, of := range picks {
						v := k.vec()
						VMOVAPS(sums[of[0]], v)
						VPERMT2PS_Z(sums[of[1]], idx[i], some[i], v)
						if i == 0 {
							acc = v
						} else {
							k.combine(acc, v, acc)
						}
					}
					return acc
				})
			})
		}
	} else {
		for n := range 2 * (narrowSteps + 1) {
			choice(n, n == 2*narrowSteps+1, func(name string) {
				steps, pick := n/2, n%2
				idx := make([]VecVirtual, steps+1+pick)
				for i := range idx {
					idx[i] = k.load(at(index, 64*i))
				}
				loops(name, func() VecVirtual {
					v := window()
					permuted := func(i int) VecVirtual {
						p := k.vec()
						VPERMPS(v, idx[i], p)
						return p
					}
					for i := range steps {
						k.combine(v, permuted(i), v)
					}
					one, other := v, permuted(steps)
					if pick > 0 {
						one = permuted(steps + 1)
					}
					k.combine(one, other, one)
					return one
				})
			})
		}
	}
	Label("next")
	TESTQ(left, left)
	JZ(LabelRef("pooled"))
	Label("others")
	row("others")
	JNZ(LabelRef("others"))
	Label("pooled")
	CMPQ(param("planes"), Imm(0))
	JNE(LabelRef("plane"))
	k.report()
	VZEROUPPER()
	RET()
}

// narrowFetch is how many bytes ahead results are fetched. 64 to 1024 are the same: on the Intel of model 207 (DESIGN.md), 0.56 to 0.96 of
// the time without, from either cache.
const narrowFetch = 64

// narrowSteps is in how many steps windows of half of 16 cells double.
const narrowSteps = 3

// narrowSums are the ways to make windows of up to 4, 6, 10, 14 and 16 cells: each a choice, lane by lane, of one of two
// sums of so many cells or none, all added up. It is the same as in ../narrow.go.
var narrowSums = [][][2]int{
	{{2, 1}, {2, 1}},
	{{2, 1}, {2, 1}, {2, 1}},
	{{4, 2}, {4, 2}, {2, 1}},
	{{8, 4}, {4, 2}, {2, 1}},
	{{8, 4}, {4, 2}, {2, 1}, {2, 1}},
}
