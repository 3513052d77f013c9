//go:build race

package props_test

// underRace says that everything takes ten times as long.
const underRace = true
