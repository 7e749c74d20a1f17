package model_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/wva-go/wva/model"
)

// publishedFile is one of testdata/queue_*.json: outputs of the published analyzers, whose commits the file names. Every second rate of each
// case was kept.
type publishedFile struct {
	Source string
	Cases  []struct {
		Name  string
		Input struct {
			Alpha    float64 `json:"alpha_ms"`
			Beta     float64 `json:"beta_ms"`
			Gamma    float64 `json:"gamma_ms"`
			Delta    float64 `json:"delta_ms"`
			Input    float64 `json:"avg_input_tokens"`
			Output   float64 `json:"avg_output_tokens"`
			MaxBatch int     `json:"max_batch_size"`
			MaxQueue int     `json:"max_queue_size"`
		}
		Analyze []struct {
			Rate      float64 `json:"request_rate_rps"`
			Empty     float64 `json:"p0"`
			Metrics   publishedMetrics
			Reference *publishedMetrics `json:"reference_f64"`
		}
		Range struct{ Min, Max float64 } `json:"rate_range_rps"`
		Size  *struct {
			Error     string
			ForTTFT   float64 `json:"max_rate_for_ttft_rps"`
			ForITL    float64 `json:"max_rate_for_itl_rps"`
			ForTokens float64 `json:"max_rate_for_tps_rps"`
			Targets   struct {
				ITL  float64 `json:"itl_ms"`
				TTFT float64 `json:"ttft_ms"`
				TPS  float64 `json:"tps"`
			}
		}
	}
}

type publishedMetrics struct {
	InService  float64 `json:"avg_num_in_service"`
	Prefill    float64 `json:"avg_prefill_time_ms"`
	Response   float64 `json:"avg_resp_time_ms"`
	ITL        float64 `json:"avg_token_time_ms"`
	Wait       float64 `json:"avg_wait_time_ms"`
	Throughput float64 `json:"throughput_rps"`
}

// knownWrong are the published outputs that are not to be matched.
func knownWrong(form model.PublishedForm, p model.Published) bool {
	return p.MaxBatch == 1 || form == model.WVA04 && p.Input == 0 && p.Output == 1
}

func eachPublished(t *testing.T, check func(t *testing.T, p model.Published, file publishedFile, i int)) {
	for name, form := range map[string]model.PublishedForm{"queue_wva04": model.WVA04, "queue_wva05": model.WVA05, "queue_chunked": model.Chunked} {
		text, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var file publishedFile
		if err := json.Unmarshal(text, &file); err != nil {
			t.Fatal(err)
		}
		for i, c := range file.Cases {
			in := c.Input
			p := model.Published{
				Form: form, Input: in.Input, Output: in.Output, MaxBatch: in.MaxBatch, MaxQueue: in.MaxQueue,
				Parameters: model.PublishedParameters{Alpha: in.Alpha / 1e3, Beta: in.Beta / 1e3, Gamma: in.Gamma / 1e3, Delta: in.Delta / 1e3},
			}
			if knownWrong(form, p) {
				continue
			}
			t.Run(name+"/"+c.Name, func(t *testing.T) { check(t, p, file, i) })
		}
	}
}

func TestPublishedAnalyze(t *testing.T) {
	eachPublished(t, func(t *testing.T, p model.Published, file publishedFile, i int) {
		for _, want := range file.Cases[i].Analyze {
			got, err := p.Analyze(want.Rate)
			if err != nil {
				t.Fatal(err)
			}
			requirePublished(t, want.Rate, got, want.Metrics, 1e-3)
			if want.Reference != nil {
				requirePublished(t, want.Rate, got, *want.Reference, 1e-9)
			}
		}
	})
}

func requirePublished(t *testing.T, rate float64, got model.PublishedPerformance, want publishedMetrics, tolerance float64) {
	t.Helper()
	for _, f := range []struct {
		name      string
		got, want float64
		scale     float64
	}{
		{"in service", got.Concurrency, want.InService, want.InService},
		{"throughput", got.Throughput, want.Throughput, want.Throughput},
		{"prefill", 1e3 * got.Prefill, want.Prefill, want.Prefill},
		{"ITL", 1e3 * got.ITL, want.ITL, want.ITL},
		{"response", 1e3 * got.Response, want.Response, want.Response},
		{"wait", 1e3 * got.Wait, want.Wait, want.Response}, // a difference of two near numbers
	} {
		if math.Abs(f.got-f.want) > tolerance*math.Abs(f.scale) {
			t.Errorf("rate %g: %s = %v, want %v within %g", rate, f.name, f.got, f.want, tolerance)
		}
	}
}

