// Makes a vulnerability database for Grype in which every source package of an SBOM has one made-up vulnerability.
package main

import (
	"fmt"
	"os"
	"time"

	v6 "github.com/anchore/grype/grype/db/v6"
	"github.com/anchore/grype/grype/pkg"
	"github.com/spf13/afero"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// The arguments are the folder of the database and the SBOM.
func main() {
	folder := os.Args[1]
	packages, _, _, err := pkg.Provide("sbom:"+os.Args[2], pkg.ProviderConfig{})
	check(err)
	check(os.MkdirAll(folder, 0o755))
	writer, err := v6.NewWriter(v6.Config{DBDirPath: folder})
	check(err)
	check(writer.SetDBMetadata())
	seen := map[string]bool{}
	for _, one := range packages {
		name := one.Name
		if len(one.Upstreams) > 0 {
			name = one.Upstreams[0].Name
		}
		if string(one.Type) == "deb" && !seen[name] {
			seen[name] = true
			add(writer, name)
		}
	}
	check(writer.Close())
	_, err = v6.WriteImportMetadata(afero.NewOsFs(), folder, "local")
	check(err)
}

func add(writer v6.Writer, source string) {
	now := time.Now().UTC()
	id := "TEST-" + source
	vulnerability := &v6.VulnerabilityHandle{
		Name:          id,
		Status:        v6.VulnerabilityActive,
		PublishedDate: &now,
		ModifiedDate:  &now,
		Provider:      &v6.Provider{ID: "debian", Version: "1", Processor: "test", DateCaptured: &now, InputDigest: "sha256:1"},
		BlobValue:     &v6.VulnerabilityBlob{ID: id},
	}
	check(writer.AddVulnerabilities(vulnerability))
	check(writer.AddAffectedPackages(&v6.AffectedPackageHandle{
		Vulnerability:   vulnerability,
		OperatingSystem: &v6.OperatingSystem{Name: "debian", ReleaseID: "debian", MajorVersion: "13", Codename: "trixie"},
		Package:         &v6.Package{Ecosystem: "deb", Name: source},
		BlobValue:       &v6.PackageBlob{Ranges: []v6.Range{{Version: v6.Version{Type: "dpkg", Constraint: "< 999:0"}}}},
	}))
}
