package props_test

import (
	"os"
	"strings"
	"testing"

	"example.com/pool2d"
	"example.com/pool2d/props"
	"example.com/pool2d/props/mutants"
)

// campaignVariable names the environment variable that turns on what takes longer than a test may.
const campaignVariable = "POOL2D_CAMPAIGN"

// The reference enumerates windows; the scope's are derived by division.
func TestExhaustiveReference(t *testing.T) {
	notUnderRace(t)
	props.Exhaustive(t, referenceImpl[float32](pool2d.NCHW), props.SmallScope)
	tiny := props.Scope{Extent: 2, Kernel: 3, Stride: 2, Dilation: 2}
	t.Run("float64", func(t *testing.T) { props.Exhaustive(t, referenceImpl[float64](pool2d.NHWC), tiny) })
	t.Run("int8", func(t *testing.T) { props.Exhaustive(t, referenceImpl[int8](pool2d.NCHW), tiny) })
	t.Run("uint8", func(t *testing.T) { props.Exhaustive(t, referenceImpl[uint8](pool2d.NCHW), tiny) })
}

// POOL2D_CAMPAIGN=1 go test ./props -run ExhaustiveMillion -v
func TestExhaustiveMillion(t *testing.T) {
	if small, large := props.SmallScope.Geometries(), props.LargeScope.Geometries(); small != 184_628 || large != 1_132_436 {
		t.Fatalf("got %d and %d geometries, want as many as the docs say", small, large)
	}
	if os.Getenv(campaignVariable) == "" {
		t.Skipf("%s is not set", campaignVariable)
	}
	props.Exhaustive(t, referenceImpl[float32](pool2d.NCHW), props.LargeScope)
}

// An implementation that is a maximum over the wrong windows, or a sum with the wrong weights, is found, whatever is
// wrong with them.
func TestExhaustiveFindsMutants(t *testing.T) {
	notUnderRace(t)
	few := props.Scope{Extent: 3, Kernel: 3, Stride: 2, Dilation: 2}
	want := "ceil-clip-dropped dilation-missing-in-taps stride-height-for-width pad-height-for-width kernel-height-for-width " +
		"pad-end-as-begin dilated-start-clamped starts-from-zero padding-is-zero overhang-counted count-pad-inverted " +
		"divisor-fixed divisor-spans-gaps count-stops-at-wrong-pad divided-by-plane-width 1x1-ignores-stride"
	for _, m := range mutants.All[float32]() {
		if strings.Contains(" "+want+" ", " "+m.ID+" ") {
			want = strings.Replace(" "+want+" ", " "+m.ID+" ", " ", 1)
			if props.ExhaustError(m.New(), few) == nil {
				t.Errorf("%s: every geometry of %+v is right", m.ID, few)
			}
		}
	}
	if strings.TrimSpace(want) != "" {
		t.Errorf("no mutants are called%s", want)
	}
}
