import {
  CreateSignerRequest,
  type ListSignersRequest,
  type ListSignersResponse,
  SignerServiceDefinition,
} from "@vcc-pki/proto/signing";
import { type Callers, implement, requestKey, type ServiceImplementation } from "@vcc-pki/rpc";
import { parseSignerWish } from "../request.ts";
import { DOOR, organisationOf, requireAdmin, type SigningDoor } from "./door.ts";

const SIGNER_CALLERS: Callers<typeof SignerServiceDefinition> = {
  createSigner: DOOR,
  installCertificate: DOOR,
  listSigners: DOOR,
  retireSigner: DOOR,
};

export function signerService({ enrolment, messages, signerKeys, profiles }: SigningDoor): ServiceImplementation {
  return implement(
    SignerServiceDefinition,
    {
      async createSigner(request, context) {
        const organisation = requireAdmin(context);
        const key = requestKey(context, "createSigner", CreateSignerRequest, request);
        const wish = { ...parseSignerWish(request, profiles), organisation };
        return messages.signerKey(await enrolment.create(wish, key, context));
      },
      async installCertificate({ signerKeyId, chainDer }, context) {
        return messages.signerKey(await enrolment.install(requireAdmin(context), signerKeyId, chainDer, context));
      },
      async listSigners({ signer }: ListSignersRequest, context): Promise<ListSignersResponse> {
        const keys = signerKeys.listOf(organisationOf(context.requester));
        return {
          keys: keys.filter((key) => signer === "" || key.signer === signer).map((key) => messages.signerKey(key)),
        };
      },
      async retireSigner({ signerKeyId }, context) {
        return messages.signerKey(await enrolment.retire(requireAdmin(context), signerKeyId, context));
      },
    },
    SIGNER_CALLERS,
  );
}
