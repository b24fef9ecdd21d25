/** Name and version, in any spelling that PyPI takes: which of them is the right one is for who builds. */
const PART = "[A-Za-z0-9](?:[A-Za-z0-9._+!]*[A-Za-z0-9])?";
/** name-version[-build]-python-abi-platform (Binary distribution format, "File name convention"). */
const WHEEL = new RegExp(`^${PART}-${PART}(-[0-9][A-Za-z0-9_]*)?(-[A-Za-z0-9_.]+){3}\\.whl$`);
/** name-version (Source distribution file name); older ones have hyphens in their names, and are zipped. */
const SDIST = new RegExp(`^${PART}(-${PART})+\\.(tar\\.gz|zip)$`);
const MAX_NAME = 256;

/** True for the name of a file that `pip` takes for a distribution, as PEP 740 has them attested. */
export const isDistributionName = (name: string): boolean =>
  name.length <= MAX_NAME && (WHEEL.test(name) || SDIST.test(name));
