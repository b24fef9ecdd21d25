/** PKIFailureInfo by the number of its bit (RFC 3161 section 2.4.2). */
export const PKI_FAILURE_INFO = {
  /** Unrecognised or unsupported algorithm. */
  badAlg: 0,
  /** Transaction not permitted or supported. */
  badRequest: 2,
  /** The data have the wrong format. */
  badDataFormat: 5,
  /** The TSA's time source is not available. */
  timeNotAvailable: 14,
  unacceptedPolicy: 15,
  unacceptedExtension: 16,
  /** What was asked for in addition cannot be understood or is not available. */
  addInfoNotAvailable: 17,
  /** The request cannot be handled for a reason of the system's own. */
  systemFailure: 25,
} as const;

export type PkiFailureInfo = keyof typeof PKI_FAILURE_INFO;

/** Why a request for a time stamp is refused: in band, as a TimeStampResp with status rejection. `message` is for the one who asks. */
export class TimeStampRefusal extends Error {
  override readonly name = "TimeStampRefusal";
  readonly failInfo: PkiFailureInfo;

  constructor(failInfo: PkiFailureInfo, message: string) {
    super(message);
    this.failInfo = failInfo;
  }
}
