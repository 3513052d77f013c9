package props

import (
	"math"
	"math/big"

	"example.com/pool2d"
)

// gradientFor returns a gradient for the outputs of a case, drawn from its seed: small integers, or real numbers.
func gradientFor[T pool2d.Elem](c Case[T], real bool) pool2d.Tensor[T] {
	out, err := pool2d.OutputShape(c.Src.Shape, c.Params)
	if err != nil {
		panic("props: gradient of an invalid case: " + err.Error())
	}
	g := pool2d.Tensor[T]{Shape: out, Data: make([]T, out.N*out.C*out.H*out.W)}
	kind := smallInts
	if real {
		kind = uniform
	}
	fill(g, kind, c.Seed)
	return g
}

// contribution is what one window adds to the gradient at a cell: g over a divisor.
type contribution[T pool2d.Elem] struct {
	g []T
	d []int
}

// gradientIs demands at every cell the sum of its contributions, as judgeMean says: exactly for integers over powers of
// two, else within γ(w+3)·Σ|g|/D + (w+1)·η for the w windows that contribute.
func gradientIs[T pool2d.Elem](s *subject[T], c Case[T], grad pool2d.Tensor[T], contribute func(g geometry, src, grad pool2d.Tensor[T], add func(cell int, v T, divisor int))) error {
	dx, err := s.grad(grad, c.Src, c.Params)
	if err != nil {
		return err
	}
	sums := make([]contribution[T], len(c.Src.Data))
	contribute(geometryOf(c.Src.Shape, c.Params), c.Src, grad, func(cell int, v T, divisor int) {
		sums[cell].g = append(sums[cell].g, v)
		sums[cell].d = append(sums[cell].d, divisor)
	})
	return withGradient(compare("gradient", c.Src, c.Params, dx, func(i int, got T) opinion {
		v := judgeMean(sums[i].g, func(j int) int { return sums[i].d[j] }, got)
		return opinion{ok: v.ok, want: v.want, note: v.note}
	}), grad)
}

// withGradient makes a finding one about a gradient at the source.
func withGradient[T pool2d.Elem](err error, grad pool2d.Tensor[T]) error {
	if f, ok := err.(*finding[T]); ok {
		f.grad, f.atInput = grad, true
	}
	return err
}

// gradientOfMax demands that each output's gradient lands on the one cell that its index names, that gradients which
// meet there add up, and that every other cell gets zero. A gradient for all of several equal maxima, or half of it for
// each, is a subgradient too, but not this contract's.
func gradientOfMax[T pool2d.Elem](s *subject[T], c Case[T]) error {
	return gradientIs(s, c, gradientFor(c, c.Seed%2 == 1), func(g geometry, src, grad pool2d.Tensor[T], add func(int, T, int)) {
		g.each(func(_ pool2d.Cell, i, plane int, taps []int) {
			for j := range taps {
				taps[j] += plane
			}
			if at := winner(src, taps); at >= 0 {
				add(taps[at], grad.Data[i], 1)
			}
		})
	})
}

// gradientOfAvg demands at each cell the gradient of every window that covers it, over that window's divisor.
func gradientOfAvg[T pool2d.Elem](s *subject[T], c Case[T]) error {
	return gradientIs(s, c, gradientFor(c, c.Seed%2 == 1), func(g geometry, src, grad pool2d.Tensor[T], add func(int, T, int)) {
		g.each(func(out pool2d.Cell, i, plane int, taps []int) {
			for _, at := range taps {
				add(plane+at, grad.Data[i], g.divisor(out.H, out.W))
			}
		})
	})
}

// gradientSum demands that a maximum's gradient neither loses nor makes anything: over each plane, it sums up to the
// gradients of the outputs whose windows have a tap. The gradients are small integers, so the sums are exact in any
// order; of real ones they would not be. It stays because it knows no ties: what it finds lost or made is wrong under
// any rule for them, and what gradient_of_max finds may be another rule.
func gradientSum[T pool2d.Elem](s *subject[T], c Case[T]) error {
	grad := gradientFor(c, false)
	dx, err := s.grad(grad, c.Src, c.Params)
	if err != nil {
		return err
	}
	in, out := make([]float64, c.Src.N*c.Src.C), make([]float64, c.Src.N*c.Src.C)
	for i, v := range dx.Data {
		in[i/(c.Src.H*c.Src.W)] += float64(v)
	}
	geometryOf(c.Src.Shape, c.Params).each(func(at pool2d.Cell, i, _ int, taps []int) {
		if len(taps) > 0 {
			out[at.N*c.Src.C+at.C] += float64(grad.Data[i])
		}
	})
	for i := range in {
		if in[i] != out[i] {
			return withGradient(say(c.Src, c.Params, "the gradient of plane n%dc%d sums up to %v, the outputs' to %v", i/c.Src.C, i%c.Src.C, in[i], out[i]), grad)
		}
	}
	return nil
}

