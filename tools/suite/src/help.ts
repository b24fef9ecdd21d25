/** What `./pki help` shows. The commands of the CLI are listed by area; each has its own `--help`. */
export const HELP = `VCC PKI: certificates for the services of an administration

Usage: ./pki <command> [options]          ./pki <command> --help says more

The suite
  up [--detach]           start everything; on an empty home runs the development ceremony and issues a first certificate
  down                    stop everything
  status [--json]         each process: state, pid, uptime, restarts, memory, readiness, ports
  logs [process] [-f]     what they say
  setup                   install toolchain and dependencies, nothing else

Keys and authorities
  ceremony run FILE       run a reviewed ceremony script (deploy/ceremony/)
  ceremony transcript [--verify]
  ceremony renew-platform the way back when the suite's own certificates have all expired

Daily work (vcc-pki; the suite must be up)
  cert issue|list|show|revoke|release  certificates
  status FILE|ID|SERIAL              whether a certificate is good, revoked or unknown, asked by OCSP
  ca list|tree|create|revoke|chain   authorities
  crl get|show                       revocation lists
  profile list|show                  what kinds of certificates there are
  org list|create|grant|revoke-grant organisations and who may administer them
  approval list|show|sign            what waits for custodians
  service list|show|register|approve|remove|dependencies
  token create|list|revoke           with which a service gets its first certificate
  approve [ID]                       services without token that ask for one
  events tail                        facts as they happen
  config                             where commands go, and as whom

Services on this machine (vcc-agent; needs no suite)
  agent enrol|run|once|status        a certificate from a token, kept fresh and in service

Code and models (vcc-sign; needs no suite)
  manifest --directory DIR --output FILE   the list of files that would be signed; sha256sum -c reads it
  verify --package PATH | --model PATH     whether it may be used, check by check; --copy-to DIR hands out what was verified

Building it
  test [filter]           tests            check          format, lint, types, protos, structure
  conformance             foreign judges   bench [name]   speed, as ratios to a baseline
  soak status             load and kill -9 for a while: counts what must not happen

Where: --home DIR or PKI_HOME picks the state directory (default: var/). PKI_PORT_OFFSET=1000 shifts every port, so that
two suites can run side by side.

Exit codes of up, down, status, logs
  0    done; status: everything is ready
  1    failed
  2    wrong usage or configuration; nothing was started
  3    status: does not run
  4    status: runs, but something is not ready
  130  interrupted
`;
