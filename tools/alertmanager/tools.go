//go:build tools

// Package tools pins the commands that twain builds from this module.
package tools

import (
	_ "github.com/prometheus/alertmanager/cmd/alertmanager"
)
