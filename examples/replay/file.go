package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// replaceFile writes a file as a whole: to a temporary one beside it, which takes its name only when everything is in it. What is no file, such as
// /dev/stdout, is written to as it is, and a link stays one.
func replaceFile(ctx context.Context, path string, write func(io.Writer) error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	target, err := destination(path)
	if err != nil {
		return err
	}
	if target == "" {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(fill(f, write), f.Close())
	}
	f, err := temporary(target)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // which has gone where it took its name
	if err := errors.Join(fill(f, write), f.Chmod(0o644), f.Sync(), f.Close(), ctx.Err()); err != nil {
		return err
	}
	return os.Rename(f.Name(), target)
}

func fill(f *os.File, write func(io.Writer) error) error {
	w := bufio.NewWriter(f)
	return errors.Join(write(w), w.Flush())
}

// destination is the file that a path names, behind links; empty where it names something else that can be written to.
func destination(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return path, nil
	case err != nil:
		return "", err
	case info.IsDir():
		return "", errors.New("it is a directory: want a file")
	case !info.Mode().IsRegular():
		return "", nil
	}
	return filepath.EvalSymlinks(path)
}

func temporary(target string) (*os.File, error) {
	return os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".*")
}

// writable tells whether replaceFile can begin, before the work whose outcome it is to write.
func writable(path string) error {
	target, err := destination(path)
	if err == nil && target != "" {
		var f *os.File
		if f, err = temporary(target); err == nil {
			err = errors.Join(f.Close(), os.Remove(f.Name()))
		}
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
