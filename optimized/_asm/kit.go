package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

type isa string

const (
	avx512 isa = "AVX512"
	avx2   isa = "AVX2"
)

// op is what a kernel combines cells with.
//
// VMAXPS returns its second source if either is NaN, so by itself it forgets a NaN in its first. Two ways around it:
//
//	maxExact  AVX-512: VFIXUPIMMPS puts a NaN of the first source back; AVX2: max(a,b) | max(b,a), of which the bits of
//	          a NaN survive in one and so in the OR. One or two instructions more a maximum.
//	maxFast   plain, and every input is compared with itself or a neighbour (VCMPPS, two inputs an instruction): the
//	          kernel returns whether it saw a NaN, and its caller then runs the exact twin.
type op string

const (
	maxExact op = "Max"
	maxFast  op = "MaxFast"
	sum      op = "Sum"
)

// kit has the operations that kernels are written in.
type kit struct {
	isa
	op
	ident VecVirtual // a vector of identities: −Inf, or 0
	fixup VecVirtual // maxExact on AVX-512: the table for VFIXUPIMMPS
	seen  VecVirtual // maxFast on AVX2: lanes that were unordered
	ord   []OpmaskVirtual
	next  int

	labels int // of storeFirst, so far
}

func (k *kit) lanes() int { return k.bytes() / 4 }

func (k *kit) bytes() int {
	if k.isa == avx512 {
		return 64
	}
	return 32
}

// name returns the name of the kernel, as in k3s2MaxFastAVX512.
func (k *kit) name(kernel string) string { return kernel + string(k.op) + string(k.isa) }

func (k *kit) vec() VecVirtual {
	if k.isa == avx512 {
		return ZMM()
	}
	return YMM()
}

// open sets up the constants.
func (k *kit) open() {
	k.ident = k.vec()
	r := GP32()
	if k.op == sum {
		if k.isa == avx512 {
			VPXORD(k.ident, k.ident, k.ident)
		} else {
			VXORPS(k.ident, k.ident, k.ident)
		}
		return
	}
	Comment("−Inf, which loses every maximum")
	MOVL(U32(0xff800000), r)
	k.broadcast(r, k.ident)
	switch {
	case k.op == maxExact && k.isa == avx512:
		Comment("VFIXUPIMMPS: quiet (token 0) and signalling NaN (token 1) of the source become a quiet NaN (response 2)")
		t := GP32()
		MOVL(U32(0x22), t)
		k.fixup = k.vec()
		k.broadcast(t, k.fixup)
	case k.op == maxFast && k.isa == avx512:
		for range 3 { // with four masks for lanes, all seven there are
			m := K()
			KXNORW(m, m, m)
			k.ord = append(k.ord, m)
		}
	case k.op == maxFast:
		k.seen = k.vec()
		VXORPS(k.seen, k.seen, k.seen)
	}
}

func (k *kit) broadcast(r Register, v VecVirtual) {
	if k.isa == avx512 {
		VPBROADCASTD(r, v)
		return
	}
	x := XMM()
	VMOVD(r, x)
	VPBROADCASTD(x, v)
}

// combine sets d to a ∘ b. b may be in memory if the operation is not exact. d may be a or b.
func (k *kit) combine(a VecVirtual, b Op, d VecVirtual) {
	switch {
	case k.op == sum:
		VADDPS(b, a, d)
	case k.op == maxFast:
		VMAXPS(b, a, d)
	case k.isa == avx512:
		t := k.vec()
		VMAXPS(b, a, t) // a NaN of b survives
		VFIXUPIMMPS(Imm(0), k.fixup, a, t)
		VMOVAPS(t, d)
	default:
		v, ok := b.(VecVirtual)
		if !ok {
			v = k.vec()
			VMOVUPS(b, v)
		}
		t, u := k.vec(), k.vec()
		VMAXPS(v, a, t)
		VMAXPS(a, v, u)
		VORPS(t, u, d)
	}
}

// combineMasked sets d to a ∘ b in the lanes of m, and to a in the others. d may be a. AVX-512 only.
func (k *kit) combineMasked(a, b VecVirtual, m OpmaskVirtual, d VecVirtual) {
	if k.op == maxExact {
		v := k.vec()
		k.combine(a, b, v)
		VMOVAPS(a, d)
		VMOVAPS(v, m, d)
		return
	}
	VMOVAPS(a, d)
	if k.op == sum {
		VADDPS(b, a, m, d)
	} else {
		VMAXPS(b, a, m, d)
	}
}

// accumulate sets the lanes of ms of acc to acc ∘ m. Memory behind them need not be there. An operand in memory takes no
// vector port where a masked load takes one. AVX-512 only.
func (k *kit) accumulate(acc VecVirtual, m Mem, ms mask) {
	switch k.op {
	case sum:
		VADDPS(m, acc, ms.k, acc)
	case maxFast:
		VMAXPS(m, acc, ms.k, acc)
	default:
		k.combine(acc, k.loadMasked(m, ms), acc)
	}
}

