package mutants

// The names of the laws of package props that mutants name. (The package cannot import them: it serves processes that
// must not link rapid. The museum's test holds the names.)
const (
	lawAnswers    = "answers"
	lawNonsense   = "rejects_nonsense"
	lawLimits     = "agrees_on_limits"
	lawShape      = "shape_formula"
	lawReference  = "equals_reference"
	lawImpulse    = "impulse_response"
	lawLocality   = "locality"
	lawMembership = "membership"
	lawChannels   = "channel_preservation"
	lawTranspose  = "transpose"
	lawFlip       = "flip"
	lawMonotone   = "monotone"
	lawLinearity  = "linearity"
	lawIndices    = "indices"
	lawGradient   = "gradient"
	lawWritten    = "every_cell_written"
	lawSource     = "source_untouched"
	lawRepeatable = "repeatable"
	lawSequence   = "sequences"
	lawProcs      = "gomaxprocs"
	lawConcurrent = "concurrent"
)
