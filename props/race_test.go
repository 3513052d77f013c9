//go:build race

package props

// UnderRace says that everything takes ten times as long.
const UnderRace = true
