//go:build !race

package props_test

const underRace = false
