package model_test

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/wva-go/wva/model"
)

func TestRef2(t *testing.T) {
	f, err := os.Open("/tmp/ref.txt")
	if err != nil {
		t.Skip()
	}
	defer f.Close()
	re := regexp.MustCompile(`^(.*) cv (\S+) load (\S+) rate (\S+) .*ttft (\S+) ±(\S+) model.*itl (\S+) ±.* p95 (\S+) ± (\S+) model`)
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		m := re.FindStringSubmatch(sc.Text())
		if m == nil {
			continue
		}
		n := func(i int) float64 { v, _ := strconv.ParseFloat(m[i], 64); return v }
		for _, s := range situations {
			if s.name == m[1] {
				q, _ := model.NewQueue(s.server, model.TokenLengths{Mean: s.input, CV: 1}, model.TokenLengths{Mean: s.output, CV: n(2)})
				p, _ := q.Analyze(n(4))
				fmt.Printf("%-20s cv %g load %g ttft %+.0f%% (±%.0f%%) itl %+.1f%% p95 %+.0f%% (±%.0f%%)\n", m[1], n(2), n(3), 100*(p.TTFT.Mean/n(5)-1), 100*n(6)/n(5), 100*(p.ITL.Mean/n(7)-1), 100*(p.TTFT.P95/n(8)-1), 100*n(9)/n(8))
			}
		}
	}
}
