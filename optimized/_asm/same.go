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
		next, none := GP64(), GP64()
		MOVQ(src, next)
		if kt.op == sum {
			MOVQ(param("zeros"), none)
		} else {
			MOVQ(src, none)
			SUBQ(w4, none)
		}
		CMPQ(y, Imm(1))
		CMOVQEQ(none, next)
		if kt.op == sum {
			Comment("Reciprocals of the divisors: of the first row, of those between, of the last.")
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
			for v := range scale {
				VMOVUPS(at(p, 64*v), scale[v])
			}
			Label(name("scaled"))
		}
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
