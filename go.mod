module github.com/wva-go/wva

go 1.26.0

require (
	github.com/google/go-cmp v0.7.0
	gopkg.in/yaml.v3 v3.0.1
	pgregory.net/rapid v1.3.0
)

require gonum.org/v1/gonum v0.17.0
