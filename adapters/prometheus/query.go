package prometheus

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	promodel "github.com/prometheus/common/model"
)

// query asks the server for an instant vector; the zero time is its present.
func (s *Source) query(ctx context.Context, text string, at time.Time) ([]series, v1.Warnings, error) {
	taken := &taker{Client: s.client, words: s.vocabulary}
	value, warnings, _, err := v1.NewAPI(taken).Query(ctx, text, at)
	if err != nil {
		return nil, warnings, err
	}
	vector, ok := value.(promodel.Vector)
	switch {
	case !ok:
		return nil, warnings, wrongType{value}
	case taken.all != nil:
		return taken.all, warnings, nil
	}
	return s.vocabulary.ofVector(vector), warnings, nil
}

// taker is the client of one query: it takes the series out of the answer before the API client decodes it.
type taker struct {
	api.Client
	words vocabulary
	all   []series
}

func (t *taker) Do(ctx context.Context, request *http.Request) (*http.Response, []byte, error) {
	response, body, err := t.Client.Do(ctx, request)
	if err != nil || response.StatusCode != http.StatusOK {
		return response, body, err
	}
	if all, rest, ok := t.words.cut(body); ok {
		t.all = all
		return response, rest, nil
	}
	return response, body, nil
}

// wrongType is an answer that is no instant vector.
type wrongType struct{ value promodel.Value }

func (e wrongType) Error() string {
	kind := "void"
	if e.value != nil {
		kind = e.value.Type().String()
	}
	return fmt.Sprintf("the answer is a %s, not an instant vector", kind)
}
