package props

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"sync"
)

// ShardVariable names the environment variable that splits a campaign: its value i/n, with 0 ≤ i < n, makes this process
// run the i-th of n parts. The n processes are given the same flags; each runs its share of -rapid.checks, on seeds of
// which no two parts share one, so the verdict of the campaign is that all of them passed.
//
//	POOL2D_SHARD=3/16 go test -run TestMine -rapid.checks=1000000 -rapid.seed=7
//
// Without -rapid.seed the parts agree on 1. The seed that a failure prints repeats it without the variable.
const ShardVariable = "POOL2D_SHARD"

// shard applies ShardVariable to rapid's flags, once a process: a library must not add flags to every test that links it.
var shard = sync.OnceFunc(func() {
	value := os.Getenv(ShardVariable)
	if value == "" {
		return
	}
	get := func(name string) uint64 {
		v, err := strconv.ParseUint(flag.Lookup(name).Value.String(), 10, 64)
		if err != nil {
			panic(fmt.Sprintf("props: -%s: %v", name, err))
		}
		return v
	}
	seed, checks, err := shardOf(value, get("rapid.seed"), get("rapid.checks"))
	if err != nil {
		panic(err)
	}
	for name, v := range map[string]uint64{"rapid.seed": seed, "rapid.checks": checks} {
		if err := flag.Set(name, strconv.FormatUint(v, 10)); err != nil {
			panic(err)
		}
	}
})

// shardOf returns the seed and the number of checks of one part. Rapid's k-th check has the seed s + k(k−1)/2, so parts
// whose first seeds are 2⁴⁸ apart do not meet within 20 million checks each.
func shardOf(value string, seed, checks uint64) (uint64, uint64, error) {
	var i, n uint64
	if _, err := fmt.Sscanf(value, "%d/%d", &i, &n); err != nil || i >= n || n > 1<<16 || fmt.Sprintf("%d/%d", i, n) != value {
		return 0, 0, fmt.Errorf("props: %s=%q, want i/n with 0 <= i < n <= 65536", ShardVariable, value)
	}
	share := checks / n
	if i < checks%n {
		share++
	}
	return max(seed, 1) + i<<48, max(share, 1), nil
}
