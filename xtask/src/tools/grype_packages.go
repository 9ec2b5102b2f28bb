// Prints what Grype reads from an SBOM: the packages that it would look for in its vulnerability database.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/anchore/grype/grype/pkg"
)

type found struct {
	Name      string   `json:"name"`
	Version   string   `json:"version"`
	Type      string   `json:"type"`
	Purl      string   `json:"purl"`
	Distro    string   `json:"distro"`
	Upstreams []string `json:"upstreams"`
}

func main() {
	packages, _, _, err := pkg.Provide("sbom:"+os.Args[1], pkg.ProviderConfig{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	all := []found{}
	for _, one := range packages {
		upstreams := []string{}
		for _, upstream := range one.Upstreams {
			upstreams = append(upstreams, upstream.Name+"@"+upstream.Version)
		}
		distro := ""
		if one.Distro != nil {
			distro = one.Distro.String()
		}
		all = append(all, found{one.Name, one.Version, string(one.Type), one.PURL, distro, upstreams})
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]any{"packages": all}); err != nil {
		os.Exit(1)
	}
}
