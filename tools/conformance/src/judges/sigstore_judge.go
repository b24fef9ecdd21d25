// Verifies a time-stamp response with sigstore's client and prints "valid" or why not.
// Arguments: the response, what was stamped, the root and the unit's certificate with those above it (PEM), nonce (hexadecimal or empty),
// policy (dotted or empty).
package main

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"strconv"
	"strings"

	"github.com/digitorus/timestamp"
	"github.com/sigstore/timestamp-authority/v2/pkg/verification"
)

func main() {
	response, data := read(os.Args[1]), read(os.Args[2])
	certificates := parse(read(os.Args[4]))
	options := verification.VerifyOpts{Roots: parse(read(os.Args[3])), Nonce: nonce(os.Args[5]), OID: policy(os.Args[6])}
	if len(certificates) > 0 {
		options.Intermediates = certificates[1:]
		// A token that brings its certificate is judged by that.
		if bare := must(timestamp.ParseResponse(response)); len(bare.Certificates) == 0 {
			options.TSACertificate = certificates[0]
		}
	}
	must(verification.VerifyTimestampResponse(response, bytes.NewReader(data), options))
	fmt.Println("valid")
}

func parse(text []byte) (certificates []*x509.Certificate) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		certificates = append(certificates, must(x509.ParseCertificate(block.Bytes)))
	}
	return certificates
}

func nonce(text string) *big.Int {
	if text == "" {
		return nil
	}
	number, _ := new(big.Int).SetString(text, 16)
	return number
}

func policy(text string) (oid asn1.ObjectIdentifier) {
	if text == "" {
		return nil
	}
	for _, arc := range strings.Split(text, ".") {
		oid = append(oid, must(strconv.Atoi(arc)))
	}
	return oid
}

func read(file string) []byte { return must(os.ReadFile(file)) }

func must[T any](value T, err error) T {
	if err != nil {
		fail(err.Error())
	}
	return value
}

func fail(reason string) {
	fmt.Println(strings.ReplaceAll(reason, "\n", " "))
	os.Exit(1)
}
