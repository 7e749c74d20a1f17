package servers

import (
	"os/exec"
	"syscall"
)

// dieWithParent ends the server when the test process is killed, by a time limit for instance, and cannot clean up.
func dieWithParent(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
