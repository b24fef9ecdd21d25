/** The command line asks for something that makes no sense. Ends the process with exit code 2; nothing was sent. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The person said no. Ends the process with exit code 130; nothing was sent. */
export class Cancelled extends Error {
  override readonly name = "Cancelled";
}
