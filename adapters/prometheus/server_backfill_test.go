package prometheus_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"net/http"
	"testing"
	"time"
)

// series is a time series of labels, the metric's name as __name__ among them, in the order of their names.
type series struct {
	labels  [][2]string
	samples []sample
}

type sample struct {
	at    time.Time
	value float64
}

// backfill gives a Prometheus server series with a past, by its remote-write protocol: a test need not wait until they are scraped. The server needs the flag
// --web.enable-remote-write-receiver.
func backfill(t testing.TB, client *http.Client, url string, batch []series) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/api/v1/write", bytes.NewReader(snappy(writeRequest(batch))))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	request.Header.Set("Content-Encoding", "snappy")
	request.Header.Set("X-Prometheus-Remote-Write-Version", "0.1.0")
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	if response.StatusCode/100 != 2 {
		t.Fatalf("backfill: %s: %s", response.Status, text)
	}
}

// writeRequest encodes the protobuf message WriteRequest of remote write 1.0.
func writeRequest(batch []series) []byte {
	var out, one, part []byte
	for _, s := range batch {
		one = one[:0]
		for _, l := range s.labels {
			part = text(text(part[:0], 1, l[0]), 2, l[1])
			one = text(one, 1, part)
		}
		for _, v := range s.samples {
			part = binary.LittleEndian.AppendUint64(append(part[:0], 1<<3|1), math.Float64bits(v.value))
			part = binary.AppendUvarint(append(part, 2<<3), uint64(v.at.UnixMilli()))
			one = text(one, 2, part)
		}
		out = text(out, 1, one)
	}
	return out
}

// text appends a protobuf field of bytes.
func text[T string | []byte](to []byte, field byte, value T) []byte {
	return append(binary.AppendUvarint(append(to, field<<3|2), uint64(len(value))), value...)
}

// snappy frames bytes as a Snappy block, uncompressed.
func snappy(data []byte) []byte {
	out := append(binary.AppendUvarint(nil, uint64(len(data))), 63<<2)
	return append(binary.LittleEndian.AppendUint32(out, uint32(len(data)-1)), data...)
}
