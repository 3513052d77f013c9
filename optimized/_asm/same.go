package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// sameHeld is how many vectors of results are held back before they are written. A load waits for a store before it that is
// not yet in the cache if their addresses agree in the low 12 bits, and large buffers all begin at a page: a result must not
// be written before "above" has been read at its place, of planes of up to 64 columns four vectors later.
const sameHeld = 3

// same writes the kernel for windows of 3×3 at stride 1 whose results are as large as their planes, with pads of 1: whole
// planes, each as if it were one long row. AVX-512 only.
//
//	above  ................ ................ ................   the plane, w cells earlier
//	mid    ................ ................ ................   ∘ ──► c, 16 columns
//	below  ................ ................ ................   the plane, w cells later
//
//	out = c ∘ c one back ∘ c one ahead, the latter two but for lanes at the beginning and at the end of a row
//
// No row ends in a vector that is part empty: a plane of 35×35 takes 79 vectors where row by row it takes 105. Which lanes
// are at an end is looked up, two masks a vector. The first and the last row of a plane are by themselves: in place of the row
// that is not there stands mid, or zeros. With stream, results are written past the cache.
func same(kt kit, stream bool) {
	kernel := "k3s1Same"
	if stream {
		kernel += "Stream"
	}
	begin(&kt, kernel, "func(dst, src *float32, planes, h, w int, ends *uint16, scale, zeros *float32)"+result(kt.op))
	kt.open()
	above, mid, below, out := GP64(), GP64(), GP64(), GP64()
	y, x, left, ends := GP64(), GP64(), GP64(), GP64()
	var scale GPVirtual
	if kt.op == sum {
		scale = GP64()
	}

	var line *liner
	if stream {
		line = kt.liner()
	}

	Label("plane")
	XORQ(y, y)
	Label("rows")
	{
		Comment("The first row, those between, the last.")
		rows, one := GP64(), GP64()
		MOVQ(U32(1), one)
		MOVQ(param("h"), rows)
		DECQ(rows)
		SUBQ(y, rows)
		CMPQ(rows, one)
		CMOVQLT(one, rows)
		TESTQ(y, y)
		CMOVQEQ(one, rows)
		w4 := GP64()
		MOVQ(param("w"), w4)
		SHLQ(Imm(2), w4)
		MOVQ(w4, mid)
		IMULQ(y, mid)
		if kt.op == sum {
			MOVQ(mid, scale)
			ADDQ(param("scale"), scale)
		}
		if stream {
			MOVQ(param("dst"), out) // the line that is next
		} else {
			MOVQ(mid, out)
			ADDQ(param("dst"), out)
		}
		ADDQ(param("src"), mid)
		MOVQ(mid, above)
		SUBQ(w4, above)
		LEAQ(Mem{Base: mid, Index: w4, Scale: 1}, below)
		var none Op = mid // stands for a row that is not there
		if kt.op == sum {
			none = param("zeros")
		}
		TESTQ(y, y)
		CMOVQEQ(none, above)
		ADDQ(rows, y)
		CMPQ(y, param("h"))
		CMOVQEQ(none, below)
		MOVQ(rows, left)
		IMULQ(param("w"), left)
	}
	Comment("All vectors but the last, which has 1 to 16 cells.")
	rest := GP64()
	DECQ(left)
	MOVQ(left, rest)
	ANDQ(Imm(15), rest)
	INCQ(rest)
	SHRQ(Imm(4), left)
	tail := kt.first(rest)
	if stream {
		kt.rowEnds(line, rest.As32())
	}
	MOVQ(param("ends"), ends)
	XORQ(x, x)

	cell := func(r Register, disp int) Mem { return Mem{Base: r, Index: x, Scale: 1, Disp: disp} }
	cur, acc := kt.vec(), kt.vec() // a vector of columns, and it ∘ the one back
	VMOVAPS(kt.ident, cur)
	back, ahead := K(), K() // lanes that have a column one back, or one ahead
	finish := func(next VecVirtual) {
		v := kt.vec()
		VALIGND(Imm(1), cur, next, v)
		kt.combineMasked(acc, v, ahead, acc)
	}
	held := make([]VecVirtual, sameHeld) // the newest results that are not yet written
	for i := range held {
		held[i] = kt.vec()
	}
	// step takes the vector of columns at x, and finishes the results of the one before, for done.
	step := func(ms *mask, done func()) {
		load := func(r Register) VecVirtual {
			if ms != nil {
				return kt.loadMasked(cell(r, 0), *ms)
			}
			return kt.load(cell(r, 0))
		}
		m := load(mid)
		kt.check(m, m)
		next := kt.vec()
		kt.combine(m, load(above), next)
		kt.combine(next, load(below), next)
		if done != nil {
			finish(next)
			if kt.op == sum {
				VMULPS(cell(scale, -kt.bytes()), acc, acc)
			}
			done()
		}
		KMOVW(at(ends, 0), back)
		KMOVW(at(ends, 2), ahead)
		ADDQ(Imm(4), ends)
		v := kt.vec()
		VALIGND(Imm(15), cur, next, v)
		kt.combineMasked(next, v, back, acc)
		VMOVAPS(next, cur)
		ADDQ(Imm(uint64(kt.bytes())), x)
	}
	write := func() {
		if stream {
			kt.write(line, acc, cell(out, -kt.bytes()))
		} else {
			VMOVUPS(acc, cell(out, -kt.bytes()))
		}
	}
	hold := func() {
		for i := len(held) - 1; i > 0; i-- {
			VMOVAPS(held[i-1], held[i])
		}
		VMOVAPS(acc, held[0])
	}
	writeHeld := func(i int) { VMOVUPS(held[i], cell(out, -(i+2)*kt.bytes())) }

	TESTQ(left, left)
	JZ(LabelRef("only"))
	step(nil, nil)
	DECQ(left)
	JZ(LabelRef("last"))
	if !stream {
		CMPQ(left, Imm(sameHeld))
		JLE(LabelRef("vector"))
		for range held {
			step(nil, hold)
		}
		SUBQ(Imm(sameHeld), left)
		Label("held")
		step(nil, func() {
			writeHeld(sameHeld - 1)
			hold()
		})
		DECQ(left)
		JNZ(LabelRef("held"))
		for i := range held {
			writeHeld(len(held) - 1 - i)
		}
		JMP(LabelRef("last"))
	}
	Label("vector")
	step(nil, write)
	DECQ(left)
	JNZ(LabelRef("vector"))
	Label("last")
	step(&tail, write)
	JMP(LabelRef("end"))
	Label("only")
	step(&tail, nil)
	Label("end")
	finish(kt.ident)
	if kt.op == sum {
		VMULPS(kt.loadMasked(cell(scale, -kt.bytes()), tail), acc, acc)
	}
	if stream {
		LEAQ(cell(out, -kt.bytes()), out)
		MOVQ(out, param("dst"))
		kt.cut(line, acc, rest, param("dst"))
	} else {
		kt.storeMasked(acc, tail, cell(out, -kt.bytes()))
	}
	CMPQ(y, param("h"))
	JLT(LabelRef("rows"))
	kt.nextPlane([2]string{"h", "w"}, [2]string{"h", "w"}, line)
}
