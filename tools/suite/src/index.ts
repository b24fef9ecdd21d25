export { servicesWithoutIdentity } from "./ceremony.ts";
export { defaultHomeDirectory, ensurePrivateDirectory, type Home, homeAt, repositoryRoot } from "./home.ts";
export { type HomeLock, isLocked, lockHome } from "./lock.ts";
export { writeSoftHsmConf } from "./softhsm.ts";
export { identityNames, serviceNames } from "./suite.ts";
