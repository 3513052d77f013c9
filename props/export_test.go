package props

import "example.com/pool2d"

// ExhaustError is Exhaustive, without a test that it would fail.
func ExhaustError[T pool2d.Elem](impl pool2d.Impl[T], scope Scope) error {
	_, _, err := exhaust(impl, scope)
	return err
}

// CasesPerCheck returns how many cases one check of rapid's judges.
func CasesPerCheck[T pool2d.Elem](l Law[T]) int {
	if l.once {
		return 1
	}
	return casesPerCheck
}
