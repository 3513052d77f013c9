package props_test

import (
	"testing"

	"example.com/pool2d/props"
)

// The implementations of the examples pass.
func TestExamples(t *testing.T) {
	brief(t, 5)
	t.Run("slicesAndDims", func(t *testing.T) { props.Run(t, slicesAndDims) })
	t.Run("callersBuffer", func(t *testing.T) { props.Run(t, callersBuffer) })
	t.Run("channelsLast", func(t *testing.T) { props.Run(t, channelsLast) })
	t.Run("quantized", func(t *testing.T) { props.Run(t, quantized) })
	t.Run("float64", func(t *testing.T) { props.Run(t, generic[float64]()) })
	t.Run("uint8", func(t *testing.T) { props.Run(t, generic[uint8]()) })
	t.Run("withIndices", func(t *testing.T) { props.Run(t, withIndices) })
}
