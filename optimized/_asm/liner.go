package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// liner writes results past the cache, by whole vectors: the first result must begin a line, and results follow each other
// from row to row and plane to plane. Rows end within vectors, so a vector of results is cut into what completes one that is
// written and what begins the next, of which o cells are there:
//
//	written = the last o cells of the vector before, the first lanes − o of this
//
// The last vector of a row has m cells: it leaves o + m, or o + m − lanes and one complete.
//
// AVX-512 does that by one permutation, of lanes 16 − o and on of both; the m cells are moved up by 16 − m lanes, as if the
// vector had been whole. AVX2 turns each vector by o lanes and blends: i − o in lane i is the lane to take, which counts
// modulo 8, and its sign says whether that is of the vector before.
type liner struct {
	prev VecVirtual // the vector before; AVX2: turned
	o    GPVirtual
	from VecVirtual // lanes 16 − o and on; AVX2: −o and on
	tail VecVirtual // AVX-512: lanes m and on
	iota VecVirtual // AVX-512
	cuts int        // labels so far
}

// liner returns one that holds nothing.
func (k *kit) liner() *liner {
	l := &liner{prev: k.vec(), o: GP64(), from: k.vec()}
	if k.isa == avx512 {
		l.tail, l.iota = k.vec(), k.vec()
		p := GP64()
		LEAQ(global("iota"), p)
		VMOVDQU32(at(p, 0), l.iota)
	}
	XORQ(l.o, l.o)
	k.begin(l)
	VMOVAPS(k.ident, l.prev)
	return l
}

// rowEnds says that the last vectors of rows have m cells.
func (k *kit) rowEnds(l *liner, m Op) {
	if k.isa == avx512 {
		VPBROADCASTD(m, l.tail)
		VPADDD(l.iota, l.tail, l.tail)
	}
}

// begin sets from by o.
func (k *kit) begin(l *liner) {
	if k.isa == avx2 {
		p, iota := GP64(), k.vec()
		k.broadcast(l.o.As32(), l.from)
		LEAQ(global("iota"), p)
		VMOVDQU(at(p, 0), iota)
		VPSUBD(l.from, iota, l.from)
		return
	}
	n := GP64()
	MOVQ(U32(16), n)
	SUBQ(l.o, n)
	VPBROADCASTD(n.As32(), l.from)
	VPADDD(l.iota, l.from, l.from)
}

// write writes the vector that v completes.
func (k *kit) write(l *liner, v VecVirtual, to Mem) {
	if k.isa == avx2 {
		full := k.turn(l, &v)
		VMOVNTPS(full, to)
	} else {
		VPERMT2PS(v, l.from, l.prev)
		VMOVNTPS(l.prev, to)
	}
	VMOVAPS(v, l.prev)
}

// turn returns the vector that v completes, and turns v. AVX2 only.
func (k *kit) turn(l *liner, v *VecVirtual) VecVirtual {
	full, turned := k.vec(), k.vec()
	VPERMPS(*v, l.from, turned)
	VBLENDVPS(l.from, l.prev, turned, full)
	*v = turned
	return full
}

// cut takes the last vector of a row, which has m cells. to is where the next vector is written.
func (k *kit) cut(l *liner, v VecVirtual, m Op, to Mem) {
	part, done := fmt.Sprintf("part%d", l.cuts), fmt.Sprintf("cut%d", l.cuts)
	l.cuts++
	var full VecVirtual
	if k.isa == avx2 {
		full = k.turn(l, &v)
	}
	ADDQ(m, l.o)
	CMPQ(l.o, num(k.lanes()))
	JLT(LabelRef(part))
	SUBQ(num(k.lanes()), l.o)
	p := GP64()
	if k.isa == avx512 {
		full = k.vec()
		VMOVAPS(l.prev, full)
		VPERMT2PS(v, l.from, full)
	}
	MOVQ(to, p)
	VMOVNTPS(full, at(p, 0))
	ADDQ(num(k.bytes()), to)
	if k.isa == avx512 {
		Label(part)
		VPERMT2PS(v, l.tail, l.prev)
	} else {
		VMOVAPS(v, l.prev)
		JMP(LabelRef(done))
		Label(part)
		VMOVAPS(full, l.prev)
		Label(done)
	}
	k.begin(l)
}

// finish writes what is left.
func (k *kit) finish(l *liner, to Mem) {
	p := GP64()
	MOVQ(to, p)
	if k.isa == avx512 {
		VPERMT2PS(l.prev, l.from, l.prev)
	}
	k.storeMasked(l.prev, k.first(l.o), at(p, 0))
}

// fence orders what was written past the cache before all that is written later.
func fence() {
	TEXT("fence", NOSPLIT, "func()")
	Doc("fence orders what was written past the cache before all that is written later.")
	SFENCE()
	RET()
}

// cpuid asks the processor.
func cpuid() {
	TEXT("cpuid", NOSPLIT, "func(leaf, sub uint32) (a, b, c, d uint32)")
	Doc("cpuid returns what the processor says of itself.")
	a, b, c, d := EAX, EBX, ECX, EDX
	Load(Param("leaf"), a)
	Load(Param("sub"), c)
	CPUID()
	for i, r := range []Register{a, b, c, d} {
		Store(r, ReturnIndex(i))
	}
	RET()
}
