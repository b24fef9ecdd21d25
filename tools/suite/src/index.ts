export { servicesWithoutIdentity } from "./ceremony.ts";
export { defaultHomeDirectory, ensurePrivateDirectory, type Home, homeAt, repositoryRoot } from "./home.ts";
export { type HomeLock, isLocked, lockHome } from "./lock.ts";
export { isFree } from "./ports.ts";
export { probeReadyz } from "./probe.ts";
export { writeSoftHsmConf } from "./softhsm.ts";
export { type GrpcService, type Suite, type SuitePeers, startSuite, suitePeers } from "./start-suite.ts";
export { identityNames, serviceNames } from "./suite.ts";
export { Supervisor } from "./supervisor.ts";
