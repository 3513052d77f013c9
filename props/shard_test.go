package props

import "testing"

func TestShard(t *testing.T) {
	var checks uint64
	seeds := map[uint64]bool{}
	for i := range 3 {
		seed, share, err := shardOf(string(rune('0'+i))+"/3", 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		checks += share
		for k := range share { // the seeds that rapid uses
			seed += k
			if seeds[seed] {
				t.Errorf("shard %d: seed %d is another's too", i, seed)
			}
			seeds[seed] = true
		}
	}
	if checks != 100 || len(seeds) != 100 {
		t.Errorf("%d checks on %d seeds, want 100", checks, len(seeds))
	}
	for _, bad := range []string{"3/3", "1", "a/b", "1/0", "-1/3", "1/3 ", "0/65537"} {
		if _, _, err := shardOf(bad, 1, 100); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}