func TestPublishedSize(t *testing.T) {
	eachPublished(t, func(t *testing.T, p model.Published, file publishedFile, i int) {
		c := file.Cases[i]
		if lo, hi := p.Rates(); math.Abs(lo/c.Range.Min-1) > 1e-3 || math.Abs(hi/c.Range.Max-1) > 1e-3 {
			t.Errorf("rates %v to %v, want %+v", lo, hi, c.Range)
		}
		if c.Size == nil {
			return
		}
		ms := func(v float64) time.Duration { return time.Duration(v * float64(time.Millisecond)) }
		got, err := p.Size(ms(c.Size.Targets.TTFT), ms(c.Size.Targets.ITL), c.Size.Targets.TPS)
		if c.Size.Error != "" {
			if !errors.Is(err, model.ErrInfeasible) {
				t.Errorf("error = %v, published %q", err, c.Size.Error)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range []struct {
			name      string
			got, want float64
		}{{"TTFT", got.ForTTFT, c.Size.ForTTFT}, {"ITL", got.ForITL, c.Size.ForITL}, {"tokens", got.ForTokens, c.Size.ForTokens}} {
			if math.Abs(f.got/f.want-1) > 1e-3 {
				t.Errorf("rate for %s = %v, want %v", f.name, f.got, f.want)
			}
		}
	})
}

func TestPublishedRefuses(t *testing.T) {
	fine := model.Published{Form: model.WVA05, Parameters: model.PublishedParameters{Alpha: 0.01}, Input: 10, Output: 10, MaxBatch: 4}
	for _, tt := range []struct {
		change func(*model.Published)
		want   string
	}{
		{func(p *model.Published) { p.Parameters = model.PublishedParameters{} }, "no positive finite service time"},
		{func(p *model.Published) { p.Output = 0 }, "output 0"},
		{func(p *model.Published) { p.MaxBatch = 0 }, "max batch 0"},
		{func(p *model.Published) { p.Input = math.NaN() }, "input NaN"},
	} {
		p := fine
		tt.change(&p)
		if _, err := p.Analyze(1); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error = %v, want it to say %q", err, tt.want)
		}
	}
}

func ExamplePublished() {
	p := model.Published{
		Form: model.WVA05, Parameters: model.PublishedParameters{Alpha: 0.014, Beta: 0.00006, Gamma: 0.0000006},
		Input: 128, Output: 128, MaxBatch: 4, MaxQueue: 40,
	}
	c, err := p.Size(500*time.Millisecond, 24*time.Millisecond, 0)
	fmt.Printf("%.3f requests/s %v\n", c.Rate, err)
	// Output: 1.314 requests/s <nil>
}

func TestParsePerfParms(t *testing.T) {
	p, err := model.ParsePerfParms(map[string]string{"alpha": "20.58", "beta": "0.41"}, map[string]string{"gamma": "5.2", "delta": "0.1"})
	if err != nil {
		t.Fatal(err)
	}
	if want := (model.PublishedParameters{Alpha: 0.02058, Beta: 0.00041, Gamma: 0.0052, Delta: 0.0001}); math.Abs(p.Alpha-want.Alpha)+math.Abs(p.Beta-want.Beta)+math.Abs(p.Gamma-want.Gamma)+math.Abs(p.Delta-want.Delta) > 1e-15 {
		t.Errorf("got %+v, want %+v", p, want)
	}
	// A batch of 8 decodes in α + 8·β, and a prompt token beside it takes δ.
	decode, want := p.Profile().Iteration(8, 8000, 8), 0.02058+8*0.00041
	if got := p.Profile().Iteration(9, 8000, 8) - decode; math.Abs(decode-want) > 1e-12 || math.Abs(got-0.0001) > 1e-12 {
		t.Errorf("a batch of 8 decodes in %g s, want %g, and a prompt token takes %g s, want 0.0001", decode, want, got)
	}
	_, err = model.ParsePerfParms(map[string]string{"alpha": "-1"}, map[string]string{"gamma": "x", "delta": "NaN"})
	for _, want := range []string{`decodeParms.alpha "-1"`, "decodeParms.beta: missing", `prefillParms.gamma "x"`, `prefillParms.delta "NaN"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want it to say %q", err, want)
		}
	}
}

func FuzzParsePerfParms(f *testing.F) {
	f.Add("20.58", "0.41")
	f.Fuzz(func(t *testing.T, alpha, gamma string) {
		p, err := model.ParsePerfParms(map[string]string{"alpha": alpha, "beta": "1"}, map[string]string{"gamma": gamma, "delta": "1"})
		if err == nil && !(p.Alpha >= 0 && p.Gamma >= 0 && p.Alpha+p.Gamma < math.Inf(1)) {
			t.Fatalf("%q, %q became %+v", alpha, gamma, p)
		}
	})
}
