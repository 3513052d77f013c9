package props

import (
	"fmt"
	"math"

	"example.com/pool2d"
	"example.com/pool2d/reference"
)

// opine asks for an opinion on every cell of y, a pooling of src, with the taps of its window: positions in src.Data.
func opine[T pool2d.Elem](call string, src pool2d.Tensor[T], p pool2d.Params, y pool2d.Tensor[T], of func(i int, got T, taps []int, divisor int) opinion) error {
	g := geometryOf(src.Shape, p)
	var taps []int
	return compare(call, src, p, y, func(i int, got T) opinion {
		at := y.CellAt(i)
		taps = g.taps(taps[:0], at.H, at.W)
		plane := (at.N*src.C + at.C) * src.H * src.W
		for j := range taps {
			taps[j] += plane
		}
		return of(i, got, taps, g.divisor(at.H, at.W))
	})
}

// values returns the cells of src at the positions of taps.
func values[T pool2d.Elem](dst []T, src pool2d.Tensor[T], taps []int) []T {
	for _, at := range taps {
		dst = append(dst, src.Data[at])
	}
	return dst
}

// right demands that y is the pooling of src with p: each maximum exactly, each integer average exactly, each average of
// floating-point cells as judgeMean says. want, which may be empty, is another opinion on the same pooling.
func right[T pool2d.Elem](call string, src pool2d.Tensor[T], p pool2d.Params, y, want pool2d.Tensor[T]) error {
	var terms []T
	return opine(call, src, p, y, func(i int, got T, taps []int, divisor int) opinion {
		if p.Op == pool2d.Max || !isFloat[T]() {
			return be(sameMax(got, want.Data[i]), want.Data[i], "")
		}
		terms = values(terms[:0], src, taps)
		v := judgeMean(terms, func(int) int { return divisor }, got)
		if !v.ok && v.note != "" {
			v.note += fmt.Sprintf("; taps %d, divisor %d", len(taps), divisor)
		}
		return opinion{ok: v.ok, want: v.want, note: v.note}
	})
}

// equalsReference holds the implementation against the reference, cell by cell: a maximum and an integer average
// exactly, an average exactly where every order of summation is exact, else within the bound. The bound is the one of
// package pool2d's doc: a lawful implementation that sums in pairs would break equality with the reference, one that
// multiplies by a reciprocal would break a bound without the +3. It stays because it alone holds averages of large
// planes to their values: rows that are averaged in blocks of 128 outputs, each from the first block's cells, break
// nothing else, and no counterexample of theirs is small enough for the museum.
func equalsReference[T pool2d.Elem](s *subject[T], c Case[T]) error {
	y, err := s.pool(c.Src, c.Params)
	if err != nil {
		return err
	}
	want, err := reference.Pool2D(c.Src, c.Params)
	if err != nil {
		return say(c.Src, c.Params, "the reference refuses the case: %v", err)
	}
	return right("", c.Src, c.Params, y, want)
}

// impulseResponse puts one hot cell into a plane of zeros, at every position in turn, and demands an answer from exactly
// the windows that have the cell: 1 of a maximum, 1 over the divisor of an average. For a maximum and for a sum with
// fixed weights this determines the windows completely. It is of one plane, so that nothing else is at stake. It stays
// because it says which cell a window has or lacks, where equals_reference says which value is wrong; and it derives
// the windows by division, so that it judges the reference, which enumerates them.
func impulseResponse[T pool2d.Elem](s *subject[T], c Case[T]) error {
	src := pool2d.Tensor[T]{Shape: pool2d.Shape{N: 1, C: 1, H: c.Src.H, W: c.Src.W}, Data: make([]T, c.Src.H*c.Src.W)}
	hot := T(1)
	if !isFloat[T]() && c.Params.Op == pool2d.Avg {
		hot = 100 // of which a share survives rounding
	}
	step := max(1, len(src.Data)/64)
	for at := int(c.Seed) % step; at < len(src.Data); at += step {
		src.Data[at] = hot
		y, err := s.pool(src, c.Params)
		if err != nil {
			return err
		}
		shown := src
		shown.Data = append([]T(nil), src.Data...)
		var terms []T
		err = opine(fmt.Sprintf("one hot cell, h%dw%d", at/src.W, at%src.W), shown, c.Params, y, func(_ int, got T, taps []int, divisor int) opinion {
			terms = values(terms[:0], shown, taps)
			if c.Params.Op == pool2d.Avg && isFloat[T]() {
				v := judgeMean(terms, func(int) int { return divisor }, got)
				return opinion{ok: v.ok, want: v.want, note: v.note}
			}
			want := least[T]()
			if c.Params.Op == pool2d.Avg {
				want = judgeInteger(terms, divisor)
			} else {
				for _, v := range terms {
					want = max(want, v)
				}
			}
			return be(got == want, want, "")
		})
		if err != nil {
			return err
		}
		src.Data[at] = 0
	}
	return nil
}

