import { Client, Metadata, type ServiceError } from "@grpc/grpc-js";
import { MutualTlsChannelCredentials } from "../src/client-credentials.ts";
import { gateway, SERVER } from "./transports.ts";

export interface RawAnswer {
  /** "OK", or the trailer `error-code`, which only our own code sets. */
  readonly code: string | undefined;
  /** gRPC status. */
  readonly status: number;
}

/** A gRPC client that says what it is told to: any path, any bytes, any metadata, with or without a deadline. */
export function rawClient(port: number, identity = gateway) {
  const client = new Client(`127.0.0.1:${port}`, new MutualTlsChannelCredentials(identity.current(), SERVER), {
    "grpc.use_local_subchannel_pool": 1,
  });
  const same = (bytes: Buffer) => bytes;
  return {
    call(path: string, request: Buffer, headers: readonly (readonly [string, string])[] = []): Promise<RawAnswer> {
      const metadata = new Metadata();
      for (const [key, value] of headers) metadata.add(key, value);
      return new Promise((resolve) => {
        client.makeUnaryRequest(path, same, same, request, metadata, (error: ServiceError | null) => {
          const code = error?.metadata.get("error-code")[0];
          resolve({ status: error?.code ?? 0, code: error ? code?.toString() : "OK" });
        });
      });
    },
    close: () => client.close(),
  };
}
