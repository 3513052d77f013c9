package props

import (
	"time"

	"example.com/pool2d"
)

// tidyTime and tidyCells limit what tidying a case may cost.
const (
	tidyTime  = 2 * time.Second
	tidyCells = 1 << 10
)

// tidy makes the cells of a case that breaks the law as plain as they can be while it still does. Rapid shrinks what it
// drew: parameters, extents, the kind of cells. A cell is not drawn, it follows from the kind; so this is done here.
func tidy[T pool2d.Elem](l Law[T], s *subject[T], c Case[T], broken error) (Case[T], error) {
	deadline := time.Now().Add(tidyTime)
	try := func(candidate Case[T]) bool {
		if s.dead.Load() != nil || time.Now().After(deadline) || l.takes != nil && !l.takes(candidate) {
			return false
		}
		err := l.check(s, candidate)
		if err == nil || s.dead.Load() != nil {
			return false
		}
		c, broken = candidate, err
		return true
	}
	with := func(change func(*Case[T])) bool {
		candidate := c
		candidate.Src.Data = append([]T(nil), c.Src.Data...)
		change(&candidate)
		return try(candidate)
	}
	// A case that does not break the law again has nothing to be tidied by.
	if !with(func(*Case[T]) {}) {
		return c, broken
	}
	with(func(c *Case[T]) { c.Seed = 0 })
	with(func(c *Case[T]) { c.Params.CountPad = false })
	with(func(c *Case[T]) { c.Params.Divisor = 0 })
	with(func(c *Case[T]) { c.Params.Ceil = false })
	if !with(func(c *Case[T]) { clear(c.Src.Data) }) && len(c.Src.Data) <= tidyCells {
		// Whole rows first, then cell by cell.
		for i := 0; i < len(c.Src.Data); i += c.Src.W {
			with(func(c *Case[T]) { clear(c.Src.Data[i : i+c.Src.W]) })
		}
		for i, was := range c.Src.Data {
			for _, plain := range []T{0, 1, 2} {
				if was == plain || with(func(c *Case[T]) { c.Src.Data[i] = plain }) {
					break
				}
			}
		}
	}
	return c, broken
}
