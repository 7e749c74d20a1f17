package prometheus

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	promodel "github.com/prometheus/common/model"
)

// query asks the server for an instant vector; the zero time is its present.
func (s *Source) query(ctx context.Context, text string, at time.Time) ([]series, v1.Warnings, error) {
	taken := &taker{Client: s.client, source: s}
	value, warnings, _, err := v1.NewAPI(taken).Query(ctx, text, at)
	if err != nil {
		return nil, warnings, err
	}
	if taken.partial {
		warnings = append(warnings, "not all of the storage answered")
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
	source  *Source
	all     []series
	partial bool
}

// Do reads into buffers that are used again: those of a large fleet's answers would be most of what a Collect allocates.
func (t *taker) Do(ctx context.Context, request *http.Request) (*http.Response, []byte, error) {
	response, err := t.source.http.Do(request.WithContext(ctx))
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	buffer, ok := t.source.buffers.Get().(*bytes.Buffer)
	if !ok {
		buffer = new(bytes.Buffer)
	}
	buffer.Reset()
	if _, err := buffer.ReadFrom(response.Body); err != nil {
		return response, nil, err
	}
	if response.StatusCode != http.StatusOK {
		return response, buffer.Bytes(), nil
	}
	all, rest, ok := t.source.vocabulary.cut(buffer.Bytes())
	if !ok {
		t.partial = partial(buffer.Bytes())
		return response, buffer.Bytes(), nil
	}
	t.all, t.partial = all, partial(rest)
	t.source.buffers.Put(buffer) // nothing of it is kept
	return response, rest, nil
}

// partial tells whether a server says so with a field of its own, as a cluster of VictoriaMetrics does.
func partial(body []byte) bool {
	var answer struct {
		IsPartial bool `json:"isPartial"`
	}
	return json.Unmarshal(body, &answer) == nil && answer.IsPartial
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
