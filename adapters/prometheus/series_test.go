package prometheus

import (
	"bytes"
	"context"
	"io"
	"math"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	promodel "github.com/prometheus/common/model"
)

var testVocabulary = newVocabulary(Labels{Namespace: "namespace", Pod: "pod", Model: "model_name"})

// canned answers every request with one body.
type canned []byte

func (c canned) URL(string, map[string]string) *url.URL { return &url.URL{Scheme: "http", Host: "p"} }

func (c canned) Do(context.Context, *http.Request) (*http.Response, []byte, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(nil))}, bytes.Clone(c), nil
}

// both decodes an answer with and without taking out the series first.
func both(body []byte) (short, long []series, err error, errLong error) {
	s := &Source{client: canned(body), vocabulary: testVocabulary}
	short, _, err = s.query(context.Background(), "x", time.Time{})
	value, _, _, errLong := v1.NewAPI(canned(body)).Query(context.Background(), "x", time.Time{})
	if vector, ok := value.(promodel.Vector); ok && errLong == nil {
		return short, testVocabulary.ofVector(vector), err, nil
	}
	return short, nil, err, errLong
}

var sameNumbers = cmp.Options{cmp.AllowUnexported(series{}), cmp.Comparer(func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) })}

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		short      bool // whether the series are taken out
	}{
		{"as Prometheus writes it", `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"pod":"a","le":"+Inf","job":"j"},"value":[1772366400.5,"0.25"]},{"metric":{},"value":[1772366400,"NaN"]}]},"warnings":["w"]}`, true},
		{"empty", `{"status":"success","data":{"resultType":"vector","result":[]}}`, true},
		{"escapes", `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"pod":"a\"\\\u00e9\n"},"value":[1,"-Inf"]}]}}`, true},
		{"an extra field in front, as VictoriaMetrics writes", `{"status":"success","isPartial":false,"data":{"resultType":"vector","result":[{"metric":{"pod":"a"},"value":[1,"2"]}]}}`, true},
		{"spaces", `{"status":"success", "data":{"resultType":"vector", "result":[{"metric":{"pod":"a"},"value":[1,"2"]}]}}`, false},
		{"spaces in a series", `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"pod":"a"}, "value":[1,"2"]}]}}`, false},
		{"another order", `{"status":"success","data":{"resultType":"vector","result":[{"value":[1,"2"],"metric":{"pod":"a"}}]}}`, false},
		{"a time beyond milliseconds", `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"pod":"a"},"value":[1.0625,"2"]}]}}`, false},
		{"a histogram", `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"pod":"a"},"histogram":[1,{"count":"1","sum":"1","buckets":[]}]}]}}`, false},
		{"a comma too many", `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"pod":"a"},"value":[1,"2"]},]}}`, false},
		{"cut off", `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"pod":"a"},"value":[1,"2"]}`, false},
		{"a matrix", `{"status":"success","data":{"resultType":"matrix","result":[]}}`, false},
		{"not UTF-8", "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{\"pod\":\"\xff\"},\"value\":[1,\"2\"]}]}}", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, _, ok := testVocabulary.cut([]byte(tt.body)); ok != tt.short {
				t.Errorf("taken out: %v, want %v", ok, tt.short)
			}
			short, long, err, errLong := both([]byte(tt.body))
			if errLong == nil && (err == nil || long != nil) {
				if diff := cmp.Diff(long, short, sameNumbers); diff != "" {
					t.Errorf("(-API client's +ours):\n%s", diff)
				}
			} else if err == nil {
				t.Errorf("no error, want %v", errLong)
			}
		})
	}
}

// Whatever an answer is, it never panics, and what is taken out of it is what the API client would have decoded.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"status":"success","data":{"resultType":"vector","result":[{"metric":{"pod":"a","le":"+Inf"},"value":[1772366400.5,"0.25"]},{"metric":{},"value":[1,"NaN"]}]},"warnings":["w"]}`))
	f.Add([]byte(`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"2"]]}]}}`))
	f.Add([]byte(`{"status":"error","errorType":"bad_data","error":"no"}`))
	f.Add([]byte(`{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a\u0041":"\ud800"},"value":[1e3,"0x1p4"]}]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		short, long, err, errLong := both(body)
		_, _, taken := testVocabulary.cut(body)
		switch {
		case err != nil:
			_ = explain(err)
		case !taken:
		case errLong != nil:
			t.Fatalf("the API client says %v, and we found %+v", errLong, short)
		default:
			if diff := cmp.Diff(long, short, sameNumbers); diff != "" {
				t.Fatalf("(-API client's +ours):\n%s", diff)
			}
		}
	})
}
