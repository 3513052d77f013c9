package mutants

// Inexpressible returns the records of the museum that have no mutant, each with the reason. Mutants live in the process
// that judges them: what hangs it or takes it down cannot be one, nor what has no parameter here.
func Inexpressible() []Beyond {
	return []Beyond{
		{"float32-output-size", "shows on planes above 2^24 cells an axis only, and an implementation is asked for results, not for shapes; OutputShape's own tests hold it, and a foreign process is asked through the shape request"},
		{"same-pad-shape-formula", "SAME padding is resolved by the caller: there is no parameter for it"},
		{"orthogonal-jsep-float-div", "SAME padding is resolved by the caller: there is no parameter for it"},
		{"paddle-lite-2x2", "the thread does not say what the kernel computes; 2x2s2-narrow and tail-not-computed are what 2x2 kernels are known to lose"},
		{"tf-avgpoolgrad", "the thread does not say what is wrong; an average's gradient that is not the adjoint dies in several other ways"},
		{"q-zero-pad-not-zero-point", "a zero point belongs to the quantization around a pooling: the contract has none"},
		{"hang-kernel-gt-input", "a call that does not return keeps its goroutine, and cannot be ended inside its process; a foreign process that hangs is killed"},
	}
}
