package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// liner writes results past the cache, by whole lines: the first result must begin one, and results follow each other from
// row to row and plane to plane. Rows end within lines, so a vector of results is cut into what completes a line and what
// begins the next:
//
//	line = the last o cells of the vector before, the first 16 − o of this
//
// That is one permutation, of lanes 16 − o and on of both. The last vector of a row has m cells: moved up by 16 − m lanes, it
// is as if it had been whole, and o is m more, or m − 16 and a line complete. AVX-512 only.
type liner struct {
	prev VecVirtual // the vector before
	o    GPVirtual
	from VecVirtual // lanes 16 − o and on
	tail VecVirtual // lanes m and on
	iota VecVirtual
	cuts int // labels so far
}

// liner returns one that holds nothing.
func (k *kit) liner() *liner {
	l := &liner{k.vec(), GP64(), k.vec(), k.vec(), k.vec(), 0}
	p := GP64()
	LEAQ(global("iota"), p)
	VMOVDQU32(at(p, 0), l.iota)
	XORQ(l.o, l.o)
	k.begin(l)
	VMOVAPS(k.ident, l.prev)
	return l
}

// rowEnds says that the last vectors of rows have m cells.
func (k *kit) rowEnds(l *liner, m Op) {
	VPBROADCASTD(m, l.tail)
	VPADDD(l.iota, l.tail, l.tail)
}

// begin sets from by o.
func (k *kit) begin(l *liner) {
	n := GP64()
	MOVQ(U32(16), n)
	SUBQ(l.o, n)
	VPBROADCASTD(n.As32(), l.from)
	VPADDD(l.iota, l.from, l.from)
}

// write writes the line that v completes.
func (k *kit) write(l *liner, v VecVirtual, to Mem) {
	VPERMT2PS(v, l.from, l.prev)
	VMOVNTPS(l.prev, to)
	VMOVAPS(v, l.prev)
}

// cut takes the last vector of a row, which has m cells. to is where the next line begins.
func (k *kit) cut(l *liner, v VecVirtual, m Op, to Mem) {
	part := fmt.Sprintf("part%d", l.cuts)
	l.cuts++
	ADDQ(m, l.o)
	CMPQ(l.o, Imm(16))
	JLT(LabelRef(part))
	SUBQ(Imm(16), l.o)
	full, p := k.vec(), GP64()
	VMOVAPS(l.prev, full)
	VPERMT2PS(v, l.from, full)
	MOVQ(to, p)
	VMOVNTPS(full, at(p, 0))
	ADDQ(Imm(64), to)
	Label(part)
	VPERMT2PS(v, l.tail, l.prev)
	k.begin(l)
}

// finish writes what is left.
func (k *kit) finish(l *liner, to Mem) {
	p := GP64()
	MOVQ(to, p)
	VPERMT2PS(l.prev, l.from, l.prev)
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
