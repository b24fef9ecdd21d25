export { type ApprovalDecision, type ApprovalRequest, approvalMessage, signDecision } from "./approval.ts";
export { signCertificationRequest } from "./certification-request.ts";
export { openSigningChannel, type SigningChannel, type SigningChannelOptions } from "./channel.ts";
export { type RemoteKey, remoteSigner, type Signer, type SignOptions, type SignPayload } from "./signer.ts";