// gradientAdjoint demands ⟨avg(x), g⟩ = ⟨x, grad(g)⟩ of the implementation's own two functions, within what the bounds of
// both allow. It knows nothing of windows but how many taps they have, so it judges the derivation of the other laws too.
// A maximum is not linear, and is not spoken of. It stays because a divisor that the reference and the suite's windows
// had wrong alike, in one of the two directions, would show here alone.
func gradientAdjoint[T pool2d.Elem](s *subject[T], c Case[T]) error {
	grad := gradientFor(c, true)
	y, err := s.pool(c.Src, c.Params)
	if err != nil {
		return err
	}
	dx, err := s.grad(grad, c.Src, c.Params)
	if err != nil {
		return err
	}
	forward, backward := dot(y.Data, grad.Data), dot(c.Src.Data, dx.Data)
	if forward == nil || backward == nil {
		return say(c.Src, c.Params, "an average or a gradient of finite numbers is not finite")
	}
	allowed := 0.0
	bounds := boundsOf(c.Src, c.Params)
	for i, b := range bounds {
		allowed += b * math.Abs(float64(grad.Data[i]))
	}
	// The gradient's own bound at each cell, from what the windows contribute there.
	size, windows := make([]float64, len(dx.Data)), make([]float64, len(dx.Data))
	g := geometryOf(c.Src.Shape, c.Params)
	g.each(func(out pool2d.Cell, i, plane int, taps []int) {
		for _, at := range taps {
			size[plane+at] += math.Abs(float64(grad.Data[i])) / float64(g.divisor(out.H, out.W))
			windows[plane+at]++
		}
	})
	f := formatOf[T]()
	for i, w := range windows {
		j := (w + 4) * math.Ldexp(1, -f.precision)
		allowed += math.Abs(float64(c.Src.Data[i])) * (j/(1-j)*size[i] + (w+1)*math.Ldexp(1, f.eta))
	}
	off, _ := new(big.Float).Sub(forward, backward).Float64()
	if math.Abs(off) > allowed*(1+0x1p-20) {
		a, _ := forward.Float64()
		b, _ := backward.Float64()
		return withGradient(say(c.Src, c.Params, "⟨avg(x), g⟩ = %v, but ⟨x, grad(g)⟩ = %v: %.3g apart, and the bounds allow %.3g", a, b, math.Abs(off), allowed), grad)
	}
	return nil
}

// dot returns the inner product of a and b, to many more digits than either has; nil if it is not finite.
func dot[T pool2d.Elem](a, b []T) *big.Float {
	sum := new(big.Float).SetPrec(512)
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		if math.IsNaN(x) || math.IsNaN(y) || math.IsInf(x, 0) || math.IsInf(y, 0) {
			return nil
		}
		term := new(big.Float).SetPrec(512).SetFloat64(x)
		sum.Add(sum, term.Mul(term, new(big.Float).SetPrec(512).SetFloat64(y)))
	}
	return sum
}

// gradientFresh demands the same bits of the same backward call, whatever was asked before: a gradient starts from zero,
// and takes the positions of maxima from the source that it is given, not from the last forward call. It has no condition;
// an implementation that keeps what a forward call found must keep it for that source only.
func gradientFresh[T pool2d.Elem](s *subject[T], c Case[T]) error {
	grad := gradientFor(c, true)
	if _, err := s.pool(c.Src, c.Params); err != nil { // as training does
		return err
	}
	first, err := s.grad(grad, c.Src, c.Params)
	if err != nil {
		return err
	}
	other := grad
	other.Data = make([]T, len(grad.Data))
	fill(other, positives, c.Seed+1)
	if _, err := s.grad(other, c.Src, c.Params); err != nil {
		return err
	}
	src := c.Src
	src.Data = make([]T, len(c.Src.Data))
	fill(src, positives, c.Seed+2)
	if _, err := s.pool(src, c.Params); err != nil {
		return err
	}
	again, err := s.grad(grad, c.Src, c.Params)
	if err != nil {
		return err
	}
	return withGradient(compare("gradient", c.Src, c.Params, again, func(i int, got T) opinion {
		return opinion{ok: sameBits(got, first.Data[i]), want: show(first.Data[i]), note: "as in the first of three backward calls"}
	}), grad)
}
