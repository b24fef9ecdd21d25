// Reads an OCSP response as Go's own library does and prints the status of one certificate.
// Arguments: the response, the issuer's certificate, the certificate; all DER files.
package main

import (
	"crypto/x509"
	"fmt"
	"os"

	"golang.org/x/crypto/ocsp"
)

var statuses = map[int]string{ocsp.Good: "good", ocsp.Revoked: "revoked", ocsp.Unknown: "unknown"}

func main() {
	issuer := must(x509.ParseCertificate(must(os.ReadFile(os.Args[2]))))
	subject := must(x509.ParseCertificate(must(os.ReadFile(os.Args[3]))))
	response := must(ocsp.ParseResponseForCert(must(os.ReadFile(os.Args[1])), subject, issuer))
	fmt.Println(statuses[response.Status])
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	return value
}
