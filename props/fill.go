package props

import (
	"math"

	"pgregory.net/rapid"

	"example.com/pool2d"
)

// filling is a kind of cells.
type filling int

const (
	smallInts  filling = iota // −4 … 4: exact, with ties
	negatives                 // −9 … −1: a zero that is no cell would win
	bits01                    // 0 and 1: many ties
	constant                  // all alike: ties everywhere
	distinct                  // integers, no two alike in a plane
	wideInts                  // ±2¹¹: exact
	rising                    // grows along every row and down every column: the last tap wins
	falling                   // the first tap wins
	uniform                   // real numbers in (−1, 1)
	magnitudes                // real numbers of 40 binary orders of magnitude
	cancelling                // large numbers of both signs, and small ones
	positives                 // 1 … 9
	huge                      // up to the greatest finite value, of both signs: sums overflow
	sameSign                  // huge, of one sign in each plane
	subnormals                // and zeros
	zeros                     // of both signs
	nans                      // one cell in eight is NaN
	oneNaN                    // one NaN in each plane, anywhere
	infinities                // one cell in eight is infinite
	bottom                    // mostly −Inf: nothing beats a start value
	specials                  // everything at once
	fullRange                 // integers of the whole type
	edges                     // the ends of an integer type
	fillings
)

// drawFill draws a kind of cells that the law can judge and the implementation takes.
func (g *drawer[T]) drawFill(t *rapid.T, p pool2d.Params, s pool2d.Shape) filling {
	finite := []filling{smallInts, negatives, bits01, distinct, wideInts, rising, falling, constant}
	real := []filling{uniform, magnitudes, cancelling}
	var kinds []filling
	avg := p.Op == pool2d.Avg
	switch g.cells {
	case exactCells:
		kinds = []filling{smallInts, negatives, bits01, rising, falling}
	case distinctCells:
		kinds = []filling{distinct, rising, falling}
		if distinctRoom[T]() < s.H*s.W {
			kinds = []filling{distinct}
		}
	case scaleCells:
		kinds = []filling{uniform, smallInts, magnitudes}
	case nanCells:
		kinds = []filling{nans, oneNaN, oneNaN}
		if g.has(pool2d.Subnormals) {
			kinds = append(kinds, specials)
		}
	case positiveCells:
		kinds = []filling{positives}
	default:
		kinds = append(kinds, finite...)
		if !isFloat[T]() {
			kinds = append(kinds, fullRange, fullRange, edges, edges)
			break
		}
		kinds = append(kinds, real...)
		if avg {
			kinds = append(kinds, real...)
		}
		if g.cells == tameCells && avg {
			break
		}
		kinds = append(kinds, zeros)
		if !avg || g.has(pool2d.NonFinite) { // sums overflow
			kinds = append(kinds, huge, sameSign)
		}
		if g.has(pool2d.Subnormals) {
			kinds = append(kinds, subnormals)
		}
		if g.has(pool2d.NonFinite) {
			kinds = append(kinds, nans, nans, oneNaN, oneNaN, infinities, bottom, bottom)
			if g.has(pool2d.Subnormals) {
				kinds = append(kinds, specials, specials)
			}
		}
	}
	return kinds[upTo(t, len(kinds)-1)]
}

// distinctRoom returns how many integers in a row T holds exactly.
func distinctRoom[T pool2d.Elem]() int {
	switch any(T(0)).(type) {
	case int8, uint8:
		return 1 << 8
	case float32:
		return 1 << 24
	}
	return 1 << 31
}

// stream is a sequence of numbers that depends on nothing but its start (SplitMix64: Steele, Lea, Flood, "Fast
// splittable pseudorandom number generators").
type stream uint64

func (s *stream) next() uint64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number from 0 to n−1.
func (s *stream) below(n int) int { return int(s.next() >> 1 % uint64(n)) }

// real returns a number in [0, 1).
func (s *stream) real() float64 { return float64(s.next()>>11) * 0x1p-53 }

// permutation returns the numbers from 0 to n−1 in some order; not in order, if n > 1.
func (s *stream) permutation(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	for i := n - 1; i > 0; i-- {
		j := s.below(i) // Sattolo's: no number stays in place
		all[i], all[j] = all[j], all[i]
	}
	return all
}

// fill fills x with cells of a kind. A cell depends on seed and its position alone, so that a case keeps its cells while
// its shape shrinks around them.
func fill[T pool2d.Elem](x pool2d.Tensor[T], kind filling, seed uint64) {
	odd := int(seed)*2 + 1
	for i := range x.Data {
		at := x.CellAt(i)
		s := stream(seed ^ uint64(at.N)<<48 ^ uint64(at.C)<<36 ^ uint64(at.H)<<18 ^ uint64(at.W))
		s.next()
		plane := stream(seed ^ uint64(at.N)<<20 ^ uint64(at.C) ^ 0xabcdef)
		x.Data[i] = cell[T](kind, &s, &plane, at, x.Shape, odd)
	}
}

