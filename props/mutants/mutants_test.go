package mutants_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"example.com/pool2d"
	"example.com/pool2d/props/mutants"
	"example.com/pool2d/reference"
)

// What every mutant breaks must be right, and so must the variants: each answers what the reference answers, on small
// random calls with NaN, infinities, ties and windows without a real tap. (Package props judges them much harder; this
// test says which side is wrong when it does not pass them.)
func TestVariantsAgreeWithReference(t *testing.T) {
	t.Run("float32", agrees[float32])
	t.Run("float64", agrees[float64])
	t.Run("int8", agrees[int8])
	t.Run("uint8", agrees[uint8])
	t.Run("int32", agrees[int32])
}

func agrees[T pool2d.Elem](t *testing.T) {
	variants := mutants.Lawful[T]()
	impls := make([]pool2d.Impl[T], len(variants))
	for i, v := range variants {
		impls[i] = v.New()
	}
	rng := rand.New(rand.NewPCG(1, 2))
	answered := make([]int, len(variants))
	for range 400 {
		src, p := random[T](rng)
		want, err := reference.Pool2D(src, p)
		if err != nil {
			t.Fatal(err)
		}
		needs := pool2d.Needs(src.Shape, p)
		for i, im := range impls {
			if needs&im.Lacks != 0 {
				continue
			}
			answered[i]++
			name := pool2d.Descriptor{Shape: src.Shape, Params: p}
			handed := src.In(im.Layout)
			kept := slices.Clone(handed.Data)
			got, err := forward(im, handed, p, want.Shape)
			if err != nil {
				t.Fatalf("%s: %v: %v", im.Name, name, err)
			}
			if got.Shape != want.Shape || got.Layout != im.Layout {
				t.Fatalf("%s: %v: got %v %v, want %v", im.Name, name, got.Shape, got.Layout, want.Shape)
			}
			if at := differ(got.In(pool2d.NCHW).Data, want.Data); at >= 0 {
				t.Fatalf("%s: %v: cell %v: got %v, want %v", im.Name, name, want.CellAt(at), got.In(pool2d.NCHW).Data[at], want.Data[at])
			}
			if p.Op == pool2d.Max {
				_, indices, err := im.Indices(handed, p)
				if err != nil {
					t.Fatalf("%s: %v: %v", im.Name, name, err)
				}
				_, wanted, _ := reference.Pool2DIndices(handed, p)
				if !slices.Equal(indices, wanted) {
					t.Fatalf("%s: %v: got indices %v, want %v of %v", im.Name, name, indices, wanted, handed)
				}
			}
			if im.Grad != nil {
				gradient, err := im.Grad(got, handed, p)
				wanted, _ := reference.Pool2DGrad(got, handed, p)
				if at := differ(gradient.Data, wanted.Data); err != nil || at >= 0 {
					t.Fatalf("%s: %v: got gradient %v, %v, want %v", im.Name, name, gradient, err, wanted)
				}
			}
			if differ(handed.Data, kept) >= 0 {
				t.Fatalf("%s: %v: wrote to its source", im.Name, name)
			}
		}
	}
	for i, n := range answered {
		if n < 10 {
			t.Errorf("%s was asked %d times, want at least 10", variants[i].ID, n)
		}
	}
}

func forward[T pool2d.Elem](im pool2d.Impl[T], src pool2d.Tensor[T], p pool2d.Params, out pool2d.Shape) (pool2d.Tensor[T], error) {
	if im.Pool2D != nil {
		return im.Pool2D(src, p)
	}
	dst := pool2d.Tensor[T]{Shape: out, Data: make([]T, out.N*out.C*out.H*out.W), Layout: src.Layout}
	for i := range dst.Data {
		dst.Data[i] = 99
	}
	return dst, im.Pool2DInto(dst, src, p)
}

// differ returns where got is not close to want, or -1. An average of small integers in a type of 24 bits is close
// within 1e-5 of the largest of them.
func differ[T pool2d.Elem](got, want []T) int {
	for i := range want {
		g, w := float64(got[i]), float64(want[i])
		if g == w || math.IsNaN(g) && math.IsNaN(w) || math.Abs(g-w) < 1e-4 {
			continue
		}
		return i
	}
	return -1
}

// random returns a valid call on a few cells.
func random[T pool2d.Elem](rng *rand.Rand) (pool2d.Tensor[T], pool2d.Params) {
	for {
		n := func(limit int) int { return rng.IntN(limit) }
		src := pool2d.Tensor[T]{Shape: pool2d.Shape{N: n(3), C: 1 + n(6), H: 1 + n(9), W: 1 + n(20)}}
		p := pool2d.Params{
			Op:       pool2d.Op(n(2)),
			Kernel:   pool2d.HW{H: 1 + n(4), W: 1 + n(4)},
			Stride:   pool2d.HW{H: n(4), W: n(4)},
			Dilation: pool2d.HW{H: n(4), W: n(4)},
			Ceil:     n(2) == 0, CountPad: n(2) == 0, Divisor: n(2) * n(4),
		}
		if n(2) == 0 {
			p.Kernel.W, p.Stride.W, p.Dilation.W = p.Kernel.H, p.Stride.H, p.Dilation.H
		}
		if n(2) == 0 {
			p.Pad = pool2d.Pad{Top: n(3), Left: n(3), Bottom: n(3), Right: n(3)}
		}
		if n(10) == 0 {
			p.Kernel = pool2d.HW{H: src.H, W: src.W}
		}
		if _, err := pool2d.OutputShape(src.Shape, p); err != nil {
			continue
		}
		src.Data = make([]T, src.N*src.C*src.H*src.W)
		special := []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.Inf(-1), math.Copysign(0, -1)}
		half := 0.5
		for i := range src.Data {
			switch {
			case T(half) != 0 && n(8) == 0:
				src.Data[i] = T(special[n(len(special))])
			default:
				src.Data[i] = T(n(7))
				if T(0)-1 < 0 {
					src.Data[i] -= 3
				}
			}
		}
		return src, p
	}
}

// Identities are unique, every mutant says where it comes from, and what they are is what the documents count.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range mutants.All[float32]() {
		if seen[m.ID] {
			t.Errorf("two mutants are called %s", m.ID)
		}
		seen[m.ID] = true
		if m.System == "" || m.Thread == "" || m.Title == "" || m.Law == "" || m.New == nil {
			t.Errorf("%s: a field is empty", m.ID)
		}
		if err := m.New().Validate(); err != nil {
			t.Error(err)
		}
	}
	if len(seen) < 90 {
		t.Errorf("%d mutants, want at least 90", len(seen))
	}
	if n := len(mutants.Lawful[float32]()); n < 15 {
		t.Errorf("%d lawful variants, want at least 15", n)
	}
	t.Logf("%d mutants for float32, %d for int8, %d lawful variants", len(seen), len(mutants.All[int8]()), len(mutants.Lawful[float32]()))
}
