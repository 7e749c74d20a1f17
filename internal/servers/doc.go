// Package servers runs the real servers that tests need: a Prometheus server, and a Kubernetes control plane of etcd, kube-apiserver and kube-controller-manager.
//
// They are built from Go modules, so that a Go toolchain is all it takes. Each has a module of its own below this directory, outside the workspace, since their
// dependencies need not agree with ours or with each other's. The executables are kept in the user's cache directory under a hash of what they were built from: the
// first build takes minutes, every later start none. `go run ./internal/servers/build` builds them ahead of the tests.
//
// Servers listen on free loopback ports, keep their data in the test's temporary directory, and are gone when the test ends; on Linux also when it is killed, and only that directory
// is left then.
package servers
