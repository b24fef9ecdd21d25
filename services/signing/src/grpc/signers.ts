import {
  CreateSignerRequest,
  type ListSignersRequest,
  type ListSignersResponse,
  SignerServiceDefinition,
} from "@vcc-pki/proto/signing";
import { type Callers, implement, requestKey, type ServiceImplementation } from "@vcc-pki/rpc";
import { parseSignerWish } from "../request.ts";
import { administered, DOOR, reader, type SigningDoor } from "./door.ts";

const SIGNER_CALLERS: Callers<typeof SignerServiceDefinition> = {
  createSigner: DOOR,
  installCertificate: DOOR,
  listSigners: DOOR,
  retireSigner: DOOR,
};

export function signerService(door: SigningDoor): ServiceImplementation {
  const { enrolment, messages, signerKeys, profiles } = door;
  return implement(
    SignerServiceDefinition,
    {
      async createSigner(request, context) {
        const organisation = await administered(door, context, request.organisation, "signers");
        const key = requestKey(context, "createSigner", CreateSignerRequest, request);
        const wish = { ...parseSignerWish(request, profiles), organisation };
        return messages.signerKey(await enrolment.create(wish, key, context));
      },
      async installCertificate({ signerKeyId, chainDer, organisation: named }, context) {
        const organisation = await administered(door, context, named, "signers");
        return messages.signerKey(await enrolment.install(organisation, signerKeyId, chainDer, context));
      },
      async listSigners({ signer, organisation: named }: ListSignersRequest, context): Promise<ListSignersResponse> {
        const { organisation } = await reader(door, context, named);
        const keys = signerKeys.listOf(organisation);
        return {
          keys: keys.filter((key) => signer === "" || key.signer === signer).map((key) => messages.signerKey(key)),
        };
      },
      async retireSigner({ signerKeyId, organisation: named }, context) {
        const organisation = await administered(door, context, named, "signers");
        return messages.signerKey(await enrolment.retire(organisation, signerKeyId, context));
      },
    },
    SIGNER_CALLERS,
  );
}
