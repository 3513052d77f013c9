//go:build !race

package props

const UnderRace = false