// check notes whether a or b have a NaN, where the operation does not keep it.
func (k *kit) check(a, b VecVirtual) {
	if k.op != maxFast {
		return
	}
	if k.isa == avx512 {
		m := k.ord[k.next%len(k.ord)]
		k.next++
		VCMPPS(Imm(7), a, b, m, m) // m = m AND ordered(a, b)
		return
	}
	t := k.vec()
	VCMPPS(Imm(3), a, b, t)
	VORPS(t, k.seen, k.seen)
}

// report stores whether a NaN was seen.
func (k *kit) report() {
	if k.op != maxFast {
		return
	}
	r := GP32()
	if k.isa == avx512 {
		KANDW(k.ord[0], k.ord[1], k.ord[0])
		KANDW(k.ord[0], k.ord[2], k.ord[0])
		KMOVW(k.ord[0], r)
		XORL(U32(0xffff), r)
	} else {
		VMOVMSKPS(k.seen, r)
	}
	Store(r.As64(), ReturnIndex(0))
}

// mask is a set of lanes.
type mask struct {
	k OpmaskVirtual // AVX-512
	v VecVirtual    // AVX2: sign bits
}

// laneTables declares the memory that kernels read constants from.
func laneTables() {
	GLOBL("laneMask", RODATA|NOPTR)
	for i := range 24 {
		v := uint32(0)
		if i >= 8 && i < 16 {
			v = ^uint32(0)
		}
		DATA(4*i, U32(v))
	}
	GLOBL("evenOdd", RODATA|NOPTR)
	for i := range 32 {
		DATA(4*i, U32(uint32(i%16*2+i/16)))
	}
	for _, isa := range []isa{avx512, avx2} { // where a tree leaves vector i
		name := "treeOrder" + string(isa)
		GLOBL(name, RODATA|NOPTR)
		rows := (&kit{isa: isa}).lanes() / 4
		for i := range 4 * rows {
			DATA(4*i, U32(uint32(i%rows*4+i/rows)))
		}
	}
	GLOBL("iota", RODATA|NOPTR)
	for i := range 16 {
		DATA(4*i, U32(uint32(i)))
	}
	GLOBL("besideOrder", RODATA|NOPTR) // of sameBeside, for each number of cells in the rest, and each plane
	for rest := 1; rest <= besideRest; rest++ {
		for i := range beside {
			for lane := range 16 {
				from := lane + 1
				if from == 16 {
					from += 16/beside*(i+1) - rest
				}
				DATA(64*((rest-1)*beside+i)+4*lane, U32(uint32(from)))
			}
		}
	}
	GLOBL("upTo15", RODATA|NOPTR)
	for i := range 16 + heldReach {
		DATA(4*i, U32(uint32(min(i, 15))))
	}
}

func global(name string) Mem { return NewDataAddr(NewStaticSymbol(name), 0) }

// first returns the mask of the first n lanes, 0 <= n <= lanes.
func (k *kit) first(n Register) mask {
	if k.isa == avx512 {
		ones, m := GP32(), K()
		MOVL(U32(0xffffffff), ones)
		BZHIL(n.(GPVirtual).As32(), ones, ones)
		KMOVW(ones, m)
		return mask{k: m}
	}
	p, v := GP64(), k.vec()
	LEAQ(global("laneMask"), p)
	t := GP64()
	MOVQ(n, t)
	NEGQ(t)
	VMOVUPS(Mem{Base: p, Index: t, Scale: 4, Disp: 64}, v)
	return mask{v: v}
}

// last returns the mask of the last n lanes, 0 <= n <= lanes.
func (k *kit) last(n Register) mask {
	if k.isa == avx512 {
		t, ones, m := GP32(), GP32(), K()
		MOVL(U32(16), t)
		SUBL(n.(GPVirtual).As32(), t)
		MOVL(U32(0xffffffff), ones)
		BZHIL(t, ones, ones)
		NOTL(ones)
		KMOVW(ones, m)
		return mask{k: m}
	}
	p, v := GP64(), k.vec()
	LEAQ(global("laneMask"), p)
	VMOVUPS(Mem{Base: p, Index: n, Scale: 4}, v)
	return mask{v: v}
}

// identity returns a vector of identities that may change.
func (k *kit) identity() VecVirtual {
	v := k.vec()
	VMOVAPS(k.ident, v)
	return v
}

func (k *kit) load(m Mem) VecVirtual {
	v := k.vec()
	VMOVUPS(m, v)
	return v
}

// loadMasked loads the lanes of ms, and the identity in the others. Memory behind those need not be there.
func (k *kit) loadMasked(m Mem, ms mask) VecVirtual {
	v := k.vec()
	if k.isa == avx512 {
		if k.op == sum {
			VMOVUPS_Z(m, ms.k, v)
			return v
		}
		VMOVAPS(k.ident, v)
		VMOVUPS(m, ms.k, v)
		return v
	}
	VMASKMOVPS(m, ms.v, v)
	if k.op != sum {
		VBLENDVPS(ms.v, v, k.ident, v)
	}
	return v
}

