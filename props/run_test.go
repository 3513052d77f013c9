package props_test

import (
	"flag"
	"strconv"
	"testing"

	"example.com/pool2d"
	"example.com/pool2d/props"
	"example.com/pool2d/reference"
)

// referenceImpl is the reference, as an implementation to judge.
func referenceImpl[T pool2d.Elem](layout pool2d.Layout) pool2d.Impl[T] {
	impl := pool2d.Impl[T]{
		Name:    "reference",
		Pool2D:  reference.Pool2D[T],
		Indices: reference.Pool2DIndices[T],
		Layout:  layout,
	}
	half := 0.5
	if T(half) != 0 {
		impl.Grad = reference.Pool2DGrad[T]
	}
	return impl
}

// set sets a flag for the time of a test.
func set(t *testing.T, name, value string) {
	was := flag.Lookup(name).Value.String()
	if err := flag.Set(name, value); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := flag.Set(name, was); err != nil {
			t.Error(err)
		}
	})
}

// brief limits how many checks a law gets in a test, unless a campaign asks for more than the default.
func brief(t *testing.T, checks int) {
	if props.UnderRace {
		checks = (checks + 9) / 10
	}
	if was := flag.Lookup("rapid.checks"); was.Value.String() == was.DefValue {
		set(t, "rapid.checks", strconv.Itoa(checks))
	}
}

// notUnderRace skips a test that has no goroutines of its own, and bugs that are races.
func notUnderRace(t *testing.T) {
	t.Helper()
	if props.UnderRace {
		t.Skip("the race detector has nothing to see here, and takes ten times as long")
	}
}

// A default run, as a user has it.
func TestReferenceFloat32(t *testing.T) {
	if props.UnderRace {
		brief(t, 50)
	}
	props.Run(t, referenceImpl[float32](pool2d.NCHW))
}

// The other types and the other layout run briefly.
func TestReferenceOtherTypes(t *testing.T) {
	brief(t, 6)
	t.Run("float32", func(t *testing.T) { props.Run(t, referenceImpl[float32](pool2d.NHWC)) })
	t.Run("float64", func(t *testing.T) { props.Run(t, referenceImpl[float64](pool2d.NHWC)) })
	t.Run("int8", func(t *testing.T) { props.Run(t, referenceImpl[int8](pool2d.NCHW)) })
	t.Run("uint8", func(t *testing.T) { props.Run(t, referenceImpl[uint8](pool2d.NHWC)) })
	t.Run("int32", func(t *testing.T) { props.Run(t, referenceImpl[int32](pool2d.NCHW)) })
}

func FuzzReference(f *testing.F) { props.Fuzz(f, referenceImpl[float32](pool2d.NCHW)) }
