package regress

import (
	"context"
	"errors"
)

// errStageOver is how a measurer says that its stage has no time left; the session goes on with the next.
var errStageOver = errors.New("no time left for this stage")

// decide runs a session: it asks measure for a pair of every series that still wants one, round after round, until all
// are decided or measure stops it. It returns the verdicts in any case, and the error that cut it short, if one did.
func (r rules) decide(ctx context.Context, all []*series, measure func(ctx context.Context, at stage, who []*series) error) ([]judgement, error) {
	for now := screen; now < over; {
		var who []*series
		target := 0
		for i, j := range r.judge(all, now) {
			if j.wants > 0 {
				who = append(who, all[i])
				if target == 0 || j.wants < target {
					target = j.wants
				}
			}
		}
		if len(who) == 0 {
			now++
			continue
		}
		for len(who[0].pairs[now]) < target {
			err := measure(ctx, now, who)
			if errors.Is(err, errStageOver) {
				now++
				break
			}
			if err != nil {
				return r.judge(all, over), err
			}
		}
	}
	return r.judge(all, over), nil
}
