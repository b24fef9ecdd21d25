/** Somebody else's time-stamping authority, started for this run. */
export interface ForeignAuthority {
  readonly name: string;
  readonly rootDer: Uint8Array;
  /** The unit's certificate and those above it but for the root. */
  readonly certificatesDer: readonly Uint8Array[];
  /** TimeStampResp to a TimeStampReq, both DER. */
  reply(requestDer: Uint8Array): Promise<Uint8Array>;
  close?(): Promise<void> | void;
}

/** How one comes by an authority. `start` fetches and starts it, or rejects with the reason it cannot be had here. */
export interface AuthorityCandidate {
  readonly name: string;
  start(cacheDirectory: string): Promise<ForeignAuthority>;
}