// locality changes everything but one window and demands the same bits of that window's result; a zero's sign aside for
// a maximum. Other cells include NaN and infinities: a running sum or an integral image carries them along, and that is
// why neither is legal. The place of the window does not change, since a lawful implementation may sum in another order
// elsewhere.
func locality[T pool2d.Elem](s *subject[T], c Case[T]) error {
	y, err := s.pool(c.Src, c.Params)
	if err != nil {
		return err
	}
	g := geometryOf(c.Src.Shape, c.Params)
	random := stream(c.Seed)
	for range min(2, len(y.Data)) {
		i := random.below(len(y.Data))
		at := y.CellAt(i)
		other := c.Src
		other.Data = make([]T, len(c.Src.Data))
		fill(other, otherCells(s, c.Params, &random), random.next()>>40)
		plane := (at.N*c.Src.C + at.C) * c.Src.H * c.Src.W
		for _, tap := range g.taps(nil, at.H, at.W) {
			other.Data[plane+tap] = c.Src.Data[plane+tap]
		}
		y2, err := s.pool(other, c.Params)
		if err != nil {
			return err
		}
		same := sameBits[T]
		if c.Params.Op == pool2d.Max {
			same = sameMax[T]
		}
		err = compare("other cells around one window", other, c.Params, y2, func(j int, got T) opinion {
			return be(j != i || same(got, y.Data[i]), y.Data[i], "as before the cells around the window changed")
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// otherCells returns a kind of cells to put where they must not matter.
func otherCells[T pool2d.Elem](s *subject[T], p pool2d.Params, random *stream) filling {
	kinds := []filling{smallInts, wideInts, negatives}
	if !isFloat[T]() {
		kinds = append(kinds, fullRange, edges)
	} else {
		kinds = append(kinds, cancelling)
		if s.impl.Lacks&pool2d.NonFinite == 0 {
			kinds = append(kinds, nans, infinities, huge)
			if s.impl.Lacks&pool2d.Subnormals == 0 {
				kinds = append(kinds, specials)
			}
		}
	}
	return kinds[random.below(len(kinds))]
}

// membership demands that each maximum is one of the real taps of its window, or the least value if there is none; so
// padding never wins, nor does a start value, nor a neighbour. A NaN's payload and a zero's sign are free: hardware
// changes the one, and max(−0, +0) may be either. It stays because it needs no maximum to hold against: it judges the
// reference's, and says that a result is no cell of its window, where equals_reference says that it is not the right
// one.
func membership[T pool2d.Elem](s *subject[T], c Case[T]) error {
	y, err := s.pool(c.Src, c.Params)
	if err != nil {
		return err
	}
	return opine("", c.Src, c.Params, y, func(_ int, got T, taps []int, _ int) opinion {
		if len(taps) == 0 {
			return be(got == least[T](), least[T](), "the window has no real tap")
		}
		for _, at := range taps {
			if sameMax(got, c.Src.Data[at]) {
				return opinion{ok: true}
			}
		}
		return opinion{want: "a cell of its window"}
	})
}

// nanWins demands NaN from exactly the windows that have one, wherever it stands. It needs NonFinite: many lawful
// libraries promise nothing here. It stays because all of its cases are maxima with NaN, and about one in eight of
// those of equals_reference: a NaN that is lost in one lane of many takes many cases to show.
func nanWins[T pool2d.Elem](s *subject[T], c Case[T]) error {
	y, err := s.pool(c.Src, c.Params)
	if err != nil {
		return err
	}
	return opine("", c.Src, c.Params, y, func(_ int, got T, taps []int, _ int) opinion {
		for _, at := range taps {
			if isNaN(c.Src.Data[at]) {
				return opinion{ok: isNaN(got), want: "NaN", note: "its window has one"}
			}
		}
		return opinion{ok: !isNaN(got), want: "a number", note: "its window has no NaN"}
	})
}

// near is the opinion that got is want: exactly for a maximum and for integers, within bound for an average.
func near[T pool2d.Elem](p pool2d.Params, got, want T, bound float64, note string) opinion {
	if p.Op == pool2d.Max || !isFloat[T]() {
		return be(sameMax(got, want), want, note)
	}
	off := math.Abs(float64(got) - float64(want))
	if off <= bound || math.IsInf(bound, 1) {
		return opinion{ok: true}
	}
	return be(false, want, fmt.Sprintf("%s; %.3g times both bounds, %.3g", note, off/bound, bound))
}