func cell[T pool2d.Elem](kind filling, s, plane *stream, at pool2d.Cell, in pool2d.Shape, odd int) T {
	if !isFloat[T]() {
		return integerCell[T](kind, s, plane, at, in, odd)
	}
	sign := float64(1 - 2*s.below(2))
	small := float64(s.below(9) - 4)
	var v float64
	switch kind {
	case smallInts:
		v = small
	case negatives:
		v = -1 - float64(s.below(9))
	case positives:
		v = 1 + float64(s.below(9))
	case bits01:
		v = float64(s.below(2))
	case constant:
		v = float64(plane.below(9) - 4)
	case distinct:
		v = float64(scatter(at.H*in.W+at.W, in.H*in.W, odd)) - float64(in.H*in.W/2)
	case rising:
		v = float64(at.H*in.W+at.W) - 3
	case falling:
		v = 3 - float64(at.H*in.W+at.W)
	case wideInts:
		v = float64(s.below(1<<12) - 1<<11)
	case uniform:
		v = sign * s.real()
	case magnitudes:
		v = math.Ldexp(sign*(1+s.real()), s.below(40)-20)
	case cancelling:
		v = []float64{sign * 1e8, small, sign * s.real() * 1e-3}[s.below(3)]
	case huge:
		v = []float64{sign * greatestFinite[T](), sign * greatestFinite[T]() / 3 * s.real(), small}[s.below(3)]
	case sameSign:
		v = greatestFinite[T]() * (0.5 + s.real()/2) * float64(1-2*plane.below(2))
	case subnormals:
		v = sign * float64(s.below(9)) * tiny[T]()
		if s.below(4) == 0 {
			v *= 1 << 20
		}
	case zeros:
		v = math.Copysign(0, sign)
	case nans:
		v = small
		if s.below(8) == 0 {
			return nan[T](s)
		}
	case oneNaN:
		v = small
		if plane.below(in.H*in.W) == at.H*in.W+at.W {
			return nan[T](s)
		}
	case infinities:
		v = small
		if s.below(8) == 0 {
			v = math.Inf(int(sign))
		}
	case bottom:
		v = math.Inf(-1)
		if s.below(10) == 0 {
			v = []float64{-greatestFinite[T](), small, -1e6}[s.below(3)]
		}
	case specials:
		if s.below(3) == 0 {
			return nan[T](s)
		}
		v = []float64{math.Inf(int(sign)), math.Copysign(0, sign), sign * tiny[T](), sign * greatestFinite[T](), small, small, s.real()}[s.below(7)]
	}
	return T(v)
}

func integerCell[T pool2d.Elem](kind filling, s, plane *stream, at pool2d.Cell, in pool2d.Shape, odd int) T {
	signed := least[T]() != 0
	lo, hi := int64(least[T]()), int64(greatest[T]())
	position := int64(at.H*in.W + at.W)
	var v int64
	switch kind {
	case negatives:
		v = -1 - int64(s.below(9))
	case positives:
		v = 1 + int64(s.below(9))
	case bits01:
		v = int64(s.below(2))
	case constant:
		v = int64(plane.below(9)) - 4
	case distinct:
		v = int64(scatter(int(position), in.H*in.W, odd)) - int64(in.H*in.W/2)
	case rising:
		v = position - 3
	case falling:
		v = 3 - position
	case wideInts:
		v = int64(s.below(1<<12)) - 1<<11
	case fullRange:
		v = lo + int64(s.next()%uint64(hi-lo+1))
	case edges:
		v = []int64{lo, lo, lo + 1, hi - 1, hi, 0, 1}[s.below(7)]
	default:
		v = int64(s.below(9)) - 4
	}
	if kind == distinct || kind == rising || kind == falling || kind == wideInts {
		return T((v-lo)%(hi-lo+1) + lo + boolTo((v-lo)%(hi-lo+1) < 0)*(hi-lo+1)) // into the range, as far as it goes around
	}
	if !signed && v < 0 {
		v = -v
	}
	return T(v)
}

func boolTo(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// scatter maps the numbers from 0 to n−1 to themselves, one to one.
func scatter(i, n, odd int) int {
	size := 1
	for size < n {
		size <<= 1
	}
	for {
		i = (i*(odd|1)*5 + odd) & (size - 1) // one to one on [0, size): walk until it is back in [0, n)
		if i < n {
			return i
		}
	}
}

func greatestFinite[T pool2d.Elem]() float64 {
	if _, ok := any(T(0)).(float32); ok {
		return math.MaxFloat32
	}
	return math.MaxFloat64
}

// tiny returns the least positive value of T.
func tiny[T pool2d.Elem]() float64 {
	if _, ok := any(T(0)).(float32); ok {
		return math.SmallestNonzeroFloat32
	}
	return math.SmallestNonzeroFloat64
}

// nan returns a quiet NaN of either sign, with some payload.
func nan[T pool2d.Elem](s *stream) T {
	payload := s.next()
	var v any
	switch any(T(0)).(type) {
	case float32:
		v = math.Float32frombits(0x7fc00000 | uint32(payload&0x803fffff))
	case float64:
		v = math.Float64frombits(0x7ff8000000000000 | payload&0x8007ffffffffffff)
	default:
		v = T(0)
	}
	return v.(T)
}