func (k *kit) storeMasked(v VecVirtual, ms mask, m Mem) {
	if k.isa == avx512 {
		VMOVUPS(v, ms.k, m)
	} else {
		VMASKMOVPS(v, ms.v, m)
	}
}

// storeFirst stores the first n lanes of v, those of ms, 0 <= n <= lanes. A store under a mask takes AMD's Zen 12 cycles and
// more where the mask is a vector, so AVX2 stores 4, 2 and 1 of them.
func (k *kit) storeFirst(v VecVirtual, n Op, ms mask, m Mem) {
	if k.isa == avx512 {
		k.storeMasked(v, ms, m)
		return
	}
	k.labels++
	label := func(lanes int) string { return fmt.Sprintf("less%d_%d", k.labels, lanes) }
	p, left := GP64(), GP64()
	LEAQ(m, p)
	MOVQ(n, left)
	x := k.vec()
	VMOVAPS(v, x)
	store := map[int]func(){
		8: func() { VMOVUPS(x, at(p, 0)) },
		4: func() { VMOVUPS(x.AsX(), at(p, 0)) },
		2: func() { VMOVLPS(x.AsX(), at(p, 0)) },
		1: func() { VMOVSS(x.AsX(), at(p, 0)) },
	}
	next := map[int]func(){
		8: func() {},
		4: func() { VEXTRACTF128(Imm(1), x, x.AsX()) },
		2: func() { VMOVHLPS(x.AsX(), x.AsX(), x.AsX()) },
	}
	for lanes := 8; lanes > 0; lanes /= 2 {
		TESTQ(U32(uint32(lanes)), left)
		JZ(LabelRef(label(lanes)))
		store[lanes]()
		if lanes > 1 {
			next[lanes]()
			ADDQ(Imm(uint64(4*lanes)), p)
		}
		Label(label(lanes))
	}
}

// groups does what body says for so many vectors at a time while n has as many cells, and moves pointers on.
func (k *kit) groups(name string, vectors int, n Register, pointers []Register, body func()) {
	Label(name)
	CMPQ(n, num(vectors*k.lanes()))
	JLT(LabelRef(name + "_end"))
	body()
	for _, p := range pointers {
		ADDQ(num(vectors*k.bytes()), p)
	}
	SUBQ(num(vectors*k.lanes()), n)
	JMP(LabelRef(name))
	Label(name + "_end")
}

// unzipper has the permutations to the even and to the odd cells of two vectors.
type unzipper struct{ e, o VecVirtual }

func (k *kit) unzipper() unzipper {
	if k.isa == avx2 {
		return unzipper{}
	}
	p := GP64()
	LEAQ(global("evenOdd"), p)
	u := unzipper{ZMM(), ZMM()}
	VMOVDQU32(Mem{Base: p}, u.e)
	VMOVDQU32(Mem{Base: p, Disp: 64}, u.o)
	return u
}

func (k *kit) even(u unzipper, a, b VecVirtual) VecVirtual { return k.half(u.e, 0x88, a, b) }

// both returns the even and the odd cells.
func (k *kit) both(u unzipper, a, b VecVirtual) (e, o VecVirtual) {
	if k.isa == avx512 {
		return k.half(u.e, 0x88, a, b), k.half(u.o, 0xdd, a, b)
	}
	lo, hi := k.vec(), k.vec()
	VINSERTF128(Imm(1), b.AsX(), a, lo)
	VPERM2F128(Imm(0x31), b, a, hi)
	e, o = k.vec(), k.vec()
	VSHUFPS(Imm(0x88), hi, lo, e)
	VSHUFPS(Imm(0xdd), hi, lo, o)
	return e, o
}

func (k *kit) half(index VecVirtual, imm uint64, a, b VecVirtual) VecVirtual {
	v := k.vec()
	if k.isa == avx512 {
		VMOVAPS(a, v)
		VPERMT2PS(b, index, v)
		return v
	}
	VSHUFPS(Imm(imm), b, a, v)
	VPERMPD(Imm(0xd8), v, v)
	return v
}

// below returns what back shifts in under cur: prev, or on AVX2, whose shifts stay within halves,
// the upper half of prev and the lower of cur.
func (k *kit) below(prev, cur VecVirtual) VecVirtual {
	if k.isa == avx512 {
		return prev
	}
	v := k.vec()
	VPERM2F128(Imm(0x21), cur, prev, v)
	return v
}

// back returns cur moved up by n lanes, 1 or 2, over what below returned.
func (k *kit) back(n int, below, cur VecVirtual) VecVirtual {
	v := k.vec()
	if k.isa == avx512 {
		VALIGND(Imm(uint64(16-n)), below, cur, v)
	} else {
		VPALIGNR(Imm(uint64(16-4*n)), below, cur, v)
	}
	return v
}

// num returns n as an immediate that arithmetic on 64 bits takes.
func num(n int) Op {
	if n < 128 {
		return Imm(uint64(n))
	}
	return U32(uint32(n))
}
