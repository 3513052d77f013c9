//go:build !purego

package optimized

import (
	"math"
	"slices"
	"testing"
)

// TestBesideZeros checks that planes that are pooled together share the row of zeros behind their last: none stands a plane further on.
func TestBesideZeros(t *testing.T) {
	const h, w = 3, besideTo
	for _, s := range sets {
		if !s.runnable || s.name != "avx512" {
			continue
		}
		src, dst, none, scale := make([]float32, besidePlanes*h*w), make([]float32, besidePlanes*h*w), make([]float32, besidePlanes*h*w+64), make([]float32, 3*pitch(w))
		fill(src, 1)
		fill(none[64:], float32(math.NaN()))
		fill(scale, 1)
		k3s1SameBesideSumAVX512(&dst[0], &src[0], 1, h, w, &scale[0], pitch(w), &none[0])
		if i := slices.IndexFunc(dst, func(v float32) bool { return v != v }); i >= 0 {
			t.Errorf("plane %d, row %d, column %d has cells of none", i/h/w, i/w%h, i%w)
		}
	}
}
